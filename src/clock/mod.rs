//! The real time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::execute::Clock;

/// The clock of this machine.
pub struct SystemClock {
    /// How far it differs from the real world, where it tells the time of a pretended one.
    ahead: Option<SignedDuration>,
}

impl SystemClock {
    /// The time of the real world.
    pub fn real() -> SystemClock {
        SystemClock { ahead: None }
    }

    /// The time of the sandbox, where it is `now`: what a recipe waits for comes at once. Rate limits
    /// and time-outs there go by the real clock, so that waits between two tries take their time.
    pub fn sandbox(now: Timestamp) -> SystemClock {
        SystemClock { ahead: Some(Timestamp::now().duration_until(now)) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.ahead.unwrap_or_default()).unwrap_or(now)
    }

    fn jump(&mut self, duration: Duration) -> bool {
        let (Some(ahead), Ok(duration)) = (&mut self.ahead, SignedDuration::try_from(duration))
        else {
            return false;
        };
        *ahead = ahead.saturating_add(duration);
        true
    }

    async fn sleep(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        most.mul_f64(fastrand::f64())
    }
}
