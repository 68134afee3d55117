//! What is wrong with a file before it is a recipe.

use super::{FileKind, new, short};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::{Source, Span, SyntaxError, SyntaxKind, Trap, TrapKind};

pub fn unreadable_file(why: &str) -> Diagnostic {
    new(Code::UnreadableFile, Place::File, why)
}

/// One of the traps of YAML, with the corrected line.
pub fn trap(source: &Source, trap: &Trap) -> Diagnostic {
    let place = Place::Text(trap.span.clone());
    let (code, message, help) = match trap.kind {
        TrapKind::UnquotedBraces => (
            Code::UnquotedBraces,
            "`{{ … }}` needs quotes around it: without them YAML reads the braces as its own"
                .into(),
            "put the whole value in quotes",
        ),
        TrapKind::ColonInText => (
            Code::ColonInText,
            "a colon followed by a space stands inside the text: YAML reads a second key".into(),
            "put the whole value in quotes",
        ),
        TrapKind::HashCutsText => (
            Code::HashCutsText,
            format!(
                "YAML reads `{}` as a remark and drops it",
                short(source.slice(&trap.span), 40)
            ),
            "put the whole value in quotes, or leave a space behind the `#` of a real remark",
        ),
        TrapKind::BracketInBraces => (
            Code::BracketInBraces,
            "a value with `[` in it needs quotes between `{ }`: YAML reads the bracket as a list"
                .into(),
            "put the value in quotes, or write it on a line of its own",
        ),
        TrapKind::TabIndent => (
            Code::TabIndent,
            "the line is indented with a tab; YAML takes only spaces".into(),
            "indent with two spaces",
        ),
    };
    let (span, text) = trap.fix.clone();
    new(code, place, message).help(help).fix(Place::Text(span), text)
}

/// A text that is not YAML.
pub fn syntax(source: &Source, error: &SyntaxError, kind: FileKind) -> Diagnostic {
    let place = Place::Text(error.span.clone());
    match &error.kind {
        SyntaxKind::Empty => {
            new(Code::EmptyFile, Place::File, "the file is empty").help(kind.start())
        }
        SyntaxKind::DuplicateKey(name) => {
            new(Code::DuplicateKey, place, format!("`{name}` stands twice in the same place"))
                .help("keep one of the two")
        }
        SyntaxKind::TooDeep => {
            new(Code::TooDeep, place, "the values are nested too deep (64 levels at most)")
                .help(format!("{} are flat: look for brackets that are never closed", kind.many()))
        }
        SyntaxKind::TooManyValues => new(
            Code::TooManyValues,
            Place::File,
            format!("the file holds more values than {} may have (50,000)", kind.one()),
        )
        .help("split it"),
        SyntaxKind::Alias => new(
            Code::AliasNotAllowed,
            place,
            format!("{} have no YAML anchors, aliases or merge keys (`&`, `*`, `<<`)", kind.many()),
        )
        .help("write the value out, or put the text in quotes"),
        SyntaxKind::Tag => {
            new(Code::TagNotAllowed, place, format!("{} have no YAML tags (`!name`)", kind.many()))
                .help("leave the tag out, or put the text in quotes")
        }
        SyntaxKind::SeveralDocuments => new(
            Code::SeveralDocuments,
            place,
            format!("`---` starts a second document; a file holds one {}", kind.word()),
        )
        .help(format!("put the second {} into a file of its own", kind.word())),
        SyntaxKind::Other(words) => {
            let (message, help) = plain_yaml(words, source, &error.span);
            new(Code::YamlSyntax, place, message).help(help)
        }
    }
}

/// What the YAML reader says, for people who do not know its words.
fn plain_yaml(words: &str, source: &Source, span: &Span) -> (String, &'static str) {
    let has = |part: &str| words.contains(part);
    if has("trailing content after") {
        return (
            "the text goes on behind its closing quote".into(),
            "use the other kind of quote around a text that has quotes in it",
        );
    }
    if has("simple key expected") || has("could not find expected ':'") {
        return ("this line has no `:` with a space behind it".into(), "write `name: value`");
    }
    if has("mismatched bracket") || has("misplaced bracket") {
        return (
            "a bracket does not match the one that was opened".into(),
            "check the brackets of this line",
        );
    }
    if has("unclosed quote") {
        return ("a quote is opened here and never closed".into(), "close it with the same quote");
    }
    if has("did not find expected key") || has("did not find expected '-'") {
        return (
            "this line is indented differently from its neighbours".into(),
            "line it up with the lines it belongs to",
        );
    }
    if has("mapping values are not allowed") {
        return (
            "YAML does not expect a `:` here".into(),
            "check the indentation, or put the text in quotes",
        );
    }
    if has("unexpected character") {
        let shown = source.slice(span);
        return (format!("a value cannot begin with `{shown}`"), "put the value in quotes");
    }
    if has("did not find expected ','") {
        return (
            "a bracket is opened and not closed as YAML expects".into(),
            "check the commas and brackets, or put texts between them in quotes",
        );
    }
    (format!("this is not YAML: {words}"), "compare it with the lines above")
}
