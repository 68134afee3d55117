//! The threads that commands run on.

use super::exit::{CommandError, Result};

/// More of them would wait for the store.
const MOST_WORKERS: usize = 4;

/// The runtime that commands run on.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers()).enable_all().build().map_err(|e| {
        CommandError::environment(
            format!("the program cannot start its threads: {e}"),
            "close other programs",
        )
    })
}

/// The store writes on a thread of its own, and is busy as long as anything happens: it gets a core. With a
/// worker on that core too, each takes the other's place and memory goes back and forth between them, which
/// costs a fifth of the time of a run.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
    cores.saturating_sub(1).clamp(1, MOST_WORKERS)
}
