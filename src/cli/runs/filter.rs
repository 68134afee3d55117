//! Which runs a command means.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::catalog::{Catalog, NotFound};
use crate::cli::exit::Result;
use crate::cli::store::StorePlace;
use crate::diagnostic::nearest;
use crate::store::{RunFilter, RunId, RunState, Store};

#[derive(clap::Args)]
pub struct FilterArgs {
    /// Only runs of this recipe: its name in linecook.yaml, or its file
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<String>,
    /// Only runs that stand so; may be given several times
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states())]
    pub state: Vec<RunState>,
    /// Only runs whose record has this in it, such as the id of a customer
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,
    /// Only runs that this event started, such as stax.customer_created
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Only runs since then: 2h, 3d, 2026-03-02 or 2026-03-02T09:00
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs until then
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

fn states() -> impl TypedValueParser<Value = RunState> {
    PossibleValuesParser::new(RunState::ALL.map(RunState::word)).map(|word| {
        let state = RunState::ALL.into_iter().find(|state| state.word() == word);
        state.expect("only words of states are possible")
    })
}

/// A run as people write it: `run-12` or `12`.
pub fn run_id(text: &str) -> std::result::Result<RunId, String> {
    text.parse()
}

impl FilterArgs {
    pub fn is_empty(&self) -> bool {
        let texts = [&self.recipe, &self.key, &self.event, &self.since, &self.until];
        self.state.is_empty() && texts.iter().all(|text| text.is_none())
    }

    /// For the store; `limit` runs at most.
    pub fn read(&self, place: &StorePlace, limit: usize) -> Result<RunFilter> {
        Ok(RunFilter {
            installation: self.recipe.clone(),
            states: self.state.clone(),
            record: self.key.clone(),
            event: self.event.clone(),
            since: place.time("--since", self.since.as_deref())?,
            until: place.time("--until", self.until.as_deref())?,
            limit,
            ..RunFilter::default()
        })
    }

    /// Why nothing fits, as far as that can be told: a name that nobody knows.
    pub async fn why_nothing(&self, store: &Store) -> Result<Option<String>> {
        if let Some(recipe) = &self.recipe {
            let known = store.installations().await?;
            if !known.iter().any(|(name, file)| name == recipe || file == recipe) {
                let names = known.iter().map(|(name, _)| name.as_str());
                return Ok(Some(match nearest(recipe, names.clone()) {
                    Some(near) => format!("no recipe `{recipe}` ever ran; did you mean `{near}`?"),
                    None => {
                        let names: Vec<&str> = names.collect();
                        format!("no recipe `{recipe}` ever ran; there are {}", names.join(", "))
                    }
                }));
            }
        }
        Ok(self.event.as_deref().and_then(unknown_event))
    }
}

/// What to say of the name of an event that nobody knows.
fn unknown_event(name: &str) -> Option<String> {
    let near = match Catalog::embedded().event(name) {
        Ok(_) => return None,
        Err(NotFound::Wire(names) | NotFound::Ambiguous(names)) => names.into_iter().next()?,
        Err(NotFound::Unknown { near }) => near?,
    };
    Some(format!("no event is called `{name}`; did you mean `{near}`?"))
}
