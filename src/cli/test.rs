//! `linecook test`: the examples of recipes, run in the sandbox.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::event::{event_type, example_payload};
use super::exit::{Exit, Result};
use super::load::{Against, Loaded, load_all, recipe_paths};
use super::options::DefaultArgs;
use super::prepare::{given_last_seen, given_links};
use super::print;
use super::runtime::runtime;
use super::target::furnish;
use crate::catalog::{App, Catalog};
use crate::diagnostic::Severity;
use crate::execute::{
    self, LocalEngine, Mismatch, MismatchKind, Setup, TriggerEvent, VirtualClock, compare, drive,
};
use crate::journal::{History, Outcome, StepError, StepErrorKind};
use crate::plan::{self, Accounts, Plan};
use crate::recipe::Example;
use crate::report::{
    ExampleResult, RecipeExamples, examples_json, examples_junit, examples_text, totals,
};
use crate::sandbox::{InProcess, World};
use crate::snapshot::{Snapshot, Snapshots};
use crate::source::Route;

/// The time in examples that do not say what time it is.
pub const USUAL_NOW: &str = "2026-01-15T12:00:00Z";

#[derive(clap::Args)]
pub struct Args {
    /// Recipe files, or folders with recipes; the folder `recipes` without any
    paths: Vec<PathBuf>,
    #[command(flatten)]
    defaults: DefaultArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

pub fn run(args: &Args) -> Result {
    let loaded = load_all(&recipe_paths(&args.paths)?, Against::Examples, |loaded| loaded);
    let runtime = runtime()?;
    let wrong = loaded.iter().find(|loaded| !loaded.near.problems.is_empty());
    if wrong.is_some_and(|loaded| loaded.near.say_problems()) {
        return Ok(Exit::Problems);
    }
    let mut recipes = Vec::new();
    for loaded in loaded {
        let defaults = args.defaults.read(&loaded.near.surroundings.defaults)?;
        recipes.push(runtime.block_on(examples(loaded, &defaults)));
    }
    match args.format {
        Format::Text => print::text(examples_text(&recipes)),
        Format::Json => print::line(examples_json(&recipes)),
        Format::Junit => print::line(examples_junit(&recipes)),
    }
    match totals(&recipes) {
        (_, 0) => Ok(Exit::Good),
        _ => Ok(Exit::Problems),
    }
}

/// Runs the examples of a recipe that was loaded against them.
pub async fn examples(
    loaded: Loaded,
    defaults: &std::sync::Arc<crate::value::Defaults>,
) -> RecipeExamples {
    let file = loaded.path.display().to_string();
    let (Some(recipe), Some(checked)) = (&loaded.file, loaded.checked) else {
        let count = loaded.diagnostics.count(Severity::Error);
        let first = loaded.diagnostics.first_error().unwrap_or_default();
        let unusable = Some(match count {
            1 => format!("{first}; see `linecook check {file}`"),
            _ => format!("{first}, and more: see `linecook check {file}`"),
        });
        return RecipeExamples { file, examples: Vec::new(), unusable };
    };
    let plan = plan::recipe(checked);
    let mut results = Vec::new();
    for (index, example) in recipe.recipe.examples.iter().enumerate() {
        let at = Route::root().key("examples").item(index);
        let started = Instant::now();
        let mismatches = one(&loaded.path, &plan, example, &at, defaults).await;
        let mismatches = mismatches.into_iter().map(|m| (recipe.line(&m.place), m)).collect();
        let line = recipe.line(&at);
        results.push(ExampleResult {
            name: example.name.clone(),
            line,
            mismatches,
            took: started.elapsed(),
        });
    }
    RecipeExamples { file, examples: results, unusable: None }
}

async fn one(
    path: &std::path::Path,
    plan: &Plan,
    example: &Example,
    at: &Route,
    defaults: &std::sync::Arc<crate::value::Defaults>,
) -> Vec<Mismatch> {
    let played = match example_payload(path, example) {
        Ok(payload) => play(plan, example, payload, defaults).await,
        Err(error) => Err((error.text(), String::new())),
    };
    match played {
        Ok((outcome, history)) => {
            compare(Catalog::embedded(), example, at, &outcome, &history, defaults)
        }
        Err((message, instead)) => {
            let error = StepError {
                step: String::new(),
                place: Default::default(),
                kind: StepErrorKind::Data,
                field: None,
                message,
                instead,
                response: None,
                app: None,
            };
            let got = Outcome::Failed(Box::new(error));
            let kind = MismatchKind::Outcome { expected: "a run", got };
            vec![Mismatch { place: at.key("name"), kind }]
        }
    }
}

/// Runs an example in a sandbox of its own; why it cannot start and what to do, where it cannot.
pub async fn play(
    plan: &Plan,
    example: &Example,
    payload: Option<Map<String, Value>>,
    defaults: &std::sync::Arc<crate::value::Defaults>,
) -> std::result::Result<(Outcome, History), (String, String)> {
    let catalog = Catalog::embedded();
    let event = event_type(plan, example.on.as_deref(), payload.as_ref())
        .map_err(|error| (error.text(), String::new()))?;
    // What is picked by its name is there by that name; everything else is an id that the author made up.
    let there = snapshots_of(example, catalog);
    let settings = execute::settings(plan, &example.settings, &there).map_err(|errors| {
        let first = &errors[0];
        let message = format!("the setting `{}` {}", first.name, first.error.problem);
        (message, "add it to the example's `settings`".to_owned())
    })?;
    let now: Timestamp = example
        .now
        .as_deref()
        .unwrap_or(USUAL_NOW)
        .parse()
        .expect("`check` has read the times of examples");
    let usual = || plan.recipe.trigger.usual_payload(&event, now, &defaults.timezone);
    let payload = payload.unwrap_or_else(usual);
    let event = TriggerEvent { id: "event-1".into(), received_at: now, event, payload };
    let mut world = World::new(catalog);
    world.set_now(now);
    // Time stands still here: the tenth second never ends.
    world.set_rate_limit(false);
    furnish(&mut world, example.given.as_ref(), &event);
    let mut accounts = Accounts::of_catalog(catalog, World::location_id());
    for app in catalog.apps() {
        if let Some(connection) = accounts.get_mut(&app.app) {
            connection.base_url = format!("http://sandbox/{}", app.app);
        }
    }
    let setup = Setup {
        catalog,
        run_id: "example".into(),
        settings,
        accounts: accounts.into(),
        detail: crate::plan::Detail::ToShow,
        defaults: defaults.clone(),
        locks: Default::default(),
        own_writes: Default::default(),
        chain: 0,
        care: Default::default(),
        settle_after: Duration::from_secs(31),
    };
    let patience = Duration::from_secs(10 * 365 * 24 * 3600);
    let clock = VirtualClock::at(now);
    let caller = InProcess::at(world, clock.clone());
    let answers = example.given.as_ref().map(|g| g.answers.clone()).unwrap_or_default();
    let mut engine = LocalEngine::new(caller, clock, patience, |_| {})
        .with_answers(answers)
        .with_links(given_links(example.given.as_ref()))
        .with_last_seen(given_last_seen(example.given.as_ref()));
    let outcome = drive(plan, &event, &setup, &mut engine).await;
    Ok((outcome, engine.into_history()))
}

/// What an example says is there in the accounts, for the settings that pick from it.
pub fn snapshots_of(example: &Example, catalog: &Catalog) -> Snapshots {
    let records = example.given.iter().flat_map(|given| &given.records);
    let of_app = |app: &App| {
        let given = Snapshot::of_given(app, catalog, records.clone())?;
        Some((app.app.clone(), given))
    };
    let given = catalog.apps().iter().filter_map(of_app).collect();
    Snapshots::default().with_given(&given)
}
