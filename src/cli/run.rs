//! `linecook run`: a recipe, step by step, against the built-in sandbox or a server that is named.

use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;

use super::exit::{CommandError, Exit, Result};
use super::live_links::RunLinks;
use super::options::{RecipeArgs, colour};
use super::prepare::prepare;
use super::print;
use super::runtime::runtime;
use super::target::{Target, TargetArgs};
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::connection::Credentials;
use crate::execute::{LocalEngine, Setup, drive};
use crate::http::HttpCaller;
use crate::journal::{Entry, Outcome};
use crate::report::{run_ending, run_json, run_line};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    recipe: RecipeArgs,
    #[command(flatten)]
    to: TargetArgs,
    /// Reach the real accounts: this changes real data
    #[arg(long)]
    live: bool,
    /// How long to go on when calls have to be tried again, and the longest `wait` that is waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// How long to wait for one answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result {
    let Some(prepared) = prepare(&args.recipe)? else {
        return Ok(Exit::Problems);
    };
    // An example is made up: it has no place among real people.
    if args.live && args.recipe.event.event.is_none() {
        return Err(CommandError::usage(
            "--live needs a real event: the examples would write made-up people into real accounts",
            "name the event with --event FILE",
        ));
    }
    runtime()?.block_on(async {
        let target = Target::new(&args.recipe, &args.to, args.live, &prepared).await?;
        let (plan, settings) = target.plan(&prepared)?;
        let timeout = Duration::from_secs(args.timeout.max(1));
        let setup = Setup {
            catalog: Catalog::embedded(),
            run_id: format!("run-{:x}", Timestamp::now().as_nanosecond()),
            settings,
            accounts: target.accounts.clone().into(),
            detail: crate::plan::Detail::ToShow,
            defaults: prepared.defaults.clone(),
            locks: Default::default(),
            own_writes: Default::default(),
            chain: 0,
            care: target.care,
            settle_after: timeout + Duration::from_secs(1),
        };
        let caller = HttpCaller::new(timeout, target.credentials.clone()).map_err(|e| {
            CommandError::environment(format!("no calls can be made: {e}"), "check the network")
        })?;
        let caller = caller.through(&target.connections).guarded(target.guard.clone());
        let text = args.format == Format::Text;
        if text {
            print::line(&prepared.plan.recipe.name);
            print::line(format_args!(
                "event {} from {}, {}",
                prepared.event.event.name(),
                prepared.from,
                target.words
            ));
        }
        let mut pending = None;
        let watch = |entry: &Entry| {
            if let (Entry::Waits { until, .. }, Some(sandbox)) = (entry, &target.sandbox) {
                // The pretended apps live in the same time.
                sandbox.world().set_now(*until);
            }
            if let Some(line) = run_line(entry, &mut pending).filter(|_| text) {
                print::line(line);
            }
        };
        let patience = Duration::from_secs(args.patience);
        let clock = match target.is_sandbox {
            true => SystemClock::sandbox(prepared.now),
            false => SystemClock::real(),
        };
        let links = match &target.links {
            Some(of_project) => RunLinks::OfProject(of_project.clone()),
            None => RunLinks::InMemory(prepared.links()),
        };
        let mut engine = LocalEngine::new(caller, clock, patience, watch)
            .with_answers(prepared.answers())
            .with_links(links)
            .with_last_seen(prepared.last_seen());
        let outcome = drive(&plan, &prepared.event, &setup, &mut engine).await;
        target.credentials.settled().await;
        let history = engine.into_history();
        match args.format {
            Format::Text => {
                print::line(run_ending(&outcome, &history, &prepared.file, colour()));
            }
            Format::Json => print::line(run_json(&outcome, &history)),
        }
        Ok(match outcome {
            Outcome::Done | Outcome::Stopped { .. } => Exit::Good,
            _ => Exit::Problems,
        })
    })
}
