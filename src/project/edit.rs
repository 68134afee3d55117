//! Changes to `linecook.yaml`: its text comes in; the same text goes out with one thing changed and every
//! remark where it was, or nothing where that cannot be done for certain.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::{WrittenConnection, WrittenInstallation};
use crate::source::{Document, Route, Source, Span};
use crate::value::yaml;

/// What `linecook init` writes where the id of the account belongs.
pub const LOCATION_TO_FILL_IN: &str = "your-location-id";

/// The text with a connection that was not there.
pub fn with_connection(text: &str, name: &str, connection: &WrittenConnection) -> Option<String> {
    let before = value(text)?;
    let fields = fields(connection);
    let mut wanted = before.clone();
    let connections = wanted.as_object_mut()?.entry("connections").or_insert(Value::Null);
    if connections.is_null() {
        *connections = Value::Object(Map::new());
    }
    let there = connections.as_object_mut()?.insert(name.to_owned(), Value::Object(fields.clone()));
    if there.is_some() {
        return None;
    }

    let document = yaml_edit::Document::from_str(text).ok()?;
    let root = document.as_mapping()?;
    let mut lines = String::new();
    write_fields(&fields, "", &mut lines);
    match root.get_mapping("connections") {
        Some(connections) => {
            let new = yaml_edit::Document::from_str(&lines).ok()?;
            connections.set(scalar(name), new.as_mapping()?);
        }
        None => {
            let block = format!("{}:\n{}", scalar(name), indented(&lines));
            let new = yaml_edit::Document::from_str(&block).ok()?;
            root.set("connections", new.as_mapping()?);
        }
    }
    let after = document.to_string();
    (value(&after)? == wanted && is_insertion(text, &after)).then_some(after)
}

/// The text with the id of a connection's account, where [`LOCATION_TO_FILL_IN`] or nothing stands.
pub fn with_location(text: &str, name: &str, location: &str) -> Option<String> {
    let (source, document) = read(text)?;
    let at = Route::root().key("connections").key(name);
    let place = at.key("location_id");
    let mut wanted = document.value().clone();
    let connection = wanted.pointer_mut(at.pointer())?.as_object_mut()?;
    let there = connection.insert("location_id".to_owned(), location.into());
    let after = match there {
        None => {
            let edited = yaml_edit::Document::from_str(text).ok()?;
            let connections = edited.as_mapping()?.get_mapping("connections")?;
            connections.get_mapping(name)?.set("location_id", location);
            let after = edited.to_string();
            is_insertion(text, &after).then_some(after)?
        }
        Some(Value::String(old)) if old == LOCATION_TO_FILL_IN => {
            replaced(&source, vec![(document.value_span(&place), scalar(location))])
        }
        Some(_) => return None,
    };
    (value(&after)? == wanted).then_some(after)
}

/// The text with another name for a connection, wherever it stands.
pub fn with_name(text: &str, old: &str, new: &str) -> Option<String> {
    let (source, document) = read(text)?;
    let root = Route::root();
    let mut wanted = document.value().clone();
    let mut edits = Vec::new();
    for part in ["connections", "quotas"] {
        let at = root.key(part).key(old);
        if document.has(&at) {
            edits.push((document.key_span(&at), scalar(new)));
            let entries = wanted.get_mut(part)?.as_object_mut()?;
            *entries = std::mem::take(entries)
                .into_iter()
                .map(|(key, value)| if key == old { (new.to_owned(), value) } else { (key, value) })
                .collect();
        }
    }
    let recipes = wanted.get_mut("recipes").and_then(Value::as_array_mut);
    for (index, recipe) in recipes.into_iter().flatten().enumerate() {
        let Some(chosen) = recipe.get_mut("connections").and_then(Value::as_object_mut) else {
            continue;
        };
        for (app, name) in chosen.iter_mut().filter(|(_, name)| name.as_str() == Some(old)) {
            let at = root.key("recipes").item(index).key("connections").key(app);
            edits.push((document.value_span(&at), scalar(new)));
            *name = new.into();
        }
    }
    let after = replaced(&source, edits);
    (value(&after)? == wanted).then_some(after)
}

/// The text with one more recipe that is installed.
pub fn with_installation(text: &str, installation: &WrittenInstallation) -> Option<String> {
    let (source, document) = read(text)?;
    let mut wanted = document.value().clone();
    let recipes = wanted.as_object_mut()?.entry("recipes").or_insert(Value::Null);
    if recipes.is_null() {
        *recipes = json!([]);
    }
    let count = recipes.as_array()?.len();
    recipes.as_array_mut()?.push(json!(installation));

    let at = Route::root().key("recipes");
    let end_of_line =
        |at: usize| text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
    let (place, indent) = match (document.has(&at), count) {
        (false, _) => (text.len(), 2),
        (true, 0) => (end_of_line(document.key_span(&at).end), 2),
        (true, _) => {
            let span = document.value_span(&at.item(count - 1));
            let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
            let before = &text[line..span.start];
            let indent = before.len() - before.trim_start().len();
            (before.trim() == "-").then_some(())?;
            // Remarks behind it belong to what follows.
            let is_remark = |line: &&str| line.trim().is_empty() || line.trim().starts_with('#');
            let spare: usize = source
                .slice(&span)
                .split_inclusive('\n')
                .rev()
                .take_while(is_remark)
                .map(str::len)
                .sum();
            (end_of_line(span.end.saturating_sub(spare + 1).max(span.start)), indent)
        }
    };
    let mut lines = installation_item(installation, indent);
    if !document.has(&at) {
        lines = format!("recipes:\n{lines}");
    }
    if text.contains("\r\n") {
        lines = lines.replace('\n', "\r\n");
    }
    let (before, behind) = text.split_at(place);
    if !before.ends_with('\n') {
        lines = format!("\n{lines}");
    }
    let mut after = format!("{before}{lines}{behind}");
    // An empty list that is written out makes room: `[]`, `[ ]`.
    if document.has(&at) && count == 0 {
        let key = document.key_span(&at).end;
        if let Some(start) = before.get(key..).and_then(|line| line.find('[')).map(|at| key + at)
            && let Some(length) = before[start..].find(']')
            && before[start + 1..start + length].trim().is_empty()
            && before[key..start].trim() == ":"
        {
            let colon = key + before[key..start].find(':').expect("it is there");
            after.replace_range(colon + 1..=start + length, "");
        }
    }
    (value(&after)? == wanted).then_some(after)
}

/// The lines that a person would write for a recipe that is installed.
pub fn installation_lines(installation: &WrittenInstallation) -> String {
    format!("recipes:\n{}", installation_item(installation, 2))
}

fn installation_item(installation: &WrittenInstallation, indent: usize) -> String {
    match json!(installation) {
        Value::Object(fields) => yaml::wide_item(&fields, indent),
        _ => unreachable!("an installation is a mapping"),
    }
}

/// The lines that a person would write for a connection.
pub fn connection_lines(name: &str, connection: &WrittenConnection) -> String {
    let mut lines = String::new();
    write_fields(&fields(connection), "", &mut lines);
    format!("connections:\n  {}:\n{}", scalar(name), indented(&indented(&lines)))
}

fn fields(connection: &WrittenConnection) -> Map<String, Value> {
    match json!(connection) {
        Value::Object(fields) => fields,
        _ => unreachable!("a connection is a mapping"),
    }
}

fn write_fields(fields: &Map<String, Value>, indent: &str, lines: &mut String) {
    for (key, value) in fields {
        let value = match value {
            Value::String(text) => scalar(text),
            other => other.to_string(),
        };
        lines.push_str(&format!("{indent}{key}: {value}\n"));
    }
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

/// A text as YAML reads it back, without quotes where that is certain.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && !text.ends_with(':');
    let means_something = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_word && !means_something.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        // JSON is YAML.
        false => Value::from(text).to_string(),
    }
}

fn read(text: &str) -> Option<(Source, Document)> {
    let source = Source::new("linecook.yaml", text);
    // Places count from behind a byte order mark.
    (source.text().len() == text.len()).then_some(())?;
    let document = Document::parse(&source).ok()?;
    Some((source, document))
}

fn value(text: &str) -> Option<Value> {
    Document::parse(&Source::new("linecook.yaml", text)).ok().map(|d| d.value().clone())
}

fn replaced(source: &Source, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut text = source.text().to_owned();
    for (span, new) in edits.into_iter().rev() {
        text.replace_range(span, &new);
    }
    text
}

/// Whether `after` is `before` with something more at one place.
fn is_insertion(before: &str, after: &str) -> bool {
    let same = |(a, b): &(u8, u8)| a == b;
    let front = before.bytes().zip(after.bytes()).take_while(same).count();
    let back = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count();
    after.len() >= before.len() && front + back >= before.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn highlevel() -> WrittenConnection {
        WrittenConnection {
            app: "highlevel".into(),
            location_id: Some("abc123".into()),
            ..WrittenConnection::default()
        }
    }

    const FILE: &str = "\
# The shop
timezone: UTC   # of dates

connections:
  # Payments
  stax: { app: stax }   # ours
  'main':
    app: highlevel
    location_id: your-location-id    # stands in the address bar

# What runs.
recipes:
  - recipe: a.yaml
    connections: { highlevel: main, stax: stax }  # which
  - recipe: b.yaml
    connections:
      highlevel: \"main\"
quotas:
  main: { requests: 100, per: 10s }
";

    #[test]
    fn a_connection_is_added_and_nothing_else_moves() {
        for (before, after) in [
            (
                "connections:\n  stax: { app: stax }   # ours\n\n# What runs.\nrecipes: []\n",
                "connections:\n  stax: { app: stax }   # ours\n  second:\n    app: highlevel\n    location_id: abc123\n\n# What runs.\nrecipes: []\n",
            ),
            (
                "connections: { stax: { app: stax } } # ours\nrecipes: []\n",
                "connections: { stax: { app: stax }, second: {app: highlevel, location_id: abc123} } # ours\nrecipes: []\n",
            ),
            (
                "connections: {}\nrecipes: []\n",
                "connections: {second: {app: highlevel, location_id: abc123}}\nrecipes: []\n",
            ),
            (
                "# remark\nrecipes: []\n# the end\n",
                "# remark\nrecipes: []\n# the end\nconnections:\n  second:\n    app: highlevel\n    location_id: abc123\n",
            ),
            (
                "connections:   # none yet\nrecipes: []\n",
                "connections:   # none yet\n  second:\n    app: highlevel\n    location_id: abc123\nrecipes: []\n",
            ),
            (
                "recipes: []\nconnections:\n  stax: { app: stax }",
                "recipes: []\nconnections:\n  stax: { app: stax }\n  second:\n    app: highlevel\n    location_id: abc123",
            ),
            (
                "connections:\r\n  stax: { app: stax }   # ours\r\nrecipes: []\r\n",
                "connections:\r\n  stax: { app: stax }   # ours\r\n  second:\r\n    app: highlevel\r\n    location_id: abc123\r\nrecipes: []\r\n",
            ),
        ] {
            let got = with_connection(before, "second", &highlevel());
            assert_eq!(got.as_deref(), Some(after), "{before}");
        }
        assert_eq!(with_connection(FILE, "main", &highlevel()), None, "it is there");
        for not_a_mapping in ["connections: [a]\nrecipes: []\n", "- a\n", "a: [\n", ""] {
            assert_eq!(with_connection(not_a_mapping, "main", &highlevel()), None);
        }
    }

    #[test]
    fn a_recipe_is_installed_and_nothing_else_moves() {
        let settings = Map::from_iter([("tag".to_owned(), "won".into())]);
        let installation =
            WrittenInstallation { recipe: "b.yaml".into(), settings, ..Default::default() };
        for (before, after) in [
            (
                "recipes:\n  - recipe: a.yaml   # ours\n\n# The end\nparallel: 1\n",
                "recipes:\n  - recipe: a.yaml   # ours\n{}\n# The end\nparallel: 1\n",
            ),
            (
                "recipes:\n  - recipe: a.yaml\n    settings:\n      x: 1\n      # y: 2\n# z\n",
                "recipes:\n  - recipe: a.yaml\n    settings:\n      x: 1\n{}      # y: 2\n# z\n",
            ),
            ("recipes: []   # none yet\nparallel: 1\n", "recipes:   # none yet\n{}parallel: 1\n"),
            ("recipes:   # none yet\nparallel: 1\n", "recipes:   # none yet\n{}parallel: 1\n"),
            ("a: 1\nrecipes: []\n", "a: 1\nrecipes:\n{}"),
            ("parallel: 1", "parallel: 1\nrecipes:\n{}"),
            ("recipes:\n  - { recipe: a.yaml }", "recipes:\n  - { recipe: a.yaml }\n{}"),
        ] {
            let lines = "  - recipe: b.yaml\n    settings: { tag: won }\n";
            let got = with_installation(before, &installation);
            assert_eq!(got.as_deref(), Some(after.replace("{}", lines).as_str()), "{before}");
        }
        for unclear in ["recipes: [{ recipe: a.yaml }]\n", "recipes: { a: b }\n", "- a\n", ""] {
            assert_eq!(with_installation(unclear, &installation), None, "{unclear}");
        }
        let windows =
            with_installation("recipes:\r\n  - recipe: a.yaml\r\n", &installation).unwrap();
        assert!(windows.ends_with("{ tag: won }\r\n"), "{windows:?}");
        let read = value(&installation_lines(&installation)).unwrap();
        assert_eq!(read["recipes"][0], json!(installation));
    }

    #[test]
    fn an_id_that_is_no_plain_text_stays_a_text() {
        for id in ["0815", "12", "true", "a: b", "a#b", "\"x\"", "1e5", "~", "ä"] {
            let connection = WrittenConnection { location_id: Some(id.into()), ..highlevel() };
            let after = with_connection("recipes: []\n", "main", &connection).unwrap();
            assert_eq!(value(&after).unwrap()["connections"]["main"]["location_id"], id);
            let text = connection_lines("main", &connection);
            assert_eq!(value(&text).unwrap()["connections"]["main"]["location_id"], id);
        }
    }

    #[test]
    fn the_id_of_an_account_takes_the_place_that_was_left_for_it() {
        let after = with_location(FILE, "main", "abc123").unwrap();
        assert_eq!(after, FILE.replace("your-location-id", "abc123"));
        assert_eq!(with_location(&after, "main", "other"), None, "there is one");
        let without = "connections:\n  main:\n    app: highlevel   # the shop\nrecipes: []\n";
        let after = with_location(without, "main", "abc123").unwrap();
        assert_eq!(
            after,
            "connections:\n  main:\n    app: highlevel   # the shop\n    location_id: abc123\nrecipes: []\n"
        );
    }

    #[test]
    fn a_name_is_changed_wherever_it_stands() {
        let after = with_name(FILE, "main", "shop").unwrap();
        let expected = FILE
            .replace("'main':", "shop:")
            .replace("highlevel: main,", "highlevel: shop,")
            .replace("highlevel: \"main\"", "highlevel: shop")
            .replace("main: { requests", "shop: { requests");
        assert_eq!(after, expected);
        assert!(
            with_name(FILE, "stax", "yes").unwrap().contains("  \"yes\": { app: stax }   # ours")
        );
    }
}
