//! Recipe → Checked: a recipe and the catalog come in; the proof that it is good goes out, or
//! everything that is wrong with it. One file per rule. In the same way a project file becomes a project.

mod changed;
mod checked;
mod checked_trigger;
mod custom_fields;
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
mod picked;
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

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::{App, Catalog, Field};
use crate::diagnostic::Sink;
use crate::project::Surroundings;
use crate::recipe::{Recipe, RecipeFile};
use crate::snapshot::Snapshot;
use crate::source::Route;
use crate::template::Template;

pub use checked::{
    Action, Checked, CheckedCall, CheckedHold, CheckedLink, CheckedPatch, CheckedRecipe,
    CheckedSetting, CheckedStep, CheckedUse, CheckedWait, Content, Each, EventFields, Finds, Input,
    Inside, LinkedRecord, Mapping, NamedField, NamedFields, NamedId, Place, RetryPolicy, SafeWrite,
    Search, TagChange, UsedSetting, Which,
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
/// comes back only when there is no error. `near` is what the recipe's project gives to it, with the
/// snapshots of the accounts that the recipe works with; of an app of which there is none the examples say
/// what is there.
pub fn recipe(
    file: &RecipeFile,
    catalog: &Catalog,
    near: &Surroundings,
    read_file: ReadFile<'_>,
    sink: &mut Sink,
) -> Option<Checked> {
    let recipe = &file.recipe;
    let filters = &near.filters;
    let mut known = Known { kinds: catalog.kinds().into(), ..Known::nothing(filters.clone()) };
    known.snapshots = Arc::new(near.snapshots.or_given(&given(recipe, catalog)));
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
    let custom_fields = checker.custom_fields_read();
    if sink.has_errors() {
        return None;
    }
    Some(Checked(CheckedRecipe {
        name: recipe.name.clone(),
        trigger: CheckedTrigger { custom_fields, ..trigger? },
        settings,
        steps,
        filters,
    }))
}

/// What the examples of a recipe say is there in accounts, by app.
pub fn given(recipe: &Recipe, catalog: &Catalog) -> BTreeMap<String, Snapshot> {
    let given = recipe.examples.iter().flat_map(|example| &example.given);
    let records: Vec<_> = given.flat_map(|given| &given.records).collect();
    let of_app = |app: &App| {
        let snapshot = Snapshot::of_given(app, catalog, records.iter().copied())?;
        Some((app.app.clone(), snapshot))
    };
    catalog.apps().iter().filter_map(of_app).collect()
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
