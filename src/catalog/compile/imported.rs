//! What an import has made, and what people say better: the files of an app come in; imported operations
//! that somebody wrote by hand are dropped from them, and those that somebody corrected are changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{AppFiles, Compiler};
use crate::catalog::{App, call_shape};
use crate::source::Route;

/// The largest imported file, in bytes; an import writes no larger one.
const MAX_BYTES: u64 = 128 * 1024 * 1024;
const MAX_NODES: usize = 20_000_000;
/// The parts of an operation in which a correction changes single fields.
const BY_FIELD: [&str; 4] = ["path", "query", "body", "response"];

/// An imported file. Nobody writes in it, so it is read without places.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > MAX_BYTES {
        return Err("an import writes no file that large".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let options = serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_nodes: MAX_NODES,
            max_depth: 64,
            max_documents: 1,
            max_aliases: 0,
            max_anchors: 0,
        },
    };
    serde_yaml::from_str_with_options(&text, options).map_err(|e| e.to_string())
}

/// What people wrote of an imported operation: everything but its `call`.
struct Correction {
    file: PathBuf,
    resource: Value,
    id: String,
    written: Map<String, Value>,
    is_used: bool,
}

impl Compiler {
    /// Takes the corrections out of the files that people write, and puts them into the imported ones.
    pub(super) fn correct(&mut self, files: &mut AppFiles) {
        let mut corrections = Vec::new();
        let mut by_hand: HashMap<String, String> = HashMap::new();
        for (path, value) in &mut files.written {
            let resource = value["resource"].clone();
            let records = value["records"].clone();
            let Some(operations) = value["operations"].as_object_mut() else { continue };
            operations.retain(|id, written| match written.get("call").and_then(Value::as_str) {
                Some(call) => {
                    by_hand.insert(call_shape(call), id.clone());
                    true
                }
                None => {
                    let mut written = written.as_object().cloned().unwrap_or_default();
                    if records.is_string() {
                        written.entry("records").or_insert_with(|| records.clone());
                    }
                    corrections.push(Correction {
                        file: path.clone(),
                        resource: resource.clone(),
                        id: id.clone(),
                        written,
                        is_used: false,
                    });
                    false
                }
            });
        }
        for value in files.imported.values_mut() {
            let resource = value["resource"].clone();
            let app = self.apps.iter().find(|app| value["app"] == app.app.as_str()).cloned();
            let Some(operations) = value["operations"].as_object_mut() else { continue };
            operations.retain(|_, entry| {
                let call = entry["call"].as_str().unwrap_or_default();
                !by_hand.contains_key(&call_shape(call))
            });
            for (id, entry) in operations.iter_mut() {
                let Some(entry) = entry.as_object_mut() else { continue };
                let fits = |c: &&mut Correction| c.id == *id && c.resource == resource;
                if let Some(correction) = corrections.iter_mut().find(fits) {
                    correction.is_used = true;
                    apply(&correction.written, entry);
                }
                let credentials = entry.shift_remove("credentials");
                if let Some(app) = &app {
                    note_credentials(entry, credentials.as_ref(), app);
                    let usual = &app.headers;
                    if let Some(headers) = entry.get_mut("headers").and_then(Value::as_object_mut) {
                        headers.retain(|name, value| {
                            usual.get(name).map(String::as_str) != value.as_str()
                        });
                    }
                    fill_usual(entry, app);
                }
            }
        }
        for correction in corrections.into_iter().filter(|correction| !correction.is_used) {
            let route = Route::root().key("operations").key(&correction.id);
            let message =
                "it has no `call`, and no imported operation of this resource has that id";
            self.error(&correction.file, route, message);
        }
    }
}

fn apply(written: &Map<String, Value>, entry: &mut Map<String, Value>) {
    for (key, value) in written {
        match (value, entry.get_mut(key)) {
            (Value::Object(fields), Some(Value::Object(there)))
                if BY_FIELD.contains(&key.as_str()) =>
            {
                for (name, field) in fields {
                    match field {
                        Value::Null => drop(there.shift_remove(name)),
                        field => drop(there.insert(name.clone(), field.clone())),
                    }
                }
            }
            (Value::Null, _) => drop(entry.shift_remove(key)),
            (value, _) => drop(entry.insert(key.clone(), value.clone())),
        }
    }
}

/// What is to be known of an operation that takes no usual credential.
fn note_credentials(entry: &mut Map<String, Value>, credentials: Option<&Value>, app: &App) {
    let names = credentials.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let notes: Option<Vec<&String>> =
        names.iter().map(|name| app.credentials.get(name.as_str()?)).collect();
    let Some(note) = notes.and_then(|notes| notes.first().copied()) else { return };
    let there = entry.entry("notes").or_insert_with(|| json!([]));
    if let Some(there) = there.as_array_mut().filter(|t| !t.iter().any(|n| *n == note.as_str())) {
        there.push(note.as_str().into());
    }
}

/// What a recipe may leave out: the account that the connection is for, and a field that it must write and
/// for which there is one value only. Whoever deletes says what.
fn fill_usual(entry: &mut Map<String, Value>, app: &App) {
    let deletes = entry.get("effect").is_some_and(|effect| effect == "delete");
    for slot in ["path", "query", "body"] {
        let Some(fields) = entry.get_mut(slot).and_then(Value::as_object_mut) else { continue };
        let says = |(other, word): (&String, &String)| {
            fields.get(other).is_some_and(|field| field["enum"] == json!([word]))
        };
        let too = app.location_too.iter().filter(|(_, beside)| beside.iter().all(says));
        let locations: Vec<String> =
            app.location.iter().cloned().chain(too.map(|(name, _)| name.clone())).collect();
        for (name, field) in fields.iter_mut() {
            let Some(field) = field.as_object_mut() else { continue };
            if field.contains_key("usual") {
                continue;
            }
            let only = match field.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
                Some([only]) => Some(only.clone()),
                _ => None,
            };
            let is_required = slot == "path" || field.get("required").is_some_and(|r| r == true);
            if locations.contains(name) && field["type"] == "string" && !deletes {
                field.insert("usual".into(), "connection.location_id".into());
            } else if let Some(only) = only.filter(|_| is_required && field["type"] != "list") {
                field.insert("usual".into(), only);
            }
        }
    }
}
