//! The real time.

use std::time::Duration;

use jiff::Timestamp;

use crate::execute::Clock;

/// The clock of this machine.
pub struct SystemClock {
    /// How far it has jumped ahead; `None` where it tells the time of the real world.
    ahead: Option<Duration>,
}

impl SystemClock {
    /// The time of the real world.
    pub fn real() -> SystemClock {
        SystemClock { ahead: None }
    }

    /// The time of the sandbox: what a recipe waits for comes at once. Rate limits and time-outs there
    /// go by the real clock, so that waits between two tries take their time.
    pub fn sandbox() -> SystemClock {
        SystemClock { ahead: Some(Duration::ZERO) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.ahead.unwrap_or_default()).unwrap_or(now)
    }

    fn jump(&mut self, duration: Duration) -> bool {
        let Some(ahead) = &mut self.ahead else { return false };
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
