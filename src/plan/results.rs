//! An answer → what later steps see of it.

use serde_json::{Map, Value};

use super::mark::without_mark;
use crate::call::Response;
use crate::catalog::{Field, Fit, Format, ListShape};
use crate::check::CheckedCall;
use crate::value::Defaults;
use crate::value::json_path::JsonPath;

/// The results of a call: named ones, saved ones, the answer and its status.
pub fn results(call: &CheckedCall, response: Response, zone: Option<&str>) -> Map<String, Value> {
    let operation = &call.operation;
    let mut body = response.body;
    if let Some(field) = &operation.response {
        give_zones(field, &mut body, zone);
    }
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

/// Gives times that an app writes without a zone the zone that the app means: `2026-01-05 19:13:41`
/// becomes `2026-01-05 19:13:41Z`.
pub fn with_zones(field: &Field, value: &Value, zone: Option<&str>) -> Value {
    let mut value = value.clone();
    give_zones(field, &mut value, zone);
    value
}

fn give_zones(field: &Field, value: &mut Value, zone: Option<&str>) {
    match value {
        Value::String(text) if field.format == Some(Format::DateTimeSpace) => {
            let is_bare = text.len() == 19 && text.as_bytes()[10] == b' ';
            match zone {
                _ if !is_bare => {}
                Some("UTC") | None => text.push('Z'),
                Some(zone) => {
                    if let Some(zoned) = zoned(text, zone) {
                        *text = zoned;
                    }
                }
            }
        }
        Value::Array(items) => {
            if let Some(of) = &field.of {
                items.iter_mut().for_each(|item| give_zones(of, item, zone));
            }
        }
        Value::Object(map) => give_zones_to_fields(field, map, zone),
        _ => {}
    }
}

/// [`with_zones`] for the fields of an object.
pub fn give_zones_to_fields(field: &Field, map: &mut Map<String, Value>, zone: Option<&str>) {
    let Some(fields) = &field.fields else { return };
    for (name, value) in map {
        if let Some(field) = fields.get(name) {
            give_zones(field, value, zone);
        }
    }
}

fn zoned(text: &str, zone: &str) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let moment = crate::value::Moment::parse(text, &zone).ok()?;
    Some(moment.to_string())
}
