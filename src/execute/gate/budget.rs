//! Everything that limits one connection, without the queue and without the clock: a time and an
//! answer come in; whether one more may go comes out.

use std::time::Duration;

use super::breaker::Health;
use super::closed::{ClosedBy, Obstacle, Opens};
use super::day::Day;
use super::failure_budget::FailureBudget;
use super::limits::{Limits, SetBy, Spent, Window};
use super::ramp::Ramp;
use super::window::SlidingWindow;
use crate::call::{CallError, RateLimit, Response};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// After a refusal that does not say how long, where no window says it either.
const USUAL_PAUSE: Duration = Duration::from_secs(10);
/// After the second refusal in a row, at the least; doubled with each more.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Without a word of the app, one request an hour finds out.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// An app may not ask for more.
const LONGEST_ASKED_FOR: Duration = DAY;

/// What a connection may send.
#[derive(Debug)]
pub(super) struct Budget {
    /// The shortest first.
    windows: Vec<SlidingWindow>,
    set_by: SetBy,
    /// The window that the app's headers speak of.
    steered: usize,
    /// Whether the last window is there only because the app named it.
    named_by_app: bool,
    failures: Option<FailureBudget>,
    day: Day,
    closed_until: Duration,
    ramp: Option<Ramp>,
    refusals_in_a_row: u32,
    in_flight: u64,
    /// Numbers the requests.
    sent: u64,
    answered: u64,
    /// Counts up with each change after which older answers no longer teach the same.
    refusals: u32,
    cuts: u32,
    steerings: u32,
}

/// A request that is out: what was so when it went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    number: u64,
    answered: u64,
    forgotten: u64,
    refusals: u32,
    cuts: u32,
    steerings: u32,
    /// Of the breaker.
    pub generation: u64,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate<'a> {
    NotSent,
    /// Nobody saw an answer.
    Unknown,
    Answered(&'a Result<Response, CallError>),
}

impl Budget {
    pub fn new(limits: &Limits, spent: &[Spent], now: Duration) -> Budget {
        let mut windows: Vec<SlidingWindow> = limits
            .windows
            .iter()
            .filter(|window| !window.per.is_zero())
            .map(|&window| SlidingWindow::new(window, limits.set_by))
            .collect();
        windows.sort_by_key(SlidingWindow::per);
        let mut failures = limits.failures.map(FailureBudget::new);
        let mut spent = spent.to_vec();
        spent.sort_by_key(|spent| std::cmp::Reverse(spent.ago));
        for Spent { ago, requests, failures: failed } in spent {
            let at = now.saturating_sub(ago);
            windows.iter_mut().for_each(|window| window.add(at, requests));
            if let Some(failures) = &mut failures {
                failures.add(at, failed);
            }
        }
        Budget {
            windows,
            set_by: limits.set_by,
            steered: 0,
            named_by_app: false,
            failures,
            day: Day::default(),
            closed_until: Duration::ZERO,
            ramp: None,
            refusals_in_a_row: 0,
            in_flight: 0,
            sent: 0,
            answered: 0,
            refusals: 0,
            cuts: 0,
            steerings: 0,
        }
    }

    pub fn forget(&mut self, now: Duration) {
        self.windows.iter_mut().for_each(|window| window.forget(now));
        if let Some(failures) = &mut self.failures {
            failures.forget(now);
        }
    }

    /// What keeps the next request from going.
    pub fn obstacle(&self, now: Duration) -> Option<Obstacle> {
        let mut worst: Option<Obstacle> = None;
        let mut meet = |opens: Opens, why: ClosedBy| {
            let until = match opens {
                Opens::Now => return,
                Opens::At(at) => Some(at),
                Opens::WithAnswer => None,
            };
            if worst.is_none_or(|worst| until > worst.until) {
                worst = Some(Obstacle { until, why });
            }
        };
        for window in &self.windows {
            meet(window.opens(1, self.in_flight), blame(window));
        }
        if let Some(failures) = &self.failures {
            meet(failures.opens(self.in_flight), ClosedBy::Failures);
        }
        if self.ramp.is_some_and(|ramp| ramp.is_full(self.in_flight)) {
            meet(Opens::WithAnswer, ClosedBy::Refusal);
        }
        for (until, why) in self.closings(now) {
            meet(Opens::At(until), why);
        }
        worst
    }

    /// About when the n-th from now goes; none if that is now, or only answers stand in the way.
    pub fn expected(&self, now: Duration, nth: u64) -> Option<(Duration, ClosedBy)> {
        let windows = self.windows.iter().map(|window| {
            let at = window.expected(now, nth, self.in_flight);
            (at, blame(window))
        });
        let failures = self.failures.as_ref().map(|failures| failures.opens(self.in_flight));
        let failures = match failures {
            Some(Opens::At(at)) => Some((at, ClosedBy::Failures)),
            _ => None,
        };
        let all = windows.chain(failures).chain(self.closings(now));
        all.filter(|&(at, _)| at > now).max_by_key(|&(at, _)| at)
    }

    fn closings(&self, now: Duration) -> impl Iterator<Item = (Duration, ClosedBy)> {
        let refusal = (self.closed_until > now).then_some((self.closed_until, ClosedBy::Refusal));
        let day = self.day.closed_until(now).map(|until| (until, ClosedBy::DailyQuota));
        refusal.into_iter().chain(day)
    }

    /// The time between two requests that go evenly.
    pub fn spacing(&self) -> Duration {
        self.windows.get(self.steered).map_or(Duration::ZERO, SlidingWindow::spacing)
    }

    /// One goes.
    pub fn send(&mut self, now: Duration, generation: u64) -> Ticket {
        self.in_flight += 1;
        self.sent += 1;
        self.day.sent(now);
        Ticket {
            number: self.sent,
            answered: self.answered,
            forgotten: self.windows.get(self.steered).map_or(0, SlidingWindow::forgotten),
            refusals: self.refusals,
            cuts: self.cuts,
            steerings: self.steerings,
            generation,
        }
    }

    /// It is back.
    pub fn settle(&mut self, now: Duration, ticket: Ticket, fate: Fate) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered += 1;
        let answer = match fate {
            Fate::NotSent
            | Fate::Answered(Err(
                CallError::NotSent(_) | CallError::NoToken(_) | CallError::Withheld { .. },
            )) => {
                self.day.not_sent();
                return;
            }
            Fate::Unknown | Fate::Answered(Err(_)) => None,
            Fate::Answered(Ok(response)) => Some(response),
        };
        self.windows.iter_mut().for_each(|window| window.add(now, 1));
        if let Some(failures) = &mut self.failures
            && !answer.is_some_and(Response::is_success)
        {
            failures.add(now, 1);
        }
        let Some(response) = answer else { return };
        self.steer(now, ticket, response.rate);
        match response.status {
            429 => self.refused(now, ticket, response),
            _ => self.accepted(now, ticket),
        }
    }

    /// Follows what the app says of its limits.
    fn steer(&mut self, now: Duration, ticket: Ticket, rate: RateLimit) {
        if let Some(left) = rate.left_today {
            let uncounted = self.sent.saturating_sub(ticket.answered).saturating_sub(1);
            self.day.told(now, left, ticket.number, uncounted);
        }
        let may_raise = ticket.cuts == self.cuts;
        if let (Some(most), Some(window)) = (rate.most_a_day, self.day_window()) {
            let before = self.windows[window].most();
            self.windows[window].told_most(most, may_raise);
            self.cuts += u32::from(self.windows[window].most() < before);
        }
        if rate.most.is_none() && rate.left.is_none() {
            return;
        }
        let Some(steered) = self.window_of(now, rate) else { return };
        if steered != self.steered {
            self.steered = steered;
            self.steerings += 1;
        }
        let window = &mut self.windows[steered];
        if let Some(most) = rate.most {
            let before = window.most();
            window.told_most(most, may_raise);
            self.cuts += u32::from(window.most() < before);
        }
        if let Some(left) = rate.left
            && ticket.steerings == self.steerings
        {
            let gone = window.forgotten().saturating_sub(ticket.forgotten);
            window.told_left(now, left, self.in_flight, gone);
        }
    }

    /// The window that these headers speak of; a new one, where the app counts in another length.
    fn window_of(&mut self, now: Duration, rate: RateLimit) -> Option<usize> {
        let per = match rate.window_ms {
            Some(ms @ 1..) => Duration::from_millis(ms).min(DAY),
            _ if self.windows.is_empty() => return None,
            _ => return Some(self.steered),
        };
        if let Some(known) = self.windows.iter().position(|window| window.per() == per) {
            return Some(known);
        }
        let most = rate.most?;
        let mut window = SlidingWindow::new(Window { requests: most.max(1), per }, self.set_by);
        window.told_most(most, true);
        if let Some(left) = rate.left {
            // What is gone from it may be ours or not: it counts for a whole window from now on.
            window.told_left(now, left, self.in_flight, 0);
        }
        if self.named_by_app {
            self.windows.pop();
        }
        self.windows.push(window);
        self.named_by_app = true;
        // A window of the same place may have been another one.
        self.steerings += 1;
        Some(self.windows.len() - 1)
    }

    fn day_window(&self) -> Option<usize> {
        self.windows.iter().position(|window| window.per() == DAY)
    }

    /// 429: nothing goes for as long as the app asks, or for a window.
    fn refused(&mut self, now: Duration, ticket: Ticket, response: &Response) {
        let mut steered = self.windows.get_mut(self.steered);
        if let Some(window) = &mut steered {
            window.add_refused(now);
        }
        // Those that were out already when it refused the first say nothing new.
        if ticket.refusals == self.refusals {
            self.refusals += 1;
            self.refusals_in_a_row += 1;
            let rate = response.rate;
            let is_explained = rate.most.is_some() || rate.left_today == Some(0);
            if let (Some(window), false) = (steered, is_explained) {
                window.learn(now, self.in_flight);
            }
        }
        let window = self.windows.get(self.steered).map(|window| window.per().min(LONGEST_PAUSE));
        let asked = response.retry_after_seconds.map(Duration::from_secs);
        let pause = asked.or(window).unwrap_or(USUAL_PAUSE).min(LONGEST_ASKED_FOR);
        let again = self.refusals_in_a_row.saturating_sub(1);
        let pause = match again {
            0 => pause,
            _ => {
                let first = asked.map_or(pause, |_| SHORTEST_PAUSE);
                let doubled = first.saturating_mul(2u32.saturating_pow(again));
                pause.max(doubled.min(LONGEST_PAUSE))
            }
        };
        self.closed_until = self.closed_until.max(now + pause);
        self.ramp = Some(Ramp::from(1));
    }

    fn accepted(&mut self, now: Duration, ticket: Ticket) {
        if ticket.refusals != self.refusals {
            return;
        }
        self.refusals_in_a_row = 0;
        self.ramp = self.ramp.and_then(Ramp::raised);
        if let Some(window) = self.windows.get_mut(self.steered) {
            window.accepted(now);
        }
    }

    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// The window that the app's headers speak of: what is left, and its most.
    pub fn window(&self) -> Option<(u64, u64)> {
        let window = self.windows.get(self.steered).filter(|window| window.per() < DAY)?;
        Some((window.left(self.in_flight), window.most()))
    }

    /// What is left of the day, and its most: by our own count and by the app's, whichever is less.
    pub fn day(&self) -> (Option<u64>, Option<u64>) {
        let window = self.day_window().map(|at| &self.windows[at]);
        let own = window.map(|window| window.left(self.in_flight));
        let left = match (own, self.day.left()) {
            (Some(own), Some(told)) => Some(own.min(told)),
            (own, told) => own.or(told),
        };
        (left, window.map(SlidingWindow::most))
    }

    pub fn failures_left(&self) -> Option<u64> {
        let failures = self.failures.as_ref()?;
        Some(failures.left().saturating_sub(self.in_flight))
    }
}

fn blame(window: &SlidingWindow) -> ClosedBy {
    if window.per() < DAY { ClosedBy::Quota } else { ClosedBy::DailyQuota }
}

impl Fate<'_> {
    /// What it says of the host: 4xx says that it is up.
    pub fn health(self) -> Health {
        match self {
            Fate::NotSent
            | Fate::Unknown
            | Fate::Answered(Err(CallError::NoToken(_) | CallError::Withheld { .. })) => {
                Health::Unknown
            }
            Fate::Answered(Err(CallError::NotSent(_) | CallError::NoAnswer(_))) => {
                Health::Ill { asked_for: None }
            }
            // Too large, or not JSON: an answer all the same.
            Fate::Answered(Err(CallError::BadAnswer(_))) => Health::Well,
            Fate::Answered(Ok(response)) if response.status >= 500 => {
                Health::Ill { asked_for: response.retry_after_seconds.map(Duration::from_secs) }
            }
            Fate::Answered(Ok(_)) => Health::Well,
        }
    }
}
