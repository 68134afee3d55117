//! Lengths of time as people write them: `2h` comes in; a [`Duration`] goes out, and words for it.

use std::time::Duration;

/// The longest that a recipe may name: a year.
const MOST: Duration = Duration::from_secs(366 * 24 * 3600);

/// `2s`, `15m`, `24h`, `3d`, `1h30m`: a length of time, at most a year.
pub fn parse(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let length = Duration::try_from(length).ok()?;
    (length <= MOST).then_some(length)
}

/// The two largest parts of a length of time: `3 days`, `2 hours 30 minutes`, `0.5 seconds`.
pub fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let count = |n: u64, unit: &str| match n {
        1 => format!("1 {unit}"),
        n => format!("{n} {unit}s"),
    };
    if seconds < 60 {
        return match length.subsec_millis() {
            0 => count(seconds, "second"),
            _ => format!("{:.1} seconds", length.as_secs_f64()),
        };
    }
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(0);
    let shown = parts[first..].iter().take(2).filter(|(n, _)| *n > 0);
    shown.map(|(n, unit)| count(*n, unit)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, seconds) in [("2s", 2), (" 15m", 900), ("3d", 259_200), ("1h30m", 5_400)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "2", "two hours", "-2h", "400d", "2026-03-02", "1 month"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_of_time_are_told() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (7_200, "2 hours"),
            (259_200, "3 days"),
            (86_400 + 3_600 + 61, "1 day 1 hour"),
            (86_461, "1 day"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!(in_words(Duration::from_millis(1_500)), "1.5 seconds");
    }
}
