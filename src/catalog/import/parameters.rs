//! Parameters: what a description says of path, query and headers comes in; fields and fixed headers go out.

use serde_json::{Map, Value, json};

use super::operation::Reader;

/// Headers that linecook sends by itself.
const OWN_HEADERS: [&str; 3] = ["authorization", "content-type", "accept"];

/// What goes into the address and the headers of a call.
#[derive(Default)]
pub(super) struct Parameters {
    pub path: Map<String, Value>,
    pub query: Map<String, Value>,
    pub headers: Map<String, Value>,
}

impl<'a> Reader<'a> {
    /// Reads all parameters. `unsupported` becomes why a recipe cannot send one that has to be there.
    pub(super) fn parameters(
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

/// Whether a field is an object, which no address can hold.
fn is_whole(field: &Map<String, Value>) -> bool {
    let kind = field["type"].as_str().unwrap_or_default();
    kind == "object" || kind.starts_with(|c: char| c.is_ascii_uppercase())
}
