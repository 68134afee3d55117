//! The recipes of a project: where each stands, in words and as JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::plural;
use super::runs::{minute, table};

/// One recipe as it is installed.
#[derive(Clone, Debug)]
pub struct RecipeSummary {
    pub name: String,
    pub file: String,
    /// `sandbox`, `live`, `review`, `paused` or `off`.
    pub stage: &'static str,
    /// Why it is paused.
    pub why: Option<String>,
    pub live_at: Option<Timestamp>,
    /// Runs that wait until it is live.
    pub waiting: u64,
    /// Its limits: key, what it has done of that in 24 hours, and how much it may.
    pub limits: Vec<(&'static str, u64, u64)>,
}

/// Recipes as a list shows them.
pub struct RecipeList<'a> {
    pub recipes: &'a [RecipeSummary],
    pub zone: &'a TimeZone,
}

impl RecipeSummary {
    /// Why it does not run, and what waits for it.
    pub fn words(&self) -> String {
        let mut words = match self.stage {
            "sandbox" => vec!["nothing is sent".to_owned()],
            "review" => vec!["it has changed since it went live".to_owned()],
            _ => self.why.iter().cloned().collect(),
        };
        if self.waiting > 0 {
            let waiting = usize::try_from(self.waiting).unwrap_or(usize::MAX);
            let verb = if waiting == 1 { "waits" } else { "wait" };
            words.push(format!("{} {verb}", plural(waiting, "run")));
        }
        words.join("; ")
    }

    fn limits(&self) -> String {
        let limits = self.limits.iter();
        let words = limits.map(|(key, used, limit)| format!("{key} {used} of {limit}"));
        words.collect::<Vec<_>>().join(", ")
    }

    fn next_step(&self) -> Option<String> {
        let name = &self.name;
        match self.stage {
            "sandbox" => {
                Some(format!("`linecook go-live {name}` lets it change the real accounts"))
            }
            "review" => Some(format!("`linecook go-live {name}` lets it go on as it is now")),
            "paused" => Some(format!("`linecook go-live {name}` lets it go on")),
            _ => None,
        }
    }

    fn json(&self) -> Value {
        let limits = self
            .limits
            .iter()
            .map(|(key, used, limit)| ((*key).to_owned(), json!({ "used": used, "limit": limit })));
        json!({
            "name": self.name, "recipe": self.file, "stage": self.stage, "why": self.why,
            "live_at": self.live_at, "waiting_runs": self.waiting, "limits": limits.collect::<Value>(),
        })
    }
}

impl RecipeList<'_> {
    pub fn text(&self, width: Option<u16>) -> String {
        if self.recipes.is_empty() {
            return "linecook.yaml installs no recipe.\n".to_owned();
        }
        let mut table = table(&["recipe", "stage", "live since", "in 24 hours", ""], width);
        for recipe in self.recipes {
            table.add_row([
                recipe.name.clone(),
                recipe.stage.to_owned(),
                recipe.live_at.map_or_else(|| "–".to_owned(), |at| minute(at, self.zone)),
                recipe.limits(),
                recipe.words(),
            ]);
        }
        let mut text = format!("{}\n", table.trim_fmt());
        let steps: Vec<String> = self.recipes.iter().filter_map(RecipeSummary::next_step).collect();
        if !steps.is_empty() {
            text.push_str(&format!("\n{}\n", steps.join("\n")));
        }
        text
    }

    pub fn json(&self) -> Value {
        json!({
            "format_version": 1,
            "recipes": self.recipes.iter().map(RecipeSummary::json).collect::<Vec<_>>(),
        })
    }
}
