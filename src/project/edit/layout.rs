//! The layout of a YAML text: where the parts of its values stand comes in; the pieces that change it go out.

use serde_json::{Map, Value};

use crate::source::{Document, Route, Source, Span};
use crate::value::yaml;

/// A YAML text with the place of everything in it.
pub(super) struct Layout {
    source: Source,
    document: Document,
}

/// A part of the text, and what stands there afterwards.
pub(super) type Piece = (Span, String);

impl Layout {
    /// None for a text that is no YAML.
    pub fn read(text: &str) -> Option<Layout> {
        let source = Source::new("linecook.yaml", text);
        // Places count from behind a byte order mark.
        (source.text().len() == text.len()).then_some(())?;
        let document = Document::parse(&source).ok()?;
        Some(Layout { source, document })
    }

    pub fn text(&self) -> &str {
        self.source.text()
    }

    pub fn value(&self) -> &Value {
        self.document.value()
    }

    pub fn has(&self, at: &Route) -> bool {
        self.document.has(at)
    }

    /// The text with these pieces, when it reads as `wanted`.
    pub fn with(&self, mut pieces: Vec<Piece>, wanted: &Value) -> Option<String> {
        pieces.sort_by_key(|(span, _)| span.start);
        let mut text = self.text().to_owned();
        for (span, new) in pieces.into_iter().rev() {
            text.replace_range(span, &new);
        }
        (Layout::read(&text)?.value() == wanted).then_some(text)
    }

    /// Another key for what stands at `at`.
    pub fn key(&self, at: &Route, new: &str) -> Piece {
        (self.document.key_span(at), yaml::scalar(new))
    }

    /// Another text for the text or the nothing that stands at `at`.
    pub fn scalar(&self, at: &Route, new: &str) -> Piece {
        let span = self.document.value_span(at);
        if !span.is_empty() {
            return (span, yaml::scalar(new));
        }
        let end = self.end(at);
        let colon = if self.text()[..end].ends_with(':') { "" } else { ":" };
        (end..end, format!("{colon} {}", yaml::scalar(new)))
    }

    /// One more entry of the mapping at `at`, which may be missing or have nothing in it.
    pub fn entry(&self, at: &Route, key: &str, value: &Value) -> Option<Vec<Piece>> {
        let Some(mapping) = self.value().pointer(at.pointer()) else {
            let inner = Value::Object(Map::from_iter([(key.to_owned(), value.clone())]));
            return self.entry(&at.parent()?, &at.last()?, &inner);
        };
        let start = self.document.value_span(at).start;
        match mapping {
            Value::Null => self.first_lines(at, |indent| entry_lines(key, value, indent)),
            Value::Object(entries) if self.text()[start..].starts_with('{') => {
                let entry = format!("{}: {}", yaml::scalar(key), in_line(value));
                Some(vec![match entries.keys().next_back() {
                    Some(last) => {
                        let end = self.end(&at.key(last));
                        (end..end, format!(", {entry}"))
                    }
                    None => {
                        let inside = start + 1;
                        let blank = self.text()[inside..].starts_with(' ');
                        (inside..inside, format!("{}{entry}", if blank { " " } else { "" }))
                    }
                }])
            }
            Value::Object(entries) => {
                let lines = entry_lines(key, value, self.indent(start)?);
                let place = match *at == Route::root() {
                    true => self.end_of_all(),
                    false => self.line_behind(self.end(&at.key(entries.keys().next_back()?))),
                };
                Some(vec![self.lines(place, &lines)])
            }
            _ => None,
        }
    }

    /// One more item of the list at `at`, with lines of its own; the list may be missing or have nothing in it.
    pub fn item(&self, at: &Route, lines: impl Fn(usize) -> String) -> Option<Vec<Piece>> {
        match self.value().pointer(at.pointer()) {
            None => {
                (at.parent()? == Route::root()).then_some(())?;
                let lines = format!("{}:\n{}", yaml::scalar(&at.last()?), lines(2));
                Some(vec![self.lines(self.end_of_all(), &lines)])
            }
            Some(Value::Null) => self.first_lines(at, lines),
            Some(Value::Array(items)) => match items.len().checked_sub(1) {
                None => self.first_lines(at, lines),
                Some(last) => {
                    let last = at.item(last);
                    let dash = self.text()[..self.document.value_span(&last).start].trim_end();
                    let indent = self.indent(dash.strip_suffix('-')?.len())?;
                    Some(vec![self.lines(self.line_behind(self.end(&last)), &lines(indent))])
                }
            },
            Some(_) => None,
        }
    }

    /// Lines under the key of `at`, in place of the `null` or `[]` that is written there.
    fn first_lines(&self, at: &Route, lines: impl Fn(usize) -> String) -> Option<Vec<Piece>> {
        let key = self.document.key_span(at);
        let lines = lines(self.indent(key.start)? + 2);
        let colon = key.end + self.text()[key.end..].find(':')? + 1;
        let mut pieces = vec![self.lines(self.line_behind(self.end(at)), &lines)];
        if !self.document.value_span(at).is_empty() {
            let old = colon..self.end(at);
            // Whoever wrote a remark between the brackets wants to keep it.
            let is_nothing = |c: char| c.is_whitespace() || "[]~".contains(c);
            let written = self.source.slice(&old).trim();
            (written.eq_ignore_ascii_case("null") || written.chars().all(is_nothing))
                .then_some(())?;
            pieces.push((old, String::new()));
        }
        Some(pieces)
    }

    /// Whole lines at the beginning of a line or at the end of the text, which ends as it did.
    fn lines(&self, place: usize, lines: &str) -> Piece {
        let mut lines = lines.to_owned();
        if !self.text()[..place].ends_with('\n') {
            lines = format!("\n{}", lines.trim_end_matches('\n'));
        }
        if self.text().contains("\r\n") {
            lines = lines.replace('\n', "\r\n");
        }
        (place..place, lines)
    }

    /// Behind the last value and the remarks that follow it, before a `...` that ends the document.
    fn end_of_all(&self) -> usize {
        let end = self.end(&Route::root());
        self.text()[end..].find("\n...").map_or(self.text().len(), |length| end + length + 1)
    }

    /// Where the next line begins, counted from inside a line.
    fn line_behind(&self, at: usize) -> usize {
        if self.text()[..at].ends_with('\n') {
            return at;
        }
        self.text()[at..].find('\n').map_or(self.text().len(), |length| at + length + 1)
    }

    /// How far a line is indented that begins with what stands at `start`.
    fn indent(&self, start: usize) -> Option<usize> {
        let line = self.text()[..start].rfind('\n').map_or(0, |at| at + 1);
        self.text()[line..start].bytes().all(|b| b == b' ').then_some(start - line)
    }

    /// Where what is written at `at` ends, with the brackets around it; spans of the document end with the
    /// last value inside.
    fn end(&self, at: &Route) -> usize {
        let span = self.document.value_span(at);
        let value = self.value().pointer(at.pointer());
        let last = match value {
            Some(Value::Object(entries)) => entries.keys().next_back().map(|key| at.key(key)),
            Some(Value::Array(items)) => items.len().checked_sub(1).map(|last| at.item(last)),
            _ => None,
        };
        let written = self.source.slice(&span);
        let bracket = match value {
            Some(Value::Object(_)) if written.starts_with('{') => Some('}'),
            Some(Value::Array(_)) if written.starts_with('[') => Some(']'),
            _ => None,
        };
        // A text of several lines has the empty lines behind it in its span; they are its own when it has them.
        let has_blanks = value.and_then(Value::as_str).is_some_and(|text| text.ends_with("\n\n"));
        match (last, bracket) {
            (Some(last), None) => self.end(&last),
            (Some(last), Some(bracket)) => self.closing(self.end(&last), bracket),
            (None, Some(bracket)) => self.closing(span.start + 1, bracket),
            // Nothing is written: the colon is the end, where there is one.
            (None, None) if span.is_empty() => {
                let key = self.document.key_span(at).end;
                let behind = &self.text()[key..];
                let blanks = behind.len() - behind.trim_start_matches(' ').len();
                if behind[blanks..].starts_with(':') { key + blanks + 1 } else { key }
            }
            (None, None) if has_blanks => span.end,
            (None, None) => span.start + written.trim_end().len(),
        }
    }

    /// Behind the closing bracket that comes after `at`, over blanks, commas and remarks.
    fn closing(&self, mut at: usize, bracket: char) -> usize {
        while let Some(sign) = self.text()[at..].chars().next() {
            match sign {
                '#' => at = self.line_behind(at + 1),
                _ if sign == bracket => return at + 1,
                _ => at += sign.len_utf8(),
            }
        }
        at
    }
}

/// The lines of an entry as a person would write them: a mapping has a line for each of its own entries.
pub(super) fn entry_lines(key: &str, value: &Value, indent: usize) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let inner = entries.iter().map(|(key, value)| entry_lines(key, value, indent + 2));
            format!("{}{}:\n{}", " ".repeat(indent), yaml::scalar(key), inner.collect::<String>())
        }
        _ => yaml::entry(key, value, indent),
    }
}

/// A value on one line, as narrow as it can be.
fn in_line(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", yaml::scalar(key), in_line(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => yaml::on_one_line(other),
    }
}
