//! The one distinction that matters after a call: try again, or not.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Response;

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallError {
    /// Nothing was sent: no connection, no such host, a refused certificate.
    NotSent(String),
    /// The request may have arrived; the answer did not.
    NoAnswer(String),
    /// The answer cannot be read: too large, or cut short.
    BadAnswer(String),
    /// Nothing was sent: there is no token now, and may be one later.
    NoToken(String),
    /// Nothing was sent, on purpose: there is no credential, or it may not do this. Trying again is of no
    /// use before a person has done what `instead` says.
    Withheld { why: String, instead: String },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::NotSent(why) => write!(f, "no connection: {why}"),
            CallError::NoAnswer(why) => write!(f, "no answer: {why}"),
            CallError::BadAnswer(why) => write!(f, "the answer cannot be read: {why}"),
            CallError::NoToken(why) => write!(f, "not sent now: {why}"),
            CallError::Withheld { why, .. } => write!(f, "not sent: {why}"),
        }
    }
}

/// What a failed call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It certainly did not happen; it may work later. After so many seconds, where the app says so.
    Later { after_seconds: Option<u64> },
    /// It may or may not have happened.
    InDoubt { after_seconds: Option<u64> },
    /// It did not happen and never will, like this.
    Refused,
    /// There is no such record.
    NotFound,
}

/// What to make of an answer or of its absence; `None` when all is well.
pub fn classify(outcome: &Result<Response, CallError>) -> Option<Failure> {
    let response = match outcome {
        Ok(response) if response.is_success() => return None,
        Ok(response) => response,
        Err(CallError::NotSent(_) | CallError::NoToken(_)) => {
            return Some(Failure::Later { after_seconds: None });
        }
        Err(CallError::NoAnswer(_) | CallError::BadAnswer(_)) => {
            return Some(Failure::InDoubt { after_seconds: None });
        }
        Err(CallError::Withheld { .. }) => return Some(Failure::Refused),
    };
    let after_seconds = response.retry_after_seconds;
    Some(match response.status {
        429 | 425 => Failure::Later { after_seconds },
        408 => Failure::InDoubt { after_seconds },
        404 | 410 => Failure::NotFound,
        // HighLevel answers 400 for an unknown contact, Stax 422 for an unknown customer.
        400 | 422 if says_not_found(response) => Failure::NotFound,
        500..=599 => Failure::InDoubt { after_seconds },
        _ => Failure::Refused,
    })
}

/// Whether the text of an answer says that the record is not there.
fn says_not_found(response: &Response) -> bool {
    let text = response.body.to_string().to_lowercase();
    text.len() < 2_000 && (text.contains("not found") || text.contains("could not be found"))
}
