//! What people read. A reader that has gone away (`… | head`) is no reason to stop a run in the middle:
//! what cannot be printed is dropped.

use std::fmt::Display;
use std::io::Write;

/// A line of data, in colour where the terminal shows it.
pub fn line(text: impl Display) {
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

/// Data that brings its own line breaks.
pub fn text(text: impl Display) {
    let _ = write!(anstream::stdout().lock(), "{text}");
}

/// A line of talk.
pub fn talk(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
