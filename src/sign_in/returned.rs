//! What a browser brings back: the query of an address comes in; a code or the app's refusal goes out,
//! but only with the state that we have sent along.

use std::time::Instant;

use super::redirect::RedirectAddress;
use super::state::State;
use crate::connection::Secret;

/// The longest code or message that is taken, in bytes.
const MAX_BYTES: usize = 4_096;

/// What the app says through the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// To be exchanged for tokens, once.
    Code(Secret),
    /// Nobody agreed, or the app does not want to. In the app's words.
    Refused(String),
}

/// Why what came is not taken. It says nothing of what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It is not the address that the app sends browsers back to.
    OtherAddress,
    /// Wrong, missing, used or too old; nobody can tell which.
    State,
}

impl NotTaken {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            NotTaken::OtherAddress => "that is not the address that the browser was sent back to",
            NotTaken::State => {
                "that is not from the sign-in that was begun here, or it is too old, or it was here before"
            }
        }
    }
}

/// Reads the query of a request to the redirect address.
pub fn read_query(query: &str, state: &State, now: Instant) -> Result<Returned, NotTaken> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // A name that stands there twice could mean one thing to us and another to somebody else.
    let only = |name: &str| {
        let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next().filter(|value| !value.is_empty() && value.len() <= MAX_BYTES);
        value.filter(|_| values.next().is_none())
    };
    let given = only("state").ok_or(NotTaken::State)?;
    if !state.take(given, now) {
        return Err(NotTaken::State);
    }
    match (only("code"), only("error")) {
        (Some(code), None) => Ok(Returned::Code(Secret::new(code))),
        (_, Some(error)) => {
            let words = only("error_description").unwrap_or(error);
            Ok(Returned::Refused(plain(words)))
        }
        (None, None) => Ok(Returned::Refused("it sent neither a code nor a reason".to_owned())),
    }
}

/// Reads an address that somebody copied out of the browser.
pub fn read_address(
    text: &str,
    redirect: &RedirectAddress,
    state: &State,
    now: Instant,
) -> Result<Returned, NotTaken> {
    let text = text.trim();
    // Browsers hide the scheme when people copy less than everything.
    let rest = text.strip_prefix(redirect.as_str()).or_else(|| {
        let short = redirect.as_str().trim_start_matches("http://");
        text.strip_prefix(short)
    });
    let query = rest.and_then(|rest| rest.strip_prefix('?')).ok_or(NotTaken::OtherAddress)?;
    read_query(query.split('#').next().unwrap_or_default(), state, now)
}

/// What somebody else wrote, in one line and without anything that moves a terminal's cursor.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::super::redirect::USUAL_REDIRECT;
    use super::super::state::GOOD_FOR;
    use super::*;

    #[test]
    fn a_code_or_a_refusal_and_only_with_the_state() {
        let now = Instant::now();
        let read = |query: &str| {
            let state = State::new(now + GOOD_FOR);
            let text = state.text().unwrap();
            let query = query.replace("STATE", text.expose());
            let result = read_query(&query, &state, now);
            (result, state.text().is_none())
        };
        let code = Returned::Code(Secret::new("a b"));
        assert_eq!(read("code=a+b&state=STATE"), (Ok(code.clone()), true));
        assert_eq!(read("state=STATE&code=a%20b&more=x"), (Ok(code), true));
        let refused = Returned::Refused("No \u{fffd} thanks".into());
        let query = "error=access_denied&error_description=No%0a%FF%1b+thanks&state=STATE";
        assert_eq!(read(query), (Ok(refused), true));
        for wrong in [
            "",
            "code=a",
            "code=a&state=",
            "code=a&state=STATEx",
            "code=a&state=STATE&state=STATE",
            "code=a&state=x&state=STATE",
            "code=a&State=STATE",
        ] {
            assert_eq!(read(wrong), (Err(NotTaken::State), false), "{wrong}");
        }
        for nothing in ["state=STATE", "state=STATE&code=", "state=STATE&code=a&code=b"] {
            let (returned, used) = read(nothing);
            assert!(used && matches!(returned, Ok(Returned::Refused(_))), "{nothing}");
        }
        let long = format!("code={}&state=STATE", "a".repeat(MAX_BYTES + 1));
        assert!(matches!(read(&long).0, Ok(Returned::Refused(_))));
    }

    #[test]
    fn a_pasted_address_has_to_be_the_one_that_the_app_sends_back_to() {
        let now = Instant::now();
        let redirect = RedirectAddress::parse(USUAL_REDIRECT).unwrap();
        let read = |text: &str| {
            let state = State::new(now + GOOD_FOR);
            let state_text = state.text().unwrap();
            read_address(&text.replace("STATE", state_text.expose()), &redirect, &state, now)
        };
        let code = Ok(Returned::Code(Secret::new("a")));
        assert_eq!(read(" http://localhost:8378/oauth/callback?code=a&state=STATE\n"), code);
        assert_eq!(read("localhost:8378/oauth/callback?code=a&state=STATE#x"), code);
        for other in [
            "",
            "a",
            "code=a&state=STATE",
            "http://localhost:8378/oauth/callbackx?code=a&state=STATE",
            "http://localhost:83780/oauth/callback?code=a&state=STATE",
            "https://localhost:8378/oauth/callback?code=a&state=STATE",
            "http://evil.example.com/?http://localhost:8378/oauth/callback?code=a&state=STATE",
        ] {
            assert_eq!(read(other), Err(NotTaken::OtherAddress), "{other}");
        }
        let stranger = "http://localhost:8378/oauth/callback?code=a&state=x";
        assert_eq!(read(stranger), Err(NotTaken::State));
    }
}
