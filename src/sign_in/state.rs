//! What tells that a browser comes back from the sign-in that we have sent it to: a random text, good once
//! and for a short while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::connection::Secret;

/// How long a sign-in may take.
pub const GOOD_FOR: Duration = Duration::from_secs(600);

/// A random text that is good once, until its time is over.
#[derive(Debug)]
pub struct State {
    /// None when it has been used.
    text: Mutex<Option<Secret>>,
    until: Instant,
}

impl State {
    /// A new one, good until then.
    pub fn new(until: Instant) -> State {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system gives random numbers");
        let text = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
        State { text: Mutex::new(Some(text)), until }
    }

    /// The text, to be sent along; none when it has been used.
    pub fn text(&self) -> Option<Secret> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `given` is the text, in time and for the first time. After a yes it is used; a wrong one
    /// changes nothing.
    pub fn take(&self, given: &str, now: Instant) -> bool {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = text.as_ref().is_some_and(|text| *text == Secret::new(given));
        let good = fits && now < self.until;
        if good {
            *text = None;
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_once_and_in_time() {
        let now = Instant::now();
        let state = State::new(now + GOOD_FOR);
        let text = state.text().unwrap();
        assert!(!state.take("", now));
        assert!(!state.take(&text.expose()[1..], now));
        assert!(!state.take(text.expose(), now + GOOD_FOR));
        assert!(state.take(text.expose(), now + GOOD_FOR - Duration::from_millis(1)));
        assert!(!state.take(text.expose(), now));
        assert!(state.text().is_none());
        assert_ne!(State::new(now).text(), State::new(now).text());
    }
}
