//! Source files as text: types and operations come in; YAML goes out, one field to a line, the same bytes
//! for the same facts.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

/// The text of one source file.
pub(super) fn file(
    app: &str,
    resource: &str,
    from: &str,
    types: &BTreeMap<String, Value>,
    operations: &Map<String, Value>,
) -> String {
    let mut out = format!(
        "# Made by `linecook catalog import` from {}: another import writes it anew.\n\
         # Corrections stand in the folder above, where they last.\n",
        text(from)
    );
    let _ = writeln!(out, "app: {}", text(app));
    let _ = writeln!(out, "resource: {}", text(resource));
    let _ = writeln!(out, "records: {}", text(resource));
    if !types.is_empty() {
        out.push_str("\ntypes:\n");
        for (name, fields) in types {
            block(&mut out, 1, name, fields);
        }
    }
    out.push_str("\noperations:\n");
    for (at, (id, entry)) in operations.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        block(&mut out, 1, id, entry);
    }
    out
}

/// The keys whose fields have a line each.
const OPENED: [&str; 4] = ["path", "query", "body", "response"];

fn block(out: &mut String, depth: usize, key: &str, value: &Value) {
    let indent = "  ".repeat(depth);
    let inner = value.as_object().filter(|map| !map.is_empty());
    // A type, an operation, and the fields of an operation's parts.
    let Some(inner) = inner.filter(|_| depth == 1 || OPENED.contains(&key)) else {
        let _ = writeln!(out, "{indent}{}: {}", text(key), flow(value));
        return;
    };
    let _ = writeln!(out, "{indent}{}:", text(key));
    for (key, value) in inner {
        match depth {
            1 => block(out, 2, key, value),
            _ => {
                let _ = writeln!(out, "{indent}  {}: {}", text(key), flow(value));
            }
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let inner: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", text(key), flow(value))).collect();
            format!("{{ {} }}", inner.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as YAML reads it back: bare where that is safe, else in quotes.
fn text(value: &str) -> String {
    if is_bare(value) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            ' '..='~' => out.push(letter),
            letter if letter.is_alphanumeric() => out.push(letter),
            letter if (letter as u32) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => {
                let _ = write!(out, "\\U{:08x}", letter as u32);
            }
        }
    }
    out.push('"');
    out
}

fn is_bare(value: &str) -> bool {
    let starts = value.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends = value.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
    // Words that some readers take for true, false, null or a number.
    let special =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    let lower = value.to_ascii_lowercase();
    // `/:name` is how a path writes a parameter.
    let letters = value.replace("/:", "/");
    starts && ends && letters.chars().all(plain) && !special.contains(&lower.as_str())
}
