//! `linecook dry-run`: every request that would go out.

use clap::ValueEnum;

use super::exit::{Exit, Result};
use super::options::{RecipeArgs, colour};
use super::prepare::{Prepared, prepare, runtime};
use super::print;
use crate::catalog::Catalog;
use crate::execute::{DryEngine, Setup, drive};
use crate::journal::Outcome;
use crate::plan::Accounts;
use crate::report::DryRun;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    recipe: RecipeArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result {
    let Some(prepared) = prepare(&args.recipe)? else {
        return Ok(Exit::Problems);
    };
    let answers = prepared.answers();
    let (links, last_seen) = (prepared.links(), prepared.last_seen());
    let Prepared { plan, file, event, from, now, settings, defaults, .. } = prepared;
    let catalog = Catalog::embedded();
    let location = args.recipe.location.as_deref().unwrap_or("[location of the connection]");
    let setup = Setup {
        catalog,
        run_id: "dry-run".into(),
        settings,
        accounts: Accounts::of_catalog(catalog, location),
        detail: crate::plan::Detail::ToShow,
        defaults,
        settle_after: std::time::Duration::ZERO,
    };
    let engine = DryEngine::new(catalog, now).with_answers(answers.clone());
    let mut engine = engine.with_memory(links, last_seen);
    let outcome = runtime()?.block_on(drive(&plan, &event, &setup, &mut engine));
    let history = engine.into_history();
    let dry_run = DryRun {
        catalog,
        plan: &plan,
        history: &history,
        outcome: &outcome,
        event: event.event.name(),
        from,
        event_known: event.event.payload.fields.is_some(),
        now: now.to_string(),
        answers: &answers,
        file: &file,
        colour: colour(),
    };
    match args.format {
        Format::Text => print::text(dry_run.text()),
        Format::Json => print::line(dry_run.json()),
    }
    Ok(match outcome {
        Outcome::Failed(_) => Exit::Problems,
        _ => Exit::Good,
    })
}
