//! A connection of `linecook.yaml`: its text comes in; with one more connection, account or name it goes out.

use serde_json::{Map, Value, json};

use super::layout::{Layout, entry_lines};
use crate::project::WrittenConnection;
use crate::source::Route;

/// What `linecook init` writes where the id of the account belongs.
pub const LOCATION_TO_FILL_IN: &str = "your-location-id";

/// The text with a connection that was not there.
pub fn with_connection(text: &str, name: &str, connection: &WrittenConnection) -> Option<String> {
    let layout = Layout::read(text)?;
    let connection = json!(connection);
    let mut wanted = layout.value().clone();
    let connections = wanted.as_object_mut()?.entry("connections").or_insert(Value::Null);
    if connections.is_null() {
        *connections = Value::Object(Map::new());
    }
    let there = connections.as_object_mut()?.insert(name.to_owned(), connection.clone());
    if there.is_some() {
        return None;
    }
    let at = Route::root().key("connections");
    layout.with(layout.entry(&at, name, &connection)?, &wanted)
}

/// The text with the id of a connection's account, where [`LOCATION_TO_FILL_IN`] or nothing stands.
pub fn with_location(text: &str, name: &str, location: &str) -> Option<String> {
    let layout = Layout::read(text)?;
    let at = Route::root().key("connections").key(name);
    let mut wanted = layout.value().clone();
    let connection = wanted.pointer_mut(at.pointer())?.as_object_mut()?;
    let pieces = match connection.insert("location_id".to_owned(), location.into()) {
        None => layout.entry(&at, "location_id", &location.into())?,
        Some(old) => {
            let old = old.as_str().map(str::trim).or(old.is_null().then_some(""))?;
            (old.is_empty() || old == LOCATION_TO_FILL_IN).then_some(())?;
            vec![layout.scalar(&at.key("location_id"), location)]
        }
    };
    layout.with(pieces, &wanted)
}

/// The text with another name for a connection, wherever it stands.
pub fn with_name(text: &str, old: &str, new: &str) -> Option<String> {
    let layout = Layout::read(text)?;
    let root = Route::root();
    let mut wanted = layout.value().clone();
    let mut pieces = Vec::new();
    for part in ["connections", "quotas"] {
        let at = root.key(part).key(old);
        if layout.has(&at) {
            pieces.push(layout.key(&at, new));
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
            pieces.push(layout.scalar(&at, new));
            *name = new.into();
        }
    }
    layout.with(pieces, &wanted)
}

/// The lines that a person would write for a connection.
pub fn connection_lines(name: &str, connection: &WrittenConnection) -> String {
    entry_lines("connections", &json!({ name: connection }), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Layout::read(text).unwrap_or_else(|| panic!("{text}")).value().clone()
    }

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
            (
                "connections: {}   # none yet\nrecipes: []\n",
                "connections: {second: {app: highlevel, location_id: abc123}}   # none yet\nrecipes: []\n",
            ),
            (
                "connections: { }\nrecipes: []\n",
                "connections: { second: {app: highlevel, location_id: abc123} }\nrecipes: []\n",
            ),
            (
                "connections: { # none\n}\nrecipes: []\n",
                "connections: { second: {app: highlevel, location_id: abc123} # none\n}\nrecipes: []\n",
            ),
            (
                "connections: ~   # none yet\nrecipes: []\n",
                "connections:   # none yet\n  second:\n    app: highlevel\n    location_id: abc123\nrecipes: []\n",
            ),
            (
                "recipes: []\nconnections:",
                "recipes: []\nconnections:\n  second:\n    app: highlevel\n    location_id: abc123",
            ),
            (
                "{ recipes: [] }   # all\n",
                "{ recipes: [], connections: {second: {app: highlevel, location_id: abc123}} }   # all\n",
            ),
            (
                "recipes: []\n# the end\n...\n",
                "recipes: []\n# the end\nconnections:\n  second:\n    app: highlevel\n    location_id: abc123\n...\n",
            ),
            (
                "connections: {\n  stax: { app: stax }, # a }\n  # b\n} # c\nrecipes: []\n",
                "connections: {\n  stax: { app: stax }, second: {app: highlevel, location_id: abc123}, # a }\n  # b\n} # c\nrecipes: []\n",
            ),
            (
                "connections:\n  stax: {\n    app: stax # }\n  } # ours\n  # main\nrecipes: []\n",
                "connections:\n  stax: {\n    app: stax # }\n  } # ours\n  second:\n    app: highlevel\n    location_id: abc123\n  # main\nrecipes: []\n",
            ),
            (
                "connections:\n  stax:\n    scopes:\n    - a # ours\nrecipes: []\n",
                "connections:\n  stax:\n    scopes:\n    - a # ours\n  second:\n    app: highlevel\n    location_id: abc123\nrecipes: []\n",
            ),
            (
                "connections:\n  stax:\n    app: >-\n      stax\n\nrecipes: []\n",
                "connections:\n  stax:\n    app: >-\n      stax\n  second:\n    app: highlevel\n    location_id: abc123\n\nrecipes: []\n",
            ),
            (
                "connections:\n  stax:\n    app: |+\n      stax\n\nrecipes: []\n",
                "connections:\n  stax:\n    app: |+\n      stax\n\n  second:\n    app: highlevel\n    location_id: abc123\nrecipes: []\n",
            ),
        ] {
            let got = with_connection(before, "second", &highlevel());
            assert_eq!(got.as_deref(), Some(after), "{before}");
        }
        assert_eq!(with_connection(FILE, "main", &highlevel()), None, "it is there");
        for not_a_mapping in [
            "connections: [a]\nrecipes: []\n",
            "{ connections: , recipes: [] }\n",
            "- a\n",
            "a: [\n",
            "",
        ] {
            assert_eq!(with_connection(not_a_mapping, "main", &highlevel()), None);
        }
    }

    #[test]
    fn an_id_that_is_no_plain_text_stays_a_text() {
        for id in ["0815", "12", "true", "a: b", "a#b", "\"x\"", "1e5", "~", "ä"] {
            let connection = WrittenConnection { location_id: Some(id.into()), ..highlevel() };
            let after = with_connection("recipes: []\n", "main", &connection).unwrap();
            assert_eq!(value(&after)["connections"]["main"]["location_id"], id);
            let text = connection_lines("main", &connection);
            assert_eq!(value(&text)["connections"]["main"]["location_id"], id);
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
    fn the_id_of_an_account_stands_where_nothing_stood() {
        for (before, after) in [
            ("{ app: highlevel }   # r", "{ app: highlevel, location_id: abc123 }   # r"),
            ("{ app: highlevel, }", "{ app: highlevel, location_id: abc123, }"),
            ("{ location_id: , app: highlevel }", "{ location_id: abc123 , app: highlevel }"),
            ("{ app: highlevel, location_id }", "{ app: highlevel, location_id: abc123 }"),
            ("\n    location_id:   # r\n    app: a", "\n    location_id: abc123   # r\n    app: a"),
            ("\n    location_id: ''", "\n    location_id: abc123"),
            ("\n    location_id: ~  # r", "\n    location_id: abc123  # r"),
            ("\n    app: a", "\n    app: a\n    location_id: abc123"),
            (
                "\n    scopes: [a,\n      b] # r",
                "\n    scopes: [a,\n      b] # r\n    location_id: abc123",
            ),
        ] {
            for (line, end) in
                [("\n", ""), ("\n", "\n"), ("\r\n", "\r\n"), ("\n", "\n\n# r\nrecipes: []\n")]
            {
                let file = |main: &str| {
                    format!("connections:\n  main: {main}{end}")
                        .replace("\r\n", "\n")
                        .replace('\n', line)
                };
                let got = with_location(&file(before), "main", "abc123");
                assert_eq!(got, Some(file(after)), "{before}");
            }
        }
        for taken in ["{ location_id: 12 }", "{ location_id: other }", "", "highlevel"] {
            assert_eq!(
                with_location(&format!("connections:\n  main: {taken}\n"), "main", "a"),
                None
            );
        }
        assert_eq!(with_location(FILE, "nobody", "abc123"), None);
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
