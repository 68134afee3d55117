//! How many requests were answered within the last so many seconds, in little memory.

use std::collections::VecDeque;
use std::time::Duration;

/// What falls into the same thousandth of the window is kept as one, with the time of its last.
const PARTS: u32 = 1_000;

/// Counts what happened within the last `per`. It forgets late rather than early.
#[derive(Debug)]
pub(super) struct Tally {
    per: Duration,
    buckets: VecDeque<Bucket>,
    ours: u64,
    others: u64,
    forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    first: Duration,
    last: Duration,
    ours: u64,
    others: u64,
}

impl Tally {
    pub fn new(per: Duration) -> Tally {
        Tally { per, buckets: VecDeque::new(), ours: 0, others: 0, forgotten: 0 }
    }

    pub fn per(&self) -> Duration {
        self.per
    }

    /// Sent by us.
    pub fn ours(&self) -> u64 {
        self.ours
    }

    /// Sent by others who share the limit.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// How many have ever been forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Counts; `at` never goes back.
    pub fn add(&mut self, at: Duration, ours: u64, others: u64) {
        if ours == 0 && others == 0 {
            return;
        }
        self.ours = self.ours.saturating_add(ours);
        self.others = self.others.saturating_add(others);
        match self.buckets.back_mut() {
            Some(last) if at.saturating_sub(last.first) < self.per / PARTS => {
                last.last = at;
                last.ours = last.ours.saturating_add(ours);
                last.others = last.others.saturating_add(others);
            }
            _ => self.buckets.push_back(Bucket { first: at, last: at, ours, others }),
        }
    }

    /// Forgets what is too old to count.
    pub fn forget(&mut self, now: Duration) {
        while let Some(&oldest) = self.buckets.front()
            && self.leaves(oldest) <= now
        {
            self.buckets.pop_front();
            self.ours = self.ours.saturating_sub(oldest.ours);
            self.others = self.others.saturating_sub(oldest.others);
            self.forgotten =
                self.forgotten.saturating_add(oldest.ours.saturating_add(oldest.others));
        }
    }

    /// When so many of ours will have been forgotten; none if there are not so many.
    pub fn forgets_ours(&self, needed: u64) -> Option<Duration> {
        self.forgets(needed, |bucket| bucket.ours)
    }

    /// When so many of ours and the others' will have been forgotten.
    pub fn forgets_any(&self, needed: u64) -> Option<Duration> {
        self.forgets(needed, |bucket| bucket.ours.saturating_add(bucket.others))
    }

    fn forgets(&self, needed: u64, count: impl Fn(&Bucket) -> u64) -> Option<Duration> {
        let mut sum = 0u64;
        let bucket = self.buckets.iter().find(|bucket| {
            sum = sum.saturating_add(count(bucket));
            sum >= needed
        })?;
        Some(self.leaves(*bucket))
    }

    /// A thousandth later than it should: our clock and the app's do not run at the same speed.
    fn leaves(&self, bucket: Bucket) -> Duration {
        bucket.last + self.per + self.per / PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_late_and_never_early_and_stays_small() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let per = Duration::from_secs(86_400);
        let mut tally = Tally::new(per);
        let mut model: VecDeque<Duration> = VecDeque::new();
        let mut now = Duration::from_secs(1);
        for _ in 0..300_000 {
            now += Duration::from_millis(random.u64(0..1_000));
            tally.add(now, 1, 0);
            model.push_back(now);
            tally.forget(now);
            while model.front().is_some_and(|&at| at + per <= now) {
                model.pop_front();
            }
            assert!(tally.ours() >= model.len() as u64, "it forgot too early");
            assert!(tally.buckets.len() <= 1_010, "{} buckets", tally.buckets.len());
        }
        let too_many = tally.ours() - model.len() as u64;
        assert!(too_many < model.len() as u64 / 300, "{too_many} too many of {}", model.len());
        assert_eq!(tally.ours() + tally.forgotten(), 300_000);
        let last = tally.forgets_ours(tally.ours()).unwrap();
        assert!(last >= now + per);
        tally.forget(last);
        assert_eq!((tally.ours(), tally.buckets.len()), (0, 0));
        assert_eq!(tally.forgets_ours(1), None);
    }
}
