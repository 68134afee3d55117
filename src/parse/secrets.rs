//! Secrets that somebody wrote into a project file: its text comes in; the same text goes out with them
//! masked, so that no message shows them.

use serde_json::Value;

use crate::diagnostic::is_secret_key;
use crate::project::{SMTP_PASSWORD_VARIABLE, token_variable};
use crate::source::{Document, Route, Source};

/// The text with every value masked that stands under the name of a secret. Places stay true.
pub(super) fn masked(source: &Source, document: &Document) -> Source {
    let mut found = Vec::new();
    collect(document.value(), &Route::root(), &mut found);
    if found.is_empty() {
        return source.clone();
    }
    let mut bytes = source.text().as_bytes().to_vec();
    for route in found {
        let span = document.value_span(&route);
        for byte in bytes.get_mut(span).into_iter().flatten() {
            if !byte.is_ascii_whitespace() {
                *byte = b'*';
            }
        }
    }
    Source::new(source.name(), String::from_utf8_lossy(&bytes))
}

/// The environment variable that a secret at this place belongs into.
pub(super) fn variable(holder: &Route) -> Option<String> {
    let parts: Vec<&str> = holder.pointer().split('/').skip(1).collect();
    match parts[..] {
        ["connections", connection] => Some(token_variable(connection)),
        ["notify", ..] => Some(SMTP_PASSWORD_VARIABLE.to_owned()),
        _ => None,
    }
}

/// `https://name:password@…`
fn has_password(text: &str) -> bool {
    let behind = text.split_once("://").map(|(_, rest)| rest);
    behind.is_some_and(|rest| rest.split('/').next().is_some_and(|host| host.contains('@')))
}

fn collect(value: &Value, at: &Route, found: &mut Vec<Route>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let here = at.key(key);
                // Names in these two are the author's own.
                let free = at.last().is_some_and(|last| last == "settings" || last == "filters");
                if !free && is_secret_key(key) {
                    found.push(here);
                } else {
                    collect(value, &here, found);
                }
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(item, &at.item(index), found));
        }
        Value::String(text) if text.contains("PRIVATE KEY") || has_password(text) => {
            found.push(at.clone());
        }
        _ => {}
    }
}
