//! One writer at a time: whoever reads a record to change it keeps all others of this process out until
//! it is written.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// How many locks are kept before those that nobody holds are forgotten.
const SWEEP_AT: usize = 1_024;

/// How many released locks are remembered; of what is older nobody can say that nothing happened.
const REMEMBERED: usize = 1_024;

/// The locks of all records that are being changed, by what names the record. Clones are the same locks.
#[derive(Clone, Default)]
pub struct RecordLocks {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    turns: HashMap<String, Weak<Turn<()>>>,
    /// The last locks that were released, the newest last.
    released: VecDeque<String>,
    /// How many have been released so far.
    releases: u64,
}

/// A moment, for [`RecordLocks::was_free_since`].
#[derive(Clone, Copy, Debug)]
pub struct Moment(u64);

/// Others wait until it is dropped.
pub struct RecordLock {
    record: String,
    inner: Arc<Mutex<Inner>>,
    _turn: OwnedMutexGuard<()>,
}

impl RecordLocks {
    /// Waits until nobody else changes the record.
    pub async fn lock(&self, record: &str) -> RecordLock {
        let turn = self.inner().turn(record);
        let turn = turn.lock_owned().await;
        RecordLock { record: record.to_owned(), inner: self.inner.clone(), _turn: turn }
    }

    /// Now, before something is read.
    pub fn now(&self) -> Moment {
        Moment(self.inner().releases)
    }

    /// Whether certainly nobody has held the lock of a record since a moment, whose lock is held now.
    pub fn was_free_since(&self, record: &str, moment: Moment) -> bool {
        let inner = self.inner();
        let since = usize::try_from(inner.releases - moment.0).unwrap_or(usize::MAX);
        since <= inner.released.len()
            && !inner.released.iter().rev().take(since).any(|released| released == record)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn turn(&mut self, record: &str) -> Arc<Turn<()>> {
        if self.turns.len() >= SWEEP_AT {
            self.turns.retain(|_, turn| turn.strong_count() > 0);
        }
        if let Some(turn) = self.turns.get(record).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::new(()));
        self.turns.insert(record.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

impl Drop for RecordLock {
    /// Written down before the next one gets its turn: the turn is dropped last.
    fn drop(&mut self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.released.len() == REMEMBERED {
            inner.released.pop_front();
        }
        inner.released.push_back(std::mem::take(&mut self.record));
        inner.releases += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_held_meanwhile_is_known() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let locks = RecordLocks::default();
            let before = locks.now();
            drop(locks.lock("a").await);
            let between = locks.now();
            assert!(!locks.was_free_since("a", before));
            assert!(locks.was_free_since("b", before));
            assert!(locks.was_free_since("a", between));
            for other in 0..=REMEMBERED {
                drop(locks.lock(&other.to_string()).await);
            }
            // So long ago that nobody knows.
            assert!(!locks.was_free_since("a", between));
        });
    }
}
