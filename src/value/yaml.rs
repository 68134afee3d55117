//! Values → YAML as a person would write it: a value comes in; text goes out that reads back as the same value,
//! without quotes where that is certain.

use serde_json::{Map, Value};

/// How wide a value on one line may be, in characters.
const MAX_WIDTH: usize = 100;

/// A text as YAML reads it back, wherever it stands.
pub fn scalar(text: &str) -> String {
    match is_plain(text) && !text.contains(',') {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text as YAML reads it back, where it has the rest of a line for itself.
pub fn on_its_line(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    // JSON is YAML, but for signs that YAML wants written as numbers.
    let quoted = Value::from(text).to_string();
    let mut out = String::with_capacity(quoted.len());
    for sign in quoted.chars() {
        let is_printable =
            !sign.is_control() && !matches!(sign, '\u{2028}' | '\u{2029}' | '\u{feff}');
        match is_printable {
            true => out.push(sign),
            false => out.push_str(&format!("\\u{:04x}", u32::from(sign))),
        }
    }
    out
}

/// Whether a text means itself; between `{ }` and `[ ]` only without commas.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " -_./:'()$@+,!?".contains(c);
    let means_something =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    text.starts_with(|c: char| c.is_alphabetic() || c == '/')
        && text.chars().all(plain)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !means_something.contains(&text.to_lowercase().as_str())
}

/// A value on one line: `{ email: ada@example.com, tags: [customer] }`.
pub fn on_one_line(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(on_one_line).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", scalar(key), on_one_line(value))
            };
            format!("{{ {} }}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The lines of a mapping, each with a line break: one for every entry, or several where it is too wide for
/// one. `indent` is how many spaces stand before each.
pub fn lines(map: &Map<String, Value>, indent: usize) -> String {
    map.iter().map(|(key, value)| entry(key, value, indent)).collect()
}

/// The lines of one entry of a mapping.
pub fn entry(key: &str, value: &Value, indent: usize) -> String {
    let before = " ".repeat(indent);
    let written = match value {
        Value::String(text) => on_its_line(text),
        other => on_one_line(other),
    };
    let line = format!("{before}{}: {written}\n", scalar(key));
    if line.chars().count() <= MAX_WIDTH {
        return line;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            format!("{before}{}:\n{}", scalar(key), lines(map, indent + 2))
        }
        Value::Array(items) if !items.is_empty() => {
            let items: String = items.iter().map(|value| item(value, indent + 2)).collect();
            format!("{before}{}:\n{items}", scalar(key))
        }
        _ => line,
    }
}

/// The lines of one item of a list.
pub fn item(value: &Value, indent: usize) -> String {
    let before = " ".repeat(indent);
    let line = format!("{before}- {}\n", on_one_line(value));
    match value {
        Value::Object(map) if line.chars().count() > MAX_WIDTH => wide_item(map, indent),
        _ => line,
    }
}

/// The lines of one item of a list, one for each of its entries.
pub fn wide_item(map: &Map<String, Value>, indent: usize) -> String {
    let inner = lines(map, indent + 2);
    let before = " ".repeat(indent);
    // The first entry stands beside the dash.
    format!("{before}- {}", inner.get(indent + 2..).unwrap_or("{}\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::{Document, Source};

    fn read(text: &str) -> Value {
        let source = Source::new("test.yaml", text);
        Document::parse(&source).unwrap_or_else(|e| panic!("{text}: {e:?}")).value().clone()
    }

    const TEXTS: &[&str] = &[
        "",
        " ",
        "a",
        "NO",
        "no",
        "on",
        "Yes",
        "y",
        "null",
        "~",
        "true",
        "0755",
        "1.10",
        "1e5",
        "12",
        "0x1F",
        "2026-03-02",
        "12:30",
        "a: b",
        "a:",
        "a #b",
        "#b",
        "- a",
        "-",
        "?",
        "[a]",
        "{a}",
        "{{ event.email }}",
        "\"x\"",
        "'x'",
        "it's",
        "'",
        "a\"b",
        "a\nb",
        "a\\b",
        "\ttab",
        "tab\t",
        " a",
        "a ",
        "ä",
        "日本",
        "😀",
        "a, b",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "=",
        "<<",
        ".inf",
        ".nan",
        "nan",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}a",
        "a\u{7f}",
        "a\u{0}",
        "https://x.example.com/a?b=c#d",
        "POST /contacts/:contactId/tags",
        "/customer",
        "{{ now() | at('09:00') }}",
        "{{ \"a\" }}",
        "---",
        "...",
        "$.contact.id",
        "+14075550100",
    ];

    #[test]
    fn every_text_comes_back_wherever_it_stands() {
        for text in TEXTS {
            let value =
                json!({ "key": text, "in": { "map": text, "list": [text, text] }, *text: 1 });
            let map = value.as_object().unwrap();
            assert_eq!(read(&on_one_line(&value)), value, "{text:?}");
            assert_eq!(read(&lines(map, 0)), value, "{text:?}");
            assert_eq!(
                read(&format!("a:\n{}", wide_item(map, 2))),
                json!({ "a": [value] }),
                "{text:?}"
            );
            assert_eq!(
                read(&format!("a:\n{}", item(&value, 2))),
                json!({ "a": [value] }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_wide_takes_several_lines() {
        let long = "word ".repeat(15) + "end";
        let value =
            json!({ "a": { "first": long, "second": [{ "x": long, "y": long }, 2] }, "b": null });
        let text = lines(value.as_object().unwrap(), 0);
        assert_eq!(read(&text), value);
        assert!(text.lines().all(|line| line.chars().count() <= MAX_WIDTH), "{text}");
        assert_eq!(
            lines(json!({ "b": [1, { "c": true }] }).as_object().unwrap(), 2),
            "  b: [1, { c: true }]\n"
        );
    }

    #[test]
    fn plain_words_stand_without_quotes() {
        for text in
            ["Payment failed", "POST /contacts/upsert", "it's", "US", "Zoë", "ada@example.com"]
        {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(
            (on_its_line("a, b"), scalar("a, b")),
            ("a, b".to_owned(), "\"a, b\"".to_owned())
        );
        assert_eq!(scalar("{{ event.email }}"), "\"{{ event.email }}\"");
    }
}
