//! What values mean outside the program: dates, lengths of time, phone numbers, places, money, names.
//!
//! Text (or a JSON number) comes in; a [`Moment`] or tidy text goes out, or a [`ValueError`] that
//! says what is wrong and what to write instead. Nothing here panics, whatever the text.

mod cron;
mod disguise;
pub mod duration;
pub mod ed25519;
pub mod json_path;
mod kind;
mod moment;
pub mod money;
pub mod phone;
pub mod place;
mod reading;
mod record_key;
pub mod text;
pub mod yaml;
mod zone;

pub use cron::Cron;
pub use disguise::Disguise;
pub use kind::Kind;
pub use moment::Moment;
pub use record_key::{RecordKey, app_of};

use jiff::tz::TimeZone;

/// What to assume where a value does not say: which time zone, which country.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// The zone that dates without an offset are taken in.
    pub timezone: TimeZone,
    /// The country that phone numbers without a country code belong to: two capital letters.
    pub country: String,
    /// The name of `timezone` as the time zone database spells it, such as `America/New_York`.
    pub zone_name: String,
}

impl Default for Defaults {
    /// UTC and the United States.
    fn default() -> Self {
        Self { timezone: TimeZone::UTC, country: "US".to_owned(), zone_name: "UTC".to_owned() }
    }
}

impl Defaults {
    /// Reads a zone name such as `America/New_York` and a country (a code or a name).
    ///
    /// # Errors
    /// The zone or the country is not known; the problem completes a sentence about that one.
    pub fn new(timezone: &str, country: &str) -> Result<Self, ValueError> {
        let timezone_found = zone::find(timezone)?;
        let zone_name = timezone_found.iana_name().unwrap_or(timezone.trim()).to_owned();
        Ok(Self { timezone: timezone_found, country: place::country_2(country)?, zone_name })
    }
}

/// Why a value cannot be read as what it should be.
///
/// The value itself is not repeated here, so that the caller decides whether it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// A lower-case phrase that completes "`x` …", such as "is not a date".
    pub problem: String,
    /// What to write instead: a lower-case phrase, such as "write a date such as 2026-03-03".
    pub instead: String,
}

impl ValueError {
    fn new(problem: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { problem: problem.into(), instead: instead.into() }
    }
}

impl std::fmt::Display for ValueError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}; {}", self.problem, self.instead)
    }
}

impl std::error::Error for ValueError {}

/// The candidate most like `text`, or nothing when none is close enough to be worth naming.
///
/// Both sides should already be folded the same way; the pair's second half is handed back.
fn nearest<T>(text: &str, candidates: impl Iterator<Item = (String, T)>) -> Option<T> {
    // Comparing costs the product of the lengths, and no name is this long.
    if text.is_empty() || text.len() > 80 {
        return None;
    }
    candidates
        .map(|(name, answer)| (strsim::normalized_damerau_levenshtein(text, &name), answer))
        .filter(|(closeness, _)| *closeness >= 0.6)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, answer)| answer)
}

#[cfg(test)]
mod tests {
    use super::{money::*, phone::*, place::*, text::*, *};
    use serde_json::json;

    #[test]
    fn defaults_are_read_and_spelled_as_the_database_spells_them() {
        let defaults = Defaults::new("america/new_york", "usa").unwrap();
        assert_eq!(defaults.zone_name, "America/New_York");
        assert_eq!(defaults.country, "US");
        assert_eq!(Defaults::default().zone_name, "UTC");
        assert_eq!(Defaults::new("UTC", "US").unwrap(), Defaults::default());
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        let error = Defaults::new("America/New_Yrok", "US").unwrap_err();
        assert_eq!(error.to_string(), "is not a time zone; did you mean America/New_York?");
    }

    /// Random text made of the pieces these functions care about, always the same from run to run.
    fn random_texts(count: usize) -> Vec<String> {
        const PIECES: [&str; 48] = [
            "0",
            "1",
            "4",
            "9",
            "00",
            "2026",
            "-",
            "+",
            ".",
            ",",
            ":",
            "/",
            "T",
            "Z",
            " ",
            "(",
            ")",
            "[",
            "]",
            "%",
            "%1000d",
            "am",
            "x",
            "ext",
            "$",
            "€",
            "CA$",
            "é",
            "👨‍👩‍👧",
            "\u{301}",
            "\u{200e}",
            "ß",
            "İ",
            "ŉ",
            "٣",
            "\0",
            "\n",
            "'",
            "O'",
            "St.",
            "US",
            "America/",
            "e5",
            "inf",
            "nan",
            "%Q",
            "%",
            "漢字",
        ];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % limit as u64) as usize
        };
        (0..count)
            .map(|_| (0..next(14)).map(|_| PIECES[next(PIECES.len())]).collect())
            .chain(["9".repeat(5000), "%Y".repeat(5000), "é".repeat(5000)])
            .collect()
    }

    #[test]
    fn no_text_makes_anything_panic() {
        let zone = zone::find("America/New_York").unwrap();
        let moment = Moment::parse("2026-03-08", &zone).unwrap();
        for text in random_texts(1500) {
            let _ = Moment::parse(&text, &zone).map(|moment| (moment.to_string(), moment));
            let _ = (moment.at(&text), moment.format(&text));
            let _ = (money(&json!(text), None), money(&json!(text), Some("USD")));
            let _ = (money(&json!(1), Some(&text)), number_from_text(&text));
            let _ = (first_name(&text), last_name(&text), slug(&text), title_case(&text));
            let _ = (truncate(&text, 3, "…"), truncate(&text, 9, &text));
        }
        // Looking for the nearest name is slow, so fewer of them.
        for text in random_texts(150) {
            let _ = moment.in_zone(&text);
            let _ = (country_2(&text), country_3(&text), state_2(&text));
            for country in ["US", "DE", "IT", "AU"] {
                let _ = (e164(&text, country), digits(&text, country), e164("030 123", &text));
            }
        }
    }

    #[test]
    fn no_amount_of_time_makes_a_moment_panic() {
        let moment = Moment::parse("2026-03-08", &TimeZone::UTC).unwrap();
        for amount in [i64::MIN, -1_000_000, 0, 1_000_000, i64::MAX] {
            let _ = (moment.add_minutes(amount), moment.add_hours(amount), moment.add_days(amount));
            let _ = (moment.add_weeks(amount), moment.add_months(amount));
        }
        for timestamp in [jiff::Timestamp::MIN, jiff::Timestamp::MAX] {
            let moment = Moment::from_timestamp(timestamp, &zone::find("Asia/Tokyo").unwrap());
            let _ = (moment.to_utc_text(), moment.to_date_text(), moment.to_string());
            let _ = (moment.to_space_text(&TimeZone::UTC), moment.at("23:59"));
        }
    }
}
