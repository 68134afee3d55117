//! A text and where it came from.

use std::fmt;
use std::io::Read;
use std::path::Path;

use super::Span;

/// The largest file that is read as a recipe or an event, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A text and the name under which a person knows it.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

/// A place as people count it: lines and columns from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Why a file could not be read as text.
#[derive(Debug)]
pub enum ReadError {
    Missing,
    Folder,
    NotReadable(String),
    TooLarge { bytes: u64 },
    NotText { offset: usize },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Missing => write!(f, "there is no such file"),
            ReadError::Folder => write!(f, "this is a folder, not a file"),
            ReadError::NotReadable(why) => write!(f, "the file cannot be read: {why}"),
            ReadError::TooLarge { bytes } => write!(
                f,
                "the file has {:.1} MB; linecook reads at most {} MB",
                *bytes as f64 / 1e6,
                MAX_FILE_BYTES / (1024 * 1024)
            ),
            ReadError::NotText { offset } => {
                write!(f, "this is not a text file (byte {offset} is not UTF-8 text)")
            }
        }
    }
}

impl Source {
    /// A text from memory. A byte order mark is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let mut text = text.into();
        if let Some(rest) = text.strip_prefix('\u{feff}') {
            text = rest.to_owned();
        }
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { name: name.into(), text, line_starts }
    }

    /// Reads a file of at most [`MAX_FILE_BYTES`].
    pub fn read(path: &Path) -> Result<Source, ReadError> {
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing,
            _ => ReadError::NotReadable(e.to_string()),
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(ReadError::Folder);
        }
        if about.len() > MAX_FILE_BYTES {
            return Err(ReadError::TooLarge { bytes: about.len() });
        }
        let mut bytes = Vec::new();
        // A device or a pipe has no length: the cap holds there too.
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(ReadError::TooLarge { bytes: bytes.len() as u64 });
        }
        let text = String::from_utf8(bytes)
            .map_err(|e| ReadError::NotText { offset: e.utf8_error().valid_up_to() })?;
        if let Some(offset) = text.find('\0') {
            return Err(ReadError::NotText { offset });
        }
        Ok(Source::new(path.display().to_string(), text))
    }

    /// The file's path as given, or what else a person knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty where the span lies outside.
    pub fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// A span that begins and ends with whole characters of the text.
    pub fn whole_characters(&self, span: Span) -> Span {
        let mut start = span.start.min(self.text.len());
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..offset).map_or(offset - start, |t| t.chars().count()) + 1;
        Position { line, column }
    }

    /// The bytes of line `line` (from 1) without its line break; empty past the end.
    pub fn line_span(&self, line: usize) -> Span {
        let Some(&start) = line.checked_sub(1).and_then(|at| self.line_starts.get(at)) else {
            return self.text.len()..self.text.len();
        };
        let end = self.line_starts.get(line).map_or(self.text.len(), |&next| next);
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}
