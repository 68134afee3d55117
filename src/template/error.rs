//! What can be wrong with a template, and what the engine's own errors mean.

use std::fmt;
use std::ops::Range;

use super::compile::MAX_SOURCE_BYTES;
use super::environment::MAX_TEXT_BYTES;

/// What is wrong with a template, or went wrong while rendering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    pub kind: TemplateErrorKind,
    /// A lower-case phrase.
    pub message: String,
    /// The bytes of the template it is about, where known.
    pub range: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateErrorKind {
    /// It is not a template.
    Syntax,
    /// Something inside a text is empty.
    Empty,
    /// It does too much.
    Limit,
    /// A value does not fit what is done with it.
    Value,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

pub(super) fn syntax_error(source: &str, error: &minijinja::Error, shift: usize) -> TemplateError {
    let range = error.range().map(|r| r.start + shift..r.end.max(r.start + 1) + shift);
    let detail = error.detail().unwrap_or("it cannot be read");
    let message = if source.trim().is_empty() {
        "there is nothing between the braces".to_owned()
    } else {
        detail.to_owned()
    };
    TemplateError { kind: TemplateErrorKind::Syntax, message, range }
}

pub(super) fn render_error(error: &minijinja::Error, range: Option<Range<usize>>) -> TemplateError {
    use minijinja::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::OutOfFuel => TemplateErrorKind::Limit,
        Kind::UndefinedError => TemplateErrorKind::Empty,
        _ => TemplateErrorKind::Value,
    };
    let message = match error.kind() {
        Kind::OutOfFuel => "the template does too much work and was stopped".to_owned(),
        _ => error.detail().map_or_else(|| error.to_string(), str::to_owned),
    };
    TemplateError { kind, message, range }
}

pub(super) fn too_long() -> TemplateError {
    TemplateError {
        kind: TemplateErrorKind::Limit,
        message: format!("the template has more than {} KB", MAX_SOURCE_BYTES / 1024),
        range: None,
    }
}

pub(super) fn text_too_long() -> TemplateError {
    TemplateError {
        kind: TemplateErrorKind::Limit,
        message: format!("the text gets longer than {} KB", MAX_TEXT_BYTES / 1024),
        range: None,
    }
}
