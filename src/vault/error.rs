//! Why the vault cannot be read or written.

use std::fmt;
use std::path::Path;

/// Why the vault cannot be read or written: a phrase and one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultError {
    pub kind: VaultErrorKind,
    pub message: String,
    pub help: String,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultErrorKind {
    /// The disk or its rights.
    Disk,
    /// The key is not there, or cannot be reached from here.
    NoKey,
    /// There is a key, but the vault was locked with another one.
    WrongKey,
    /// The file was changed or cut short by something else than linecook.
    Damaged,
    /// It was written by a newer linecook.
    Newer,
}

impl VaultError {
    pub(super) fn new(
        kind: VaultErrorKind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> VaultError {
        VaultError { kind, message: message.into(), help: help.into() }
    }

    pub(super) fn disk(what: &str, path: &Path, error: &std::io::Error) -> VaultError {
        VaultError::new(
            VaultErrorKind::Disk,
            format!("{what} {} cannot be used: {error}", path.display()),
            "check that the folder is there, has room, and may be read and written by whoever runs linecook",
        )
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for VaultError {}
