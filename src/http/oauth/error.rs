//! Why there are no tokens.

use std::fmt;

/// Why there are no tokens. What it says holds nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// Not reached, no answer, or not now: it may go better later, after so many seconds where the app
    /// says so. The request may have taken effect all the same.
    NoAnswer { why: String, after_seconds: Option<u64> },
    /// What was sent is of no use, now or later: an invalid grant, an unknown code, a wrong client.
    Refused(String),
    /// The account sleeps; the same credentials are good again when it is active.
    NotActive(String),
    /// The answer cannot be read, or says something that nobody knows of.
    BadAnswer(String),
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OAuthError::NoAnswer { why, .. }
            | OAuthError::Refused(why)
            | OAuthError::NotActive(why)
            | OAuthError::BadAnswer(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OAuthError {}

pub(super) fn no_answer(why: String) -> OAuthError {
    OAuthError::NoAnswer { why, after_seconds: None }
}

pub(super) fn bad(why: String) -> OAuthError {
    OAuthError::BadAnswer(why)
}
