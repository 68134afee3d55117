//! The limits of a connection, and what was sent before a restart.

use std::time::Duration;

use crate::catalog::{App, Limit};

/// What a connection may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All of them hold at once.
    pub windows: Vec<Window>,
    /// How many requests may fail before the app blocks the caller.
    pub failures: Option<Window>,
    pub set_by: SetBy,
}

/// So many requests in any stretch of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub requests: u64,
    pub per: Duration,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The app itself knows better: a limit that it names in its answers counts instead.
    Catalog,
    /// The most that the owner wants, whatever the app allows. A lower limit of the app counts.
    Project,
}

/// What was sent before a restart. What was out when the process died counts as sent just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How long ago the last of them was answered.
    pub ago: Duration,
    pub requests: u64,
    /// How many of them were not answered 2xx.
    pub failures: u64,
}

impl Limits {
    /// What the catalog says of an app.
    pub fn of(app: &App) -> Limits {
        Limits {
            windows: app.limits.iter().map(Window::from).collect(),
            failures: app.failure_limit.as_ref().map(Window::from),
            set_by: SetBy::Catalog,
        }
    }
}

impl From<&Limit> for Window {
    fn from(limit: &Limit) -> Window {
        Window { requests: limit.requests, per: Duration::from_secs(limit.per_seconds) }
    }
}
