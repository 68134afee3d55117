//! `retry`: how long, how often.

use std::time::Duration;

use crate::diagnostic;
use crate::recipe::Retry;
use crate::source::Route;

use super::Checker;
use super::checked::RetryPolicy;

impl Checker<'_> {
    pub(super) fn retry(&mut self, retry: Option<&Retry>, route: &Route) -> RetryPolicy {
        let usual = RetryPolicy::default();
        match retry {
            None => usual,
            Some(Retry::Word(word)) if word == "off" => RetryPolicy::off(),
            Some(Retry::Word(word)) => {
                self.sink.say(diagnostic::bad_retry_word(route, word));
                usual
            }
            Some(Retry::Times { total, first, at_most }) => {
                let mut read = |key: &str, text: &Option<String>, otherwise: Duration| {
                    let Some(text) = text else { return otherwise };
                    duration(text).unwrap_or_else(|| {
                        self.sink.say(diagnostic::bad_duration(&route.key(key), text));
                        otherwise
                    })
                };
                RetryPolicy {
                    total: read("for", total, usual.total),
                    first: read("first", first, usual.first),
                    at_most: read("at_most", at_most, usual.at_most),
                }
            }
        }
    }
}

/// `2s`, `15m`, `24h`, `3d`, `1h30m`: a length of time, at most a year.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let length = Duration::try_from(length).ok()?;
    (length <= Duration::from_secs(366 * 24 * 3600)).then_some(length)
}
