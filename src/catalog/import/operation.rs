//! Operations: a description comes in; every operation of it as the catalog's sources write it goes out,
//! or why it cannot.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::description::Description;
use super::shapes::Shapes;
use super::{Remark, names};

/// What one description holds.
#[derive(Default)]
pub(super) struct Read {
    pub operations: Vec<Found>,
    pub left: Vec<Remark>,
    pub remarks: Vec<Remark>,
    pub types: BTreeMap<String, Value>,
}

/// One operation that can be taken.
pub(super) struct Found {
    pub id: String,
    /// As the description writes it: `GET /contacts/{contactId}`.
    pub written: String,
    /// As the catalog does: `GET /contacts/:contactId`.
    pub call: String,
    pub entry: Map<String, Value>,
}

/// The methods that descriptions know.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads every operation.
pub(super) fn all(description: &Description) -> Read {
    let mut reader = Reader {
        description,
        shapes: Shapes::new(description),
        read: Read::default(),
        written: String::new(),
        notes: Vec::new(),
    };
    for (path, item) in description.root()["paths"].as_object().into_iter().flatten() {
        if !path.starts_with("x-") {
            reader.path(path, item);
        }
    }
    let webhooks = description.root()["webhooks"].as_object().map_or(0, Map::len);
    if webhooks > 0 {
        reader.written.clear();
        reader.remark(format!("its webhooks ({webhooks}) are not taken: write them as events"));
    }
    if reader.shapes.is_exhausted() {
        reader.written.clear();
        reader.remark("it describes more than can be taken: some fields are left open".to_owned());
    }
    let Reader { shapes, mut read, .. } = reader;
    read.types = shapes.types;
    name_all(&mut read.operations);
    read
}

/// Gives every operation an id of its own. Where a description uses one twice, it names neither.
fn name_all(operations: &mut [Found]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for found in operations.iter() {
        *counts.entry(found.id.clone()).or_default() += 1;
    }
    let mut used: HashSet<String> =
        counts.iter().filter(|(_, count)| **count == 1).map(|(id, _)| id.clone()).collect();
    for found in operations.iter_mut() {
        if counts[&found.id] > 1 {
            let (method, path) = found.written.split_once(' ').unwrap_or(("", ""));
            found.id = names::unused(&names::id(None, method, path), "-", &mut used);
        }
        let title = names::title(&found.id);
        found.entry.insert("title".to_owned(), title.into());
    }
}

/// Reads one operation after the other.
pub(super) struct Reader<'a> {
    pub(super) description: &'a Description,
    pub(super) shapes: Shapes<'a>,
    read: Read,
    /// The operation that is being read.
    pub(super) written: String,
    /// What is to be remarked once it is taken.
    pub(super) notes: Vec<String>,
}

impl<'a> Reader<'a> {
    fn remark(&mut self, why: String) {
        let (from, call) = (self.description.name.clone(), self.written.clone());
        self.read.remarks.push(Remark { from, call, why });
    }

    fn path(&mut self, path: &str, item: &'a Value) {
        let Some(followed) = self.description.follow(item) else {
            self.written = path.to_owned();
            let why = "its reference leads nowhere in this document".to_owned();
            let (from, call) = (self.description.name.clone(), self.written.clone());
            self.read.left.push(Remark { from, call, why });
            return;
        };
        for (key, operation) in followed.as_object().into_iter().flatten() {
            let lower = key.to_ascii_lowercase();
            if !METHODS.contains(&lower.as_str()) {
                continue;
            }
            let method = lower.to_ascii_uppercase();
            self.written = format!("{method} {path}");
            self.notes.clear();
            match self.operation(&method, path, followed, operation) {
                Ok(found) => {
                    self.read.operations.push(found);
                    for why in std::mem::take(&mut self.notes) {
                        self.remark(why);
                    }
                }
                Err(why) => {
                    let (from, call) = (self.description.name.clone(), self.written.clone());
                    self.read.left.push(Remark { from, call, why });
                }
            }
        }
    }

    fn operation(
        &mut self,
        method: &str,
        path: &str,
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<Found, String> {
        if !matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
            return Err(format!("recipes have no use for {method}"));
        }
        if !operation.is_object() {
            return Err("it is not described".to_owned());
        }
        let (pattern, in_path) = pattern(path)?;
        let call = format!("{method} {pattern}");
        let mut unsupported = None;
        let parameters = self.parameters(item, operation, &in_path, &mut unsupported);
        let mut entry = Map::new();
        // Filled in once every operation has its id.
        entry.insert("title".into(), "".into());
        entry.insert("call".into(), call.clone().into());
        if !parameters.headers.is_empty() {
            entry.insert("headers".into(), Value::Object(parameters.headers));
        }
        if let Some(scope) = self.scope(operation) {
            entry.insert("scope".into(), scope.into());
        }
        let credentials = self.credentials(operation);
        if !credentials.is_empty() {
            entry.insert("credentials".into(), credentials.into());
        }
        let id = names::id(operation["operationId"].as_str(), method, path);
        let (effect, in_doubt) = conduct(method, path, &id);
        entry.insert("effect".into(), effect.into());
        entry.insert("in_doubt".into(), in_doubt.into());
        if operation["deprecated"] == true {
            let instead = "look for another one; its description names none";
            entry.insert("deprecated".into(), instead.into());
        }
        let body = self.body(operation, &mut unsupported);
        if let Some(why) = unsupported {
            entry.insert("unsupported".into(), why.into());
        }
        if !parameters.path.is_empty() {
            entry.insert("path".into(), Value::Object(parameters.path));
        }
        if !parameters.query.is_empty() {
            entry.insert("query".into(), Value::Object(parameters.query));
        }
        if let Some((key, body)) = body {
            entry.insert(key.into(), body);
        }
        let response = self.response(operation);
        entry.insert("response".into(), response);
        Ok(Found { id, written: self.written.clone(), call, entry })
    }

    /// The credentials it takes, as the description calls them: any of them will do.
    fn credentials(&self, operation: &'a Value) -> Vec<Value> {
        let mut names: Vec<Value> = Vec::new();
        let ways = operation.get("security").or_else(|| self.description.root().get("security"));
        let all = ways.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        for name in all.flat_map(Map::keys) {
            if !names.iter().any(|there| there == name) {
                names.push(name.clone().into());
            }
        }
        names
    }

    /// The scope, where one is named.
    fn scope(&mut self, operation: &Value) -> Option<String> {
        let ways = operation.get("security").or_else(|| self.description.root().get("security"))?;
        let mut scopes: Vec<&str> = Vec::new();
        let all = ways.as_array().into_iter().flatten().filter_map(Value::as_object);
        for scope in all.flat_map(Map::values).filter_map(Value::as_array).flatten() {
            match scope.as_str() {
                Some(scope) if !scopes.contains(&scope) => scopes.push(scope),
                _ => {}
            }
        }
        if let [first, rest @ ..] = &scopes[..]
            && !rest.is_empty()
        {
            let rest: Vec<String> = rest.iter().map(|scope| format!("`{scope}`")).collect();
            let why = format!("of its scopes `{first}` is taken, and not {}", rest.join(", "));
            self.notes.push(why);
        }
        scopes.first().map(|scope| (*scope).to_owned())
    }
}

/// `/contacts/{contactId}` → `/contacts/:contactId`, and the names of its parameters.
fn pattern(path: &str) -> Result<(String, Vec<String>), String> {
    if !path.starts_with('/') {
        return Err("its path does not begin with a slash".to_owned());
    }
    let mut names: Vec<String> = Vec::new();
    let mut parts = Vec::new();
    for part in path.split('/') {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match name {
            Some(name) if name.is_empty() || name.contains(|c: char| !is_of_name(c)) => {
                return Err(format!("a parameter of its path has the odd name `{name}`"));
            }
            Some(name) if names.iter().any(|there| there == name) => {
                return Err(format!("its path has two parameters of the name `{name}`"));
            }
            Some(name) => {
                names.push(name.to_owned());
                parts.push(format!(":{name}"));
            }
            None if part.contains(['{', '}']) => {
                return Err(format!("its path mixes words and parameters in `{part}`"));
            }
            None if part == "." || part == ".." || part.contains(|c: char| !is_of_path(c)) => {
                return Err(format!("its path has `{part}` in it, which is no plain word"));
            }
            None => parts.push(part.to_owned()),
        }
    }
    Ok((parts.join("/"), names))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$')
}

fn is_of_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '$' | '@' | '+' | ',' | '=')
}

/// What it does, and what may be done when nobody knows whether it happened. A description says nothing of
/// either: to send a call once more is called safe only where it names the one record that it sets or
/// takes away.
pub(crate) fn conduct(method: &str, path: &str, id: &str) -> (&'static str, &'static str) {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let names_record = last.starts_with(['{', ':']);
    match method {
        "GET" => ("read", "idempotent"),
        "PUT" if names_record => ("update", "idempotent"),
        "DELETE" if names_record => ("delete", "idempotent"),
        "PUT" | "PATCH" => ("update", "unprotected"),
        "DELETE" => ("delete", "unprotected"),
        _ if id.starts_with("create-") || id == "create" => ("create", "unprotected"),
        _ => ("action", "unprotected"),
    }
}
