//! A whole record from the little that a request says: what was sent and the catalog's example come
//! in; a record with every field of the example goes out. What the example person is called, where
//! they live and what they paid never gets into it.

use serde_json::{Map, Value};

use crate::catalog::{Catalog, Effect, IndexEntry, Operation, value_at};

use super::records::Record;

/// What a new record of one kind looks like.
pub(super) struct Template {
    example: Record,
    /// Fields that the one who creates the record can set.
    settable: Vec<String>,
    /// Fields that the example's own request set.
    set: Vec<String>,
}

impl Template {
    /// From an operation that answers with the record.
    pub fn of(operation: &Operation) -> Option<Template> {
        let record = operation.record.as_ref()?;
        let at = value_at(&operation.example.response, record.at.as_ref()?)?;
        let example = at.as_array().and_then(|list| list.first()).unwrap_or(at);
        let creates = matches!(operation.effect, Effect::Create | Effect::Action);
        let fields = operation.body.iter().flat_map(|body| body.keys());
        let fields = fields.chain(operation.query.keys()).filter(|_| creates);
        Some(Template {
            example: example.as_object()?.clone(),
            settable: fields.cloned().collect(),
            set: operation.example.with.keys().cloned().collect(),
        })
    }

    /// From the operation of an app that shows this kind best: the one that creates it, or one that
    /// reads it.
    pub fn of_kind(catalog: &Catalog, app: &str, kind: &str) -> Option<Template> {
        let of_kind =
            |entry: &&IndexEntry| entry.app == app && entry.record.as_deref() == Some(kind);
        let operations = catalog.operation_entries().iter().filter(of_kind);
        let operations = operations.filter_map(|entry| catalog.operation(&entry.id).ok());
        let rank = |operation: &Operation| match operation.effect {
            Effect::Create => 0,
            Effect::Read if operation.list.is_none() => 1,
            Effect::Read => 2,
            _ => 3,
        };
        operations
            .filter_map(|operation| Some((rank(&operation), Template::of(&operation)?)))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, template)| template)
    }

    /// Every field of the example: as it was sent, stamped when it tells a time of making, and
    /// otherwise blank or as the app itself begins.
    pub fn fill(&self, sent: &Record, id: &str, stamp: &Stamp) -> Record {
        let mut record = Map::new();
        for (name, example) in &self.example {
            let value = match (name.as_str(), sent.get(name)) {
                ("id", _) => id.into(),
                (_, Some(sent)) => sent.clone(),
                ("created_at" | "updated_at", None) => stamp.like(example).into(),
                _ => self.beginning(name, example),
            };
            record.insert(name.clone(), value);
        }
        record.entry("id").or_insert_with(|| id.into());
        for (name, value) in sent {
            record.entry(name.clone()).or_insert_with(|| value.clone());
        }
        record
    }

    /// What a field holds when nobody set it.
    fn beginning(&self, name: &str, example: &Value) -> Value {
        let settable = self.settable.iter().any(|field| field == name);
        match example {
            Value::Bool(_) if settable && self.set.iter().any(|field| field == name) => {
                false.into()
            }
            Value::Bool(_) | Value::Null => example.clone(),
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Object(_) => Value::Null,
            Value::Number(number) if number.as_f64() == Some(0.0) => example.clone(),
            Value::String(text) if text.is_empty() => example.clone(),
            _ if settable || tells_of_somebody(name) => Value::Null,
            _ => example.clone(),
        }
    }
}

/// The time, in the forms that apps write it.
pub(super) struct Stamp {
    pub iso: String,
    pub space: String,
}

impl Stamp {
    pub fn new(now: jiff::Timestamp) -> Stamp {
        Stamp { iso: super::records::iso_stamp(now), space: super::records::space_stamp(now) }
    }

    /// In the form of an example.
    pub fn like(&self, example: &Value) -> &str {
        match example.as_str() {
            Some(text) if text.contains('T') => &self.iso,
            _ => &self.space,
        }
    }
}

/// Whether a field says who somebody is, what was paid or when something happened: an example's
/// value would be a lie about any other record.
fn tells_of_somebody(name: &str) -> bool {
    const PARTS: [&str; 22] = [
        "name",
        "email",
        "phone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "company",
        "reference",
        "notes",
        "memo",
        "card_",
        "bank_",
        "last_four",
        "total",
        "amount",
        "price",
        "balance",
        "fee",
        "rule",
        "_run_at",
    ];
    const WHOLE: [&str; 8] = ["sum", "avg", "min", "max", "std", "count", "tax", "respond_by"];
    let of_account = matches!(name, "merchant_id" | "user_id" | "gateway_id");
    let other_record = name.ends_with("_id") && !of_account;
    other_record
        || name.ends_with("_at")
        || WHOLE.contains(&name)
        || PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_example_person_stays_out() {
        let template = Template::of_kind(Catalog::embedded(), "stax", "customer").unwrap();
        let stamp = Stamp::new("2026-03-02T10:00:00Z".parse().unwrap());
        let sent = json!({ "email": "bo@example.org" });
        let record = template.fill(sent.as_object().unwrap(), "x", &stamp);
        assert_eq!(record["email"], "bo@example.org");
        assert_eq!(record["created_at"], "2026-03-02 10:00:00");
        assert_eq!(record["firstname"], Value::Null);
        let text = Value::Object(record).to_string();
        for private in ["Ada", "ada@", "Orlando", "407555", "GHL:abc123"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
    }

    #[test]
    fn no_kind_of_record_carries_the_example_person() {
        let catalog = Catalog::embedded();
        let stamp = Stamp::new("2026-03-02T10:00:00Z".parse().unwrap());
        for entry in catalog.operation_entries().iter().filter(|entry| entry.app == "stax") {
            let operation = catalog.operation(&entry.id).unwrap();
            let Some(record) = &operation.record else { continue };
            let creates =
                matches!(operation.effect, Effect::Create | Effect::Action) && record.id.is_none();
            let template = match creates {
                true => Template::of(&operation),
                false => Template::of_kind(catalog, "stax", &record.kind),
            };
            let Some(template) = template else { continue };
            let text = Value::Object(template.fill(&Map::new(), "x", &stamp)).to_string();
            for private in ["Ada", "ada@", "1.4", "beans", "59327746", "8f1c2a34"] {
                assert!(!text.contains(private), "{}: {private} in {text}", entry.id);
            }
        }
    }
}
