//! Does the document have the form of a recipe or a project? The JSON Schema of the types decides; what is wrong is
//! said and cut out, so that the rest can be read.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::diagnostic::{self, FileKind, Sink};
use crate::source::{Document, Route};
use crate::{project, recipe};

/// What a kind of file has to look like.
pub(super) struct Form {
    kind: FileKind,
    schema: Value,
    validator: Validator,
}

pub(super) static RECIPE: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::Recipe, recipe::shape_schema()));
pub(super) static PROJECT: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::Project, project::shape_schema()));

pub(super) static APP: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::App, project::app_schema()));

impl Form {
    fn new(kind: FileKind, schema: Value) -> Form {
        let validator =
            jsonschema::draft202012::new(&schema).expect("the schema that schemars makes is valid");
        Form { kind, schema, validator }
    }
}

/// What the document holds, and the places that were cut out of it.
pub(super) fn read<T: DeserializeOwned>(
    document: &Document,
    form: &Form,
    sink: &mut Sink,
) -> Option<(T, Vec<Route>)> {
    read_value(document.value().clone(), form, sink)
}

/// The same for a value that stands for a document.
pub(super) fn read_value<T: DeserializeOwned>(
    mut value: Value,
    form: &Form,
    sink: &mut Sink,
) -> Option<(T, Vec<Route>)> {
    if !value.is_object() {
        sink.say(diagnostic::not_a_mapping(form.kind, &value));
        return None;
    }
    let mut broken = Vec::new();
    // Cutting one thing out can lay open nothing new but a missing key, which has been said.
    for round in 0..4 {
        let found: Vec<Problem> =
            form.validator.iter_errors(&value).filter_map(|e| problem(&e, form)).collect();
        let mut cut = false;
        for problem in found {
            if round == 0 {
                say(&problem, form.kind, sink);
            }
            for route in problem.cut() {
                cut |= remove(&mut value, &route);
                broken.push(route);
            }
        }
        if !cut {
            break;
        }
    }
    match serde_json::from_value(value) {
        Ok(read) => Some((read, broken)),
        Err(e) => {
            sink.say(diagnostic::unreadable_form(form.kind, &e.to_string()));
            None
        }
    }
}

struct Problem {
    route: Route,
    kind: Kind,
}

enum Kind {
    UnknownKeys { unknown: Vec<String>, known: Vec<String> },
    Missing(String),
    WrongShape { wanted: Vec<String>, found: Value },
    Word { options: Vec<String>, found: Value },
    Other(String),
}

impl Problem {
    /// What has to go so that the rest can be read; a missing key takes nothing with it.
    fn cut(&self) -> Vec<Route> {
        match &self.kind {
            Kind::UnknownKeys { unknown, .. } => {
                unknown.iter().map(|k| self.route.key(k)).collect()
            }
            Kind::Missing(_) => Vec::new(),
            _ => vec![self.route.clone()],
        }
    }
}

fn problem(error: &ValidationError<'_>, form: &Form) -> Option<Problem> {
    let route = Route::from_pointer(error.instance_path().as_str());
    let kind = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => Kind::UnknownKeys {
            unknown: unexpected.clone(),
            known: known_keys(error, &form.schema),
        },
        ValidationErrorKind::Required { property } => Kind::Missing(property.as_str()?.to_owned()),
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => vec![one.to_string()],
                TypeKind::Multiple(several) => several.iter().map(|t| t.to_string()).collect(),
            };
            Kind::WrongShape { wanted, found: error.instance().clone().into_owned() }
        }
        ValidationErrorKind::Enum { options } => Kind::Word {
            options: options
                .as_array()?
                .iter()
                .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
                .collect(),
            found: error.instance().clone().into_owned(),
        },
        ValidationErrorKind::Minimum { limit } => {
            Kind::Other(format!("the number is too small: {limit} is the least"))
        }
        ValidationErrorKind::Maximum { limit } => {
            Kind::Other(format!("the number is too large: {limit} is the most"))
        }
        _ => Kind::Other(error.to_string()),
    };
    Some(Problem { route, kind })
}

/// The keys that the schema knows at the place of an error.
fn known_keys(error: &ValidationError<'_>, whole: &Value) -> Vec<String> {
    let mut schema = whole;
    let parts: Vec<String> = error
        .schema_path()
        .as_str()
        .split('/')
        .skip(1)
        .map(|p| p.replace("~1", "/").replace("~0", "~"))
        .collect();
    for part in &parts[..parts.len().saturating_sub(1)] {
        if part == "$ref" {
            schema = followed(schema, whole);
            continue;
        }
        schema = match followed(schema, whole).get(part) {
            Some(inner) => inner,
            None => match schema.as_array().and_then(|a| a.get(part.parse::<usize>().ok()?)) {
                Some(inner) => inner,
                None => return Vec::new(),
            },
        };
    }
    let properties = followed(schema, whole).get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(Map::keys).filter(|k| *k != "$schema").cloned().collect()
}

fn followed<'a>(schema: &'a Value, whole: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
    target.and_then(|pointer| whole.pointer(pointer)).unwrap_or(schema)
}

fn say(problem: &Problem, kind: FileKind, sink: &mut Sink) {
    let route = &problem.route;
    match &problem.kind {
        Kind::UnknownKeys { unknown, known } => {
            for key in unknown {
                sink.say(match kind {
                    FileKind::Project if diagnostic::is_secret_key(key) => {
                        let variable = super::secrets::variable(route);
                        diagnostic::secret_in_file(route, key, variable.as_deref())
                    }
                    _ => diagnostic::unknown_key(kind, route, key, known),
                });
            }
        }
        Kind::Missing(key) => sink.say(diagnostic::missing_key(kind, route, key)),
        Kind::WrongShape { wanted, found } => {
            sink.say(diagnostic::wrong_shape(kind, route, wanted, found));
        }
        Kind::Word { options, found } => sink.say(diagnostic::unknown_word(route, options, found)),
        Kind::Other(message) => sink.say(diagnostic::other_shape(kind, route, message)),
    }
}

/// Takes what stands at `route` out of the value: a key goes, an item of a list becomes empty so that
/// its neighbours keep their places.
fn remove(value: &mut Value, route: &Route) -> bool {
    let (Some(parent), Some(last)) = (route.parent(), route.last()) else { return false };
    match value.pointer_mut(parent.pointer()) {
        Some(Value::Object(map)) => map.shift_remove(&last).is_some(),
        Some(Value::Array(items)) => {
            let Some(item) = last.parse::<usize>().ok().and_then(|at| items.get_mut(at)) else {
                return false;
            };
            let empty = match item {
                Value::String(_) => Value::Object(Map::new()),
                _ if matches!(parent.last().as_deref(), Some("on" | "keys" | "to")) => {
                    Value::from("")
                }
                _ => Value::Object(Map::new()),
            };
            let changed = *item != empty;
            *item = empty;
            changed
        }
        _ => false,
    }
}
