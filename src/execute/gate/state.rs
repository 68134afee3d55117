//! How a gate is, for metrics and for those who want to be told in time.

use super::breaker::Host;
use super::closed::Closed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateState {
    /// What the short window still takes now; none without such a limit.
    pub left: Option<u64>,
    pub most: Option<u64>,
    /// What is left of the day: by our own count of the last 24 hours or as the app says, whichever
    /// is less.
    pub left_today: Option<u64>,
    pub most_a_day: Option<u64>,
    /// How many more may go out if all of them fail.
    pub failures_left: Option<u64>,
    /// Sent and not answered yet.
    pub in_flight: u64,
    pub waiting: Waiting,
    pub host: Host,
    /// In how long the next one goes, if it may not go now; none if it may, or if only the answer to
    /// what is out stands in the way.
    pub closed: Option<Closed>,
}

/// How many wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub live: usize,
    pub retry: usize,
    pub sync: usize,
}
