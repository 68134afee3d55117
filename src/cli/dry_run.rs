//! `linecook dry-run`: every request that would go out.

use std::path::PathBuf;

use clap::ValueEnum;

use super::event::EventArgs;
use super::exit::{Exit, Result};
use super::options::{DefaultArgs, SettingArgs, colour};
use super::run::{Prepared, prepare, runtime};
use crate::catalog::Catalog;
use crate::execute::{DryEngine, Setup, drive};
use crate::journal::Outcome;
use crate::plan::Accounts;
use crate::report::DryRun;

#[derive(clap::Args)]
pub struct Args {
    /// The recipe
    recipe: PathBuf,
    #[command(flatten)]
    event: EventArgs,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    defaults: DefaultArgs,
    /// The account in HighLevel whose id is sent
    #[arg(long, value_name = "ID", env = "LINECOOK_HIGHLEVEL_LOCATION")]
    location: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result {
    let Some(prepared) = prepare(&args.recipe, &args.event, &args.settings)? else {
        return Ok(Exit::Problems);
    };
    let Prepared { plan, file, event, from, now, settings } = prepared;
    let catalog = Catalog::embedded();
    let location = args.location.as_deref().unwrap_or("[location of the connection]");
    let setup = Setup {
        catalog,
        run_id: "dry-run".into(),
        settings,
        accounts: Accounts::of_catalog(catalog, location),
        defaults: args.defaults.read()?,
    };
    let mut engine = DryEngine::new(catalog, now);
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
        file: &file,
        colour: colour(),
    };
    match args.format {
        Format::Text => anstream::print!("{}", dry_run.text()),
        Format::Json => println!("{}", dry_run.json()),
    }
    Ok(match outcome {
        Outcome::Failed(_) => Exit::Problems,
        _ => Exit::Good,
    })
}
