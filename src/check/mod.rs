//! Recipe → Checked: a recipe and the catalog come in; the proof that it is good goes out, or
//! everything that is wrong with it. One file per rule. In the same way a project file becomes a project.

mod changed;
mod checked;
mod checked_trigger;
mod examples;
mod fields;
mod filled;
mod filters;
mod hold;
mod infer;
mod known;
mod links;
mod narrow;
mod needs;
mod operators;
mod permitted;
mod poll;
mod project;
mod results;
mod retry;
mod safe;
mod schedule;
mod search;
mod settings;
mod steps;
mod template;
mod trigger;
mod used;
mod wait;

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::{Catalog, Field};
use crate::diagnostic::Sink;
use crate::recipe::RecipeFile;
use crate::source::Route;
use crate::template::{OwnFilters, Template};

pub use checked::{
    Action, Checked, CheckedCall, CheckedHold, CheckedLink, CheckedPatch, CheckedRecipe,
    CheckedSetting, CheckedStep, CheckedUse, CheckedWait, Content, Each, Finds, Input, Inside,
    LinkedRecord, Mapping, Place, RetryPolicy, SafeWrite, Search, TagChange, UsedSetting,
};
pub use checked_trigger::{
    CheckedChanged, CheckedTrigger, Often, Poll, Schedule, Times, TriggerKind,
};

pub use filled::{SettingError, SettingProblem, filled_settings};
pub use needs::{ConnectionNeed, Need, Needed, Why, needed_scopes, needs};
pub use permitted::permitted;
pub use project::{InstalledRecipe, project, surroundings};

use known::Known;
use used::Within;

/// Reads a file that a recipe names, relative to the recipe: its text, or why there is none.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Checks everything that can be checked without running: every problem goes into the sink. The proof
/// comes back only when there is no error. `filters` are those of the recipe's project.
pub fn recipe(
    file: &RecipeFile,
    catalog: &Catalog,
    filters: &Arc<OwnFilters>,
    read_file: ReadFile<'_>,
    sink: &mut Sink,
) -> Option<Checked> {
    let recipe = &file.recipe;
    let known = Known { kinds: catalog.kinds().into(), ..Known::nothing(filters.clone()) };
    let mut checker = Checker {
        file,
        catalog,
        sink,
        known,
        read_file,
        last_type: None,
        set_types: HashMap::new(),
        used_types: IndexMap::new(),
        within: Within::recipe(&file.source),
    };
    let settings = checker.settings(&recipe.settings);
    let trigger = checker.trigger(&recipe.trigger);
    let steps = checker.steps(&recipe.steps, &Route::root().key("steps"));
    checker.unused_settings(&recipe.settings);
    checker.examples(&recipe.examples, trigger.as_ref(), &settings, &steps);
    let used = checker.known.filters_used.iter().map(String::as_str);
    let filters = Arc::new(filters.with_used(used));
    if sink.has_errors() {
        return None;
    }
    Some(Checked(CheckedRecipe {
        name: recipe.name.clone(),
        trigger: trigger?,
        settings,
        steps,
        filters,
    }))
}

/// What every rule works with.
struct Checker<'a> {
    file: &'a RecipeFile,
    catalog: &'a Catalog,
    sink: &'a mut Sink,
    known: Known,
    read_file: ReadFile<'a>,
    /// The type of the template that was checked last.
    last_type: Option<Field>,
    /// The types of what the last `set` names.
    set_types: HashMap<String, Field>,
    /// The types of what the last `use` gives.
    used_types: IndexMap<String, Field>,
    within: Within,
}

impl Checker<'_> {
    fn place(&self, route: &Route) -> Place {
        self.within.place(route, self.file.line(route))
    }

    fn condition(&mut self, written: &str, route: &Route) -> Option<(Place, Template)> {
        let (template, _) = template::expression(written, route, &mut self.known, self.sink)?;
        if let Some(span) = template.expressions().first().and_then(narrow::lone_text) {
            let shown = template.source().get(span.clone()).unwrap_or_default().to_owned();
            let place = crate::diagnostic::Place::Inside(route.clone(), span);
            self.sink.say(crate::diagnostic::always_holds(place, &shown));
        }
        Some((self.place(route), template))
    }
}
