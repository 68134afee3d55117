//! A host that is down: stop asking, try with one request now and then, come back gradually.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::ramp::Ramp;
use super::timeline::Timeline;

/// So many failures in a row, and the host is taken for down.
const FAILURES_IN_A_ROW: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The longest that a host may ask for.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(3600);

/// What is known of one host. Shared by the gates of all connections to it; clones are the same breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    timeline: Timeline,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Counts up whenever it opens: answers to what was sent before say nothing of the time after.
    generation: u64,
    /// Of this generation.
    in_flight: u64,
    failures_in_a_row: u32,
    /// How often it opened without recovering in between.
    level: u32,
    random: fastrand::Rng,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed {
        ramp: Option<Ramp>,
    },
    Open {
        until: Duration,
    },
    /// One request finds out.
    Trying {
        out: bool,
    },
}

/// How a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Up,
    /// It was down and comes back.
    Recovering,
    /// Nothing is sent for so long.
    Down {
        for_now: Duration,
    },
    /// One request is finding out whether it is up again.
    Trying,
}

/// What an answer says of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    /// With `Retry-After`, where the host says it.
    Ill {
        asked_for: Option<Duration>,
    },
    Unknown,
}

impl Breaker {
    /// `seed` is for the jitter of the pauses.
    pub fn new(seed: u64) -> Breaker {
        let state = State {
            phase: Phase::Closed { ramp: None },
            generation: 0,
            in_flight: 0,
            failures_in_a_row: 0,
            level: 0,
            random: fastrand::Rng::with_seed(seed),
        };
        let timeline = Timeline::starting_now();
        Breaker {
            shared: Arc::new(Shared { timeline, state: Mutex::new(state), changed: Notify::new() }),
        }
    }

    pub fn host(&self) -> Host {
        let state = self.lock();
        match state.phase {
            Phase::Closed { ramp: None } => Host::Up,
            Phase::Closed { ramp: Some(_) } => Host::Recovering,
            Phase::Open { until } => {
                Host::Down { for_now: until.saturating_sub(self.shared.timeline.now()) }
            }
            Phase::Trying { .. } => Host::Trying,
        }
    }

    pub(super) fn timeline(&self) -> Timeline {
        self.shared.timeline
    }

    /// Ends when another gate's answer has changed something.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.shared.changed.notified()
    }

    /// Lets one request go, and says to which generation it belongs; or until when nothing goes, where
    /// that is known.
    pub(super) fn enter(&self, now: Duration) -> Result<u64, Option<Duration>> {
        let mut state = self.lock();
        match state.phase {
            Phase::Closed { ramp: Some(ramp) } if ramp.is_full(state.in_flight) => {
                return Err(None);
            }
            Phase::Closed { .. } => {}
            Phase::Open { until } if now < until => return Err(Some(until)),
            Phase::Trying { out: true } => return Err(None),
            Phase::Open { .. } | Phase::Trying { out: false } => {
                state.phase = Phase::Trying { out: true };
            }
        }
        state.in_flight += 1;
        Ok(state.generation)
    }

    pub(super) fn closed_until(&self, now: Duration) -> Option<Duration> {
        match self.lock().phase {
            Phase::Open { until } if now < until => Some(until),
            _ => None,
        }
    }

    pub(super) fn answered(&self, now: Duration, generation: u64, health: Health) {
        let mut state = self.lock();
        if generation != state.generation {
            return;
        }
        let was_up = matches!(state.phase, Phase::Closed { ramp: None });
        state.answered(now, health);
        let is_up = matches!(state.phase, Phase::Closed { ramp: None });
        drop(state);
        if !(was_up && is_up) {
            self.shared.changed.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answered(&mut self, now: Duration, health: Health) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match (self.phase, health) {
            (Phase::Closed { ramp }, Health::Well) => {
                self.failures_in_a_row = 0;
                self.level = self.level.saturating_sub(1);
                self.phase = Phase::Closed { ramp: ramp.and_then(Ramp::raised) };
            }
            (Phase::Closed { .. }, Health::Ill { asked_for }) => {
                self.failures_in_a_row += 1;
                if self.failures_in_a_row >= FAILURES_IN_A_ROW {
                    self.open(now, asked_for);
                }
            }
            (Phase::Trying { .. }, Health::Well) => {
                self.phase = Phase::Closed { ramp: Some(Ramp::from(2)) };
            }
            (Phase::Trying { .. }, Health::Ill { asked_for }) => self.open(now, asked_for),
            (Phase::Trying { .. }, Health::Unknown) => self.phase = Phase::Trying { out: false },
            (Phase::Closed { .. }, Health::Unknown) | (Phase::Open { .. }, _) => {}
        }
    }

    /// Full jitter: anything up to a length that doubles each time. What the host asks for is the least.
    fn open(&mut self, now: Duration, asked_for: Option<Duration>) {
        let longest =
            FIRST_PAUSE.saturating_mul(2u32.saturating_pow(self.level)).min(LONGEST_PAUSE);
        let pause = longest.mul_f64(self.random.f64());
        let pause = pause.max(asked_for.unwrap_or_default().min(LONGEST_ASKED_FOR));
        self.level = self.level.saturating_add(1);
        self.phase = Phase::Open { until: now + pause };
        self.generation += 1;
        self.in_flight = 0;
        self.failures_in_a_row = 0;
    }
}
