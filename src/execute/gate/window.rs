//! One sliding window: what was sent, what the app says, and what its refusals teach.

use std::time::Duration;

use super::closed::Opens;
use super::limits::{SetBy, Window};
use super::tally::Tally;

/// How long a limit that refusals have taught is kept before a higher one is tried.
const FIRST_HOLD: Duration = Duration::from_secs(300);
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 3600);

/// A limit and what counts against it.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    configured: u64,
    set_by: SetBy,
    /// What the app says its limit is.
    told: Option<u64>,
    learned: Option<Learned>,
    tally: Tally,
    /// Of ours, those that the app refused.
    refused: Tally,
}

/// A limit guessed from refusals, because the app does not say what it is.
#[derive(Clone, Copy, Debug)]
struct Learned {
    most: u64,
    /// What held before it was raised the last time.
    before: Option<u64>,
    hold: Duration,
    raise_at: Duration,
}

impl SlidingWindow {
    pub fn new(window: Window, set_by: SetBy) -> SlidingWindow {
        SlidingWindow {
            configured: window.requests,
            set_by,
            told: None,
            learned: None,
            tally: Tally::new(window.per),
            refused: Tally::new(window.per),
        }
    }

    pub fn per(&self) -> Duration {
        self.tally.per()
    }

    pub fn forget(&mut self, now: Duration) {
        self.tally.forget(now);
        self.refused.forget(now);
    }

    pub fn forgotten(&self) -> u64 {
        self.tally.forgotten()
    }

    pub fn add(&mut self, at: Duration, requests: u64) {
        self.tally.add(at, requests, 0);
    }

    /// The most that we send.
    pub fn most(&self) -> u64 {
        let given = match (self.told, self.set_by) {
            (Some(told), SetBy::Catalog) => told,
            (Some(told), SetBy::Project) => told.min(self.configured),
            (None, _) => self.configured,
        };
        self.learned.map_or(given, |learned| learned.most.min(given))
    }

    /// The most that the app takes from us and from all who share the limit.
    fn most_of_app(&self) -> u64 {
        self.told.unwrap_or(self.configured)
    }

    pub fn left(&self, in_flight: u64) -> u64 {
        let ours = self.tally.ours().saturating_add(in_flight);
        let all = ours.saturating_add(self.tally.others());
        self.most().saturating_sub(ours).min(self.most_of_app().saturating_sub(all))
    }

    /// When the n-th from now may go.
    pub fn opens(&self, nth: u64, in_flight: u64) -> Opens {
        if self.left(in_flight) >= nth {
            return Opens::Now;
        }
        let ours = self.tally.ours().saturating_add(in_flight).saturating_add(nth);
        let all = ours.saturating_add(self.tally.others());
        let own = match ours.saturating_sub(self.most()) {
            0 => Some(Duration::ZERO),
            needed => self.tally.forgets_ours(needed),
        };
        let shared = match all.saturating_sub(self.most_of_app()) {
            0 => Some(Duration::ZERO),
            needed => self.tally.forgets_any(needed),
        };
        match (own, shared) {
            (Some(own), Some(shared)) => Opens::At(own.max(shared)),
            _ => Opens::WithAnswer,
        }
    }

    /// The same as an estimate, where it depends on answers or on those who go first.
    pub fn expected(&self, now: Duration, nth: u64, in_flight: u64) -> Duration {
        match self.opens(nth, in_flight) {
            Opens::Now => now,
            Opens::At(at) => at,
            Opens::WithAnswer => {
                let behind = self.tally.ours().saturating_add(in_flight);
                let more = nth.saturating_sub(self.left(in_flight)).saturating_sub(behind);
                now + self.per()
                    + self.spacing().saturating_mul(more.try_into().unwrap_or(u32::MAX))
            }
        }
    }

    /// The time between two requests that go evenly.
    pub fn spacing(&self) -> Duration {
        self.per() / self.most().clamp(1, u64::from(u32::MAX)) as u32
    }

    /// The app says what its limit is. A raise counts only from an answer that knows of the last cut.
    pub fn told_most(&mut self, most: u64, may_raise: bool) {
        let most = most.max(1);
        if may_raise || most < self.most_of_app() {
            self.told = Some(most);
        }
    }

    /// The app says how many requests it still takes. `gone` is how many we have forgotten since that
    /// request went out: the app may have counted them still. What it has counted and we cannot have
    /// sent came from others.
    pub fn told_left(&mut self, now: Duration, left: u64, in_flight: u64, gone: u64) {
        // Without the app's limit the rest says nothing, unless ours is the app's.
        if self.told.is_none() && self.set_by == SetBy::Project && left > 0 {
            return;
        }
        let counted = self.most_of_app().saturating_sub(left);
        let known = self.tally.ours().saturating_add(self.tally.others());
        let known = known.saturating_add(in_flight).saturating_add(gone);
        self.tally.add(now, 0, counted.saturating_sub(known));
    }

    /// The app refused one of those that were added.
    pub fn add_refused(&mut self, at: Duration) {
        self.refused.add(at, 1, 0);
    }

    /// The app refused a request and does not say what its limit is. Half of what we thought is the
    /// guess; less if we had not even sent half.
    pub fn learn(&mut self, now: Duration, in_flight: u64) {
        let most = self.most();
        let accepted = self.tally.ours().saturating_sub(self.refused.ours());
        let sent = accepted.saturating_add(in_flight);
        let guess = if sent > most / 2 { (most / 2).max(1) } else { accepted };
        if guess == 0 {
            // Hardly anything was sent: whatever it was, it was not the rate.
            return;
        }
        self.learned = Some(match self.learned {
            Some(Learned { before: Some(before), hold, .. }) => {
                let hold = (hold * 2).min(LONGEST_HOLD);
                Learned { most: before, before: None, hold, raise_at: now + hold }
            }
            _ => {
                let raise_at = now + FIRST_HOLD;
                Learned { most: guess, before: None, hold: FIRST_HOLD, raise_at }
            }
        });
    }

    /// The app took a request: a limit that was learned may be tried a tenth higher once in a while.
    pub fn accepted(&mut self, now: Duration) {
        let Some(learned) = self.learned.filter(|learned| now >= learned.raise_at) else { return };
        let most = learned.most.saturating_add((self.configured / 10).max(1));
        let raised =
            Learned { most, before: Some(learned.most), raise_at: now + learned.hold, ..learned };
        self.learned = (most < self.most_of_app().min(self.configured)).then_some(raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(requests: u64, set_by: SetBy) -> SlidingWindow {
        SlidingWindow::new(Window { requests, per: Duration::from_secs(10) }, set_by)
    }

    #[test]
    fn the_app_may_raise_what_the_catalog_says_but_not_what_the_owner_wants() {
        for (set_by, raised) in [(SetBy::Catalog, 200), (SetBy::Project, 100)] {
            let mut window = window(100, set_by);
            window.told_most(200, true);
            assert_eq!(window.most(), raised);
            window.told_most(50, true);
            assert_eq!(window.most(), 50);
            // An answer that was on its way when the limit was cut.
            window.told_most(200, false);
            assert_eq!(window.most(), 50);
        }
    }

    #[test]
    fn what_others_sent_is_what_we_cannot_have_sent() {
        let now = Duration::from_secs(1_000);
        let mut window = window(100, SetBy::Catalog);
        window.add(now, 10);
        window.told_left(now, 80, 5, 5);
        assert_eq!(window.left(0), 90, "20 may all be ours");
        window.told_left(now, 40, 5, 5);
        assert_eq!(window.left(0), 50, "40 are not ours");
        window.told_left(now, 40, 5, 5);
        assert_eq!(window.left(0), 50, "they are counted once");
        window.forget(now + Duration::from_secs(11));
        assert_eq!(window.left(0), 100);
    }

    #[test]
    fn the_owner_s_limit_is_ours_alone() {
        let now = Duration::from_secs(1_000);
        let mut window = window(50, SetBy::Project);
        window.told_most(100, true);
        window.told_left(now, 30, 0, 0);
        assert_eq!(window.left(0), 30, "others used 70 of the app's 100");
        window.told_left(now, 60, 0, 0);
        assert_eq!(window.left(0), 30);
    }

    #[test]
    fn a_learned_limit_is_tried_higher_ever_more_rarely() {
        let mut now = Duration::from_secs(1_000);
        let mut window = window(100, SetBy::Catalog);
        window.add(now, 90);
        window.learn(now, 10);
        assert_eq!(window.most(), 50);
        now += FIRST_HOLD;
        window.accepted(now);
        assert_eq!(window.most(), 60);
        window.learn(now, 10);
        assert_eq!(window.most(), 50, "back to what was good");
        now += FIRST_HOLD;
        window.accepted(now);
        assert_eq!(window.most(), 50, "the next try takes twice as long");
        for expected in [60, 70, 80, 90, 100] {
            now += FIRST_HOLD * 2;
            window.accepted(now);
            assert_eq!(window.most(), expected);
        }
    }
}
