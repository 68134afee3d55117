//! Times as lengths since a beginning.

use std::time::Duration;

use tokio::time::Instant;

/// The beginning lies this long before the start, so that what was sent before a restart has a time
/// too; an [`Instant`] need not reach back that far.
const BEFORE_START: Duration = Duration::from_secs(400 * 24 * 3600);

/// Turns instants into lengths since a beginning, and back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    started: Instant,
}

impl Timeline {
    pub fn starting_now() -> Timeline {
        Timeline { started: Instant::now() }
    }

    pub fn now(self) -> Duration {
        BEFORE_START + self.started.elapsed()
    }

    pub fn instant(self, at: Duration) -> Instant {
        self.started + at.saturating_sub(BEFORE_START)
    }
}
