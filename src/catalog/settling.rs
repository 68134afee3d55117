//! How it is found out whether a call that nobody has answered happened after all: what the catalog
//! says of an operation of class `marker` or `probe`.

use serde::{Deserialize, Serialize};

use super::{Field, Format, InDoubt, Inner, Operation};
use crate::value::Kind;

/// Where the engine writes a short reference, by which the record can be found in the list of `lookup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// A text in the body; the reference is its last line.
    pub field: String,
}

/// How the record is looked for with `lookup`, where the engine writes no reference into a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The fields of the body by which it is looked for, one search after the other: `email`,
    /// `meta.reference`.
    pub by: Vec<String>,
    /// The field of a listed record that says when it was made.
    pub created: String,
    /// The one of `by` into which the engine writes a reference of its own when the recipe leaves it
    /// empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// The record is looked for after a refusal too: the app has been seen to refuse and to create.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_refusals: bool,
    /// Where a refusal names the record that was there before: a dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<String>,
}

/// How an answer says whether the record was made by this call. Sent once more the call finds what its
/// first try has made, and would say that it was there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newness {
    /// The field of the answer that is true for a new one.
    pub field: String,
    /// Where the answer says when the record was made: a dotted path from `$`.
    pub created: String,
    /// Where the answer has its id: a dotted path from `$`.
    pub id: String,
}

/// What is wrong with what an operation says of settling. `list` is the operation that its `lookup`
/// names.
pub(super) fn mistakes(operation: &Operation, list: Option<&Operation>) -> Vec<String> {
    let mut wrong = Vec::new();
    let class = operation.in_doubt;
    for (of, word, key, there) in [
        (InDoubt::Marker, "marker", "marker", operation.marker.is_some()),
        (InDoubt::Probe, "probe", "probe", operation.probe.is_some()),
        (InDoubt::Key, "key", "idempotency", operation.idempotency.is_some()),
    ] {
        match (class == of, there) {
            (true, false) => wrong.push(format!("`in_doubt: {word}` needs `{key}`")),
            (false, true) => wrong.push(format!("`{key}` is for `in_doubt: {word}` only")),
            _ => {}
        }
    }
    if let Some(newness) = &operation.newness {
        let answer = operation.response.clone().unwrap_or_default();
        for path in [&newness.field, &newness.created, &newness.id] {
            if answer.at_path(path).is_none() {
                wrong.push(format!("`newness`: the answer has no `{path}`"));
            }
        }
    }
    if operation.marker.is_none() && operation.probe.is_none() {
        return wrong;
    }
    let Some(list) = list.and_then(|l| l.list.as_ref()) else {
        wrong.push("a call that is looked for needs a `lookup`".to_owned());
        return wrong;
    };
    let body = operation.body.clone().map(Field::object).unwrap_or_default();
    let fields = operation.marker.iter().map(|m| &m.field);
    for path in fields.chain(operation.probe.iter().flat_map(|p| &p.by)) {
        if !leads_to_text(&body, path) {
            wrong.push(format!("`{path}` is no text in the body"));
        }
        if !leads_to_text(&list.of, path) {
            wrong.push(format!("the listed records have no text `{path}`"));
        }
    }
    if let Some(probe) = &operation.probe {
        if probe.by.is_empty() {
            wrong.push("`probe.by` names no field".to_owned());
        }
        if probe.own.as_ref().is_some_and(|own| !probe.by.contains(own)) {
            wrong.push("`probe.own` is none of `probe.by`".to_owned());
        }
        let created = list.of.at_path(&probe.created).and_then(|field| field.format);
        if !matches!(created, Some(Format::DateTime | Format::DateTimeSpace)) {
            wrong.push(format!("the listed records have no time `{}`", probe.created));
        }
    }
    wrong.extend(results_mistakes(operation, &list.of));
    wrong
}

/// A record that is found gives the same results as the answer would have given.
fn results_mistakes(operation: &Operation, listed: &Field) -> Vec<String> {
    let Some(at) = operation.record.as_ref().and_then(|record| record.at.as_deref()) else {
        return vec!["a call that is looked for needs `record.at`".to_owned()];
    };
    let missing = operation.results.iter().filter(|(_, result)| {
        let inside = result.path.strip_prefix(at).filter(|rest| rest.starts_with('.'));
        inside.is_none_or(|path| listed.at_path(path).is_none())
    });
    missing
        .map(|(name, _)| format!("the listed records have nothing for the result `{name}`"))
        .collect()
}

/// Whether a dotted path leads to a text, or into something of which nothing is known.
fn leads_to_text(field: &Field, path: &str) -> bool {
    let mut field = field;
    for part in path.split('.') {
        match field.inner(part) {
            Inner::Known(inner) => field = inner,
            Inner::Open => return true,
            Inner::Absent => return false,
        }
    }
    matches!(field.kind, Kind::String | Kind::Any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn said(id: &str, change: impl FnOnce(&mut Operation)) -> Vec<String> {
        let catalog = Catalog::embedded();
        let mut operation = (*catalog.operation(id).unwrap()).clone();
        change(&mut operation);
        let list =
            operation.lookup.as_ref().and_then(|l| catalog.sibling(&operation, &l.operation));
        mistakes(&operation, list.as_deref())
    }

    fn probe(change: impl FnOnce(&mut Probe)) -> Vec<String> {
        said("stax.create-an-invoice", |operation| change(operation.probe.as_mut().unwrap()))
    }

    #[test]
    fn every_class_has_what_it_needs() {
        assert!(said("highlevel.create-note", |_| {}).is_empty());
        assert_eq!(
            said("highlevel.create-note", |o| o.marker = None),
            ["`in_doubt: marker` needs `marker`"]
        );
        assert_eq!(
            said("stax.charge-a-payment-method", |o| o.idempotency = None),
            ["`in_doubt: key` needs `idempotency`"]
        );
        assert_eq!(
            said("stax.create-customer", |o| o.in_doubt = InDoubt::Unprotected),
            ["`probe` is for `in_doubt: probe` only"]
        );
        assert_eq!(
            said("highlevel.create-note", |o| o.lookup = None),
            ["a call that is looked for needs a `lookup`"]
        );
    }

    #[test]
    fn what_is_looked_for_can_be_found() {
        assert_eq!(
            said("highlevel.create-note", |o| o.marker.as_mut().unwrap().field = "pinned".into()),
            ["`pinned` is no text in the body", "the listed records have no text `pinned`"]
        );
        assert_eq!(probe(|p| p.by.clear()).len(), 2, "no field, so `own` is none of them");
        assert_eq!(probe(|p| p.own = Some("url".into())), ["`probe.own` is none of `probe.by`"]);
        assert_eq!(
            probe(|p| p.created = "total".into()),
            ["the listed records have no time `total`"]
        );
        assert_eq!(
            said("highlevel.create-task", |o| o.record.as_mut().unwrap().at = None),
            ["a call that is looked for needs `record.at`"]
        );
        assert_eq!(
            said("highlevel.create-task", |o| o.results["task_id"].path = "$.task.number".into()),
            ["the listed records have nothing for the result `task_id`"]
        );
    }
}
