//! When a credential is to be replaced: since when it is there and how often it shall change come in; the
//! dates on which people are reminded go out.

use std::time::Duration;

use jiff::Timestamp;

/// How long a credential has been there, and how long it shall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// When a person put the credential in.
    pub since: Timestamp,
    /// At least a day.
    pub every: Duration,
}

impl Rotation {
    /// When it is to be replaced for the first time.
    pub fn first_due(&self) -> Timestamp {
        self.since.checked_add(self.every).unwrap_or(Timestamp::MAX)
    }

    /// The last date at which it was to be replaced, and was not: the first, then again and again after the
    /// same length of time. None before the first.
    pub fn last_due(&self, now: Timestamp) -> Option<Timestamp> {
        let age = Duration::try_from(now.duration_since(self.since)).ok()?;
        let times = age.as_secs().checked_div(self.every.as_secs()).filter(|times| *times > 0)?;
        let whole = self.every.as_secs().checked_mul(times)?;
        self.since.checked_add(Duration::from_secs(whole)).ok()
    }

    pub fn age_days(&self, now: Timestamp) -> u64 {
        let age = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        age.as_secs() / (24 * 3_600)
    }

    /// The one thing to do when it is due.
    pub fn help(connection: &str) -> String {
        format!(
            "`linecook connections rotate {connection}` puts a new credential in its place while everything goes on"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_each_such_length_of_time_and_not_before_the_first() {
        let day = |number: u64| {
            Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(number * 86_400)).unwrap()
        };
        let rotation = Rotation { since: day(10), every: Duration::from_secs(90 * 86_400) };
        assert_eq!(rotation.first_due(), day(100));
        for (now, due) in [
            (9, None),
            (10, None),
            (99, None),
            (100, Some(100)),
            (189, Some(100)),
            (400, Some(370)),
        ] {
            assert_eq!(rotation.last_due(day(now)), due.map(day), "day {now}");
        }
    }
}
