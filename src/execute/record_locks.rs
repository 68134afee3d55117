//! One writer at a time: whoever reads a record to change it keeps all others of this process out until
//! it is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// How many locks are kept before those that nobody holds are forgotten.
const SWEEP_AT: usize = 1_024;

/// The locks of all records that are being changed, by what names the record. Clones are the same locks.
#[derive(Clone, Default)]
pub struct RecordLocks {
    turns: Arc<Mutex<HashMap<String, Weak<Turn<()>>>>>,
}

/// Others wait until it is dropped.
pub type RecordLock = OwnedMutexGuard<()>;

impl RecordLocks {
    /// Waits until nobody else changes the record.
    pub async fn lock(&self, record: &str) -> RecordLock {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= SWEEP_AT {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            match turns.get(record).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::new(Turn::new(()));
                    turns.insert(record.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}
