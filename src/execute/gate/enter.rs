//! The gate itself: the budget, the breaker and the queue in front of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::breaker::Breaker;
use super::budget::{Budget, Fate, Ticket};
use super::closed::{Closed, ClosedBy, Obstacle};
use super::limits::{Limits, Spent};
use super::pass::Pass;
use super::queue::{Place, Priority, Queue, Turn};
use super::state::{GateState, Waiting};

/// Nobody waits longer than this in memory.
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// To come back, where nobody can say when.
const USUAL_ABSENCE: Duration = Duration::from_secs(1);
/// Those who are turned away come back one after the other, but not later than this after the first.
const SPREAD_AT_MOST: Duration = Duration::from_secs(3600);

/// What one connection may send to one app; clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    breaker: Breaker,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    budget: Budget,
    queue: Queue,
    /// Who sleeps for all, and until when.
    watch: Option<(Place, Option<Duration>)>,
    /// The last time that was given to one who was turned away, by priority.
    given: [Duration; Priority::COUNT],
    /// Everybody less patient than this has been turned away.
    swept: Duration,
}

impl Gate {
    /// `breaker` is shared by all gates of one host; `spent` is what was sent before a restart.
    pub fn new(limits: &Limits, breaker: Breaker, spent: &[Spent]) -> Gate {
        let budget = Budget::new(limits, spent, breaker.timeline().now());
        let state = State {
            budget,
            queue: Queue::default(),
            watch: None,
            given: [Duration::ZERO; Priority::COUNT],
            swept: Duration::ZERO,
        };
        Gate { shared: Arc::new(Shared { breaker, state: Mutex::new(state) }) }
    }

    /// Waits for leave to send one request, as long as that is expected to take no longer than
    /// `patience`. A future that is dropped leaves no gap.
    pub async fn enter(&self, priority: Priority, patience: Duration) -> Result<Pass, Closed> {
        let (place, turn) = {
            let mut state = self.lock();
            let now = self.now();
            state.budget.forget(now);
            if state.queue.is_empty()
                && let Ok(ticket) = state.admit(now, &self.shared.breaker)
            {
                return Ok(Pass::new(self.clone(), ticket));
            }
            let deadline = now + patience.min(LONGEST_PATIENCE);
            let nth = state.queue.before(priority) + 1;
            let expected = state.expected(now, nth, &self.shared.breaker);
            if let Some((at, why)) = expected.filter(|&(at, _)| at > deadline) {
                return Err(state.closed(now, priority, at, why));
            }
            state.queue.join(priority, deadline)
        };
        Waiter { gate: self.clone(), place, turn, is_done: false }.wait().await
    }

    pub fn state(&self) -> GateState {
        let mut state = self.lock();
        let now = self.now();
        state.budget.forget(now);
        let window = state.budget.window();
        let (left_today, most_a_day) = state.budget.day();
        let queue = &state.queue;
        let closed = state.expected(now, 1, &self.shared.breaker);
        GateState {
            left: window.map(|(left, _)| left),
            most: window.map(|(_, most)| most),
            left_today,
            most_a_day,
            failures_left: state.budget.failures_left(),
            in_flight: state.budget.in_flight(),
            waiting: Waiting {
                live: queue.count(Priority::Live),
                retry: queue.count(Priority::Retry),
                sync: queue.count(Priority::Sync),
            },
            host: self.shared.breaker.host(),
            closed: closed.map(|(at, why)| Closed { after: at.saturating_sub(now), why }),
        }
    }

    pub(super) fn settle(&self, ticket: Ticket, fate: Fate) {
        let breaker = &self.shared.breaker;
        let mut state = self.lock();
        let now = self.now();
        // The breaker first: nobody may go between a failure that opens it and its opening.
        breaker.answered(now, ticket.generation, fate.health());
        state.budget.settle(now, ticket, fate);
        let next = state.let_go(now, breaker);
        state.rouse_watch(next);
    }

    fn now(&self) -> Duration {
        self.shared.breaker.timeline().now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets one go if nothing stands in the way.
    fn admit(&mut self, now: Duration, breaker: &Breaker) -> Result<Ticket, Obstacle> {
        if let Some(obstacle) = self.budget.obstacle(now) {
            return Err(obstacle);
        }
        let generation =
            breaker.enter(now).map_err(|until| Obstacle { until, why: ClosedBy::Host })?;
        Ok(self.budget.send(now, generation))
    }

    /// Lets go as many as may, and turns away those who will not wait long enough. Gives back when
    /// the next may go, where that is known.
    fn let_go(&mut self, now: Duration, breaker: &Breaker) -> Option<Duration> {
        self.budget.forget(now);
        while let Some(place) = self.queue.next() {
            match self.admit(now, breaker) {
                Ok(ticket) => self.queue.grant(place, ticket),
                Err(obstacle) => {
                    if let Some(until) = obstacle.until {
                        self.sweep(now, until, obstacle.why);
                    }
                    return obstacle.until;
                }
            }
        }
        None
    }

    /// Turns away those who will not wait until then.
    fn sweep(&mut self, now: Duration, until: Duration, why: ClosedBy) {
        if until <= self.swept {
            return;
        }
        self.swept = until;
        for place in self.queue.impatient(until) {
            let closed = self.closed(now, place.0, until, why);
            self.queue.turn_away(place, closed);
        }
    }

    /// Sees to it that the one whose turn is next wakes in time.
    fn rouse_watch(&self, next: Option<Duration>) {
        let Some(place) = self.queue.next() else { return };
        let is_watched = self.watch.is_some_and(|(watcher, until)| {
            watcher == place && next.is_none_or(|next| until.is_some_and(|until| until <= next))
        });
        if !is_watched {
            self.queue.rouse(place);
        }
    }

    /// About when the n-th goes, and why not before.
    fn expected(
        &self,
        now: Duration,
        nth: usize,
        breaker: &Breaker,
    ) -> Option<(Duration, ClosedBy)> {
        let host = breaker.closed_until(now).map(|until| (until, ClosedBy::Host));
        let own = self.budget.expected(now, nth as u64);
        own.into_iter().chain(host).max_by_key(|&(until, _)| until)
    }

    /// Turns one away. Each gets a time of its own, so that they do not come back all at once.
    fn closed(&mut self, now: Duration, priority: Priority, at: Duration, why: ClosedBy) -> Closed {
        let spacing = self.budget.spacing();
        let given = &mut self.given[priority as usize];
        *given = at.max(*given + spacing).min(at + SPREAD_AT_MOST);
        Closed { after: given.saturating_sub(now), why }
    }
}

/// One who waits; gives its place back when it is dropped.
struct Waiter {
    gate: Gate,
    place: Place,
    turn: Arc<Turn>,
    is_done: bool,
}

/// What one who waits finds when it looks up.
enum Look {
    Done(Result<Pass, Closed>),
    SleepUntil { at: Duration, on_watch: bool },
}

impl Waiter {
    async fn wait(mut self) -> Result<Pass, Closed> {
        let gate = self.gate.clone();
        let turn = Arc::clone(&self.turn);
        loop {
            // Made before looking: what changes after the look is not missed.
            let host_changed = gate.shared.breaker.changed();
            let (at, on_watch) = match self.look() {
                Look::Done(result) => return result,
                Look::SleepUntil { at, on_watch } => (at, on_watch),
            };
            let at = gate.shared.breaker.timeline().instant(at);
            tokio::select! {
                () = turn.roused.notified() => {}
                () = host_changed, if on_watch => {}
                () = tokio::time::sleep_until(at) => {}
            }
        }
    }

    fn look(&mut self) -> Look {
        if let Some(done) = self.verdict() {
            return done;
        }
        let breaker = &self.gate.shared.breaker;
        let mut state = self.gate.lock();
        let now = self.gate.now();
        let next = state.let_go(now, breaker);
        if self.turn.verdict.get().is_none() && now >= self.turn.deadline {
            let nth = state.queue.before_place(self.place) + 1;
            let expected = state.expected(now, nth, breaker);
            let (at, why) = expected.unwrap_or_else(|| {
                let obstacle = state.budget.obstacle(now);
                (now + USUAL_ABSENCE, obstacle.map_or(ClosedBy::Host, |obstacle| obstacle.why))
            });
            let closed = state.closed(now, self.place.0, at, why);
            state.queue.turn_away(self.place, closed);
        }
        let on_watch = state.queue.next() == Some(self.place);
        if on_watch {
            state.watch = Some((self.place, next));
        } else {
            state.rouse_watch(next);
        }
        drop(state);
        if let Some(done) = self.verdict() {
            return done;
        }
        let deadline = self.turn.deadline;
        let at = next.filter(|_| on_watch).map_or(deadline, |next| next.min(deadline));
        Look::SleepUntil { at, on_watch }
    }

    fn verdict(&mut self) -> Option<Look> {
        let verdict = *self.turn.verdict.get()?;
        self.is_done = true;
        Some(Look::Done(verdict.map(|ticket| Pass::new(self.gate.clone(), ticket))))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = self.gate.lock();
        if state.queue.leave(self.place).is_some() {
            let now = self.gate.now();
            let next = state.let_go(now, &self.gate.shared.breaker);
            state.rouse_watch(next);
            return;
        }
        drop(state);
        // Leave was given, and nobody came to take it.
        if let Some(Ok(ticket)) = self.turn.verdict.get() {
            self.gate.settle(*ticket, Fate::NotSent);
        }
    }
}
