//! `linecook runs show`: one run, step by step.

use super::filter::run_id;
use super::stored::stored_run;
use super::summary;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::{Format, colour};
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::diagnostic::Sink;
use crate::parse;
use crate::recipe::RecipeFile;
use crate::report::RunHistory;
use crate::source::Source;
use crate::store::{Deliveries, RunId, Store};

#[derive(clap::Args)]
pub struct Args {
    /// The run, such as run-12
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: RunId,
    /// Show what was sent and what came back whole
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(show(args))
}

async fn show(args: &Args) -> Result {
    let place = args.store.place()?;
    let store = place.open()?;
    let row = stored_run(&store, args.run).await?;
    let received_at = store.delivery(row.delivery).await?.map(|delivery| delivery.received_at);
    let file = stored_recipe(&store, row.plan).await?;
    let rows = store.journal(row.id).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| (row.at, row.entries)).collect();
    let summary = summary(row);
    let history = RunHistory {
        summary: &summary,
        received_at,
        file: file.as_ref(),
        rows: &rows,
        zone: &place.defaults.timezone,
        zone_name: &place.defaults.zone_name,
        is_served: Store::is_run(&place.path),
        shows_all: args.full,
        colour: colour(),
    };
    match args.format {
        Format::Text => print::text(history.text()),
        Format::Json => print::line(history.json()),
    }
    Ok(Exit::Good)
}

/// The recipe as it was when the run started, to show mistakes at its lines.
async fn stored_recipe(store: &Store, plan: i64) -> Result<Option<RecipeFile>> {
    let Some(plan) = store.plan(plan).await? else { return Ok(None) };
    // It was checked when it was installed.
    Ok(parse::recipe(Source::new(plan.recipe, plan.source), &mut Sink::default()))
}
