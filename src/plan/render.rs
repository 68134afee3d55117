//! A mapping and a scope → a value in the form that the app wants, with where each part came from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalog::{Field, Fit, Slot};
use crate::check::{Content, Mapping, Place};
use crate::source::Route;
use crate::template::{Outcome, Scope, Template, TemplateErrorKind};
use crate::value::{Defaults, ValueError};

/// Where a value that is sent came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub slot: Slot,
    /// The field, and where inside it, as a JSON Pointer without its first slash: `tags/0`.
    pub path: String,
    /// Where the recipe says so; absent for what linecook adds by itself.
    pub place: Option<Place>,
    /// What people call the custom field that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is the key by which the app recognises a repeated call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_key: bool,
    /// What linecook adds to find the record again: the last line of a text, or all of it where the
    /// recipe says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// What it was before it took the form that the app wants.
    pub before: Option<Value>,
    /// The results it was made of, as `step.result`.
    pub from_results: Vec<String>,
}

/// How much a request says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What is sent, and nothing else.
    ToSend,
    /// Also where each value came from.
    ToShow,
}

/// Why a value of this event cannot be sent: whose fault it is stands in the recipe or in the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataError {
    pub place: Place,
    /// The field it is about, where there is one.
    pub field: Option<String>,
    /// A lower-case phrase.
    pub problem: String,
    /// One thing to do.
    pub instead: String,
}

impl DataError {
    pub(super) fn new(place: &Place, field: Option<&str>, error: ValueError) -> DataError {
        DataError {
            place: place.clone(),
            field: field.map(str::to_owned),
            problem: error.problem,
            instead: error.instead,
        }
    }
}

/// What a mapping comes to, before it is fitted to a field.
pub fn render(mapping: &Mapping, scope: &Scope) -> Result<Outcome, DataError> {
    Ok(match &mapping.content {
        Content::Literal(value) => Outcome::Value(value.clone()),
        Content::Template(template) => evaluate(template, &mapping.place, scope)?,
        Content::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                match render(item, scope)? {
                    Outcome::Value(value) => list.push(value),
                    Outcome::Clear => list.push(Value::Null),
                    Outcome::Empty | Outcome::Omit => {}
                }
            }
            Outcome::Value(Value::Array(list))
        }
        Content::Object(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (name, entry) in entries {
                match render(entry, scope)? {
                    Outcome::Value(value) => {
                        map.insert(name.clone(), value);
                    }
                    Outcome::Clear => {
                        map.insert(name.clone(), Value::Null);
                    }
                    Outcome::Empty | Outcome::Omit => {}
                }
            }
            Outcome::Value(Value::Object(map))
        }
        Content::ByName(named) => super::named::rendered(named, scope)?,
    })
}

/// Renders one template, and turns what goes wrong into something with a place and a way out.
pub(crate) fn evaluate(
    template: &Template,
    place: &Place,
    scope: &Scope,
) -> Result<Outcome, DataError> {
    template.render(scope).map_err(|error| template_error(place, &error))
}

pub(crate) fn template_error(place: &Place, error: &crate::template::TemplateError) -> DataError {
    let instead = match error.kind {
        TemplateErrorKind::Empty => "say what to write then with `| default('…')`",
        TemplateErrorKind::Limit => "make the template smaller",
        TemplateErrorKind::Syntax | TemplateErrorKind::Value => {
            "look at the value with `linecook dry-run`"
        }
    };
    // The filters bring their own way out, behind a semicolon.
    let (problem, instead) = match error.message.split_once("; ") {
        Some((problem, own)) => (problem.to_owned(), own.to_owned()),
        None => (error.message.clone(), instead.to_owned()),
    };
    DataError { place: place.clone(), field: None, problem, instead }
}

/// A value fitted to its field, and the origins of its parts.
pub(super) struct Fitted {
    pub value: Value,
    pub origins: Vec<Origin>,
}

/// Fits what a mapping gave to its field.
pub(super) fn fit(
    slot: Slot,
    name: &str,
    field: &Field,
    value: &Value,
    mapping: &Mapping,
    defaults: &Defaults,
    detail: Detail,
) -> Result<Fitted, DataError> {
    let fit = Fit::convert(field, value, defaults);
    if let Some(misfit) = fit.misfits.into_iter().next() {
        let inner = misfit.at.pointer().replace('/', ".");
        let named = format!("{name}{inner}");
        return Err(DataError::new(&place_at(mapping, &misfit.at), Some(&named), misfit.error));
    }
    let mut origins = Vec::new();
    if detail == Detail::ToSend {
        return Ok(Fitted { value: fit.value, origins });
    }
    leaves(slot, name, mapping, &mut origins);
    for conversion in fit.conversions {
        let path = format!("{name}{}", conversion.at.pointer());
        match origins.iter_mut().find(|origin| origin.path == path) {
            Some(origin) => origin.before = Some(conversion.before),
            None => origins.push(Origin {
                slot,
                path,
                place: Some(mapping.place.clone()),
                before: Some(conversion.before),
                name: None,
                is_key: false,
                mark: None,
                from_results: results_read(mapping),
            }),
        }
    }
    Ok(Fitted { value: fit.value, origins })
}

fn leaves(slot: Slot, path: &str, mapping: &Mapping, origins: &mut Vec<Origin>) {
    match &mapping.content {
        Content::List(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                leaves(slot, &format!("{path}/{at}"), item, origins);
            }
        }
        Content::Object(entries) if !entries.is_empty() => {
            for (name, entry) in entries {
                leaves(slot, &format!("{path}/{name}"), entry, origins);
            }
        }
        _ => origins.push(Origin {
            slot,
            path: path.to_owned(),
            place: Some(mapping.place.clone()),
            before: None,
            name: None,
            is_key: false,
            mark: None,
            from_results: results_read(mapping),
        }),
    }
}

/// The results of earlier steps that a mapping reads.
pub(super) fn results_read(mapping: &Mapping) -> Vec<String> {
    let mut results: Vec<String> = Vec::new();
    for template in mapping.templates() {
        for path in template.reads() {
            if let ["steps", rest @ ..] = &path[..] {
                let name = rest.iter().take(2).copied().collect::<Vec<_>>().join(".");
                if !results.contains(&name) {
                    results.push(name);
                }
            }
        }
    }
    results
}

/// The place inside a mapping that a part of its value came from.
pub(super) fn place_at(mapping: &Mapping, at: &Route) -> Place {
    let mut here = mapping;
    for part in at.pointer().split('/').skip(1) {
        let inner = match &here.content {
            Content::List(items) => part.parse::<usize>().ok().and_then(|i| items.get(i)),
            Content::Object(entries) => {
                entries.iter().find(|(name, _)| name == part).map(|(_, m)| m)
            }
            _ => None,
        };
        match inner {
            Some(inner) => here = inner,
            None => break,
        }
    }
    here.place.clone()
}
