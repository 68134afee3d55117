//! `linecook events`: what has arrived, and starting it once more.

mod list;
mod replay;
mod show;

use clap::Subcommand;

use super::exit::Result;
use super::runs::summary;
use super::stored_event::name_of;
use crate::report::EventSummary;
use crate::store::{Delivery, RunFilter, Runs, Store};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List events that have arrived, the newest first
    List(list::Args),
    /// Show one event with its data, and which runs it started
    Show(show::Args),
    /// Start the recipes of an event once more
    Replay(replay::Args),
}

pub fn run(args: &Args) -> Result {
    match &args.verb {
        Verb::List(args) => list::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Replay(args) => replay::run(args),
    }
}

/// A stored event as reports show it, with its runs in the order in which they started.
async fn summarised(store: &Store, delivery: Delivery, most_runs: usize) -> Result<EventSummary> {
    let filter =
        RunFilter { delivery: Some(delivery.id), limit: most_runs, ..RunFilter::default() };
    let mut runs: Vec<_> = store.runs(filter).await?.into_iter().map(summary).collect();
    runs.reverse();
    let payload = delivery.payload.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let known = name_of(&delivery.app, &delivery.event, payload.as_ref());
    Ok(EventSummary {
        id: format!("event-{}", delivery.id),
        received_at: delivery.received_at,
        connection: delivery.connection,
        name: known.unwrap_or_else(|| format!("{}.{}", delivery.app, delivery.event)),
        app: delivery.app,
        record: delivery.record,
        payload,
        runs,
    })
}
