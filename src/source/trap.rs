//! The traps of YAML: texts that mean something else than they look like. Lines come in; what a person
//! most likely meant goes out.

use super::{Source, Span};

/// A place where YAML reads something else than a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    pub kind: TrapKind,
    /// The bytes that cause it.
    pub span: Span,
    /// What to replace, and by what.
    pub fix: (Span, String),
}

/// The traps we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapKind {
    /// `key: {{ x }}`: YAML reads a mapping.
    UnquotedBraces,
    /// `key: Hello: you`: YAML reads a second key.
    ColonInText,
    /// `key: Invoice #12`: YAML reads a remark.
    HashCutsText,
    /// `{ id: $.a[0] }`: YAML reads a list.
    BracketInBraces,
    /// A tab where spaces indent.
    TabIndent,
}

/// Every trap in a text. With `reads` (the text is good YAML) only those that YAML does not refuse.
pub fn find_traps(source: &Source, reads: bool) -> Vec<Trap> {
    let mut traps = Vec::new();
    let mut block: Option<usize> = None;
    for number in 1..=source.line_count() {
        let span = source.line_span(number);
        let line = source.slice(&span);
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if line.trim().is_empty() {
            continue;
        }
        if let Some(outer) = block {
            if indent > outer {
                continue;
            }
            block = None;
        }
        if line.trim_start().starts_with('#') {
            continue;
        }
        if line[..indent].contains('\t') {
            if !reads {
                let fixed = " ".repeat(indent_like(source, number));
                traps.push(Trap {
                    kind: TrapKind::TabIndent,
                    span: span.start..span.start + indent,
                    fix: (span.start..span.start + indent, fixed),
                });
            }
            continue;
        }
        let (value_at, key_indent) = value_start(line);
        let value = line[value_at..].trim_end();
        if matches!(value.split_whitespace().next(), Some("|" | ">" | "|-" | ">-" | "|+" | ">+")) {
            block = Some(key_indent);
            continue;
        }
        if value.is_empty() || value.starts_with(['"', '\'', '#', '&', '*', '!', '|', '>']) {
            continue;
        }
        let at = span.start + value_at;
        if value.starts_with('{') && !value.starts_with("{{") || value.starts_with('[') {
            if !reads {
                traps.extend(in_flow(value, at));
            }
            continue;
        }
        traps.extend(in_plain(value, at, reads));
    }
    traps
}

/// How far a line most likely should be indented: like the line above, or one level deeper behind a
/// key that opens something.
fn indent_like(source: &Source, number: usize) -> usize {
    let above = (1..number).rev().map(|n| source.slice(&source.line_span(n)));
    let mut above =
        above.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let Some(line) = above.next() else { return 0 };
    if line.starts_with('\t') {
        // Counted from the last line that is indented as it should be.
        let good = above.find(|line| !line.starts_with('\t')).unwrap_or_default();
        return level(good);
    }
    level(line)
}

fn level(line: &str) -> usize {
    let inner = line.trim_start().trim_start_matches("- ");
    let indent = line.len() - inner.len();
    if line.trim_end().ends_with(':') { indent + 2 } else { indent }
}

/// Where the value of a line begins, and how far its key is indented.
fn value_start(line: &str) -> (usize, usize) {
    let mut at = line.len() - line.trim_start().len();
    while line[at..].starts_with("- ") {
        at += 2;
        at += line[at..].len() - line[at..].trim_start().len();
    }
    let key_indent = at;
    // A key is a word, or a quoted text, in front of the first `: `.
    let rest = &line[at..];
    let key_end = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map(|end| end + 2),
        Some('{' | '[') => None,
        _ => rest.find(": ").filter(|&end| !rest[..end].contains([' ', '{', '[', '"', '\''])),
    };
    match key_end {
        Some(end) if rest[end..].starts_with(':') => {
            let value = rest[end + 1..].trim_start();
            (line.len() - value.len(), key_indent)
        }
        _ => (at, key_indent),
    }
}

fn in_plain(value: &str, at: usize, reads: bool) -> Option<Trap> {
    let trap = |kind, from: usize, to: usize, whole: &str| {
        Some(Trap { kind, span: at + from..at + to, fix: (at..at + whole.len(), quoted(whole)) })
    };
    // A remark behind the value is not part of it, unless it looks cut off.
    let hash = value.find(" #");
    let cut = hash.filter(|&h| {
        let open = value[..h].matches("{{").count() > value[..h].matches("}}").count();
        let tight = value[h + 2..].starts_with(|c: char| c.is_alphanumeric() || c == '{');
        open || tight
    });
    if let Some(h) = cut {
        return trap(TrapKind::HashCutsText, h + 1, value.len(), value);
    }
    if reads {
        return None;
    }
    let plain = hash.map_or(value, |h| value[..h].trim_end());
    if plain.starts_with("{{") {
        return trap(TrapKind::UnquotedBraces, 0, plain.len(), plain);
    }
    if let Some(colon) = plain.find(": ").or_else(|| plain.strip_suffix(':').map(str::len)) {
        // `key:` alone opens a mapping, and `word: word` may simply be a key that is indented badly.
        if plain[..colon].contains(' ') || colon + 1 < plain.len() {
            return trap(TrapKind::ColonInText, colon, colon + 1, plain);
        }
    }
    None
}

/// Traps inside `{ … }` and `[ … ]` on one line.
fn in_flow(value: &str, at: usize) -> Option<Trap> {
    let bytes = value.as_bytes();
    let mut quote = None;
    let mut entry = 1;
    let mut index = 1;
    while index < bytes.len() {
        match (quote, bytes[index]) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b',') => entry = index + 1,
            (None, b'{') if value[index..].starts_with("{{") => {
                let end = value[index..].find("}}").map_or(value.len(), |e| index + e + 2);
                let (from, to) = plain_around(value, entry, end);
                return Some(Trap {
                    kind: TrapKind::UnquotedBraces,
                    span: at + index..at + end,
                    fix: (at + from..at + to, quoted(&value[from..to])),
                });
            }
            (None, b'[') if !opens_list(value, entry, index) => {
                let close = value[index..].find(']').map_or(value.len(), |c| index + c + 1);
                let (from, to) = plain_around(value, entry, close);
                return Some(Trap {
                    kind: TrapKind::BracketInBraces,
                    span: at + index..at + close,
                    fix: (at + from..at + to, quoted(&value[from..to])),
                });
            }
            (None, b'{' | b'[') => entry = index + 1,
            _ => {}
        }
        index += 1;
    }
    None
}

/// Whether the bracket at `index` stands where a value begins.
fn opens_list(value: &str, entry: usize, index: usize) -> bool {
    let before = value[entry..index].trim();
    before.is_empty() || before.ends_with(':') || before.ends_with('[')
}

/// The unquoted value that `end` lies in: from behind the key to the next comma or bracket.
fn plain_around(value: &str, entry: usize, end: usize) -> (usize, usize) {
    let head = &value[entry..end];
    let from = head.find(": ").map_or(entry, |colon| entry + colon + 2);
    let from = from + (value[from..].len() - value[from..].trim_start().len());
    let rest = &value[end..];
    let to = end + rest.find([',', '}', ']']).unwrap_or(rest.len());
    (from, from + value[from..to].trim_end().len())
}

/// A text in quotes, as YAML wants it.
fn quoted(text: &str) -> String {
    if !text.contains('"') && !text.contains('\\') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
