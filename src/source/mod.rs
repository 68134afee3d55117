//! Text with places: a file's name and text come in; a [`Document`] (every value with its span) goes out.

mod document;
mod route;
mod text;
mod trap;

pub use document::{Document, SyntaxError, SyntaxKind};
pub use route::Route;
pub use text::{Position, ReadError, Source};
pub use trap::{Trap, TrapKind, find_traps};

/// A range of bytes in a [`Source`].
pub type Span = std::ops::Range<usize>;
