//! A recipe in the making → one that checks clean, whose examples pass. What we proposed and what turns out to
//! be wrong is left out; what a person said is theirs to mend.

use std::path::Path;
use std::sync::Arc;

use super::super::dry_run;
use super::super::exit::{CommandError, Result};
use super::super::load::{Against, Loaded, load_source};
use super::super::prepare::prepare_example;
use super::super::project::Near;
use super::super::runtime::runtime;
use super::super::test::play;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::execute::{compare, expected};
use crate::journal::Outcome;
use crate::plan::{self, Plan};
use crate::recipe::{Example, ExampleEvent, Expect, ExpectedOutcome, Recipe};
use crate::report::FileDiagnostics;
use crate::source::{Route, Source};
use crate::suggest::Draft;

/// How often something is left out before we give up.
const MAX_ROUNDS: usize = 30;

/// What came of it.
pub enum Proof {
    Good {
        text: String,
        /// What would be sent.
        dry_run: String,
        recipe: Box<Recipe>,
        plan: Box<Plan>,
    },
    /// It checks clean, but its example fails: what would be sent, and the field that it is about.
    Fails { dry_run: String, field: Option<String> },
    /// It does not check clean: what to say of it, and the fields that it is about.
    Wrong(Box<FileDiagnostics>, Vec<String>),
}

/// Makes the text of a draft, checks it, and plays its examples.
pub fn prove(draft: &mut Draft<'_>, path: &Path, near: &Arc<Near>) -> Result<Proof> {
    for _ in 0..MAX_ROUNDS {
        let mut examples = draft.examples();
        let loaded = load(path, &draft.text(&examples), near);
        let Some(checked) = loaded.checked else {
            let fields = fields_of(&loaded.diagnostics.found);
            if give_up(draft, &fields) {
                continue;
            }
            return Ok(Proof::Wrong(Box::new(loaded.diagnostics), fields));
        };
        let plan = plan::recipe(checked);
        let failed = fill_in(&plan, &mut examples, near)?;
        if let Some(Some(field)) = &failed
            && draft.give_up(field)
        {
            continue;
        }
        let text = draft.text(&examples);
        let loaded = load(path, &text, near);
        let Some(recipe) = loaded.file.as_ref().map(|file| file.recipe.clone()) else {
            return Ok(Proof::Wrong(Box::new(loaded.diagnostics), Vec::new()));
        };
        if loaded.checked.is_none() {
            let fields = fields_of(&loaded.diagnostics.found);
            return Ok(Proof::Wrong(Box::new(loaded.diagnostics), fields));
        }
        let dry_run = match prepare_example(loaded, 0)? {
            Some(prepared) => match &prepared.example {
                Some(example) => dry_run::of_example(&prepared, example)?,
                None => String::new(),
            },
            None => String::new(),
        };
        return Ok(match failed {
            None => {
                let (recipe, plan) = (Box::new(recipe), Box::new(plan));
                Proof::Good { text, dry_run, recipe, plan }
            }
            Some(field) => Proof::Fails { dry_run, field },
        });
    }
    Err(CommandError::environment(
        "nothing that checks clean could be made of this",
        "report it: this is a bug",
    ))
}

fn load(path: &Path, text: &str, near: &Arc<Near>) -> Loaded {
    let source = Source::new(path.display().to_string(), text);
    let read_file = |name: &str| super::super::load::read_beside(path, name);
    load_source(path, source, near.clone(), Against::Accounts, &read_file)
}

/// The fields of the call that something is wrong with, each once.
fn fields_of(found: &[Diagnostic]) -> Vec<String> {
    let mut fields = Vec::new();
    for diagnostic in found.iter().filter(|d| d.severity == Severity::Error) {
        let (Place::Key(route) | Place::Value(route) | Place::Inside(route, _)) = &diagnostic.place
        else {
            continue;
        };
        let parts: Vec<String> = parts(route);
        if let [steps, _, with, field, ..] = &parts[..]
            && steps == "steps"
            && with == "with"
            && !fields.contains(field)
        {
            fields.push(field.clone());
        }
    }
    fields
}

fn parts(route: &Route) -> Vec<String> {
    let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
    route.pointer().split('/').skip(1).map(part).collect()
}

fn give_up(draft: &mut Draft<'_>, fields: &[String]) -> bool {
    // All of them, and not only the first.
    fields.iter().filter(|field| draft.give_up(field)).count() > 0
}

/// Plays the examples, and writes into the first what it sends; those that come out otherwise are left out.
/// Where the first fails: the field that it is about, as far as one is known.
fn fill_in(
    plan: &Plan,
    examples: &mut Vec<Example>,
    near: &Arc<Near>,
) -> Result<Option<Option<String>>> {
    let catalog = Catalog::embedded();
    let defaults = &near.surroundings.defaults;
    let runtime = runtime()?;
    let at = Route::root().key("examples");
    let mut failed = None;
    let mut good = Vec::new();
    for (index, mut example) in std::mem::take(examples).into_iter().enumerate() {
        let payload = match &example.event {
            Some(ExampleEvent::Inline(payload)) => Some(payload.clone()),
            _ => None,
        };
        let played = runtime.block_on(play(plan, &example, payload, defaults));
        let (outcome, history) = played.map_err(|(problem, instead)| {
            CommandError::usage(format!("the example cannot be played: {problem}"), instead)
        })?;
        if index == 0 {
            if let Outcome::Failed(error) = &outcome {
                failed = Some(error.field.clone());
            }
            let ends = [ExpectedOutcome::Stopped, ExpectedOutcome::Held, ExpectedOutcome::Failed];
            example.expect = Some(Expect {
                calls: Some(expected(&history, catalog)),
                outcome: ends.into_iter().find(|end| outcome.is(*end)),
                links: None,
            });
        }
        let differs = |example: &Example| {
            !compare(catalog, example, &at.item(index), &outcome, &history, defaults).is_empty()
        };
        if index == 0 && differs(&example) {
            // A value that is never the same twice is not expected.
            let calls = example.expect.as_mut().and_then(|expect| expect.calls.as_mut());
            calls.into_iter().flatten().for_each(|call| call.with.clear());
        }
        if !differs(&example) {
            good.push(example);
        }
    }
    *examples = good;
    Ok(failed)
}
