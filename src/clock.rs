//! The real time.

use std::time::Duration;

use jiff::Timestamp;

use crate::execute::Clock;

/// The clock of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        most.mul_f64(fastrand::f64())
    }
}
