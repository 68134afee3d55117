//! The generator: the hand-edited YAML files of `schemas/catalog/` come in; the text of
//! `schemas/catalog.jsonl` goes out, or every mistake in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::index::{Index, IndexEntry};
use super::{App, Catalog, EventType, Fields, Fit, Operation};
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
    shapes: Vec<(String, Fields)>,
    errors: Vec<CompileError>,
}

/// The names of an app's shapes.
type Types = HashSet<String>;

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
            for name in value["types"].as_object().into_iter().flat_map(Map::keys) {
                if !types.insert(name.clone()) {
                    let route = Route::root().key("types").key(name);
                    self.error(&path, route, "this type stands twice");
                }
            }
            files.insert(path, value);
        }
        for (path, value) in files {
            self.resource(&path, &value, &types);
        }
    }

    fn resource(&mut self, path: &Path, value: &Value, types: &Types) {
        let known = ["app", "resource", "records", "types", "operations", "events"];
        for key in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                self.error(path, Route::root().key(key), "no such key in a resource file");
            }
        }
        let app = value["app"].as_str().unwrap_or_default();
        for (name, written) in value["types"].as_object().into_iter().flatten() {
            match serde_json::from_value::<Fields>(resolve_fields(written, types)) {
                Ok(fields) => self.shapes.push((format!("{app}.{name}"), fields)),
                Err(e) => self.error(path, Route::root().key("types").key(name), e),
            }
        }
        for (id, written) in value["operations"].as_object().into_iter().flatten() {
            let route = Route::root().key("operations").key(id);
            let mut entry = resolve_operation(written, types);
            entry.insert("app".into(), value["app"].clone());
            entry.insert("resource".into(), value["resource"].clone());
            entry.entry("records").or_insert_with(|| records(value).into());
            entry.insert("id".into(), id.clone().into());
            match serde_json::from_value::<Operation>(Value::Object(entry)) {
                Ok(operation) => self.operations.push((path.to_owned(), operation)),
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
            entry.insert("payload".into(), resolve(&payload, types));
            entry.insert("app".into(), value["app"].clone());
            entry.insert("id".into(), id.clone().into());
            match serde_json::from_value::<EventType>(Value::Object(entry)) {
                Ok(event) => self.events.push((path.to_owned(), event)),
                Err(e) => self.error(path, route, e),
            }
        }
    }

    fn finish(mut self) -> Result<String, Vec<CompileError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let text = self.text();
        // What is checked is what the program will read.
        let catalog = Catalog::load(Box::leak(text.clone().into_boxed_str()))
            .expect("the generator reads what it writes");
        self.check_operations(&catalog);
        self.check_events(&catalog);
        self.check_registrations(&catalog);
        self.check_pulls(&catalog);
        if self.errors.is_empty() { Ok(text) } else { Err(self.errors) }
    }

    fn text(&self) -> String {
        let mut index = Index { apps: self.apps.clone(), ..Index::default() };
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
                records: operation.records.clone(),
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
                records: String::new(),
                documented: event.payload.fields.is_some() || event.payload.shape.is_some(),
                line: lines.len(),
            });
            lines.push(to_line(event));
        }
        for (name, fields) in &self.shapes {
            index.shapes.push((name.clone(), lines.len()));
            lines.push(to_line(fields));
        }
        let mut text = to_line(&index);
        for line in lines {
            text.push('\n');
            text.push_str(&line);
        }
        text.push('\n');
        text
    }

    fn check_operations(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for (file, written) in &self.operations {
            let operation =
                &catalog.operation(&written.long_id()).expect("it has just been written");
            let mut say = |message: String| {
                found.push((
                    file.clone(),
                    Route::root().key("operations").key(&operation.id),
                    message,
                ));
            };
            for missing in Operation::clone(operation).fill_results() {
                say(missing);
            }
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
            let list =
                operation.lookup.as_ref().and_then(|l| catalog.sibling(operation, &l.operation));
            for mistake in super::settling::mistakes(operation, list.as_deref()) {
                say(mistake);
            }
            let newest = operation.list.iter().flat_map(|l| l.newest.keys());
            for name in newest.filter(|name| !operation.query.contains_key(*name)) {
                say(format!("`list.newest` names `{name}`, which is no query field"));
            }
            for id in operation.tags.iter().flat_map(|t| [&t.add, &t.remove]) {
                if sibling(id).is_none() {
                    say(format!("`tags` names `{id}`, which is not there"));
                }
            }
            if let Some(bulk) = &operation.bulk {
                let fits = |other: &Operation| {
                    let body = other.body.clone().unwrap_or_default();
                    let ours = operation.body.iter().flat_map(|body| body.keys());
                    body.contains_key(&bulk.ids)
                        && ours.into_iter().all(|name| body.contains_key(name))
                        && bulk.with.keys().all(|name| other.field(name).is_ok())
                };
                if !sibling(&bulk.operation).is_some_and(fits) {
                    say(format!(
                        "`bulk` names `{}`, which is not there or lacks a field",
                        bulk.operation
                    ));
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
                let fit = Fit::convert(field, value, &Defaults::default());
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

    fn check_events(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for (file, written) in &self.events {
            let event = &catalog.event(&written.name()).expect("it has just been written");
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
            for record in event.record.iter().chain(&event.about_record) {
                let named = record.id.as_deref().and_then(|id| event.payload.at_path(id));
                if record.id.is_some() && named.is_none() && event.payload.fields.is_some() {
                    say(format!("the payload has no `{}`", record.id.as_deref().unwrap_or("")));
                }
            }
            if let Some(time) = &event.list_time {
                let has = |s: super::StandIn| {
                    let list = s.operation.list.as_ref().expect("a stand-in is a list");
                    list.of.at_path(time).is_some()
                };
                if !catalog.stand_in(event).is_some_and(has) {
                    say(format!("`list_time` names `{time}`, which no record of `list` has"));
                }
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

    /// The operations that register webhooks are there, and have what is asked of them.
    fn check_registrations(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        for app in &self.apps {
            for (level, with) in &app.webhooks.registered {
                let route = Route::root().key("webhooks").key("registered").key(level);
                let mut say =
                    |message: String| found.push((app.app.clone(), route.clone(), message));
                let operation = |id: &str| catalog.operation(&format!("{}.{id}", app.app)).ok();
                match operation(&with.add) {
                    None => say(format!("`add` names `{}`, which is not there", with.add)),
                    Some(add) => {
                        let retries = with.retries.iter().map(|retries| &retries.within);
                        let fields = [&with.event, &with.address].into_iter().chain(retries);
                        for name in fields.filter(|name| add.field(name).is_err()) {
                            say(format!("`{}` has no field `{name}`", with.add));
                        }
                    }
                }
                if operation(&with.list).is_none_or(|list| list.list.is_none()) {
                    say(format!("`list` names `{}`, which is no list operation", with.list));
                }
                if operation(&with.remove).is_none_or(|remove| remove.path.len() != 1) {
                    say(format!("`remove` names `{}`, which has not one path field", with.remove));
                }
            }
        }
        for (app, route, message) in found {
            self.error(Path::new(&app), route, message);
        }
    }

    /// What `linecook pull` asks for is a list, and takes what it is asked with.
    fn check_pulls(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        for app in &self.apps {
            for (part, pull) in &app.pull {
                let route = Route::root().key("pull").key(part);
                let mut say =
                    |message: String| found.push((app.app.clone(), route.clone(), message));
                let operation = catalog.operation(&format!("{}.{}", app.app, pull.list)).ok();
                let Some(operation) = operation.filter(|operation| operation.list.is_some()) else {
                    say(format!("`list` names `{}`, which is no list operation", pull.list));
                    continue;
                };
                for name in pull.with.keys().filter(|name| operation.field(name).is_err()) {
                    say(format!("`{}` has no field `{name}`", pull.list));
                }
            }
        }
        for (app, route, message) in found {
            self.error(Path::new(&app), route, message);
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

/// What people call the things that a resource file is about: what it says, else its resource in the
/// plural.
fn records(file: &Value) -> String {
    match (file["records"].as_str(), file["resource"].as_str().unwrap_or_default()) {
        (Some(records), _) => records.to_owned(),
        (None, resource) if resource.ends_with('s') => resource.to_owned(),
        (None, resource) => format!("{resource}s"),
    }
}

/// An operation as written → with type names resolved and the short forms spelled out.
fn resolve_operation(written: &Value, types: &Types) -> Map<String, Value> {
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

fn resolve_fields(fields: &Value, types: &Types) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    fields.map(|(name, field)| (name.clone(), resolve(field, types))).collect()
}

/// A field with its short forms spelled out. A type that is a shape is named; one that is not there is
/// left standing, and refused as an unknown type.
fn resolve(field: &Value, types: &Types) -> Value {
    let mut field = match field {
        Value::String(name) => Map::from_iter([("type".to_owned(), Value::from(name.as_str()))]),
        other => other.as_object().cloned().unwrap_or_default(),
    };
    let name = field.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if types.contains(&name) {
        field.insert("type".into(), "object".into());
        field.insert("shape".into(), name.into());
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
