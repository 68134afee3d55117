//! Fields that an account adds to the records of an app: on the wire a list of ids with values. What the
//! catalog says of such a list comes in; its entries go out, by the names people see.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Field, Fields, value_at};

/// How a list of such fields is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByName {
    /// The kind of record that the fields belong to: `contact`.
    pub object: String,
    /// Where the list is inside the value: a dotted path from `$`; the value itself without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The key of an entry with the id of its field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The key of an entry with the name of its field, where the app says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key of an entry with the value.
    pub value: String,
}

/// One entry of such a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddedValue<'a> {
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub value: &'a Value,
}

impl ByName {
    /// The list among the fields of a record, with the name of the field that holds it.
    pub fn among(fields: &Fields) -> Option<(&str, &ByName)> {
        fields.iter().find_map(|(name, field)| Some((name.as_str(), field.by_name.as_ref()?)))
    }

    /// The entries of a value; none where it is not such a list.
    pub fn entries<'a>(&'a self, value: &'a Value) -> impl Iterator<Item = AddedValue<'a>> {
        let list = value_at(value, self.at.as_deref().unwrap_or("$")).and_then(Value::as_array);
        let text = |entry: &'a Value, key: &'a Option<String>| entry.get(key.as_ref()?)?.as_str();
        list.into_iter().flatten().map(move |entry| AddedValue {
            id: text(entry, &self.id),
            name: text(entry, &self.name),
            value: entry.get(&self.value).unwrap_or(&Value::Null),
        })
    }

    /// One entry as the app takes it.
    pub fn entry(&self, id: &str, value: Value) -> Value {
        let id_key = self.id.as_deref().unwrap_or("id");
        json!({ id_key: id, (&self.value): value })
    }
}

/// The values of a record by name. `name_of` names the field of an id; what it does not know and the app
/// does not name is left out.
pub fn added_values<'a>(
    of: &Field,
    record: &Map<String, Value>,
    name_of: impl Fn(&str) -> Vec<&'a str>,
) -> Option<Map<String, Value>> {
    let (held_in, by_name) = ByName::among(of.fields.as_ref()?)?;
    let mut values = Map::new();
    for entry in by_name.entries(record.get(held_in).unwrap_or(&Value::Null)) {
        let known = entry.id.map(&name_of).unwrap_or_default();
        let names = entry.name.into_iter().chain(known);
        names.for_each(|name| drop(values.insert(name.to_owned(), entry.value.clone())));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn both_apps_give_their_values_by_name() {
        let values = |event: &str, record: Value| {
            let event = Catalog::embedded().event(event).unwrap();
            let name_of = |id: &str| if id == "f1" { vec!["Plan"] } else { vec![] };
            added_values(&event.payload, record.as_object().unwrap(), name_of)
        };
        let found = values(
            "highlevel.contact_updated",
            json!({ "customFields": [{ "id": "f1", "value": "Pro" }, { "id": "f2", "value": 3 }] }),
        );
        assert_eq!(found.map(Value::Object), Some(json!({ "Plan": "Pro" })));
        let fields = json!([{ "id": "x", "name": "Plan", "value": "Pro" }]);
        let record = json!({ "options": { "customer_custom_fields": fields } });
        let found = values("stax.customer_created", record);
        assert_eq!(found.map(Value::Object), Some(json!({ "Plan": "Pro" })));
        let found = values("stax.customer_created", json!({ "options": "" }));
        assert_eq!(found, Some(Map::new()));
        assert_eq!(values("bridge.note_created", json!({})), None);
    }
}
