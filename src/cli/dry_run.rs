//! `linecook dry-run`: every request that would go out.
//!
//! An example says what is there: its calls are answered by the sandbox, with that. For any other event
//! nobody knows, and they are answered with the examples of the catalog.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;

use super::exit::{CommandError, Exit, Result};
use super::live::LiveProject;
use super::live_links::RunLinks;
use super::options::{Format, RecipeArgs, colour};
use super::prepare::{Prepared, prepare};
use super::print;
use super::runtime::runtime;
use super::target::{Target, TargetArgs, furnish};
use crate::call::{CallError, Caller, Request, Response};
use crate::catalog::Catalog;
use crate::connection::Credentials;
use crate::execute::{
    Care, DryEngine, Imagined, ReadingEngine, RehearsingEngine, Setup, VirtualClock, drive,
};
use crate::http::HttpCaller;
use crate::journal::{History, Outcome};
use crate::plan::Accounts;
use crate::recipe::{Example, Given};
use crate::report::{AnswersFrom, DryRun};
use crate::sandbox::{InProcess, World};

/// How long one answer is waited for.
const ONE_ANSWER: Duration = Duration::from_secs(30);

/// What is shown where no account is named.
const NO_LOCATION: &str = "[location of the connection]";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    recipe: RecipeArgs,
    /// Look into the real accounts, and show what would change there; nothing is written
    #[arg(long)]
    read: bool,
    /// With --read: over all records that `linecook sync` would take
    #[arg(long, requires = "read", conflicts_with = "event")]
    all: bool,
    #[command(flatten)]
    to: TargetArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    if args.all {
        return super::sync::plan(&args.recipe.recipe, args.format);
    }
    let Some(prepared) = prepare(&args.recipe)? else {
        return Ok(Exit::Problems);
    };
    let (answers_from, (history, outcome)) = match (args.read, &prepared.example) {
        (true, _) => (AnswersFrom::Apps, runtime()?.block_on(read(args, &prepared))?),
        (false, Some(example)) => {
            let links = links_of_project(args, &prepared);
            let rehearsed = rehearse(location(args), links, &prepared, example);
            (AnswersFrom::Sandbox, runtime()?.block_on(rehearsed))
        }
        (false, None) => (AnswersFrom::Catalog, runtime()?.block_on(imagine(args, &prepared))),
    };
    let answers = prepared.answers();
    let dry_run = report(&prepared, &history, &outcome, &answers, answers_from);
    match args.format {
        Format::Text => print::text(dry_run.text()),
        Format::Json => print::line(dry_run.json()),
    }
    Ok(match outcome {
        Outcome::Failed(_) => Exit::Problems,
        _ => Exit::Good,
    })
}

/// Everything that the example of a recipe would send, as a person reads it.
pub fn of_example(prepared: &Prepared, example: &Example) -> Result<String> {
    let links = Imagined::over(RunLinks::InMemory(prepared.links()));
    let (history, outcome) = runtime()?.block_on(rehearse(NO_LOCATION, links, prepared, example));
    let answers = prepared.answers();
    Ok(report(prepared, &history, &outcome, &answers, AnswersFrom::Sandbox).text())
}

fn report<'a>(
    prepared: &'a Prepared,
    history: &'a History,
    outcome: &'a Outcome,
    answers: &'a IndexMap<String, String>,
    answers_from: AnswersFrom,
) -> DryRun<'a> {
    DryRun {
        catalog: Catalog::embedded(),
        plan: &prepared.plan,
        history,
        outcome,
        event: prepared.event.event.name(),
        from: prepared.from.clone(),
        event_known: prepared.event.event.payload.fields.is_some(),
        now: prepared.now.to_string(),
        answers,
        file: &prepared.file,
        answers_from,
        colour: colour(),
    }
}

/// Everything that would be sent, with the catalog's examples for what the apps would answer.
async fn imagine(args: &Args, prepared: &Prepared) -> (History, Outcome) {
    let setup = setup(prepared, accounts(location(args)), Care::default(), Duration::ZERO);
    let mut engine = dry_engine(links_of_project(args, prepared), prepared);
    let outcome = drive(&prepared.plan, &prepared.event, &setup, &mut engine).await;
    (engine.into_history(), outcome)
}

/// Everything that an example would send, answered by the sandbox with what the example says is there.
/// What goes wrong in it is left out: nobody wants to read each call as often as it is tried.
async fn rehearse(
    location: &str,
    links: Imagined<RunLinks>,
    prepared: &Prepared,
    example: &Example,
) -> (History, Outcome) {
    let setup = setup(prepared, accounts(location), Care::default(), Duration::ZERO);
    let mut world = World::new(Catalog::embedded());
    world.set_now(prepared.now);
    world.set_rate_limit(false);
    let given = example.given.clone().map(|given| Given { failures: Vec::new(), ..given });
    furnish(&mut world, given.as_ref(), &prepared.event);
    let clock = VirtualClock::at(prepared.now);
    let caller =
        Pretended { apps: InProcess::at(world, clock.clone()), location: location.to_owned() };
    let mut engine = RehearsingEngine::new(caller, clock, dry_engine(links, prepared));
    let outcome = drive(&prepared.plan, &prepared.event, &setup, &mut engine).await;
    (engine.into_history(), outcome)
}

/// The sandbox, whose only account goes by the name that is shown.
struct Pretended {
    apps: InProcess,
    location: String,
}

impl Caller for Pretended {
    async fn call(&self, request: &Request) -> std::result::Result<Response, CallError> {
        let own = |value: &mut String| {
            if *value == self.location {
                *value = World::location_id().to_owned();
            }
        };
        let mut request = request.clone();
        request.path.iter_mut().for_each(own);
        request.query.iter_mut().for_each(|(_, value)| own(value));
        for value in request.body.iter_mut().filter_map(Value::as_object_mut).flatten() {
            if let (_, Value::String(value)) = value {
                own(value);
            }
        }
        self.apps.call(&request).await
    }
}

fn location(args: &Args) -> &str {
    args.recipe.location.as_deref().unwrap_or(NO_LOCATION)
}

fn accounts(location: &str) -> Accounts {
    Accounts::of_catalog(Catalog::embedded(), location)
}

fn dry_engine(links: Imagined<RunLinks>, prepared: &Prepared) -> DryEngine<Imagined<RunLinks>> {
    DryEngine::new(Catalog::embedded(), prepared.now)
        .with_links(links)
        .with_answers(prepared.answers())
        .with_last_seen(prepared.last_seen())
}

/// Those that the example says; for an event of one's own those of the project, as far as there is one.
fn links_of_project(args: &Args, prepared: &Prepared) -> Imagined<RunLinks> {
    let of_project = || {
        let project = LiveProject::of(&args.recipe.recipe, BTreeMap::new()).ok()?;
        project.links(&BTreeMap::new(), [])
    };
    Imagined::over(match prepared.example.is_none().then(of_project).flatten() {
        Some(of_project) => RunLinks::OfProject(of_project),
        None => RunLinks::InMemory(prepared.links()),
    })
}

/// What would change: the apps are asked, and nothing is written.
async fn read(args: &Args, prepared: &Prepared) -> Result<(History, Outcome)> {
    let is_live = args.to.base_url.is_empty();
    let target = Target::new(&args.recipe, &args.to, is_live, prepared).await?;
    let caller = HttpCaller::new(ONE_ANSWER, target.credentials.clone()).map_err(|e| {
        CommandError::environment(format!("no calls can be made: {e}"), "check the network")
    })?;
    let caller = caller.through(&target.connections).guarded(target.guard.clone());
    let care = Care { compare: true, verify: false, ..target.care };
    let (plan, settings) = target.plan(prepared)?;
    let accounts = target.accounts.clone();
    let setup = Setup { settings, ..setup(prepared, accounts, care, ONE_ANSWER) };
    let links = match &target.links {
        Some(of_project) => RunLinks::OfProject(of_project.clone()),
        None => RunLinks::InMemory(prepared.links()),
    };
    let mut engine = ReadingEngine::new(caller, Catalog::embedded(), prepared.now)
        .with_links(Imagined::over(links))
        .with_answers(prepared.answers())
        .with_last_seen(prepared.last_seen());
    let outcome = drive(&plan, &prepared.event, &setup, &mut engine).await;
    target.credentials.settled().await;
    Ok((engine.into_history(), outcome))
}

fn setup(prepared: &Prepared, accounts: Accounts, care: Care, settle_after: Duration) -> Setup {
    Setup {
        catalog: Catalog::embedded(),
        run_id: "dry-run".into(),
        settings: prepared.settings.clone(),
        accounts: accounts.into(),
        detail: crate::plan::Detail::ToShow,
        defaults: prepared.defaults.clone(),
        locks: Default::default(),
        own_writes: Default::default(),
        chain: 0,
        care,
        settle_after,
    }
}
