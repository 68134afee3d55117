//! What the app says is left of the day.

use std::time::Duration;

/// Nobody says when a day ends for the app: when nothing is left, one request an hour finds out.
const TRIES_EVERY: Duration = Duration::from_secs(3600);

/// What is left of the day by the app's own count, if it tells.
#[derive(Debug, Default)]
pub(super) struct Day {
    left: Option<u64>,
    /// The request whose answer said so, by its number.
    said_by: u64,
    tries_at: Duration,
}

impl Day {
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// When nothing is left: when the next request may try.
    pub fn closed_until(&self, now: Duration) -> Option<Duration> {
        (self.left == Some(0) && now < self.tries_at).then_some(self.tries_at)
    }

    pub fn sent(&mut self, now: Duration) {
        let Some(left) = &mut self.left else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.tries_at = now + TRIES_EVERY;
        }
    }

    /// What was counted as sent was not.
    pub fn not_sent(&mut self) {
        if let Some(left) = &mut self.left {
            *left += 1;
        }
    }

    /// `uncounted` requests of ours may have arrived after the app counted.
    pub fn told(&mut self, now: Duration, left: u64, number: u64, uncounted: u64) {
        // An older answer that comes late knows less.
        if number < self.said_by {
            return;
        }
        self.said_by = number;
        self.left = Some(left.saturating_sub(uncounted));
        if self.left == Some(0) {
            self.tries_at = now + TRIES_EVERY;
        }
    }
}
