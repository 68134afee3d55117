//! A request and the record as it is → what really has to be sent: only the fields that differ.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mark::without_mark;
use super::request::PlannedRequest;
use super::results::comparable;
use crate::catalog::{Field, Format, Inner, Operation, Slot};
use crate::check::CheckedPatch;
use crate::recipe::{CustomFieldsWord, Patch};
use crate::value::{Defaults, Kind, Moment};

/// One field of a record that a write changes, or that an app did not store as it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// `phone`, `customFields.f7Xk2`
    pub field: String,
    /// Null where there was nothing.
    pub before: Value,
    /// Null where nothing is left.
    pub after: Value,
}

/// What is left of a request.
#[derive(Clone, Debug)]
pub struct Patched {
    pub planned: PlannedRequest,
    /// Nothing has to be sent when there are none.
    pub changes: Vec<FieldChange>,
}

/// Compares what a request would write with the record as it is, each field in the form that the app keeps
/// it in. `of` is what the record is; a field that it does not show cannot be compared, and goes only with
/// others that differ.
pub fn patch(
    operation: &Operation,
    how: &CheckedPatch,
    planned: &PlannedRequest,
    record: &Value,
    of: &Field,
    defaults: &Defaults,
) -> Patched {
    let mut comparison = Comparison { how, defaults, changes: Vec::new() };
    let mut body = Map::new();
    let wanted = planned.request.body.as_ref().and_then(Value::as_object);
    for (name, value) in wanted.into_iter().flatten() {
        let field = operation.body.as_ref().and_then(|body| body.get(name));
        let needed = field.is_some_and(|field| field.required) || finds(operation, name);
        // The account that the record is in is no part of it.
        if field.is_some_and(is_of_connection) {
            body.insert(name.clone(), value.clone());
            continue;
        }
        let sent = match of.inner(name) {
            Inner::Absent => Some(value.clone()),
            Inner::Open => comparison.field(name, &Field::any(), record.get(name), value),
            Inner::Known(field) => comparison.field(name, field, record.get(name), value),
        };
        if let Some(sent) = sent.or_else(|| needed.then(|| value.clone())) {
            body.insert(name.clone(), sent);
        }
    }
    let one_of = &operation.one_of;
    if !one_of.is_empty() && !one_of.iter().any(|name| body.contains_key(name)) {
        let first = one_of.iter().find_map(|name| wanted?.get_key_value(name));
        body.extend(first.map(|(name, value)| (name.clone(), value.clone())));
    }
    let mut planned = planned.clone();
    let is_kept = |path: &str| body.contains_key(path.split('/').next().unwrap_or(path));
    planned.origins.retain(|origin| origin.slot != Slot::Body || is_kept(&origin.path));
    planned.request.body = planned.request.body.map(|_| Value::Object(body));
    Patched { planned, changes: comparison.changes }
}

/// What was sent and is not there afterwards as it was sent: `before` is what was sent, `after` what is
/// there.
pub fn not_stored(
    sent: &Value,
    record: &Value,
    of: &Field,
    defaults: &Defaults,
) -> Vec<FieldChange> {
    let how = CheckedPatch::default();
    let mut comparison = Comparison { how: &how, defaults, changes: Vec::new() };
    for (name, value) in sent.as_object().into_iter().flatten() {
        if let Inner::Known(field) = of.inner(name) {
            comparison.field(name, field, record.get(name), value);
        }
    }
    let turned = comparison.changes.into_iter();
    turned.map(|c| FieldChange { field: c.field, before: c.after, after: c.before }).collect()
}

/// Whether two sights of a record show that it was changed in between: by a field that the operation can
/// write, or by its time of change. What only one of them shows says nothing.
pub fn moved_on(
    operation: &Operation,
    of: &Field,
    earlier: &Value,
    now: &Value,
    defaults: &Defaults,
) -> Vec<FieldChange> {
    const TIMES: [&str; 2] = ["dateUpdated", "updated_at"];
    let how = CheckedPatch::default();
    let mut comparison = Comparison { how: &how, defaults, changes: Vec::new() };
    let (Some(earlier), Some(now)) = (earlier.as_object(), now.as_object()) else {
        return Vec::new();
    };
    for (name, before) in earlier {
        let writes = operation.body.as_ref().is_some_and(|body| body.contains_key(name));
        let Some(after) = now.get(name).filter(|_| writes || TIMES.contains(&name.as_str())) else {
            continue;
        };
        let any = Field::any();
        let field = match of.inner(name) {
            Inner::Known(field) => field,
            _ => &any,
        };
        comparison.field(name, field, Some(before), after);
    }
    comparison.changes
}

/// Whether a field says what the connection knows: the account.
fn is_of_connection(field: &Field) -> bool {
    let usual = field.usual.as_ref().and_then(Value::as_str);
    usual.is_some_and(|usual| usual.starts_with("connection."))
}

/// Whether the operation finds its record by this field.
fn finds(operation: &Operation, name: &str) -> bool {
    let by_search = !operation.path_pattern().contains(':');
    by_search && operation.lookup.iter().any(|l| l.query.values().any(|ours| ours == name))
}

struct Comparison<'a> {
    how: &'a CheckedPatch,
    defaults: &'a Defaults,
    changes: Vec<FieldChange>,
}

impl Comparison<'_> {
    /// What has to be sent for one field; none when it is as wished.
    fn field(
        &mut self,
        name: &str,
        field: &Field,
        held: Option<&Value>,
        wanted: &Value,
    ) -> Option<Value> {
        let held = held.unwrap_or(&Value::Null);
        if is_keyed(field) {
            return self.keyed(name, held, wanted);
        }
        if let (Value::Object(inner), Some(fields)) = (wanted, &field.fields) {
            let count = self.changes.len();
            let mut sent = Map::new();
            for (part, value) in inner {
                let any = Field::any();
                let of = fields.get(part).unwrap_or(&any);
                let path = format!("{name}.{part}");
                let new = self.field(&path, of, held.get(part), value);
                sent.insert(part.clone(), new.unwrap_or_else(|| value.clone()));
            }
            return (self.changes.len() > count).then_some(Value::Object(sent));
        }
        if self.how.mode == Patch::Fill && (!is_blank(held) || is_blank(wanted)) {
            return None;
        }
        if equal(field, held, wanted, self.defaults) {
            return None;
        }
        self.changes.push(FieldChange {
            field: name.to_owned(),
            before: held.clone(),
            after: wanted.clone(),
        });
        Some(wanted.clone())
    }

    /// A list of values that each have an id, such as custom fields.
    fn keyed(&mut self, name: &str, held: &Value, wanted: &Value) -> Option<Value> {
        let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let (held, wanted) = (items(held), items(wanted));
        let count = self.changes.len();
        let mut sent = Vec::new();
        for item in &wanted {
            let before =
                held.iter().find(|other| id_of(other).is_some() && id_of(other) == id_of(item));
            let (before, after) = (before.map_or(Value::Null, value_of), value_of(item));
            let fills = self.how.mode != Patch::Fill || (is_blank(&before) && !is_blank(&after));
            if !fills {
                continue;
            }
            sent.push(item.clone());
            if !equal(&Field::any(), &before, &after, self.defaults) {
                let id = id_of(item).or_else(|| item.get("key")?.as_str()).unwrap_or("?");
                self.changes.push(FieldChange { field: format!("{name}.{id}"), before, after });
            }
        }
        let names = |list: &[Value], id: &str| list.iter().any(|item| id_of(item) == Some(id));
        for other in &held {
            let Some(id) = id_of(other).filter(|id| !names(&sent, id)) else { continue };
            let before = value_of(other);
            let stays = self.how.custom_fields == CustomFieldsWord::Merge
                || self.how.mode == Patch::Fill
                || names(&wanted, id);
            if stays {
                sent.push(as_sent(other, &before));
            } else if !is_blank(&before) {
                let field = format!("{name}.{id}");
                self.changes.push(FieldChange { field, before, after: Value::Null });
            }
        }
        (self.changes.len() > count).then_some(Value::Array(sent))
    }
}

/// Whether a field is a list of values with an id each.
fn is_keyed(field: &Field) -> bool {
    let item = field.of.as_ref().filter(|_| field.kind == Kind::List);
    let fields = item.and_then(|item| item.fields.as_ref());
    fields.is_some_and(|f| {
        f.contains_key("id") && (f.contains_key("value") || f.contains_key("field_value"))
    })
}

fn id_of(item: &Value) -> Option<&str> {
    item.get("id")?.as_str()
}

fn value_of(item: &Value) -> Value {
    item.get("field_value").or_else(|| item.get("value")).cloned().unwrap_or_default()
}

/// A value that is there already, in the form in which the app takes it: HighLevel tells `value` and takes
/// `field_value`; others take what they tell.
fn as_sent(item: &Value, value: &Value) -> Value {
    match item.as_object() {
        Some(fields) if fields.len() <= 2 => {
            serde_json::json!({ "id": item.get("id"), "field_value": value })
        }
        _ => item.clone(),
    }
}

/// Whether there is nothing in a field.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether a record holds what is wished, both in the form that the app keeps such a field in.
fn equal(field: &Field, held: &Value, wanted: &Value, defaults: &Defaults) -> bool {
    if is_blank(held) || is_blank(wanted) {
        // An app that leaves a truth out means that it does not hold.
        return is_blank(held) && (is_blank(wanted) || *wanted == Value::Bool(false));
    }
    let (held, wanted) = (comparable(field, held, defaults), comparable(field, wanted, defaults));
    match (&held, &wanted) {
        (Value::String(a), Value::String(b)) => {
            equal_texts(field, without_mark(a).trim(), without_mark(b).trim(), defaults)
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => {
            text.trim().parse().ok() == number.as_f64()
        }
        (Value::Array(a), Value::Array(b)) => {
            let has =
                |list: &[Value], item: &Value| list.iter().any(|other| equal_items(other, item));
            a.iter().all(|item| has(b, item)) && b.iter().all(|item| has(a, item))
        }
        (a, b) => a == b,
    }
}

fn equal_items(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // The apps keep tags and addresses in lower case.
        (Value::String(a), Value::String(b)) => a.trim().to_lowercase() == b.trim().to_lowercase(),
        (a, b) => a == b,
    }
}

fn equal_texts(field: &Field, a: &str, b: &str, defaults: &Defaults) -> bool {
    if a == b {
        return true;
    }
    let moment = |text: &str| Some(Moment::parse(text, &defaults.timezone).ok()?.timestamp());
    match field.format {
        Some(Format::Email | Format::Country2 | Format::Country3 | Format::State2) => {
            a.to_lowercase() == b.to_lowercase()
        }
        Some(Format::DateTime | Format::DateTimeSpace) => {
            moment(a).is_some_and(|a| moment(b) == Some(a))
        }
        // A day, where one of the two tells its hours, too: `1990-02-01T00:00:00.000Z`.
        _ => {
            let is_day = |text: &str| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
            let starts =
                |long: &str, day: &str| is_day(day) && long.starts_with(&format!("{day}T"));
            starts(a, b) || starts(b, a)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Request;
    use crate::catalog::Catalog;
    use serde_json::json;

    fn patched(
        operation: &str,
        how: CheckedPatch,
        wanted: Value,
        record: Value,
    ) -> (Value, Vec<String>) {
        let catalog = Catalog::embedded();
        let operation = catalog.operation(operation).unwrap();
        let reads = catalog.operation("highlevel.get-contact").unwrap();
        let of = reads.response.clone().unwrap();
        let of = of.at_path("$.contact").unwrap();
        let request = Request { body: Some(wanted), ..Request::default() };
        let planned = PlannedRequest { request, origins: Vec::new(), left_out: Vec::new() };
        let patched = patch(&operation, &how, &planned, &record, of, &Defaults::default());
        let names = patched.changes.iter().map(|change| change.field.clone()).collect();
        (patched.planned.request.body.unwrap(), names)
    }

    fn differs() -> CheckedPatch {
        CheckedPatch { mode: Patch::Differs, ..CheckedPatch::default() }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let record = json!({ "id": "ada", "email": "Ada@Example.com", "phone": "+14075550100",
            "firstName": "Ada", "city": "Orlando", "tags": ["VIP", "customer"] });
        let wanted = json!({ "email": "ada@example.com", "phone": "(407) 555-0100", "firstName": "ADA",
            "city": null, "lastName": "Lovelace", "tags": ["customer", "vip"], "state": null });
        let (sent, changes) = patched("highlevel.update-contact", differs(), wanted, record);
        assert_eq!(changes, ["firstName", "city", "lastName"]);
        assert_eq!(sent, json!({ "firstName": "ADA", "city": null, "lastName": "Lovelace" }));
    }

    #[test]
    fn an_upsert_keeps_what_it_finds_its_record_by() {
        let record = json!({ "email": "ada@example.com", "firstName": "Ada" });
        let wanted = json!({ "locationId": "here", "email": "ada@example.com", "firstName": "Adele", "gender": "f" });
        let upsert = "highlevel.upsert-contact";
        let (sent, changes) = patched(upsert, differs(), wanted.clone(), record.clone());
        assert_eq!(changes, ["firstName"]);
        assert_eq!(sent, wanted, "what cannot be compared goes with what differs");
        let wanted = json!({ "locationId": "here", "email": "ada@example.com", "gender": "f" });
        assert!(patched(upsert, differs(), wanted, record).1.is_empty());
    }

    #[test]
    fn fill_writes_only_what_is_empty() {
        let record = json!({ "firstName": "Ada", "city": " ", "customFields": [{ "id": "f1", "value": "Gold" }] });
        let wanted = json!({ "firstName": "Bo", "city": "Orlando", "lastName": null,
            "customFields": [{ "id": "f1", "field_value": "Silver" }, { "id": "f2", "field_value": 3 }] });
        let how = CheckedPatch { mode: Patch::Fill, ..CheckedPatch::default() };
        let (sent, changes) = patched("highlevel.update-contact", how, wanted, record);
        assert_eq!(changes, ["city", "customFields.f2"]);
        let fields =
            json!([{ "id": "f2", "field_value": 3 }, { "id": "f1", "field_value": "Gold" }]);
        assert_eq!(sent, json!({ "city": "Orlando", "customFields": fields }));
    }

    #[test]
    fn custom_fields_that_are_not_named_stay_or_go() {
        let record = json!({ "customFields": [{ "id": "f1", "value": "Gold" }, { "id": "f2", "value": 2 }] });
        let wanted = json!({ "customFields": [{ "id": "f2", "field_value": 3 }] });
        let update = "highlevel.update-contact";
        let (sent, changes) = patched(update, differs(), wanted.clone(), record.clone());
        assert_eq!(changes, ["customFields.f2"]);
        let merged =
            json!([{ "id": "f2", "field_value": 3 }, { "id": "f1", "field_value": "Gold" }]);
        assert_eq!(sent["customFields"], merged);
        let how = CheckedPatch { custom_fields: CustomFieldsWord::Replace, ..differs() };
        let (sent, changes) = patched(update, how, wanted, record);
        assert_eq!(changes, ["customFields.f2", "customFields.f1"]);
        assert_eq!(sent["customFields"], json!([{ "id": "f2", "field_value": 3 }]));
    }

    #[test]
    fn times_and_days_are_compared_as_such() {
        let date_time =
            Field { kind: Kind::String, format: Some(Format::DateTime), ..Field::default() };
        let defaults = Defaults::default();
        let same = |field: &Field, a: &str, b: &str| equal(field, &json!(a), &json!(b), &defaults);
        assert!(same(&date_time, "2026-03-03T09:00:00.000Z", "2026-03-03T10:00:00+01:00"));
        assert!(!same(&date_time, "2026-03-03T09:00:00.000Z", "2026-03-03T09:00:01Z"));
        assert!(same(&Field::any(), "1990-02-01T00:00:00.000Z", "1990-02-01"));
        assert!(!same(&Field::any(), "1990-02-01T00:00:00.000Z", "1990-02-02"));
    }
}
