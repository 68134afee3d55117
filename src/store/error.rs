//! Why something could not be stored or read.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

/// Why something could not be stored or read: a phrase and one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    pub kind: StoreErrorKind,
    pub message: String,
    pub help: String,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The disk is full.
    Full,
    /// The disk does not do what it is told.
    Disk,
    /// Another process runs this store.
    Taken,
    /// There is no store there.
    Missing,
    /// It is no store, or one of a newer version.
    Unreadable,
    /// Another process has taken over.
    Fenced,
    /// Somebody else wrote meanwhile what this would have written.
    Overtaken,
    /// The store is being closed.
    Closed,
}

impl StoreError {
    pub(super) fn new(
        kind: StoreErrorKind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> StoreError {
        StoreError { kind, message: message.into(), help: help.into() }
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> StoreError {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull => StoreErrorKind::Full,
            _ => StoreErrorKind::Disk,
        };
        StoreError::new(
            kind,
            format!("the store {} cannot be used: {error}", path.display()),
            "check that the folder is there and may be written to",
        )
    }

    pub(crate) fn missing(path: &Path) -> StoreError {
        StoreError::new(
            StoreErrorKind::Missing,
            format!("there is no store at {}", path.display()),
            "`linecook serve` makes it when it first starts; run this in the project's folder, or name the store with --store",
        )
    }

    pub(super) fn taken(path: &Path) -> StoreError {
        StoreError::new(
            StoreErrorKind::Taken,
            format!("another linecook is already running the store {}", path.display()),
            "stop that one first, or give this project a store of its own (`store:` in linecook.yaml)",
        )
    }

    pub(super) fn fenced() -> StoreError {
        StoreError::new(
            StoreErrorKind::Fenced,
            "another linecook has taken over the store",
            "stop this one; two may never run the same store",
        )
    }

    pub(super) fn closed() -> StoreError {
        StoreError::new(StoreErrorKind::Closed, "the store is being closed", "start it again")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        let (kind, help) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => (
                StoreErrorKind::Full,
                "make room on the disk; nothing is lost, and it goes on by itself",
            ),
            Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => (
                StoreErrorKind::Disk,
                "check the disk and that the store's folder may be written to; nothing that was acknowledged is lost",
            ),
            Some(ErrorCode::ConstraintViolation) => {
                (StoreErrorKind::Overtaken, "nothing is lost, and it goes on by itself")
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                (StoreErrorKind::Unreadable, "restore the last backup with `linecook restore`")
            }
            _ => (StoreErrorKind::Disk, "look at the log; `linecook doctor` says what is wrong"),
        };
        StoreError::new(kind, format!("the store cannot be used: {error}"), help)
    }
}
