//! By what a record is known: `stax.customer 59327746`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One record of one app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordKey {
    /// App and kind, such as `stax.customer`.
    pub kind: String,
    /// As the app writes it.
    pub id: String,
}

impl RecordKey {
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> RecordKey {
        RecordKey { kind: kind.into(), id: id.into() }
    }

    /// The app that has it.
    pub fn app(&self) -> &str {
        app_of(&self.kind)
    }
}

/// The app of a kind: `stax` of `stax.customer`.
pub fn app_of(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(app, _)| app)
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}
