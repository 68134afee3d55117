//! What went wrong in a run.

use super::{new, value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;

/// A step that failed for good, at its line.
pub fn step_failed(route: &Route, message: &str, instead: &str) -> Diagnostic {
    new(Code::StepFailed, value(route), message).help(instead)
}

/// A call that nobody can tell the end of, at its line.
pub fn held(route: &Route, message: &str, instead: &str) -> Diagnostic {
    new(Code::MayHaveHappened, value(route), message).help(instead)
}

/// A question of the recipe itself, at its line.
pub fn asks(route: &Route, question: &str, choices: &[String]) -> Diagnostic {
    new(Code::AsksAPerson, value(route), question)
        .help(format!("a person chooses one of {}", super::list(choices)))
}
