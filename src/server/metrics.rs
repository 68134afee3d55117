//! What is counted, in the names that Prometheus reads.

use metrics::counter;

/// A webhook arrived and is stored.
pub fn received(app: &str, runs: usize) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "stored").increment(1);
    counter!("linecook_runs_started_total", "app" => app.to_owned()).increment(runs as u64);
}

/// A webhook arrived once more.
pub fn received_again(app: &str) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "again").increment(1);
}

/// A webhook was not let in.
pub fn refused(app: &str) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "refused").increment(1);
}

/// A run ended, waits or is held.
pub fn ended(state: &'static str) {
    counter!("linecook_runs_ended_total", "state" => state).increment(1);
}
