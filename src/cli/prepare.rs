//! A recipe and the options of a command → everything a run needs.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::event::{event_type, example_payload};
use super::exit::{CommandError, Result};
use super::load::{Loaded, load};
use super::options::{RecipeArgs, colour};
use super::print;
use super::test::{USUAL_NOW, snapshots_of};
use crate::catalog::Catalog;
use crate::diagnostic::Severity;
use crate::execute::{self, MemoryLinks, TriggerEvent, written_links};
use crate::journal::LastSeen;
use crate::plan::{self, Plan};
use crate::recipe::{Example, Given, RecipeFile};
use crate::snapshot::Snapshots;
use crate::value::{Defaults, Kind};

/// A recipe that is ready to run, with its event.
pub struct Prepared {
    pub plan: Plan,
    pub file: RecipeFile,
    pub event: TriggerEvent,
    /// Where the event came from, in words.
    pub from: String,
    /// The example that the event belongs to: what it gives is there in the sandbox too.
    pub example: Option<Example>,
    pub now: Timestamp,
    pub settings: Map<String, Value>,
    pub defaults: Arc<Defaults>,
    /// As they were filled in, before what is picked by its name was looked up.
    filled_in: Map<String, Value>,
    /// What is known of the accounts that it works with in its project.
    pub snapshots: Snapshots,
}

impl Prepared {
    /// The settings as these accounts know what was picked.
    pub fn settings_for(&self, accounts: &Snapshots) -> Result<Map<String, Value>> {
        settings(&self.plan, &self.filled_in, accounts)
    }

    /// The links that the example says are there.
    pub fn links(&self) -> MemoryLinks {
        given_links(self.given())
    }

    /// How the record looked before, as the example says.
    pub fn last_seen(&self) -> Option<LastSeen> {
        given_last_seen(self.given())
    }

    fn given(&self) -> Option<&Given> {
        self.example.as_ref().and_then(|example| example.given.as_ref())
    }

    /// What the example says that a person answers.
    pub fn answers(&self) -> IndexMap<String, String> {
        self.given().map(|given| given.answers.clone()).unwrap_or_default()
    }
}

/// The links that are there before a run.
pub fn given_links(given: Option<&Given>) -> MemoryLinks {
    given.into_iter().flat_map(|given| written_links(&given.links)).collect()
}

/// How the trigger's record looked before a run; none on first sight.
pub fn given_last_seen(given: Option<&Given>) -> Option<LastSeen> {
    let fields = given?.seen.clone()?;
    Some(LastSeen { fields, owed: false })
}

/// Loads, checks and completes a recipe. `None` when it has errors, which have been printed then.
pub fn prepare(args: &RecipeArgs) -> Result<Option<Prepared>> {
    let loaded = load(&args.recipe);
    if loaded.near.say_problems() {
        return Ok(None);
    }
    let defaults = args.defaults.read(&loaded.near.surroundings.defaults)?;
    let (Some(checked), Some(file)) = (loaded.checked, loaded.file) else {
        let mut diagnostics = loaded.diagnostics;
        diagnostics.found.retain(|d| d.severity == Severity::Error);
        print::talk(format_args!("{}\n", diagnostics.text(colour()).trim_end()));
        print::talk("The recipe has errors: nothing was run.");
        return Ok(None);
    };
    let plan = plan::recipe(checked);
    let chosen = args.event.choose(&args.recipe, &file, &plan, &defaults)?;
    let mut given = chosen.example.map(|e| e.settings.clone()).unwrap_or_default();
    let mut set = Map::new();
    for (name, (value, written)) in args.settings.read()? {
        let is_text = plan.recipe.settings.get(&name).is_some_and(|s| s.field.kind == Kind::String);
        // What is given for a text is its text: 12345, yes, 1.10.
        set.insert(name, if is_text && !value.is_null() { written.into() } else { value });
    }
    given.extend(set.clone());
    // What a person sets is in the account; what an example picks, its author may have made up.
    let known = match chosen.example {
        Some(example)
            if !plan
                .recipe
                .settings
                .iter()
                .any(|(name, setting)| setting.pick.is_some() && set.contains_key(name)) =>
        {
            snapshots_of(example, Catalog::embedded())
        }
        _ => loaded.snapshots.clone(),
    };
    let settings = settings(&plan, &given, &known)?;
    let example = chosen.example.cloned();
    let (event, from, now) = (chosen.event, chosen.from, chosen.now);
    let snapshots = loaded.snapshots;
    Ok(Some(Prepared {
        plan,
        event,
        from,
        example,
        now,
        settings,
        defaults,
        file,
        filled_in: given,
        snapshots,
    }))
}

/// An example of a recipe that has been checked, ready to run. `None` where the recipe has errors, or no such
/// example.
pub fn prepare_example(loaded: Loaded, index: usize) -> Result<Option<Prepared>> {
    let (Some(checked), Some(file)) = (loaded.checked, loaded.file) else { return Ok(None) };
    let Some(example) = file.recipe.examples.get(index).cloned() else { return Ok(None) };
    let plan = plan::recipe(checked);
    let payload = example_payload(&loaded.path, &example)?;
    let event = event_type(&plan, example.on.as_deref(), payload.as_ref())?;
    let now = example.now.as_deref().unwrap_or(USUAL_NOW);
    let now = now.parse().expect("`check` has read the times of examples");
    let defaults = loaded.near.surroundings.defaults.clone();
    let usual = || plan.recipe.trigger.usual_payload(&event, now, &defaults.timezone);
    let payload = payload.unwrap_or_else(usual);
    let from = format!("the example `{}`", example.name);
    let known = snapshots_of(&example, Catalog::embedded());
    let settings = settings(&plan, &example.settings, &known)?;
    let event = TriggerEvent { id: "event-1".into(), received_at: now, event, payload };
    let (filled_in, snapshots) = (example.settings.clone(), loaded.snapshots);
    let example = Some(example);
    Ok(Some(Prepared {
        plan,
        event,
        from,
        example,
        now,
        settings,
        defaults,
        file,
        filled_in,
        snapshots,
    }))
}

fn settings(
    plan: &Plan,
    given: &Map<String, Value>,
    known: &Snapshots,
) -> Result<Map<String, Value>> {
    execute::settings(plan, given, known).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|e| format!("`{}` {}; {}", e.name, e.error.problem, e.error.instead))
            .collect();
        CommandError::usage(
            format!("the settings do not fit the recipe\n  {}", lines.join("\n  ")),
            "correct them with --set name=value, or in the file of --settings",
        )
    })
}
