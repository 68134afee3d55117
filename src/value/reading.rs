//! Dates and times of day as people write them: text comes in; its parts go out, or what to write.

use super::{ValueError, zone};
use jiff::Zoned;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

/// What a written date says about its place in time.
pub(super) enum Reading {
    /// A day and a time of day, without any word on where.
    Local(DateTime),
    /// With an offset, `Z` included.
    Offset(DateTime, Offset),
    /// With the name of a zone in brackets.
    Zoned(Zoned),
}

/// Reads a date, or a date and a time of day; a date alone is its midnight.
///
/// # Errors
/// The text is something else, or its order of day and month is not the one with the year first.
pub(super) fn read(text: &str) -> Result<Reading, ValueError> {
    let text = text.trim();
    if let Some(error) = refusal(text) {
        return Err(error);
    }
    let pieces = Pieces::parse(text).map_err(|_| not_a_date(text))?;
    if pieces.time_zone_annotation().is_some() {
        // Both an offset and a zone may be written; this refuses them when they disagree.
        return text.parse().map(Reading::Zoned).map_err(|_| bad_zone(text));
    }
    let written = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    Ok(match pieces.to_numeric_offset() {
        Some(offset) => Reading::Offset(written, offset),
        None => Reading::Local(written),
    })
}

/// Reads `09:00`, `17:30:00`, `9am` or `5:30 pm`.
///
/// # Errors
/// The text is not a time of day.
pub(super) fn time_of_day(text: &str) -> Result<Time, ValueError> {
    const PATTERNS: [&str; 5] = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I %p"];
    let text = text.trim();
    // The parser would take a sign before a number.
    let signed = text.contains(['+', '-']);
    PATTERNS
        .iter()
        .find_map(|pattern| Time::strptime(pattern, text).ok())
        .filter(|_| !signed)
        .ok_or_else(|| ValueError::new("is not a time of day", "write 09:00, 17:30:00 or 5 pm"))
}

/// Text the parser would take, or would refuse without saying anything helpful.
fn refusal(text: &str) -> Option<ValueError> {
    if let Some(error) = slashes(text) {
        return Some(error);
    }
    // Without dashes, 20260303 could be a date, and could as well be an account number.
    let year_and_dash = matches!(text.as_bytes(), [a, b, c, d, b'-', ..]
        if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    (!year_and_dash || text.len() > 100).then(|| not_a_date(text))
}

fn slashes(text: &str) -> Option<ValueError> {
    let date = text.split([' ', 'T']).next()?;
    let separator = ['/', '.', '-'].into_iter().find(|sign| date.matches(*sign).count() == 2)?;
    let parts: Vec<u16> = date.split(separator).map(str::parse).collect::<Result<_, _>>().ok()?;
    let (first, second, year) = match parts[..] {
        [first, second, year] if first <= 31 && second <= 31 && year >= 1000 => {
            (first, second, year)
        }
        [year, month, day] if year >= 1000 && separator != '-' => {
            let instead = format!("write {year:04}-{month:02}-{day:02}");
            return Some(ValueError::new("is not a date with dashes", instead));
        }
        _ => return None,
    };
    let month_first = format!("{year:04}-{first:02}-{second:02}");
    let day_first = format!("{year:04}-{second:02}-{first:02}");
    let (problem, instead) = match (first > 12, second > 12) {
        (false, false) if first != second => (
            "could be two different dates (month first or day first)",
            format!("write {month_first} or {day_first} (year-month-day)"),
        ),
        (false, _) => ("is not a date that starts with the year", format!("write {month_first}")),
        (true, false) => ("is not a date that starts with the year", format!("write {day_first}")),
        (true, true) => return None,
    };
    Some(ValueError::new(problem, instead))
}

fn not_a_date(text: &str) -> ValueError {
    let problem = match text {
        "" => "is empty, not a date",
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => "is a number, not a date",
        _ => "is not a date",
    };
    ValueError::new(problem, "write a date such as 2026-03-03 or 2026-03-03T09:00:00Z")
}

fn bad_zone(text: &str) -> ValueError {
    let name = text.split(['[', ']']).nth(1).unwrap_or_default().trim_start_matches('!');
    match zone::find(name) {
        Err(error) => {
            ValueError::new(format!("ends in [{name}], which {}", error.problem), error.instead)
        }
        Ok(_) => ValueError::new(
            "has an offset that does not hold in its zone at that time",
            "write the offset or the zone, not both",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn zones_in_the_text_are_checked() {
        assert_eq!(
            refused("2026-03-03T09:00[Europe/Berlinn]"),
            "ends in [Europe/Berlinn], which is not a time zone; did you mean Europe/Berlin?"
        );
        assert!(refused("2026-03-03T09:00+05:00[Europe/Berlin]").contains("does not hold"));
    }

    #[test]
    fn dates_in_another_order_are_refused_with_the_date_to_write() {
        assert_eq!(
            refused("03/04/2026"),
            "could be two different dates (month first or day first); write 2026-03-04 or 2026-04-03 \
             (year-month-day)"
        );
        assert!(refused("12/25/2026 10:00").ends_with("write 2026-12-25"));
        assert!(refused("25.12.2026").ends_with("write 2026-12-25"));
        assert!(refused("5-5-2026").ends_with("write 2026-05-05"));
        assert!(refused("2026/3/4").ends_with("write 2026-03-04"));
    }

    #[test]
    fn other_text_is_not_a_date() {
        assert!(refused("").starts_with("is empty"));
        assert!(refused("1772528400").starts_with("is a number, not a date"));
        assert!(refused("20260303").starts_with("is a number, not a date"));
        for text in ["tomorrow", "2026-02-30", "2026-13-01", "2026-03-03T25:00", "2026-03", "1-1-1"]
        {
            assert!(refused(text).starts_with("is not a date"), "{text}");
        }
    }

    #[test]
    fn times_of_day_are_read_with_24_or_12_hours() {
        for (text, clock) in [
            ("09:00", "09:00:00"),
            ("9:00", "09:00:00"),
            ("17:30:00", "17:30:00"),
            ("9am", "09:00:00"),
            ("5 pm", "17:00:00"),
            ("5:30 PM", "17:30:00"),
            ("12 am", "00:00:00"),
            ("12pm", "12:00:00"),
            ("0:05", "00:05:00"),
        ] {
            let expected: Time = clock.parse().unwrap();
            assert_eq!(time_of_day(text).unwrap(), expected, "{text}");
        }
        for text in
            ["", "9", "25:00", "13 pm", "0 am", "9:60", "noonish", "-1:00", "09:00Z", "+9am"]
        {
            assert!(time_of_day(text).is_err(), "{text}");
        }
    }
}
