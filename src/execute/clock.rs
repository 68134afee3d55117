//! The time, as an engine sees it.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time and waits.
pub trait Clock: Send {
    fn now(&self) -> Timestamp;

    fn sleep(&mut self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Goes ahead by so much at once, where the clock is one of a pretended world; `false` where only
    /// waiting helps.
    fn jump(&mut self, _duration: Duration) -> bool {
        false
    }

    /// A length of time up to `most`, drawn at random.
    fn jitter(&mut self, most: Duration) -> Duration;
}

/// A clock that stands still, and jumps when somebody sleeps.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now: Timestamp,
}

impl VirtualClock {
    pub fn at(now: Timestamp) -> VirtualClock {
        VirtualClock { now }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn sleep(&mut self, duration: Duration) {
        self.jump(duration);
    }

    fn jump(&mut self, duration: Duration) -> bool {
        self.now = self.now.checked_add(duration).unwrap_or(self.now);
        true
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        most
    }
}
