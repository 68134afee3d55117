//! `linecook runs`: what recipes did, and what to do about it.

mod act;
mod filter;
mod list;
mod show;
mod stored;
mod undo;

use clap::Subcommand;

use super::exit::Result;

use crate::report::RunSummary;
use crate::store::RunRow;
pub use filter::run_id;
pub use stored::{stored_history, stored_plan, stored_run};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List runs, the newest first
    List(list::Args),
    /// Show one run step by step: what was sent, what came back, and what to do next
    Show(show::Args),
    /// Let failed runs go on from the step that failed
    Retry(act::RetryArgs),
    /// End runs that are not over
    Cancel(act::CancelArgs),
    /// Answer what held runs ask
    Resolve(act::ResolveArgs),
    /// Take back what a run did, as far as it can be
    Undo(undo::Args),
}

pub fn run(args: &Args) -> Result {
    match &args.verb {
        Verb::List(args) => list::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Retry(args) => act::retry(args),
        Verb::Cancel(args) => act::cancel(args),
        Verb::Resolve(args) => act::resolve(args),
        Verb::Undo(args) => undo::run(args),
    }
}

/// A stored run as reports show it.
pub fn summary(row: RunRow) -> RunSummary {
    RunSummary {
        id: row.id.to_string(),
        event_id: format!("event-{}", row.delivery),
        installation: row.installation,
        recipe: row.recipe,
        event: row.event,
        record: row.record,
        state: row.state.word(),
        created_at: row.created_at,
        due_at: row.due_at,
        ended_at: row.ended_at,
        outcome: row.outcome,
    }
}
