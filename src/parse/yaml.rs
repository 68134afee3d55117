//! What to say when a text is not YAML.

use crate::diagnostic::{self, FileKind, Sink};
use crate::source::{Source, Span, SyntaxError, SyntaxKind, find_traps};

/// Says what is wrong. YAML stops at the first mistake; the traps are looked for in the whole text, so
/// that all of them come at once.
pub(super) fn report(source: &Source, error: &SyntaxError, kind: FileKind, sink: &mut Sink) {
    let traps = match error.kind {
        SyntaxKind::Other(_) => find_traps(source, false),
        _ => Vec::new(),
    };
    let line = |offset: usize| source.position(offset).line;
    let explained = traps.iter().any(|t| line(t.span.start).abs_diff(line(error.span.start)) <= 1);
    for trap in &traps {
        sink.say(diagnostic::trap(source, trap));
    }
    if !explained {
        sink.say(diagnostic::syntax(source, error, kind));
    }
}

/// The text without a mistake that can be cut out, so that the rest can be looked at too: a key that
/// stands twice, with everything below it.
pub(super) fn without(source: &Source, error: &SyntaxError) -> Option<Source> {
    if !matches!(error.kind, SyntaxKind::DuplicateKey(_)) {
        return None;
    }
    let position = source.position(error.span.start);
    let line = source.line_span(position.line);
    let indent = error.span.start - line.start;
    // Only a key that begins its line has lines of its own.
    if !source.slice(&(line.start..error.span.start)).trim().is_empty() {
        return None;
    }
    let mut end = line.end;
    for number in position.line + 1..=source.line_count() {
        let next = source.line_span(number);
        let text = source.slice(&next);
        let deeper = text.len() - text.trim_start().len() > indent;
        let item =
            text.trim_start().starts_with("- ") && text.len() - text.trim_start().len() == indent;
        if !(text.trim().is_empty() || deeper || item) {
            break;
        }
        end = next.end;
    }
    Some(blanked(source, error.span.start..end))
}

/// The text with a span made of spaces, line breaks kept.
fn blanked(source: &Source, span: Span) -> Source {
    let mut bytes = source.text().as_bytes().to_vec();
    for byte in &mut bytes[span] {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Source::new(source.name(), String::from_utf8_lossy(&bytes))
}
