//! What the store keeps of a run: which run it is, what it was started with, what happened.

use crate::cli::exit::{CommandError, Result};
use crate::journal::History;
use crate::server::Kept;
use crate::store::{RunId, RunRow, Runs, Store};

/// The run itself; where there is none, that is said.
pub async fn stored_run(store: &Store, run: RunId) -> Result<RunRow> {
    store.run(run).await?.ok_or_else(|| {
        CommandError::usage(format!("there is no {run}"), "`linecook runs list` shows the newest")
    })
}

/// What a run was started with; none when it is no longer kept.
pub async fn stored_plan(store: &Store, run: &RunRow) -> Result<Option<Kept>> {
    let plan = store.plan(run.plan).await?;
    Ok(plan.and_then(|plan| serde_json::from_str(&plan.body).ok()))
}

/// Everything that happened in a run.
pub async fn stored_history(store: &Store, run: RunId) -> Result<History> {
    let mut history = History::default();
    let rows = store.journal(run).await?;
    rows.into_iter().flat_map(|row| row.entries).for_each(|entry| history.push(entry));
    Ok(history)
}
