//! What to say when a text is not YAML.

use crate::diagnostic::{self, Sink};
use crate::source::{Source, SyntaxError, SyntaxKind, find_traps};

/// Says what is wrong. YAML stops at the first mistake; the traps are looked for in the whole text, so
/// that all of them come at once.
pub(super) fn report(source: &Source, error: &SyntaxError, sink: &mut Sink) {
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
        sink.say(diagnostic::syntax(source, error));
    }
}
