//! Times that come again and again: `0 9 * * 1` comes in; a [`Cron`] goes out, which knows the times.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ValueError;

/// Times that come again and again, to the minute: minute, hour, day of the month, month, weekday.
#[derive(Clone, Debug)]
pub struct Cron(croner::Cron);

impl Cron {
    /// Reads five parts, or a word such as `@daily`.
    ///
    /// # Errors
    /// The text is something else, or no such time ever comes.
    pub fn parse(text: &str) -> Result<Cron, ValueError> {
        let wrong = |problem: &str| {
            ValueError::new(
                problem,
                "write minute, hour, day of the month, month and weekday: `0 9 * * 1` is every Monday at 9:00",
            )
        };
        let text = text.trim();
        let parts = text.split_whitespace().count();
        if !text.starts_with('@') && parts != 5 {
            return Err(wrong(&format!(
                "has {parts} {}; a time that comes again has five",
                if parts == 1 { "part" } else { "parts" }
            )));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
        let cron = parser.build().parse(text).map(Cron);
        let cron = cron.map_err(|_| wrong("is not a time that comes again"))?;
        match cron.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            Some(_) => Ok(cron),
            None => Err(wrong("names a time that never comes")),
        }
    }

    /// The first time later than `after`, on the clocks of `zone`.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let after = after.to_zoned(zone.clone());
        self.0.find_next_occurrence(&after, false).ok().map(|time| time.timestamp())
    }

    /// The last time not later than `until`, on the clocks of `zone`.
    pub fn last(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let until = until.to_zoned(zone.clone());
        self.0.find_previous_occurrence(&until, true).ok().map(|time| time.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_come_again() {
        let mondays = Cron::parse("0 9 * * 1").unwrap();
        let zone = TimeZone::get("America/New_York").unwrap();
        let now = time("2026-03-02T13:59:00Z");
        assert_eq!(mondays.next(now, &zone), Some(time("2026-03-02T14:00:00Z")));
        // The clocks change on 8 March.
        let next = mondays.next(time("2026-03-02T14:00:00Z"), &zone);
        assert_eq!(next, Some(time("2026-03-09T13:00:00Z")));
        assert_eq!(mondays.last(now, &zone), Some(time("2026-02-23T14:00:00Z")));
        let exactly = time("2026-03-02T14:00:00Z");
        assert_eq!(mondays.last(exactly, &zone), Some(exactly));
        assert!(Cron::parse("@daily").is_ok());
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_once_and_one_they_show_twice_too() {
        let nightly = Cron::parse("30 2 * * *").unwrap();
        let zone = TimeZone::get("America/New_York").unwrap();
        let mut times = Vec::new();
        let mut now = time("2026-03-07T12:00:00Z");
        for _ in 0..3 {
            now = nightly.next(now, &zone).unwrap();
            times.push(now.to_zoned(zone.clone()).date().to_string());
        }
        assert_eq!(times, ["2026-03-08", "2026-03-09", "2026-03-10"]);
        let early = Cron::parse("30 1 * * *").unwrap();
        let first = early.next(time("2026-11-01T04:00:00Z"), &zone).unwrap();
        let second = early.next(first, &zone).unwrap();
        assert_eq!(second.to_zoned(zone).date().to_string(), "2026-11-02");
    }

    #[test]
    fn what_is_no_such_time_is_said() {
        for text in ["", "daily", "0 9 * *", "0 0 9 * * 1", "99 * * * *", "0 9 * * monday-x", "@x"]
        {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
        let never = Cron::parse("0 0 30 2 *").unwrap_err();
        assert!(never.problem.contains("never comes"), "{never}");
    }
}
