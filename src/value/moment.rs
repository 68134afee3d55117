//! Points in time with a zone: text or a timestamp comes in; a [`Moment`] goes out, and text of it.

use super::reading::{self, Reading};
use super::{ValueError, zone};
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};

/// The longest text [`Moment::format`] makes, in bytes.
const FORMAT_LIMIT: usize = 1000;

/// One point in time together with the zone it is looked at from.
///
/// Two moments are equal when they are the same point in time, whatever their zones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Zoned);

impl Moment {
    /// Reads a date, or a date and a time of day.
    ///
    /// `2026-03-03`, `2026-03-03 09:00:00`, `2026-03-03T09:00` and the like are taken in `zone`; a
    /// date alone means its midnight. An offset (`Z`, `-05:00`) or a `[Europe/Berlin]` at the end
    /// wins over `zone`, and the moment keeps it. A time of day the clocks skip moves forward by
    /// the skipped hour; one they show twice means the first.
    ///
    /// # Errors
    /// The text is something else. Dates with slashes are always refused, because day and month
    /// cannot be told apart.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, ValueError> {
        match reading::read(text)? {
            Reading::Local(written) => placed(written, zone.clone()),
            Reading::Offset(written, offset) => placed(written, TimeZone::fixed(offset)),
            Reading::Zoned(zoned) => Ok(Self(zoned)),
        }
    }

    /// The moment of a timestamp, looked at from `zone`.
    pub fn from_timestamp(timestamp: Timestamp, zone: &TimeZone) -> Self {
        Self(timestamp.to_zoned(zone.clone()))
    }

    /// The point in time alone.
    pub fn timestamp(&self) -> Timestamp {
        self.0.timestamp()
    }

    /// Adds whole days; the time of day stays, even when the clocks change in between.
    ///
    /// # Errors
    /// This and the other `add_` functions fail only when the year leaves -9999 to 9999.
    pub fn add_days(&self, days: i64) -> Result<Self, ValueError> {
        self.moved(Span::new().try_days(days))
    }

    /// Adds weeks of seven whole days, as [`Moment::add_days`] does.
    pub fn add_weeks(&self, weeks: i64) -> Result<Self, ValueError> {
        self.moved(Span::new().try_weeks(weeks))
    }

    /// Adds whole months; where the month is too short, its last day is taken.
    pub fn add_months(&self, months: i64) -> Result<Self, ValueError> {
        self.moved(Span::new().try_months(months))
    }

    /// Adds hours of exactly 60 minutes, whatever the clocks show.
    pub fn add_hours(&self, hours: i64) -> Result<Self, ValueError> {
        self.moved(Span::new().try_hours(hours))
    }

    /// Adds minutes of exactly 60 seconds, whatever the clocks show.
    pub fn add_minutes(&self, minutes: i64) -> Result<Self, ValueError> {
        self.moved(Span::new().try_minutes(minutes))
    }

    fn moved(&self, span: Result<Span, jiff::Error>) -> Result<Self, ValueError> {
        span.and_then(|span| self.0.checked_add(span)).map(Self).map_err(|_| too_far())
    }

    /// The same day at another time of day: `09:00`, `17:30:00`, `9am`, `5:30 pm`.
    ///
    /// # Errors
    /// The text is not a time of day.
    pub fn at(&self, time: &str) -> Result<Self, ValueError> {
        placed(self.0.date().to_datetime(reading::time_of_day(time)?), self.0.time_zone().clone())
    }

    /// The same point in time, looked at from another zone such as `America/New_York`.
    ///
    /// # Errors
    /// The zone is not known; the nearest name is suggested.
    pub fn in_zone(&self, name: &str) -> Result<Self, ValueError> {
        Ok(Self(self.0.with_time_zone(zone::find(name)?)))
    }

    /// Text by a pattern of `%` parts: `%B %-d, %Y` makes `March 3, 2026`.
    ///
    /// # Errors
    /// The pattern has a part that means nothing, or the text would be longer than 1000 bytes. The
    /// problem completes a sentence about the pattern.
    pub fn format(&self, pattern: &str) -> Result<String, ValueError> {
        let too_long = || {
            ValueError::new(
                format!("makes text longer than {FORMAT_LIMIT} bytes"),
                "write a shorter pattern, such as %Y-%m-%d",
            )
        };
        if pattern.len() > FORMAT_LIMIT {
            return Err(too_long());
        }
        let text = BrokenDownTime::from(&self.0).to_string(pattern).map_err(|error| {
            ValueError::new(
                format!("is not a date pattern ({error})"),
                "write parts such as %Y (2026), %m (03), %-d (3), %B (March), %H:%M (09:00), and \
                 %% for a percent sign",
            )
        })?;
        if text.len() > FORMAT_LIMIT { Err(too_long()) } else { Ok(text) }
    }

    /// `2026-03-03T09:00:00Z`: in UTC, with milliseconds only where there are any.
    pub fn to_utc_text(&self) -> String {
        let utc = Offset::UTC.to_datetime(self.timestamp());
        let fraction = match utc.millisecond() {
            0 => String::new(),
            thousandths => format!(".{thousandths:03}"),
        };
        format!("{}T{}{fraction}Z", utc.date(), clock(utc))
    }

    /// `2026-03-03 09:00:00`: in `zone`, without saying so, and without a fraction.
    pub fn to_space_text(&self, zone: &TimeZone) -> String {
        let local = zone.to_datetime(self.timestamp());
        format!("{} {}", local.date(), clock(local))
    }

    /// `2026-03-03`: the day in the moment's own zone.
    pub fn to_date_text(&self) -> String {
        self.0.date().to_string()
    }
}

impl std::fmt::Display for Moment {
    /// RFC 3339 with the moment's own offset, `Z` where that is zero.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new();
        let (timestamp, offset) = (self.timestamp(), self.0.offset());
        if offset == Offset::UTC {
            return write!(out, "{timestamp}");
        }
        out.write_str(&PRINTER.timestamp_with_offset_to_string(&timestamp, offset))
    }
}

fn clock(time: DateTime) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

fn placed(written: DateTime, zone: TimeZone) -> Result<Moment, ValueError> {
    written.to_zoned(zone).map(Moment).map_err(|_| too_far())
}

fn too_far() -> ValueError {
    ValueError::new("is too far in the past or the future", "write a year from 1 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_york() -> TimeZone {
        zone::find("America/New_York").unwrap()
    }

    fn read(text: &str) -> Moment {
        Moment::parse(text, &new_york()).unwrap()
    }

    fn utc(text: &str) -> String {
        read(text).to_utc_text()
    }

    #[test]
    fn text_without_an_offset_is_taken_in_the_zone() {
        assert_eq!(utc("2026-03-03"), "2026-03-03T05:00:00Z");
        assert_eq!(utc(" 2026-03-03 09:00:00 "), "2026-03-03T14:00:00Z");
        assert_eq!(utc("2026-03-03T09:00"), "2026-03-03T14:00:00Z");
        assert_eq!(utc("2026-07-03T09:00:00.25"), "2026-07-03T13:00:00.250Z");
    }

    #[test]
    fn an_offset_or_a_zone_in_the_text_wins_and_is_kept() {
        assert_eq!(utc("2026-03-03T09:00:00.000Z"), "2026-03-03T09:00:00Z");
        assert_eq!(utc("2026-03-03T09:00:00+0000"), "2026-03-03T09:00:00Z");
        assert_eq!(read("2026-03-03t09:00:00z").to_string(), "2026-03-03T09:00:00Z");
        assert_eq!(read("2026-03-03T23:00:00+09:00").to_string(), "2026-03-03T23:00:00+09:00");
        assert_eq!(read("2026-03-03T23:00:00+09:00").to_date_text(), "2026-03-03");
        assert_eq!(
            read("2026-03-03T09:00[Europe/Berlin]").to_string(),
            "2026-03-03T09:00:00+01:00"
        );
        assert_eq!(utc("2026-03-03T09:00+01:00[Europe/Berlin]"), "2026-03-03T08:00:00Z");
        assert_eq!(read("2026-03-03T09:00Z"), read("2026-03-03T04:00-05:00"));
        assert!(read("2026-03-03T09:00Z") < read("2026-03-03T09:00"));
    }

    #[test]
    fn days_keep_the_time_of_day_and_hours_are_exact() {
        // The clocks go forward on 8 March 2026.
        let before = read("2026-03-07 09:00:00");
        assert_eq!(before.add_days(1).unwrap().to_string(), "2026-03-08T09:00:00-04:00");
        assert_eq!(before.add_hours(24).unwrap().to_string(), "2026-03-08T10:00:00-04:00");
        assert_eq!(before.add_minutes(-30).unwrap().to_string(), "2026-03-07T08:30:00-05:00");
        assert_eq!(before.add_weeks(1).unwrap().to_date_text(), "2026-03-14");
        assert_eq!(read("2026-01-31").add_months(1).unwrap().to_date_text(), "2026-02-28");
        assert!(before.add_days(i64::MAX).is_err());
    }

    #[test]
    fn a_skipped_hour_moves_forward_and_a_repeated_one_means_the_first() {
        assert_eq!(read("2026-03-08 02:30:00").to_string(), "2026-03-08T03:30:00-04:00");
        assert_eq!(read("2026-11-01 01:30:00").to_string(), "2026-11-01T01:30:00-04:00");
    }

    #[test]
    fn a_moment_can_be_looked_at_from_elsewhere() {
        let moment = read("2026-03-03T02:00:00Z");
        assert_eq!(moment.to_date_text(), "2026-03-03");
        let there = moment.in_zone("America/New_York").unwrap();
        assert_eq!(there.to_date_text(), "2026-03-02");
        assert_eq!(there, moment);
        assert_eq!(moment.to_space_text(&new_york()), "2026-03-02 21:00:00");
        assert_eq!(Moment::from_timestamp(moment.timestamp(), &new_york()), moment);
        assert!(moment.in_zone("America/Nowhere_At_All").is_err());
    }

    #[test]
    fn patterns_make_text_or_say_what_is_wrong() {
        let moment = read("2026-03-03 09:05:00");
        assert_eq!(moment.format("%B %-d, %Y").unwrap(), "March 3, 2026");
        assert_eq!(moment.format("%A at %-I:%M %p, 100%%").unwrap(), "Tuesday at 9:05 AM, 100%");
        assert_eq!(moment.format("%H:%M %Z").unwrap(), "09:05 EST");
        assert!(moment.format("%Y %!").unwrap_err().problem.starts_with("is not a date pattern"));
        assert!(moment.format("%").is_err());
        assert!(moment.format(&"%A".repeat(400)).unwrap_err().problem.contains("longer than 1000"));
    }

    #[test]
    fn fractions_show_only_where_there_are_any() {
        assert_eq!(utc("2026-03-03T09:00:00.120Z"), "2026-03-03T09:00:00.120Z");
        assert_eq!(utc("2026-03-03T09:00:00.0001Z"), "2026-03-03T09:00:00Z");
        assert_eq!(
            read("2026-03-03T09:00:00.5Z").to_space_text(&TimeZone::UTC),
            "2026-03-03 09:00:00"
        );
    }

    #[test]
    fn a_time_of_day_can_be_set() {
        let moment = read("2026-03-03T15:45:10.5");
        assert_eq!(moment.at("9am").unwrap().to_string(), "2026-03-03T09:00:00-05:00");
        assert_eq!(moment.at("17:30:05").unwrap().to_string(), "2026-03-03T17:30:05-05:00");
        assert!(moment.at("noonish").is_err());
    }
}
