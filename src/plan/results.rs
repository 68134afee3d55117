//! An answer → what later steps see of it.

use serde_json::{Map, Value, json};

use super::mark::without_mark;
use crate::call::Response;
use crate::catalog::{Field, Fit, Format, ListShape, Operation};
use crate::check::CheckedCall;
use crate::value::Defaults;
use crate::value::json_path::JsonPath;

/// The results of a call: named ones, saved ones, the answer and its status.
pub fn results(call: &CheckedCall, response: &Response, zone: Option<&str>) -> Map<String, Value> {
    let operation = &call.operation;
    let body = zoned_answer(operation, &response.body, zone);
    let mut results = operation.read_results(&body);
    if let Some(list) = &operation.list {
        results.insert("items".into(), list.read_items(&body).into_iter().cloned().collect());
    }
    for (name, path) in &call.save {
        let found = JsonPath::parse(path).ok().and_then(|path| path.find(&body));
        results.insert(name.clone(), found.unwrap_or_default());
    }
    results.insert("response".into(), body);
    results.insert("status".into(), response.status.into());
    results.insert("skipped".into(), false.into());
    results
}

/// The results of a search: those of the record that was found.
pub fn list_results(list: &ListShape, found: Option<&Value>, word: &str) -> Map<String, Value> {
    let mut results = match found {
        Some(record) => list.read_results(record),
        None => list.results.keys().map(|name| (name.clone(), Value::Null)).collect(),
    };
    results.insert("record".into(), found.cloned().unwrap_or_default());
    results.insert(word.into(), found.is_some().into());
    results.insert("skipped".into(), false.into());
    results
}

/// Whether a record has all the fields of a condition. Both are compared in the form that the app writes
/// such fields in; texts without regard to case and outer spaces, numbers by value; an object has to have
/// the fields that are named.
pub fn matches(
    of: &Field,
    record: &Value,
    conditions: &Map<String, Value>,
    defaults: &Defaults,
) -> bool {
    let any = Field::any();
    conditions.iter().all(|(name, wanted)| {
        let field = of.fields.as_ref().and_then(|f| f.get(name)).unwrap_or(&any);
        let found = comparable(field, record.get(name).unwrap_or(&Value::Null), defaults);
        same(&found, wanted)
    })
}

/// A value in the form of its field, for comparing; as it is where it has no such form.
pub fn comparable(field: &Field, value: &Value, defaults: &Defaults) -> Value {
    let fit = Fit::convert(field, value, defaults);
    if fit.misfits.is_empty() { fit.value } else { value.clone() }
}

fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(a), Value::String(b)) => {
            without_mark(a).trim().to_lowercase() == without_mark(b).trim().to_lowercase()
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        // An app that leaves `completed` out means that it is not.
        (Value::Null, Value::Bool(false)) => true,
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| same(found.get(name).unwrap_or(&Value::Null), wanted)),
        (a, b) => a == b,
    }
}

fn zoned_answer(operation: &Operation, body: &Value, zone: Option<&str>) -> Value {
    match &operation.response {
        Some(field) => with_zones(field, body, zone),
        None => body.clone(),
    }
}

/// Gives times that an app writes without a zone the zone that the app means: `2026-01-05 19:13:41`
/// becomes `2026-01-05 19:13:41Z`.
pub fn with_zones(field: &Field, value: &Value, zone: Option<&str>) -> Value {
    match value {
        Value::String(text) if field.format == Some(Format::DateTimeSpace) => {
            let bare = text.len() == 19 && text.as_bytes()[10] == b' ';
            match zone {
                Some("UTC") | None if bare => format!("{text}Z").into(),
                Some(zone) if bare => zoned(text, zone).unwrap_or_else(|| json!(text)),
                _ => value.clone(),
            }
        }
        Value::Array(items) => match &field.of {
            Some(of) => items.iter().map(|item| with_zones(of, item, zone)).collect(),
            None => value.clone(),
        },
        Value::Object(map) => fields_with_zones(field, map, zone),
        _ => value.clone(),
    }
}

/// [`with_zones`] for the fields of an object.
pub fn fields_with_zones(field: &Field, map: &Map<String, Value>, zone: Option<&str>) -> Value {
    let Some(fields) = &field.fields else { return Value::Object(map.clone()) };
    let zoned = map.iter().map(|(name, inner)| {
        let inner = match fields.get(name) {
            Some(field) => with_zones(field, inner, zone),
            None => inner.clone(),
        };
        (name.clone(), inner)
    });
    Value::Object(zoned.collect())
}

fn zoned(text: &str, zone: &str) -> Option<Value> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let moment = crate::value::Moment::parse(text, &zone).ok()?;
    Some(moment.to_string().into())
}
