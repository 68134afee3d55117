//! Operations: a description comes in; every operation of it as the catalog's sources write it goes out,
//! or why it cannot.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::description::Description;
use super::shapes::Shapes;
use super::{Remark, names};
use crate::value::Kind;

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
/// Headers that linecook sends by itself.
const OWN_HEADERS: [&str; 3] = ["authorization", "content-type", "accept"];

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

struct Reader<'a> {
    description: &'a Description,
    shapes: Shapes<'a>,
    read: Read,
    /// The operation that is being read.
    written: String,
    /// What is to be remarked once it is taken.
    notes: Vec<String>,
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

    fn parameters(
        &mut self,
        item: &'a Value,
        operation: &'a Value,
        in_path: &[String],
        unsupported: &mut Option<String>,
    ) -> Parameters {
        let mut out = Parameters::default();
        let mut all: Vec<&'a Value> = Vec::new();
        for list in [&item["parameters"], &operation["parameters"]] {
            for parameter in list.as_array().into_iter().flatten() {
                let Some(parameter) = self.description.follow(parameter) else {
                    self.notes.push("a parameter leads nowhere, and is left out".to_owned());
                    continue;
                };
                // What stands at the operation takes the place of what stands at the path.
                let key = |p: &Value| (p["name"].clone(), p["in"].clone());
                all.retain(|there| key(there) != key(parameter));
                all.push(parameter);
            }
        }
        for name in in_path {
            out.path.insert(name.clone(), json!({ "type": "string" }));
        }
        for parameter in all {
            let Some(name) = parameter["name"].as_str().filter(|name| !name.is_empty()) else {
                self.notes.push("a parameter has no name, and is left out".to_owned());
                continue;
            };
            let is_required = parameter["required"] == true;
            let content = || parameter["content"].as_object().and_then(|c| c.values().next());
            let schema = parameter.get("schema").or_else(|| content()?.get("schema"));
            let mut field = match schema {
                Some(schema) => self.shapes.field(schema),
                None => Map::from_iter([("type".to_owned(), Value::from("string"))]),
            };
            match parameter["in"].as_str().unwrap_or_default() {
                "path" => match out.path.get_mut(name) {
                    None => {
                        self.notes.push(format!("its path has no {{{name}}}: it is left out"));
                    }
                    Some(_) if is_whole(&field) || field["type"] == "list" => {
                        self.notes.push(format!("`{name}` is taken as a text"));
                    }
                    Some(there) => *there = Value::Object(field),
                },
                "query" if is_whole(&field) => {
                    self.notes.push(format!("`{name}` is an object in the query: it is left out"));
                    if is_required {
                        let why = format!("it needs `{name}`, which is an object in the address");
                        unsupported.get_or_insert(why);
                    }
                }
                "query" => {
                    if is_required {
                        field.insert("required".into(), true.into());
                    }
                    out.query.insert(name.to_owned(), Value::Object(field));
                }
                "header" if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) => {}
                "header" => match constant(parameter, schema) {
                    Some(value) => {
                        out.headers.insert(name.to_owned(), value.into());
                    }
                    None => {
                        self.notes.push(format!("the header `{name}` is left out"));
                        if is_required {
                            unsupported.get_or_insert(format!(
                                "it needs the header `{name}`, and a recipe writes no headers"
                            ));
                        }
                    }
                },
                other => {
                    self.notes.push(format!("`{name}` is in `{other}`, and is left out"));
                    if is_required {
                        unsupported
                            .get_or_insert(format!("it needs `{name}`, which is in `{other}`"));
                    }
                }
            }
        }
        out
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

    /// The key for the body and what stands there; none where there is no body, or none that a recipe can
    /// send.
    fn body(
        &mut self,
        operation: &'a Value,
        unsupported: &mut Option<String>,
    ) -> Option<(&'static str, Value)> {
        let written = operation.get("requestBody")?;
        let Some(body) = self.description.follow(written) else {
            self.notes.push("its body leads nowhere: any object is taken".to_owned());
            return Some(("body", "unknown".into()));
        };
        let is_required = body["required"] == true;
        let content = body["content"].as_object().filter(|content| !content.is_empty());
        let Some(content) = content else { return Some(("body", "unknown".into())) };
        let Some(media) = content.iter().find(|(name, _)| is_json(name)).map(|(_, media)| media)
        else {
            let names: Vec<&str> = content.keys().map(String::as_str).collect();
            let why = match names[0] {
                name if name.starts_with("multipart/") => {
                    "it takes a file, and a recipe cannot send files".to_owned()
                }
                "application/x-www-form-urlencoded" => {
                    "it takes a form, and a recipe sends JSON".to_owned()
                }
                name => format!("it takes `{name}`, and a recipe sends JSON"),
            };
            match is_required || content.len() > 1 || method_sends(&self.written) {
                true => drop(unsupported.get_or_insert(why)),
                false => self.notes.push(format!("its body is left out: {why}")),
            }
            return None;
        };
        let Some(schema) = media.get("schema") else { return Some(("body", "unknown".into())) };
        match self.shapes.flat(schema).likely_kind() {
            Kind::List => {
                let mut list = self.shapes.field(schema);
                let of = list.remove("of").unwrap_or_else(|| json!({ "type": "any" }));
                Some(("body_list", of))
            }
            Kind::Object | Kind::Any => {
                let Some((mut fields, open)) = self.shapes.fields(schema) else {
                    return Some(("body", "unknown".into()));
                };
                self.drop_read_only(&mut fields, schema);
                if open {
                    self.notes.push("further fields in its body cannot be written".to_owned());
                }
                match fields.is_empty() {
                    true => Some(("body", "unknown".into())),
                    false => Some(("body", Value::Object(fields))),
                }
            }
            kind => {
                unsupported.get_or_insert(format!(
                    "its body is {}, and a recipe sends an object or a list",
                    kind.in_words()
                ));
                None
            }
        }
    }

    /// What an answer tells only is nothing to send.
    fn drop_read_only(&mut self, fields: &mut Map<String, Value>, schema: &'a Value) {
        let flat = self.shapes.flat(schema);
        for (name, schemas) in &flat.properties {
            if schemas.iter().all(|schema| schema["readOnly"] == true) {
                fields.shift_remove(*name);
            }
        }
    }

    fn response(&mut self, operation: &'a Value) -> Value {
        let unknown = Value::from("unknown");
        let Some(responses) = operation["responses"].as_object() else { return unknown };
        let mut good: Vec<(&String, &Value)> =
            responses.iter().filter(|(status, _)| status.starts_with('2')).collect();
        good.sort_by_key(|(status, _)| status.to_ascii_lowercase());
        good.extend(responses.get_key_value("default"));
        for (_, response) in good {
            let Some(response) = self.description.follow(response) else {
                self.notes.push("its answer leads nowhere: nothing is known of it".to_owned());
                continue;
            };
            let content = response["content"].as_object().into_iter().flatten();
            let mut json = content.filter(|(name, _)| is_json(name));
            let Some(schema) = json.find_map(|(_, media)| media.get("schema")) else { continue };
            let mut field = self.shapes.field(schema);
            let kind = field["type"].as_str().unwrap_or_default().to_owned();
            match (kind.as_str(), field.remove("of")) {
                ("list", Some(of)) => return json!({ "list": of }),
                ("list", None) => return json!({ "list": { "type": "any" } }),
                ("any" | "string" | "number" | "integer" | "boolean", _) => return unknown,
                _ => {}
            }
            return match self.shapes.fields(schema) {
                Some((fields, _)) if fields.is_empty() => unknown,
                // A field of the name `list` alone would be read as a bare list.
                Some((fields, _)) if fields.len() == 1 && fields.contains_key("list") => {
                    self.notes.push("its answer is not taken: nothing is known of it".to_owned());
                    unknown
                }
                Some(_) if kind != "object" => kind.into(),
                Some((fields, _)) => Value::Object(fields),
                None => unknown,
            };
        }
        unknown
    }
}

#[derive(Default)]
struct Parameters {
    path: Map<String, Value>,
    query: Map<String, Value>,
    headers: Map<String, Value>,
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

/// The only value that a header can have.
fn constant(parameter: &Value, schema: Option<&Value>) -> Option<String> {
    let schema = schema?;
    let only = match schema["enum"].as_array().map(Vec::as_slice) {
        Some([only]) => Some(only),
        _ => schema.get("const").or_else(|| {
            let usual = schema.get("default").or_else(|| parameter.get("default"));
            usual.filter(|_| parameter["required"] == true)
        }),
    };
    let value = match only? {
        Value::String(value) => value.clone(),
        Value::Number(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => return None,
    };
    let plain = !value.is_empty() && value.chars().all(|c| (' '..='~').contains(&c));
    plain.then_some(value)
}

fn is_json(media: &str) -> bool {
    let name = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/json"
        || name.ends_with("+json")
        || name == "*/*"
        || name == "application/*"
}

/// Whether a field is an object, which no address can hold.
fn is_whole(field: &Map<String, Value>) -> bool {
    let kind = field["type"].as_str().unwrap_or_default();
    kind == "object" || kind.starts_with(|c: char| c.is_ascii_uppercase())
}

fn method_sends(written: &str) -> bool {
    written.starts_with("POST") || written.starts_with("PUT") || written.starts_with("PATCH")
}
