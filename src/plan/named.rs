//! Custom fields by their names: what a recipe writes goes out as the list of ids and values that the app
//! wants, and what an event carries goes in under the names that people see.

use serde_json::{Map, Value, json};

use super::patch::FieldChange;
use super::render::{DataError, Detail, Origin, place_at, render, results_read};
use super::request::LeftOut;
use crate::catalog::{Field, Fit, Slot, added_values};
use crate::check::{CheckedCall, Content, EventFields, NamedField, NamedFields, Which};
use crate::template::{Outcome, Scope};
use crate::value::{Kind, ValueError};

/// A list of custom fields in the form that the app wants.
pub(super) struct FittedList {
    pub list: Vec<Value>,
    pub origins: Vec<Origin>,
    pub left_out: Vec<LeftOut>,
}

/// What a mapping by names comes to: the list that is sent.
pub(super) fn rendered(named: &NamedFields, scope: &Scope) -> Result<Outcome, DataError> {
    let fitted = fitted(named, Slot::Body, "", scope, Detail::ToSend)?;
    Ok(Outcome::Value(fitted.list.into()))
}

/// Renders and fits every entry. `name` is the field that holds the list.
pub(super) fn fitted(
    named: &NamedFields,
    slot: Slot,
    name: &str,
    scope: &Scope,
    detail: Detail,
) -> Result<FittedList, DataError> {
    let mut fitted = FittedList { list: Vec::new(), origins: Vec::new(), left_out: Vec::new() };
    for entry in &named.entries {
        let shown = format!("{name}.{}", entry.name);
        let mut leave_out = |on_purpose: bool| {
            if detail == Detail::ToShow {
                let place = entry.mapping.place.clone();
                fitted.left_out.push(LeftOut { field: shown.clone(), place, on_purpose });
            }
        };
        let Some(id) = id(entry, scope)? else {
            leave_out(false);
            continue;
        };
        let value = render(&entry.mapping, scope).map_err(|mut e| {
            e.field.get_or_insert_with(|| entry.name.clone());
            e
        })?;
        let (value, before) = match value {
            Outcome::Empty | Outcome::Omit => {
                leave_out(value == Outcome::Omit);
                continue;
            }
            Outcome::Clear => (blank(&entry.field), None),
            Outcome::Value(value) => {
                // As with every other field: a blank text of an event blanks nothing.
                let is_read = matches!(entry.mapping.content, Content::Template(_));
                if is_read && value.as_str().is_some_and(|text| text.trim().is_empty()) {
                    leave_out(false);
                    continue;
                }
                fit(entry, value, scope)?
            }
        };
        let at = fitted.list.len();
        let by_name = &named.by_name;
        fitted.list.push(by_name.entry(&id, value));
        if detail == Detail::ToShow {
            let id_key = by_name.id.as_deref().unwrap_or("id");
            for (key, before) in [(id_key, None), (by_name.value.as_str(), before)] {
                fitted.origins.push(Origin {
                    slot,
                    path: format!("{name}/{at}/{key}"),
                    place: Some(entry.mapping.place.clone()),
                    name: matches!(entry.which, Which::Id(_)).then(|| entry.name.clone()),
                    is_key: false,
                    mark: None,
                    before,
                    from_results: results_read(&entry.mapping),
                });
            }
        }
    }
    Ok(fitted)
}

fn id(entry: &NamedField, scope: &Scope) -> Result<Option<String>, DataError> {
    match &entry.which {
        Which::Id(id) => Ok(Some(id.clone())),
        Which::Picked(template) => {
            let picked = super::render::evaluate(template, &entry.mapping.place, scope)?;
            let picked = picked.value().and_then(|value| value.as_str().map(str::to_owned));
            Ok(picked.filter(|id| !id.trim().is_empty()))
        }
    }
}

/// The value in the form of its field, and what it was before where that is not the same.
fn fit(
    entry: &NamedField,
    value: Value,
    scope: &Scope,
) -> Result<(Value, Option<Value>), DataError> {
    let fit = Fit::convert(&entry.field, &value, scope.defaults());
    if let Some(misfit) = fit.misfits.into_iter().next() {
        let place = place_at(&entry.mapping, &misfit.at);
        let ValueError { problem, instead } = misfit.error;
        return Err(DataError { place, field: Some(entry.name.clone()), problem, instead });
    }
    let before = (!fit.conversions.is_empty()).then_some(value);
    Ok((fit.value, before))
}

/// What blanks a custom field: the documents take a text or a list, and do not speak of null.
fn blank(field: &Field) -> Value {
    match field.kind {
        Kind::List => json!([]),
        _ => "".into(),
    }
}

/// Changes with the names that the recipe writes in the place of ids: `customFields.Plan`.
pub fn by_names(call: &CheckedCall, mut changes: Vec<FieldChange>) -> Vec<FieldChange> {
    for input in &call.inputs {
        let Content::ByName(named) = &input.mapping.content else { continue };
        for NamedField { name, which, .. } in &named.entries {
            let Which::Id(id) = which else { continue };
            let by_id = format!("{}.{id}", input.name);
            let of_it = changes.iter_mut().filter(|change| change.field == by_id);
            of_it.for_each(|change| change.field = format!("{}.{name}", input.name));
        }
    }
    changes
}

/// An event with `custom_fields` by their names. One that holds such an object already keeps its own.
pub fn with_custom_fields(event: &mut Map<String, Value>, of: &Field, known: &EventFields) {
    if event.contains_key("custom_fields") {
        return;
    }
    let name_of = |id: &str| {
        let names = known.names.iter().filter(|named| named.id == id);
        names.map(|named| named.name.as_str()).collect()
    };
    if let Some(values) = added_values(of, event, name_of) {
        event.insert("custom_fields".to_owned(), Value::Object(values));
    }
}
