//! The generator: the YAML files of `schemas/catalog/` come in; the text of `schemas/catalog.jsonl` goes out,
//! or every mistake in them.

mod checks;
mod imported;
mod own;
mod resolve;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::index::{Index, IndexEntry};
use super::{App, Catalog, EventType, Field, Fields, Operation};
use crate::source::{Document, Route, Source};
pub use own::{compile_own_file, compile_own_folder};
use resolve::{Types, records, resolve, resolve_fields, resolve_operation};

/// A mistake in the catalog's sources.
#[derive(Debug)]
pub struct CompileError {
    pub file: PathBuf,
    pub route: Route,
    pub message: String,
    /// One thing to do, where it is known.
    pub help: Option<String>,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file.display(), self.route, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, ": {help}"))
    }
}

/// Compiles every app folder inside `folder`. In the folder of an app stand files that people write, and in
/// `imported` those that an import has made; what people write wins.
pub fn compile(folder: &Path) -> Result<String, Vec<CompileError>> {
    let mut compiler = Compiler::default();
    for app_folder in sorted_entries(folder) {
        if app_folder.is_dir() {
            compiler.app(&app_folder);
        }
    }
    compiler.finish()
}

/// Compiles one app from its folder.
pub fn compile_app(folder: &Path) -> Result<String, Vec<CompileError>> {
    let mut compiler = Compiler::default();
    compiler.app(folder);
    compiler.finish()
}

#[derive(Default)]
struct Compiler {
    apps: Vec<App>,
    operations: Vec<Compiled<Operation>>,
    events: Vec<Compiled<EventType>>,
    shapes: Vec<(String, Fields)>,
    errors: Vec<CompileError>,
}

/// An entry and where it comes from.
struct Compiled<T> {
    file: PathBuf,
    entry: T,
    /// Nobody wrote it by hand.
    is_imported: bool,
}

/// The files of one app.
#[derive(Default)]
struct AppFiles {
    /// What people write, by path.
    written: BTreeMap<PathBuf, Value>,
    imported: BTreeMap<PathBuf, Value>,
}

impl Compiler {
    fn app(&mut self, folder: &Path) {
        let mut files = AppFiles::default();
        for path in yaml_files(folder) {
            let Some(value) = self.read(&path) else { continue };
            if path.file_stem().is_some_and(|stem| stem == "app") {
                self.about_app(&path, value);
            } else {
                files.written.insert(path, value);
            }
        }
        for path in yaml_files(&folder.join("imported")) {
            match imported::read(&path) {
                Ok(value) => drop(files.imported.insert(path, value)),
                Err(why) => self.error(&path, Route::root(), why),
            }
        }
        self.resources(files);
    }

    fn about_app(&mut self, path: &Path, value: Value) {
        match serde_json::from_value(value) {
            Ok(app) => self.apps.push(app),
            Err(e) => self.error(path, Route::root(), e),
        }
    }

    fn resources(&mut self, mut files: AppFiles) {
        let mut types = Types::default();
        for (path, value) in &files.written {
            for name in value["types"].as_object().into_iter().flat_map(Map::keys) {
                if !types.share(name) {
                    let route = Route::root().key("types").key(name);
                    self.error(path, route, "this type stands twice");
                }
            }
        }
        self.correct(&mut files);
        for (path, value) in &files.written {
            self.resource(path, value, &types, false);
        }
        for (path, value) in &files.imported {
            let resource = value["resource"].as_str().unwrap_or_default();
            let own = value["types"].as_object().into_iter().flat_map(Map::keys);
            self.resource(path, value, &types.with_own(resource, own), true);
        }
    }

    fn resource(&mut self, path: &Path, value: &Value, types: &Types, is_imported: bool) {
        let known = ["app", "resource", "records", "types", "operations", "events"];
        for key in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                self.error(path, Route::root().key(key), "no such key in a resource file");
            }
        }
        let app = value["app"].as_str().unwrap_or_default();
        for (name, written) in value["types"].as_object().into_iter().flatten() {
            let shape = types.shape(name).unwrap_or_else(|| name.clone());
            match serde_json::from_value::<Fields>(resolve_fields(written, types)) {
                Ok(fields) => self.shapes.push((format!("{app}.{shape}"), fields)),
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
            let entry = self.entry(path, route, entry, is_imported);
            self.operations.extend(entry);
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
            let entry = self.entry(path, route, entry, is_imported);
            self.events.extend(entry);
        }
    }

    fn entry<T: DeserializeOwned>(
        &mut self,
        path: &Path,
        route: Route,
        entry: Map<String, Value>,
        is_imported: bool,
    ) -> Option<Compiled<T>> {
        match serde_json::from_value(Value::Object(entry)) {
            Ok(entry) => Some(Compiled { file: path.to_owned(), entry, is_imported }),
            Err(e) => {
                self.error(path, route, e);
                None
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
        self.check(&catalog);
        if self.errors.is_empty() { Ok(text) } else { Err(self.errors) }
    }

    fn text(&self) -> String {
        let mut index = Index { apps: self.apps.clone(), ..Index::default() };
        let mut lines = Lines::default();
        // A short name is that of one operation; where several have the same, that of the one which people
        // wrote: recipes go on meaning what they meant when something else is imported.
        let mut owners: HashMap<String, (usize, usize)> = HashMap::new();
        for Compiled { entry, is_imported, .. } in &self.operations {
            let (written, all) = owners.entry(entry.name()).or_default();
            *written += usize::from(!is_imported);
            *all += 1;
        }
        for Compiled { entry: operation, is_imported, .. } in &self.operations {
            let (written, all) = owners[&operation.name()];
            let owns = all == 1 || (written == 1 && !is_imported);
            index.operations.push(IndexEntry {
                id: operation.long_id(),
                app: operation.app.clone(),
                title: operation.title.clone(),
                short: owns.then(|| operation.name()),
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
                start: lines.add(operation),
                part: 0,
            });
        }
        for Compiled { entry: event, .. } in &self.events {
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
                start: lines.add(event),
                part: 0,
            });
        }
        let used = self.used_shapes();
        for (name, fields) in self.shapes.iter().filter(|(name, _)| used.contains(name)) {
            index.shapes.push((name.clone(), lines.add(fields)));
        }
        format!("{}\n{}", to_line(&index), lines.text)
    }

    /// The shapes that an entry is made of, and those that these are made of.
    fn used_shapes(&self) -> HashSet<String> {
        let by_name: HashMap<&str, &Fields> =
            self.shapes.iter().map(|(name, fields)| (name.as_str(), fields)).collect();
        let mut used = HashSet::new();
        let mut todo = Vec::new();
        for operation in self.operations.iter().map(|compiled| &compiled.entry) {
            let all = operation.fields().map(|(_, _, field)| field);
            let all = all.chain(&operation.body_list).chain(&operation.response);
            all.for_each(|field| names_of_shapes(&operation.app, field, &mut todo));
        }
        for event in self.events.iter().map(|compiled| &compiled.entry) {
            names_of_shapes(&event.app, &event.payload, &mut todo);
        }
        while let Some(name) = todo.pop() {
            let app = name.split('.').next().unwrap_or_default().to_owned();
            let fields = by_name.get(name.as_str());
            if used.insert(name) {
                let fields = fields.into_iter().flat_map(|fields| fields.values());
                fields.for_each(|field| names_of_shapes(&app, field, &mut todo));
            }
        }
        used
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
            help: None,
        });
    }
}

fn to_line(entry: &impl serde::Serialize) -> String {
    serde_json::to_string(entry).expect("catalog entries are plain data with text keys")
}

/// The lines behind the index.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    /// Adds an entry, and says at which byte it begins.
    fn add(&mut self, entry: &impl serde::Serialize) -> usize {
        let start = self.text.len();
        self.text.push_str(&to_line(entry));
        self.text.push('\n');
        start
    }
}

fn names_of_shapes(app: &str, field: &Field, names: &mut Vec<String>) {
    names.extend(field.shape.iter().map(|shape| format!("{app}.{shape}")));
    let fields = field.fields.iter().flat_map(|fields| fields.values());
    fields.chain(field.of.as_deref()).for_each(|inner| names_of_shapes(app, inner, names));
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = sorted_entries(folder);
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    entries
}
