//! Who runs a store: one process at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The right to run a store, given back when the process ends, however it ends.
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes it, or says that somebody else has it.
    pub fn take(store: &Path) -> Result<Lease, StoreError> {
        let path = beside(store);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| StoreError::io(&path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Lease { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::taken(store)),
            Err(TryLockError::Error(error)) => Err(StoreError::io(&path, &error)),
        }
    }

    /// Whether some process has it now.
    pub fn is_taken(store: &Path) -> bool {
        let file = File::options().read(true).open(beside(store));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// `linecook.db` → `linecook.db.lock`
fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
