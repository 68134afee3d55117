//! The generator: the hand-edited YAML files of `schemas/catalog/` come in; the text of
//! `schemas/catalog.jsonl` goes out, or every mistake in them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::index::{Index, IndexEntry};
use super::operation::{ListShape, NamedResult};
use super::{App, EventType, Field, Fit, Operation};
use crate::source::{Document, Route, Source};
use crate::value::Defaults;

/// A mistake in the catalog's sources.
#[derive(Debug)]
pub struct CompileError {
    pub file: PathBuf,
    pub route: Route,
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file.display(), self.route, self.message)
    }
}

/// Compiles every app folder inside `folder`.
pub fn compile(folder: &Path) -> Result<String, Vec<CompileError>> {
    let mut compiler = Compiler::default();
    for app_folder in sorted_entries(folder) {
        if app_folder.is_dir() {
            compiler.app(&app_folder);
        }
    }
    compiler.finish()
}

#[derive(Default)]
struct Compiler {
    apps: Vec<App>,
    operations: Vec<(PathBuf, Operation)>,
    events: Vec<(PathBuf, EventType)>,
    errors: Vec<CompileError>,
}

type Types = HashMap<String, Value>;

impl Compiler {
    fn app(&mut self, folder: &Path) {
        let mut files = BTreeMap::new();
        let mut types = Types::new();
        for path in sorted_entries(folder) {
            if path.extension().is_none_or(|e| e != "yaml") {
                continue;
            }
            let Some(value) = self.read(&path) else { continue };
            if path.file_stem().is_some_and(|stem| stem == "app") {
                match serde_json::from_value(value) {
                    Ok(app) => self.apps.push(app),
                    Err(e) => self.error(&path, Route::root(), e),
                }
                continue;
            }
            for (name, shape) in value["types"].as_object().into_iter().flatten() {
                if types.insert(name.clone(), shape.clone()).is_some() {
                    self.error(
                        &path,
                        Route::root().key("types").key(name),
                        "this type stands twice",
                    );
                }
            }
            files.insert(path, value);
        }
        for (path, value) in files {
            self.resource(&path, &value, &types);
        }
    }

    fn resource(&mut self, path: &Path, value: &Value, types: &Types) {
        let known = ["app", "resource", "types", "operations", "events"];
        for key in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                self.error(path, Route::root().key(key), "no such key in a resource file");
            }
        }
        for (id, written) in value["operations"].as_object().into_iter().flatten() {
            let route = Route::root().key("operations").key(id);
            let mut entry = resolve_operation(written, types);
            entry.insert("app".into(), value["app"].clone());
            entry.insert("resource".into(), value["resource"].clone());
            entry.insert("id".into(), id.clone().into());
            match serde_json::from_value::<Operation>(Value::Object(entry)) {
                Ok(mut operation) => {
                    self.fill_results(path, &route, &mut operation);
                    self.operations.push((path.to_owned(), operation));
                }
                Err(e) => self.error(path, route, e),
            }
        }
        for (id, written) in value["events"].as_object().into_iter().flatten() {
            let route = Route::root().key("events").key(id);
            let mut entry = written.as_object().cloned().unwrap_or_default();
            let payload = match entry.remove("payload") {
                Some(Value::Object(fields)) => json!({ "type": "object", "fields": fields }),
                Some(Value::String(name)) if name != "unknown" => json!({ "type": name }),
                _ => json!({ "type": "object" }),
            };
            entry.insert("payload".into(), resolve(&payload, types, &mut Vec::new()));
            entry.insert("app".into(), value["app"].clone());
            entry.insert("id".into(), id.clone().into());
            match serde_json::from_value::<EventType>(Value::Object(entry)) {
                Ok(event) => self.events.push((path.to_owned(), event)),
                Err(e) => self.error(path, route, e),
            }
        }
    }

    /// Gives every named result the type that the answer says.
    fn fill_results(&mut self, path: &Path, route: &Route, operation: &mut Operation) {
        let response = operation.response.clone().unwrap_or_default();
        let unknown = operation.response_unknown;
        let fill = |results: &mut indexmap::IndexMap<String, NamedResult>, of: &Field| {
            let mut missing = Vec::new();
            for (name, result) in results.iter_mut() {
                match of.at_path(&result.path) {
                    Some(field) => {
                        let nullable = of.may_end_at_null(&result.path);
                        result.field = Field { usual: None, nullable, ..field.clone() };
                    }
                    None if unknown => {}
                    None => missing.push(format!("`{name}`: the answer has no `{}`", result.path)),
                }
            }
            missing
        };
        let mut missing = fill(&mut operation.results, &response);
        if let Some(ListShape { items, results, of, .. }) = &mut operation.list {
            match response.at_path(items) {
                Some(list) => {
                    *of = list.of.as_deref().cloned().unwrap_or_else(|| list.clone());
                    missing.extend(fill(results, &of.clone()));
                }
                None if unknown => {}
                None => missing.push(format!("the answer has no `{items}`")),
            }
        }
        for message in missing {
            self.error(path, route.key("results"), message);
        }
    }

    fn finish(mut self) -> Result<String, Vec<CompileError>> {
        self.check_operations();
        self.check_events();
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let mut index = Index { apps: self.apps, ..Index::default() };
        let mut lines = Vec::new();
        let mut owners: HashMap<String, usize> = HashMap::new();
        for (_, operation) in &self.operations {
            *owners.entry(operation.name()).or_default() += 1;
        }
        for (_, operation) in &self.operations {
            index.operations.push(IndexEntry {
                id: operation.long_id(),
                app: operation.app.clone(),
                title: operation.title.clone(),
                short: (owners[&operation.name()] == 1).then(|| operation.name()),
                aliases: operation
                    .aliases
                    .iter()
                    .map(|a| format!("{}.{a}", operation.app))
                    .collect(),
                call: operation.call.clone(),
                wire: None,
                deprecated: operation.deprecated.is_some(),
                record: operation.record.as_ref().map(|r| r.kind.clone()),
                documented: !operation.body_unknown,
                line: lines.len(),
            });
            lines.push(to_line(operation));
        }
        for (_, event) in &self.events {
            index.events.push(IndexEntry {
                id: event.name(),
                app: event.app.clone(),
                title: event.title.clone(),
                short: None,
                aliases: Vec::new(),
                call: String::new(),
                wire: event.wire.clone(),
                deprecated: false,
                record: event.record.as_ref().map(|r| r.kind.clone()),
                documented: event.payload.fields.is_some(),
                line: lines.len(),
            });
            lines.push(to_line(event));
        }
        let mut text = to_line(&index);
        for line in lines {
            text.push('\n');
            text.push_str(&line);
        }
        text.push('\n');
        Ok(text)
    }

    fn check_operations(&mut self) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for (file, operation) in &self.operations {
            let mut say = |message: String| {
                found.push((
                    file.clone(),
                    Route::root().key("operations").key(&operation.id),
                    message,
                ));
            };
            if let Some(other) = seen.insert(operation.long_id(), file) {
                say(format!("stands in {} too", other.display()));
            }
            let in_path: Vec<&str> = operation
                .path_pattern()
                .split('/')
                .filter_map(|part| part.strip_prefix(':'))
                .collect();
            let declared: Vec<&str> = operation.path.keys().map(String::as_str).collect();
            if !in_path.iter().all(|p| declared.contains(p)) || in_path.len() != declared.len() {
                say(format!("`call` has the parameters {in_path:?}, `path` has {declared:?}"));
            }
            let sibling = |id: &str| {
                self.operations
                    .iter()
                    .map(|(_, o)| o)
                    .find(|o| o.app == operation.app && o.id == id)
            };
            if let Some(lookup) = &operation.lookup
                && sibling(&lookup.operation).is_none_or(|o| o.list.is_none())
            {
                say(format!("`lookup` names `{}`, which is no list operation", lookup.operation));
            }
            for id in operation.tags.iter().flat_map(|t| [&t.add, &t.remove]) {
                if sibling(id).is_none() {
                    say(format!("`tags` names `{id}`, which is not there"));
                }
            }
            for (name, _) in operation.example.with.iter() {
                if operation.field(name).is_err()
                    && !operation.body_unknown
                    && operation.body_list.is_none()
                {
                    say(format!("the example has `{name}`, which is no field"));
                }
            }
            for (slot, name, field) in operation.fields() {
                let with = &operation.example.with;
                let long = format!("{}.{name}", slot.name());
                let Some(value) = with.get(name).or_else(|| with.get(&long)) else {
                    let in_path = slot == super::Slot::Path;
                    if (field.required || in_path) && field.usual.is_none() {
                        say(format!("the example lacks `{name}`"));
                    }
                    continue;
                };
                let fit = Fit::check(field, value, &Defaults::default());
                for misfit in fit.misfits {
                    say(format!("example `{name}`{}: {}", misfit.at, misfit.error));
                }
            }
            if let Some(response) = &operation.response {
                for misfit in Fit::answer(response, &operation.example.response).misfits {
                    say(format!("example answer {}: {}", misfit.at, misfit.error));
                }
            }
        }
        for (file, route, message) in found {
            self.error(&file, route, message);
        }
    }

    fn check_events(&mut self) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for (file, event) in &self.events {
            let mut say = |message: String| {
                found.push((file.clone(), Route::root().key("events").key(&event.id), message));
            };
            if let Some(other) = seen.insert(event.name(), file) {
                say(format!("stands in {} too", other.display()));
            }
            if let Some(when) = &event.when
                && let Err(e) = crate::template::Template::expression(when)
            {
                say(format!("`when`: {e}"));
            }
            if event.payload.fields.is_some() {
                for misfit in Fit::answer(&event.payload, &event.example).misfits {
                    say(format!("example {}: {}", misfit.at, misfit.error));
                }
            }
        }
        for (file, route, message) in found {
            self.error(&file, route, message);
        }
    }

    fn read(&mut self, path: &Path) -> Option<Value> {
        let source = match Source::read(path) {
            Ok(source) => source,
            Err(e) => {
                self.error(path, Route::root(), e);
                return None;
            }
        };
        match Document::parse(&source) {
            Ok(document) => Some(document.value().clone()),
            Err(e) => {
                let at = source.position(e.span.start);
                self.error(path, Route::root(), format!("line {}: {:?}", at.line, e.kind));
                None
            }
        }
    }

    fn error(&mut self, file: &Path, route: Route, message: impl fmt::Display) {
        self.errors.push(CompileError {
            file: file.to_owned(),
            route,
            message: message.to_string(),
        });
    }
}

fn to_line(entry: &impl serde::Serialize) -> String {
    serde_json::to_string(entry).expect("catalog entries are plain data with text keys")
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    entries
}

/// An operation as written → with type names resolved and the short forms spelled out.
fn resolve_operation(written: &Value, types: &Types) -> Map<String, Value> {
    let mut entry = written.as_object().cloned().unwrap_or_default();
    for slot in ["path", "query"] {
        if let Some(fields) = entry.get(slot) {
            let resolved = resolve_fields(fields, types, &mut Vec::new());
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
            entry.insert("body".into(), resolve_fields(&fields, types, &mut Vec::new()));
        }
        None => {}
    }
    if let Some(item) = entry.remove("body_list") {
        entry.insert("body_list".into(), resolve(&item, types, &mut Vec::new()));
    }
    match entry.remove("response") {
        Some(Value::String(word)) if word == "unknown" => {
            entry.insert("response_unknown".into(), true.into());
        }
        Some(Value::String(name)) => {
            entry.insert(
                "response".into(),
                resolve(&json!({ "type": name }), types, &mut Vec::new()),
            );
        }
        Some(Value::Object(fields)) => {
            let whole = match fields.get("list") {
                Some(item) if fields.len() == 1 && is_bare_list(item) => {
                    json!({ "type": "list", "of": item })
                }
                _ => json!({ "type": "object", "fields": fields }),
            };
            entry.insert("response".into(), resolve(&whole, types, &mut Vec::new()));
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

fn resolve_fields(fields: &Value, types: &Types, inside: &mut Vec<String>) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    fields.map(|(name, field)| (name.clone(), resolve(field, types, inside))).collect()
}

fn resolve(field: &Value, types: &Types, inside: &mut Vec<String>) -> Value {
    let mut field = match field {
        Value::String(name) => Map::from_iter([("type".to_owned(), Value::from(name.as_str()))]),
        other => other.as_object().cloned().unwrap_or_default(),
    };
    let name = field.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        // A shape that holds itself stays open on the second level. A name that is not there is left
        // standing, and refused as an unknown type.
        if inside.contains(&name) {
            field.insert("type".into(), "object".into());
        } else if let Some(shape) = types.get(&name) {
            inside.push(name);
            field.insert("fields".into(), resolve_fields(shape, types, inside));
            field.insert("type".into(), "object".into());
            inside.pop();
        }
    } else {
        if let Some(fields) = field.get("fields") {
            let fields = resolve_fields(fields, types, inside);
            field.insert("fields".into(), fields);
            field.entry("type").or_insert("object".into());
        }
        if let Some(of) = field.get("of") {
            let of = resolve(of, types, inside);
            field.insert("of".into(), of);
            field.entry("type").or_insert("list".into());
        }
    }
    Value::Object(field)
}
