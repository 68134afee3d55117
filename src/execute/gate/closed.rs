//! Why nothing may be sent now.

use std::fmt;
use std::time::Duration;

/// Not now. The one who wanted to send comes back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// In how long to ask again. Those who are turned away get times one after the other, so that
    /// they do not come back all at once.
    pub after: Duration,
    pub why: ClosedBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// A window is full.
    Quota,
    /// Nothing is left of the day, by our count or by the app's.
    DailyQuota,
    /// The app answered 429.
    Refusal,
    /// A few more failures, and the app blocks the caller.
    Failures,
    /// The host does not answer, or only with errors of its own.
    Host,
}

impl ClosedBy {
    pub const ALL: [ClosedBy; 5] = [
        ClosedBy::Quota,
        ClosedBy::DailyQuota,
        ClosedBy::Refusal,
        ClosedBy::Failures,
        ClosedBy::Host,
    ];

    /// As metrics name it.
    pub fn word(self) -> &'static str {
        match self {
            ClosedBy::Quota => "quota",
            ClosedBy::DailyQuota => "daily quota",
            ClosedBy::Refusal => "too many",
            ClosedBy::Failures => "failures",
            ClosedBy::Host => "host",
        }
    }
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClosedBy::Quota => "its quota is used up",
            ClosedBy::DailyQuota => "its quota of the day is used up",
            ClosedBy::Refusal => "it asked to wait",
            ClosedBy::Failures => "too many calls failed lately, and more would get us blocked",
            ClosedBy::Host => "it does not answer",
        })
    }
}

/// When one more may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    Now,
    At(Duration),
    /// When something that is out has been answered.
    WithAnswer,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// Not before; none when it depends on the answers to what is out.
    pub until: Option<Duration>,
    pub why: ClosedBy,
}
