//! All wording in one place: one constructor per mistake, one file per topic.

mod access;
mod apps;
mod accounts;
mod file;
mod shape;
mod steps;
mod operations;
mod fields;
mod links;
mod templates;
mod examples;
mod project;
mod triggers;
mod used;
mod runs;
mod safe;

use super::{Code, Diagnostic, Fix, Place};
use crate::source::Route;
pub(super) use crate::value::text::shortened as short;

pub use access::*;
pub use accounts::*;
pub use apps::*;
pub use examples::*;
pub use fields::*;
pub use file::*;
pub use links::*;
pub use operations::*;
pub use project::*;
pub use runs::*;
pub use safe::*;
pub use shape::*;
pub use steps::*;
pub use templates::*;
pub use triggers::*;
pub use used::*;

pub(super) fn new(code: Code, place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        code,
        severity: code.severity(),
        place,
        message: message.into(),
        help: None,
        fix: None,
    }
}

impl Diagnostic {
    pub(super) fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// "did you mean `x`?", with the place corrected; without a near name, the help stays.
    pub(super) fn near(mut self, near: Option<String>) -> Diagnostic {
        if let Some(near) = near {
            self.help = Some(format!("did you mean `{near}`?"));
            self.fix = Some(Fix { place: self.place.clone(), text: near });
        }
        self
    }

    pub(super) fn fix(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { place, text: text.into() });
        self
    }
}

pub(super) fn key(route: &Route) -> Place {
    Place::Key(route.clone())
}

pub(super) fn value(route: &Route) -> Place {
    Place::Value(route.clone())
}

pub(super) fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|n| format!("`{}`", n.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A place inside a value, from the value's own place.
pub fn nested(outer: &Route, inner: &Route) -> Route {
    outer.join(inner)
}
