//! What people read, without anything that is known to be secret. A reader that has gone away (`… | head`) is no reason to stop a run in the middle:
//! what cannot be printed is dropped.

use std::fmt::Display;
use std::io::Write;

use crate::connection::Redactor;

/// A line of data, in colour where the terminal shows it.
pub fn line(text: impl Display) {
    self::text(format_args!("{text}\n"));
}

/// Data that brings its own line breaks.
pub fn text(text: impl Display) {
    let text = text.to_string();
    let _ = write!(anstream::stdout().lock(), "{}", Redactor::process().text(&text));
}

/// Data with secrets in it, for whoever has asked to see them.
pub fn open(text: impl Display) {
    let _ = write!(anstream::stdout().lock(), "{text}");
}

/// A line of talk.
pub fn talk(text: impl Display) {
    let text = text.to_string();
    let _ = writeln!(anstream::stderr().lock(), "{}", Redactor::process().text(&text));
}
