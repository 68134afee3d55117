//! How often an app is called: requests come in; whether they are too many, and the counts that the
//! app names in its headers, go out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::catalog::Limit;

/// A day in seconds.
const DAY: u64 = 86_400;

/// The requests to one app that its limits still count.
pub(super) struct Meter {
    windows: Vec<Window>,
}

struct Window {
    limit: Limit,
    arrivals: VecDeque<Instant>,
}

impl Window {
    fn length(&self) -> Duration {
        Duration::from_secs(self.limit.per_seconds)
    }

    fn remaining(&self) -> u64 {
        self.limit.requests.saturating_sub(self.arrivals.len() as u64)
    }
}

impl Meter {
    pub fn new(limits: &[Limit]) -> Meter {
        let window = |limit: &Limit| Window { limit: limit.clone(), arrivals: VecDeque::new() };
        Meter { windows: limits.iter().map(window).collect() }
    }

    /// Counts a request. When it is one too many: in how many seconds the next is let through.
    pub fn count(&mut self, now: Instant) -> Result<(), u64> {
        let mut wait = None;
        for window in &mut self.windows {
            let length = window.length();
            while window.arrivals.front().is_some_and(|&at| now.duration_since(at) >= length) {
                window.arrivals.pop_front();
            }
            if let (0, Some(&oldest)) = (window.remaining(), window.arrivals.front()) {
                let left = length.saturating_sub(now.duration_since(oldest));
                wait = wait.max(Some(left.as_secs() + 1));
            }
        }
        match wait {
            Some(seconds) => Err(seconds),
            None => {
                self.windows.iter_mut().for_each(|window| window.arrivals.push_back(now));
                Ok(())
            }
        }
    }

    /// The headers with which HighLevel tells the counts.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut say = |name: &str, number: u64| headers.push((name.to_owned(), number.to_string()));
        for window in &self.windows {
            if window.limit.per_seconds >= DAY {
                say("X-RateLimit-Limit-Daily", window.limit.requests);
                say("X-RateLimit-Daily-Remaining", window.remaining());
            } else {
                say("X-RateLimit-Interval-Milliseconds", window.limit.per_seconds * 1000);
                say("X-RateLimit-Max", window.limit.requests);
                say("X-RateLimit-Remaining", window.remaining());
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_on() {
        let limit = Limit { requests: 2, per_seconds: 10, about: String::new() };
        let mut meter = Meter::new(&[limit]);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(meter.count(start), Ok(()));
        assert_eq!(meter.count(after(6)), Ok(()));
        assert_eq!(meter.count(after(7)), Err(4));
        assert_eq!(meter.count(after(11)), Ok(()));
        assert!(meter.headers().contains(&("X-RateLimit-Remaining".into(), "0".into())));
    }
}
