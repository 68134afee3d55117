//! How many requests may fail before the app blocks the caller.

use std::time::Duration;

use super::closed::Opens;
use super::limits::Window;
use super::tally::Tally;

/// Every answer but 2xx counts, and every request without an answer.
#[derive(Debug)]
pub(super) struct FailureBudget {
    /// One less than the limit, as a margin; but at least one, or nothing could ever be sent.
    at_most: u64,
    failed: Tally,
}

impl FailureBudget {
    pub fn new(limit: Window) -> FailureBudget {
        let at_most = limit.requests.saturating_sub(1).max(1);
        FailureBudget { at_most, failed: Tally::new(limit.per) }
    }

    pub fn forget(&mut self, now: Duration) {
        self.failed.forget(now);
    }

    pub fn add(&mut self, at: Duration, failures: u64) {
        self.failed.add(at, failures, 0);
    }

    pub fn left(&self) -> u64 {
        self.at_most.saturating_sub(self.failed.ours())
    }

    /// Whatever is out may fail too.
    pub fn opens(&self, in_flight: u64) -> Opens {
        if self.left() > in_flight {
            return Opens::Now;
        }
        let too_many = (self.failed.ours() + 1).saturating_sub(self.at_most);
        if too_many == 0 {
            return Opens::WithAnswer;
        }
        self.failed.forgets_ours(too_many).map_or(Opens::WithAnswer, Opens::At)
    }
}
