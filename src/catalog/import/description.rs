//! One OpenAPI document: its text comes in; a document whose references can be followed goes out, or why
//! it is none.

use std::fmt;

use serde_json::Value;

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The most values in a document.
const MAX_NODES: usize = 10_000_000;
/// How far references are followed that lead to references.
const MAX_HOPS: usize = 32;

/// An OpenAPI document, 3.0 or 3.1.
#[derive(Clone, Debug)]
pub struct Description {
    /// What it is known by: the name of its file without the ending.
    pub name: String,
    root: Value,
}

/// Why a text is no OpenAPI document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpenApi {
    /// Neither JSON nor YAML; in the reader's words.
    Unreadable(String),
    TooLarge,
    /// It does not say `openapi: 3.…`.
    Unmarked,
    /// Another version of the standard.
    Version(String),
    /// It has no `paths` that are read by their names.
    NoPaths,
}

impl fmt::Display for NotOpenApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotOpenApi::Unreadable(why) => write!(f, "it is neither JSON nor YAML: {why}"),
            NotOpenApi::TooLarge => {
                write!(f, "it is larger than {} MB", MAX_BYTES / (1024 * 1024))
            }
            NotOpenApi::Unmarked => write!(f, "it does not say `openapi: 3.…` at its top"),
            NotOpenApi::Version(version) => {
                write!(f, "it is OpenAPI {version}; versions 3.0 and 3.1 can be read")
            }
            NotOpenApi::NoPaths => write!(f, "it has no `paths`"),
        }
    }
}

impl Description {
    /// Reads a document from JSON or YAML.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Description, NotOpenApi> {
        if text.len() > MAX_BYTES {
            return Err(NotOpenApi::TooLarge);
        }
        let text = text.trim_start_matches('\u{feff}');
        let root = match text.trim_start().starts_with('{') {
            true => serde_json::from_str(text).map_err(|e| e.to_string()),
            false => read_yaml(text),
        };
        Description::new(name, root.map_err(NotOpenApi::Unreadable)?)
    }

    /// A document that has been read already.
    pub fn new(name: impl Into<String>, root: Value) -> Result<Description, NotOpenApi> {
        match version(&root) {
            None => Err(NotOpenApi::Unmarked),
            Some(version) if !version.starts_with("3.0") && !version.starts_with("3.1") => {
                Err(NotOpenApi::Version(version))
            }
            Some(_) if !root["paths"].is_object() => Err(NotOpenApi::NoPaths),
            Some(_) => Ok(Description { name: name.into(), root }),
        }
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// The address that all its paths are counted from, where it names a whole one.
    pub(super) fn base_url(&self) -> Option<String> {
        let server = &self.root["servers"][0];
        let mut url = server["url"].as_str()?.trim_end_matches('/').to_owned();
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            let usual = variable["default"].as_str().unwrap_or_default();
            url = url.replace(&format!("{{{name}}}"), usual);
        }
        let parsed = url::Url::parse(&url).ok()?;
        let plain = matches!(parsed.scheme(), "http" | "https")
            && parsed.has_host()
            && parsed.query().is_none()
            && !url.contains(['{', '}']);
        plain.then_some(url)
    }

    /// What stands where `value` leads: itself, where it is no reference. `None` where it leads nowhere,
    /// out of the document, or round in a circle.
    pub(super) fn follow<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..MAX_HOPS {
            match value.get("$ref") {
                None => return Some(value),
                Some(reference) => value = self.at(reference.as_str()?)?,
            }
        }
        None
    }

    /// What a reference such as `#/components/schemas/Task` leads to.
    pub(super) fn at(&self, reference: &str) -> Option<&Value> {
        let pointer = reference.strip_prefix('#')?;
        self.root.pointer(pointer).or_else(|| self.root.pointer(&decoded(pointer)))
    }
}

fn version(root: &Value) -> Option<String> {
    match root.get("openapi").or_else(|| root.get("swagger"))? {
        Value::String(version) => Some(version.clone()),
        Value::Number(version) => Some(version.to_string()),
        _ => None,
    }
}

fn read_yaml(text: &str) -> Result<Value, String> {
    let options = serde_yaml::options! {
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_nodes: MAX_NODES,
            max_depth: 256,
            max_documents: 1,
        },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|e| {
        let text = e.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}

/// `%7B` → `{`, in a reference.
fn decoded(pointer: &str) -> String {
    let bytes = pointer.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|_| bytes[at] == b'%') {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
