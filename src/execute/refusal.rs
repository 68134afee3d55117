//! What an app does not like of a call: its answer comes in; the line of the recipe that wrote the field goes
//! out, and which call takes such a field, where the one that was made does not.

use serde_json::Value;

use super::call_step::CallStep;
use crate::catalog::{App, Catalog, Effect, InDoubt, Operation, Slot, value_at};
use crate::journal::{StepError, StepErrorKind};
use crate::plan::{self, Account, Detail, Origin};

/// A field that an answer speaks of.
#[derive(Debug, PartialEq)]
struct Complaint {
    /// As a JSON Pointer without its first slash: `customFields/0/id`.
    path: String,
    /// The call has no such field at all.
    is_unknown: bool,
}

impl CallStep<'_, '_> {
    /// The error of the call itself, at the line that wrote the field which the app refuses. Requests that
    /// are only sent do not say where their values come from: this one is made once more, to be looked at.
    pub(super) fn at_the_field(&self, mut error: Box<StepError>) -> Box<StepError> {
        let Some(response) = &error.response else { return error };
        if error.kind != StepErrorKind::Refused || !matches!(response.status, 400 | 422) {
            return error;
        }
        let Ok(account) = self.account() else { return error };
        let complaints = complaints(account.app, &response.body);
        let account = Account { detail: Detail::ToShow, ..account };
        let planned = plan::request(self.call, &self.step.place, self.scope, account, "");
        let Ok(planned) = planned else { return error };
        let found = complaints.iter().find_map(|complaint| {
            let origin = origin_of(&planned.origins, &complaint.path)?;
            Some((complaint, origin, origin.place.clone()?))
        });
        let Some((complaint, origin, place)) = found else { return error };
        let shown = match &origin.name {
            Some(name) => name.clone(),
            None => complaint.path.replace('/', "."),
        };
        error.place = place;
        error.instead = match complaint.is_unknown {
            true => not_taken(self.drive.setup.catalog, &self.call.operation, &shown),
            false => correct(&shown),
        };
        error
    }
}

/// What to do about a field whose value the app does not like.
pub(super) fn correct(field: &str) -> String {
    format!("correct what `{field}` gets here; `linecook dry-run` shows what is sent")
}

/// The fields that an answer speaks of, in its order.
fn complaints(app: &App, body: &Value) -> Vec<Complaint> {
    let words = value_at(body, app.errors.message.as_deref().unwrap_or("$")).unwrap_or(body);
    let unknown = app.errors.unknown_field.as_deref().and_then(|form| form.split_once("{}"));
    match words {
        Value::Object(fields) => fields.keys().map(|name| complaint(name, false)).collect(),
        Value::Array(messages) => {
            let messages = messages.iter().filter_map(Value::as_str);
            messages.filter_map(|message| said(message, unknown)).collect()
        }
        Value::String(message) => said(message, unknown).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What one message speaks of: `property gender should not exist`, `email must be an email`,
/// `customFields.0.id should not be empty`, `each value in tags must be a string`.
fn said(message: &str, unknown: Option<(&str, &str)>) -> Option<Complaint> {
    if let Some((before, behind)) = unknown
        && let Some((holder, rest)) = message.split_once(before)
        && let Some(name) = rest.strip_suffix(behind)
    {
        return Some(complaint(&format!("{holder}{name}"), true));
    }
    let message = message.strip_prefix("each value in ").unwrap_or(message);
    let name = message.split_whitespace().next()?;
    Some(complaint(name.trim_matches(['`', '"', '\'', ':', ',']), false))
}

fn complaint(name: &str, is_unknown: bool) -> Complaint {
    Complaint { path: name.replace('.', "/"), is_unknown }
}

/// Where the value of a field came from: its own origin, that of a part of it, or of what it is a part of.
fn origin_of<'a>(origins: &'a [Origin], path: &str) -> Option<&'a Origin> {
    let mut of_body: Vec<&Origin> = origins.iter().collect();
    of_body.sort_by_key(|origin| origin.slot != Slot::Body);
    let is_inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let inside = || of_body.iter().find(|origin| is_inside(&origin.path, path));
    let around = || of_body.iter().find(|origin| is_inside(path, &origin.path));
    inside().or_else(around).copied()
}

/// Which other call for such a record takes the field.
fn not_taken(catalog: &Catalog, operation: &Operation, field: &str) -> String {
    if let Some(instead) = operation.refused.get(field) {
        return instead.clone();
    }
    let name = field.split('.').next().unwrap_or(field);
    let call = &operation.call;
    match taken_by(catalog, operation, name) {
        Some(other) => format!("`{call}` does not take `{field}`; `{other}` does"),
        None => format!("`{call}` does not take `{field}`: leave it out"),
    }
}

/// A call that writes the same kind of record and has the field, one that may be repeated before others.
fn taken_by(catalog: &Catalog, operation: &Operation, name: &str) -> Option<String> {
    let kind = operation.record.as_ref().map(|record| record.kind.as_str())?;
    let entries = catalog.operation_entries().iter();
    let entries = entries.filter(|entry| {
        entry.app == operation.app && entry.record.as_deref() == Some(kind) && !entry.deprecated
    });
    let others = entries.filter_map(|entry| catalog.operation(&entry.id).ok());
    let mut taking: Vec<_> = others
        .filter(|other| other.long_id() != operation.long_id() && other.unsupported.is_none())
        .filter(|other| matches!(other.effect, Effect::Create | Effect::Update))
        .filter(|other| matches!(other.field(name), Ok((Slot::Body, ..))))
        .collect();
    taking.sort_by_key(|other| other.in_doubt != InDoubt::Idempotent);
    taking.first().map(|other| other.call.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(app: &str, body: Value) -> Vec<(String, bool)> {
        let found = complaints(Catalog::embedded().app(app).unwrap(), &body);
        found.into_iter().map(|complaint| (complaint.path, complaint.is_unknown)).collect()
    }

    #[test]
    fn both_apps_name_the_fields_they_do_not_like() {
        let messages = json!([
            "property gender should not exist",
            "customFields.0.property colour should not exist",
            "each value in tags must be a string",
            "customFields.1.id should not be empty",
        ]);
        let found = of("highlevel", json!({ "statusCode": 422, "message": messages }));
        let expected = [
            ("gender", true),
            ("customFields/0/colour", true),
            ("tags", false),
            ("customFields/1/id", false),
        ];
        let expected = expected.map(|(path, is_unknown)| (path.to_owned(), is_unknown));
        assert_eq!(found, expected);
        let found = of("stax", json!({ "email": ["is wrong"], "meta.tax": "is wrong" }));
        assert_eq!(found, [("email".to_owned(), false), ("meta/tax".to_owned(), false)]);
        assert_eq!(of("highlevel", json!("<html>")).len(), 1, "it speaks of nothing that was sent");
        assert!(of("stax", json!([["x"], 3])).is_empty());
    }

    #[test]
    fn who_takes_a_field_is_named() {
        let catalog = Catalog::embedded();
        let update = catalog.operation("highlevel.update-contact").unwrap();
        assert_eq!(
            not_taken(catalog, &update, "colour"),
            "`PUT /contacts/:contactId` does not take `colour`: leave it out"
        );
        let task = catalog.operation("highlevel.update-task-completed").unwrap();
        assert_eq!(
            not_taken(catalog, &task, "dueDate"),
            "`PUT /contacts/:contactId/tasks/:taskId/completed` does not take `dueDate`; \
             `PUT /contacts/:contactId/tasks/:taskId` does"
        );
    }
}
