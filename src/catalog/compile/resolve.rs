//! The short forms of the sources: an operation or a field as it is written comes in; it goes out as the
//! program reads it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

/// The names of the shapes that a file may use.
#[derive(Clone, Default)]
pub(super) struct Types {
    /// Those of the app.
    shared: HashSet<String>,
    /// Those of the file alone: what they are called among all shapes of the app.
    own: HashMap<String, String>,
}

impl Types {
    /// Adds one that all files of the app may use; false where it is there already.
    pub fn share(&mut self, name: &str) -> bool {
        self.shared.insert(name.to_owned())
    }

    /// The same with those of an imported file, whose names mean nothing elsewhere.
    pub fn with_own<'a>(&self, resource: &str, names: impl Iterator<Item = &'a String>) -> Types {
        let own = names.map(|name| (name.clone(), format!("{resource}.{name}"))).collect();
        Types { own, ..self.clone() }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shared.iter().chain(self.own.keys()).map(String::as_str)
    }

    /// What a type is called among all shapes of the app; `None` where there is none of that name.
    pub fn shape(&self, name: &str) -> Option<String> {
        let shared = || self.shared.get(name).cloned();
        self.own.get(name).cloned().or_else(shared)
    }
}

/// What people call the things that a resource file is about: what it says, else its resource in the
/// plural.
pub(super) fn records(file: &Value) -> String {
    match (file["records"].as_str(), file["resource"].as_str().unwrap_or_default()) {
        (Some(records), _) => records.to_owned(),
        (None, resource) if resource.ends_with('s') => resource.to_owned(),
        (None, resource) => format!("{resource}s"),
    }
}

/// An operation as written → with type names resolved and the short forms spelled out.
pub(super) fn resolve_operation(written: &Value, types: &Types) -> Map<String, Value> {
    let mut entry = written.as_object().cloned().unwrap_or_default();
    for slot in ["path", "query"] {
        if let Some(fields) = entry.get(slot) {
            let resolved = resolve_fields(fields, types);
            entry.insert(slot.into(), resolved);
        } else {
            entry.insert(slot.into(), json!({}));
        }
    }
    match entry.remove("body") {
        Some(Value::String(word)) if word == "unknown" => {
            entry.insert("body_unknown".into(), true.into());
        }
        Some(fields) => {
            entry.insert("body".into(), resolve_fields(&fields, types));
        }
        None => {}
    }
    if let Some(item) = entry.remove("body_list") {
        entry.insert("body_list".into(), resolve(&item, types));
    }
    match entry.remove("response") {
        Some(Value::String(word)) if word == "unknown" => {
            entry.insert("response_unknown".into(), true.into());
        }
        Some(Value::String(name)) => {
            entry.insert("response".into(), resolve(&json!({ "type": name }), types));
        }
        Some(Value::Object(fields)) => {
            let whole = match fields.get("list") {
                Some(item) if fields.len() == 1 && is_bare_list(item) => {
                    json!({ "type": "list", "of": item })
                }
                _ => json!({ "type": "object", "fields": fields }),
            };
            entry.insert("response".into(), resolve(&whole, types));
        }
        _ => {
            entry.insert("response_unknown".into(), true.into());
        }
    }
    if let Some(results) = entry.get_mut("results") {
        spell_out_results(results);
    }
    if let Some(results) = entry.get_mut("list").and_then(|l| l.get_mut("results")) {
        spell_out_results(results);
    }
    entry
}

/// `response: { list: { type: … } }` is a bare list unless the field called `list` is one itself.
fn is_bare_list(item: &Value) -> bool {
    item.get("type").is_none_or(|t| t != "list")
}

fn spell_out_results(results: &mut Value) {
    for result in results.as_object_mut().into_iter().flat_map(|r| r.values_mut()) {
        if let Value::String(path) = result {
            *result = json!({ "path": path });
        }
    }
}

pub(super) fn resolve_fields(fields: &Value, types: &Types) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    fields.map(|(name, field)| (name.clone(), resolve(field, types))).collect()
}

/// A field with its short forms spelled out. A type that is a shape is named; one that is not there is
/// left standing, and refused as an unknown type.
pub(super) fn resolve(field: &Value, types: &Types) -> Value {
    let mut field = match field {
        Value::String(name) => Map::from_iter([("type".to_owned(), Value::from(name.as_str()))]),
        other => other.as_object().cloned().unwrap_or_default(),
    };
    let name = field.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(shape) = types.shape(&name) {
        field.insert("type".into(), "object".into());
        field.insert("shape".into(), shape.into());
        return Value::Object(field);
    }
    if let Some(fields) = field.get("fields") {
        let fields = resolve_fields(fields, types);
        field.insert("fields".into(), fields);
        field.entry("type").or_insert("object".into());
    }
    if let Some(of) = field.get("of") {
        let of = resolve(of, types);
        field.insert("of".into(), of);
        field.entry("type").or_insert("list".into());
    }
    Value::Object(field)
}
