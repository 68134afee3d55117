//! Does the document have the form of a recipe or a project? The JSON Schema of the types decides; what is wrong is
//! said and cut out, so that the rest can be read.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::form::{self, Kind, Problem};
use crate::diagnostic::{self, FileKind, Sink};
use crate::source::{Document, Route};
use crate::{project, recipe};

/// What a kind of file has to look like.
pub(super) struct Form {
    kind: FileKind,
    schema: Value,
}

pub(super) static RECIPE: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::Recipe, recipe::shape_schema()));
pub(super) static PROJECT: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::Project, project::shape_schema()));

pub(super) static APP: LazyLock<Form> =
    LazyLock::new(|| Form::new(FileKind::App, project::app_schema()));

impl Form {
    fn new(kind: FileKind, schema: Value) -> Form {
        Form { kind, schema }
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
        let found = form::problems(&form.schema, &value);
        let mut cut = false;
        for problem in found {
            if round == 0 {
                say(&problem, form.kind, sink);
            }
            for route in cuts(&problem) {
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

/// What has to go so that the rest can be read; a missing key takes nothing with it.
fn cuts(problem: &Problem) -> Vec<Route> {
    match &problem.kind {
        Kind::UnknownKeys { unknown, .. } => unknown.iter().map(|k| problem.route.key(k)).collect(),
        Kind::Missing(_) => Vec::new(),
        _ => vec![problem.route.clone()],
    }
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
