//! The time, as an engine sees it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// A clock that stands still, and jumps when somebody sleeps. Its clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now: Arc<Mutex<Timestamp>>,
}

impl VirtualClock {
    pub fn at(now: Timestamp) -> VirtualClock {
        VirtualClock { now: Arc::new(Mutex::new(now)) }
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }

    async fn sleep(&mut self, duration: Duration) {
        self.jump(duration);
    }

    fn jump(&mut self, duration: Duration) -> bool {
        let mut now = self.lock();
        *now = now.checked_add(duration).unwrap_or(*now);
        true
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        most
    }
}
