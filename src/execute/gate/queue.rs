//! Those who wait, in the order in which they go.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::budget::Ticket;
use super::closed::Closed;

/// What is sent first. So that nobody starves, one in ten goes to a waiting retry however many live
/// ones wait, and one in a hundred to `sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// An event that has just happened.
    Live,
    Retry,
    Sync,
}

impl Priority {
    pub(super) const COUNT: usize = 3;
}

/// How often each is passed over in a row before it goes first.
const PASSED_OVER_AT_MOST: [(Priority, u32); 2] = [(Priority::Retry, 9), (Priority::Sync, 99)];

/// By priority, then by arrival.
pub(super) type Place = (Priority, u64);

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Place, Arc<Turn>>,
    counts: [usize; Priority::COUNT],
    passed_over: [u32; Priority::COUNT],
    arrivals: u64,
}

/// One who waits.
#[derive(Debug)]
pub(super) struct Turn {
    /// Does not wait longer than this.
    pub deadline: Duration,
    pub verdict: OnceLock<Result<Ticket, Closed>>,
    /// There is a verdict, or something to look after.
    pub roused: Notify,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn count(&self, priority: Priority) -> usize {
        self.counts[priority as usize]
    }

    /// How many a newcomer would have before it.
    pub fn before(&self, priority: Priority) -> usize {
        self.counts[..=priority as usize].iter().sum()
    }

    /// How many one of them has before it.
    pub fn before_place(&self, place: Place) -> usize {
        self.waiting.range(..place).count()
    }

    pub fn join(&mut self, priority: Priority, deadline: Duration) -> (Place, Arc<Turn>) {
        self.arrivals += 1;
        let place = (priority, self.arrivals);
        let turn = Turn { deadline, verdict: OnceLock::new(), roused: Notify::new() };
        let turn = Arc::new(turn);
        self.waiting.insert(place, Arc::clone(&turn));
        self.counts[priority as usize] += 1;
        (place, turn)
    }

    /// Whose turn is next.
    pub fn next(&self) -> Option<Place> {
        let starved = PASSED_OVER_AT_MOST.iter().find_map(|&(priority, at_most)| {
            let patient = self.passed_over[priority as usize] < at_most;
            if patient { None } else { self.first_of(priority) }
        });
        starved.or_else(|| self.waiting.keys().next().copied())
    }

    fn first_of(&self, priority: Priority) -> Option<Place> {
        self.waiting.range((priority, 0)..=(priority, u64::MAX)).next().map(|(&place, _)| place)
    }

    /// It goes.
    pub fn grant(&mut self, place: Place, ticket: Ticket) {
        let Some(turn) = self.leave(place) else { return };
        for (priority, _) in PASSED_OVER_AT_MOST {
            let waits = self.count(priority) > 0 && priority != place.0;
            let passed_over = &mut self.passed_over[priority as usize];
            *passed_over = if waits { passed_over.saturating_add(1) } else { 0 };
        }
        // Nobody else sets it, and nobody who has left.
        let _ = turn.verdict.set(Ok(ticket));
        turn.roused.notify_one();
    }

    pub fn turn_away(&mut self, place: Place, closed: Closed) {
        let Some(turn) = self.leave(place) else { return };
        let _ = turn.verdict.set(Err(closed));
        turn.roused.notify_one();
    }

    /// Those who do not wait until then.
    pub fn impatient(&self, until: Duration) -> Vec<Place> {
        let waiting = self.waiting.iter().filter(|(_, turn)| turn.deadline < until);
        waiting.map(|(&place, _)| place).collect()
    }

    pub fn leave(&mut self, place: Place) -> Option<Arc<Turn>> {
        let turn = self.waiting.remove(&place)?;
        self.counts[place.0 as usize] -= 1;
        Some(turn)
    }

    pub fn rouse(&self, place: Place) {
        if let Some(turn) = self.waiting.get(&place) {
            turn.roused.notify_one();
        }
    }
}
