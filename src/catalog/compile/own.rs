//! Apps of a project's own: one file, or a folder like those of `schemas/catalog/`, comes in; a compiled app
//! goes out, or every mistake.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::resolve::Types;
use super::{AppFiles, CompileError, Compiler, compile_app};
use crate::catalog::import::{conduct, title};
use crate::catalog::{Catalog, OwnApp};
use crate::diagnostic::nearest;
use crate::source::Route;

/// The kinds of a field.
const KINDS: [&str; 7] = ["string", "number", "integer", "boolean", "list", "object", "any"];
/// The keys of such a file that are not about the app itself.
const PARTS: [&str; 6] = ["$schema", "resource", "records", "types", "operations", "events"];

/// Compiles an app from its one file. What it leaves out is filled in: titles from ids, what an operation
/// does from its method.
pub fn compile_own_file(path: &Path, file: &Value) -> Result<OwnApp, Vec<CompileError>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = file["app"].as_str().unwrap_or(&stem).to_owned();
    let mut compiler = Compiler::default();
    if let Err((message, help)) = may_be_called(&name) {
        let is_written = file.get("app").is_some();
        let route = if is_written { Route::root().key("app") } else { Route::root() };
        let help = match is_written {
            true => help,
            false => format!("{help} for the file, or write `app: …` in it"),
        };
        return Err(vec![CompileError { file: path.to_owned(), route, message, help: Some(help) }]);
    }
    compiler.check_types(path, file);
    let whole_file = file.clone();
    let file = file.as_object().cloned().unwrap_or_default();
    let mut about: Map<String, Value> =
        file.iter().filter(|(key, _)| !PARTS.contains(&key.as_str())).map(cloned).collect();
    about.insert("app".into(), name.as_str().into());
    about.entry("title").or_insert_with(|| title(&name.replace('_', "-")).into());
    about.entry("event_by").or_insert_with(|| json!({ "url": true }));
    compiler.about_app(path, Value::Object(about));
    let part = |key: &str| file.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let resource = file.get("resource").cloned().unwrap_or_else(|| name.as_str().into());
    let records = file.get("records").cloned().unwrap_or_else(|| resource.clone());
    let operations: Map<String, Value> = part("operations")
        .into_iter()
        .map(|(id, entry)| (id.clone(), operation(&id, entry)))
        .collect();
    let events: Map<String, Value> =
        part("events").into_iter().map(|(id, entry)| (id.clone(), event(&id, entry))).collect();
    let whole = json!({
        "app": name, "resource": resource, "records": records,
        "types": part("types"), "operations": operations, "events": events,
    });
    let written = [(path.to_owned(), whole)].into();
    compiler.resources(AppFiles { written, ..AppFiles::default() });
    match compiler.finish() {
        Ok(text) => Ok(OwnApp { name, text }),
        Err(errors) => Err(errors.into_iter().map(|error| plain(error, &whole_file)).collect()),
    }
}

/// Compiles an app from its folder: `app.yaml`, files of resources, and what was imported.
pub fn compile_own_folder(folder: &Path) -> Result<OwnApp, Vec<CompileError>> {
    let text = compile_app(folder)?;
    let index = text.split_once('\n').map_or("", |(first, _)| first);
    let index: super::Index =
        serde_json::from_str(index).expect("the generator reads what it writes");
    let name = index.apps.first().map(|app| app.app.clone()).unwrap_or_default();
    match may_be_called(&name) {
        Ok(()) => Ok(OwnApp { name, text }),
        Err((message, help)) => Err(vec![CompileError {
            file: folder.join("app.yaml"),
            route: Route::root().key("app"),
            message,
            help: Some(help),
        }]),
    }
}

fn cloned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// What the reader of JSON says, in plain words, at the key that it means.
fn plain(mut error: CompileError, file: &Value) -> CompileError {
    let between = |text: &str, start: &str| {
        let rest = text.strip_prefix(start)?;
        let (name, rest) = rest.split_once('`')?;
        Some((name.to_owned(), rest.to_owned()))
    };
    let listed = |rest: &str| {
        let list = rest.trim_start_matches(", expected ").trim_start_matches("one of ");
        list.to_owned()
    };
    if let Some((name, rest)) = between(&error.message, "unknown field `") {
        error.message = format!("there is no key `{name}` here");
        error.help = Some(format!("known here: {}", listed(&rest)));
        let inside = file.pointer(error.route.pointer()).unwrap_or(&Value::Null);
        error.route = found(inside, &error.route, &name).unwrap_or(error.route);
    } else if let Some((name, _)) = between(&error.message, "missing field `") {
        error.message = format!("`{name}` is missing");
        error.help = Some(format!("add `{name}:`"));
    } else if let Some((name, rest)) = between(&error.message, "unknown variant `") {
        error.message = format!("`{name}` is no word for this");
        error.help = Some(format!("write one of {}", listed(&rest)));
    }
    error
}

/// Where a key of that name is, inside of a value.
fn found(value: &Value, at: &Route, name: &str) -> Option<Route> {
    let map = value.as_object()?;
    match map.contains_key(name) {
        true => Some(at.key(name)),
        false => map.iter().find_map(|(key, inner)| found(inner, &at.key(key), name)),
    }
}

/// Whether an app may have that name; else why not, and what to do.
fn may_be_called(name: &str) -> Result<(), (String, String)> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        let help = "choose a name of small letters, digits and _, with a letter first";
        return Err((format!("`{name}` is no name for an app"), help.to_owned()));
    }
    match Catalog::ships(name) {
        true => {
            let message = format!("linecook itself has an app `{name}`");
            Err((message, "choose another name".to_owned()))
        }
        false => Ok(()),
    }
}

/// An operation with everything that its author left out.
fn operation(id: &str, entry: Value) -> Value {
    let Value::Object(mut entry) = entry else { return entry };
    let call = entry.get("call").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (method, path) = call.split_once(' ').unwrap_or(("GET", &call));
    let (effect, in_doubt) = conduct(method, path, id);
    entry.entry("title").or_insert_with(|| title(id).into());
    entry.entry("effect").or_insert(effect.into());
    entry.entry("in_doubt").or_insert(in_doubt.into());
    entry.entry("response").or_insert("unknown".into());
    let names = path.split('/').filter_map(|part| part.strip_prefix(':'));
    let texts: Map<String, Value> =
        names.map(|name| (name.to_owned(), json!({ "type": "string" }))).collect();
    if !texts.is_empty() {
        entry.entry("path").or_insert(texts.into());
    }
    Value::Object(entry)
}

/// An event with everything that its author left out.
fn event(id: &str, entry: Value) -> Value {
    let Value::Object(mut entry) = entry else { return entry };
    entry.entry("title").or_insert_with(|| title(&id.replace('_', "-")).into());
    let known = entry.get("payload").is_some_and(|payload| *payload != "unknown");
    entry.entry("source").or_insert(if known { "documented" } else { "unknown" }.into());
    Value::Object(entry)
}

impl Compiler {
    /// Every type that a field names is a kind of value, or a type of the file.
    fn check_types(&mut self, path: &Path, file: &Value) {
        let mut types = Types::default();
        let names = file["types"].as_object().into_iter().flat_map(Map::keys);
        names.for_each(|name| {
            types.share(name);
        });
        let mut wrong = Vec::new();
        let root = Route::root();
        let all = |key: &str| {
            let route = root.key(key);
            let entries = file[key].as_object().into_iter().flatten();
            entries.map(|(name, entry)| (route.key(name), entry.clone())).collect::<Vec<_>>()
        };
        for (route, fields) in all("types") {
            fields_wrong(&fields, &route, &types, &mut wrong);
        }
        for (route, entry) in all("operations").into_iter().chain(all("events")) {
            for key in ["path", "query", "body", "response", "payload"] {
                match &entry[key] {
                    Value::String(name) if name != "unknown" => {
                        type_wrong(name, &route.key(key), &types, &mut wrong);
                    }
                    part => fields_wrong(part, &route.key(key), &types, &mut wrong),
                }
            }
            field_wrong(&entry["body_list"], &route.key("body_list"), &types, &mut wrong);
        }
        self.errors.extend(wrong.into_iter().map(|(route, name, help)| CompileError {
            file: path.to_owned(),
            route,
            message: format!("there is no type `{name}`"),
            help: Some(help),
        }));
    }
}

/// Where it is named, its name, and what to do.
type WrongType = (Route, String, String);

fn fields_wrong(fields: &Value, at: &Route, types: &Types, wrong: &mut Vec<WrongType>) {
    for (name, field) in fields.as_object().into_iter().flatten() {
        field_wrong(field, &at.key(name), types, wrong);
    }
}

fn field_wrong(field: &Value, at: &Route, types: &Types, wrong: &mut Vec<WrongType>) {
    match (field.as_str(), field["type"].as_str()) {
        (Some(name), _) => type_wrong(name, at, types, wrong),
        (None, Some(name)) => type_wrong(name, &at.key("type"), types, wrong),
        (None, None) => {}
    }
    if field["of"].is_object() || field["of"].is_string() {
        field_wrong(&field["of"], &at.key("of"), types, wrong);
    }
    fields_wrong(&field["fields"], &at.key("fields"), types, wrong);
}

fn type_wrong(name: &str, at: &Route, types: &Types, wrong: &mut Vec<WrongType>) {
    if KINDS.contains(&name) || types.shape(name).is_some() {
        return;
    }
    let other = match name {
        "text" | "str" => Some("string".to_owned()),
        "int" => Some("integer".to_owned()),
        "bool" => Some("boolean".to_owned()),
        "array" => Some("list".to_owned()),
        "float" | "decimal" => Some("number".to_owned()),
        "date" | "datetime" | "date-time" | "email" | "url" | "uuid" => {
            Some(format!("string, format: {}", name.replace("datetime", "date-time")))
        }
        name => nearest(name, KINDS.into_iter().chain(types.names())),
    };
    let instead = match other {
        Some(other) => format!("write `type: {other}`"),
        None => format!("write one of {}, or a name from `types`", KINDS.join(", ")),
    };
    wrong.push((at.clone(), name.to_owned(), instead));
}
