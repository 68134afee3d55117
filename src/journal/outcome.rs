//! How a run ends, and why a step failed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::call::Response;
use crate::check::Place;
use crate::recipe::ExpectedOutcome;

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// A condition or a `stop` ended it.
    Stopped {
        reason: String,
        place: Place,
    },
    /// It waits for a person.
    Held {
        question: Question,
        error: Box<StepError>,
    },
    /// It goes on by itself at this time.
    Waiting {
        until: Timestamp,
    },
    /// The engine cannot go on now, and why; the run is as it was.
    Suspended {
        why: String,
    },
    Failed(Box<StepError>),
}

/// Why a step failed for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepError {
    pub step: String,
    pub place: Place,
    pub kind: StepErrorKind,
    /// The field it is about, where there is one.
    pub field: Option<String>,
    /// A lower-case phrase.
    pub message: String,
    /// One thing to do.
    pub instead: String,
    /// What the app answered, where it did.
    pub response: Option<Response>,
    /// The app that was called, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

/// Whose fault it is, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepErrorKind {
    /// A value of this event does not fit.
    Data,
    /// The app refused the call.
    Refused,
    /// The record is not there.
    NotFound,
    /// It was tried for as long as the recipe says.
    GaveUp,
    /// It may already have happened.
    InDoubt,
    /// The recipe asks a person.
    Asks,
}

impl Outcome {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Stopped { .. } => "stopped",
            Outcome::Held { .. } => "held",
            Outcome::Waiting { .. } => "waiting",
            Outcome::Suspended { .. } => "suspended",
            Outcome::Failed(_) => "failed",
        }
    }

    /// Whether an example expects this.
    pub fn is(&self, expected: ExpectedOutcome) -> bool {
        matches!(
            (self, expected),
            (Outcome::Done, ExpectedOutcome::Done)
                | (Outcome::Stopped { .. }, ExpectedOutcome::Stopped)
                | (Outcome::Held { .. }, ExpectedOutcome::Held)
                | (Outcome::Failed(_), ExpectedOutcome::Failed)
        )
    }
}
