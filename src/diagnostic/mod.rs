//! What the author of a recipe is told: a mistake comes in; a [`Diagnostic`] goes out, with a code, a
//! place, plain words and one thing to do.

mod code;
mod near;
mod wording;

use crate::source::{Document, Route, Source, Span};

pub use code::{Code, Severity};
pub use near::nearest;
pub use wording::*;

/// One thing that the author of a recipe should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub place: Place,
    /// A lower-case phrase with names in backticks.
    pub message: String,
    /// One thing to do.
    pub help: Option<String>,
    /// The text to write instead, where it is known exactly.
    pub fix: Option<Fix>,
}

/// Where something is wrong. Routes become spans late, when the text is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    Key(Route),
    Value(Route),
    /// Bytes of the text that stands at a route, such as an expression in a template.
    Inside(Route, Span),
    /// Bytes of the file.
    Text(Span),
}

/// A replacement for what stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub place: Place,
    pub text: String,
}

impl Place {
    /// The bytes of the file that are meant.
    pub fn span(&self, source: &Source, document: Option<&Document>) -> Span {
        source.whole_characters(self.meant(source, document))
    }

    fn meant(&self, source: &Source, document: Option<&Document>) -> Span {
        let Some(document) = document else {
            return match self {
                Place::Text(span) => span.clone(),
                _ => 0..0,
            };
        };
        match self {
            Place::File => 0..0,
            Place::Key(route) => document.key_span(route),
            Place::Value(route) => document.value_span(route),
            Place::Text(span) => span.clone(),
            Place::Inside(route, inner) => inside(source, document, route, inner),
        }
    }
}

/// The bytes of a value are not the bytes of the file where there are quotes, escapes or line breaks:
/// the part that is meant is looked for in what is written.
fn inside(source: &Source, document: &Document, route: &Route, inner: &Span) -> Span {
    let whole = document.value_span(route);
    let value = document.value().pointer(route.pointer()).and_then(|v| v.as_str()).unwrap_or("");
    let (Some(part), Some(before)) = (value.get(inner.clone()), value.get(..inner.start)) else {
        return whole;
    };
    let part = part.trim_end();
    if part.is_empty() {
        return whole;
    }
    let skipped = before.matches(part).count();
    let written = source.slice(&whole);
    match written.match_indices(part).nth(skipped) {
        Some((at, _)) => whole.start + at..whole.start + at + part.len(),
        None => whole,
    }
}

/// Everything found in one file, in the order of the text.
#[derive(Debug, Default)]
pub struct Sink {
    found: Vec<Diagnostic>,
}

impl Sink {
    pub fn say(&mut self, diagnostic: Diagnostic) {
        if !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether something of that kind was found.
    pub fn says(&self, code: Code) -> bool {
        self.found.iter().any(|d| d.code == code)
    }

    /// The first error that was found.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.found.iter().find(|d| d.severity == Severity::Error)
    }

    /// Everything, as it was found.
    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }

    /// Everything, sorted by place.
    pub fn into_sorted(self, source: &Source, document: Option<&Document>) -> Vec<Diagnostic> {
        let mut found = self.found;
        found.sort_by_key(|d| d.place.span(source, document).start);
        found
    }
}
