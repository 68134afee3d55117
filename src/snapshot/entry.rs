//! One thing that an account names by itself: a record of an answer comes in; what is kept of it goes out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FieldKind, Part};

/// One thing that an account names by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What people see.
    pub name: String,
    pub id: String,
    /// Of a custom field: how the app calls it besides, such as `contact.plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of a custom field: the kind of record it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Of a custom field.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldKind>,
    /// Of a custom field: the values to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Of a custom field: other values than the options are taken too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_options: bool,
    /// Of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Of a pipeline, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Entry>,
    /// What it was called at earlier looks, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<String>,
}

impl Entry {
    /// What is kept of a record; `None` for one without an id.
    pub fn read(part: Part, record: &Map<String, Value>) -> Option<Entry> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::trim);
        let filled = |name: &str| text(name).filter(|text| !text.is_empty());
        let id = filled("id").or_else(|| filled("_id"))?.to_owned();
        let name = filled("name").map(str::to_owned).or_else(|| {
            let names: Vec<&str> =
                ["firstName", "lastName"].into_iter().filter_map(filled).collect();
            (!names.is_empty()).then(|| names.join(" "))
        });
        let mut entry = Entry { id, ..Entry::default() };
        match part {
            Part::CustomFields => {
                entry.key = filled("fieldKey").or_else(|| filled("key")).map(str::to_owned);
                let of_key = || entry.key.as_ref()?.split_once('.').map(|(object, _)| object);
                let object = filled("model").or_else(of_key).unwrap_or("contact");
                entry.object = Some(object.to_owned());
                let kind = filled("dataType").or_else(|| filled("type")).unwrap_or("TEXT");
                entry.kind = Some(FieldKind::read(kind));
                let options = record.get("picklistOptions").or_else(|| record.get("options"));
                entry.options = options.map(options_of).unwrap_or_default();
                entry.other_options = record.get("isAllowedCustomOption") == Some(&true.into());
            }
            Part::Users => entry.email = filled("email").map(str::to_owned),
            Part::Pipelines => {
                let stages = record.get("stages").and_then(Value::as_array);
                let stages = stages.into_iter().flatten().filter_map(Value::as_object);
                entry.stages =
                    stages.filter_map(|stage| Entry::read(Part::Pipelines, stage)).collect();
            }
            Part::Calendars | Part::Workflows | Part::Campaigns | Part::Tags => {}
        }
        let otherwise = || entry.email.clone().or(entry.key.clone()).unwrap_or(entry.id.clone());
        entry.name = name.unwrap_or_else(otherwise);
        Some(entry)
    }

    /// A custom field of which nothing but its name can be seen: what it holds is a text.
    pub fn named(object: &str, name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            // The app knows it by its name too, as far as anybody can see.
            id: name.to_owned(),
            object: Some(object.to_owned()),
            kind: Some(FieldKind::Text),
            ..Entry::default()
        }
    }

    /// Whether people may mean it by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let own = [Some(&self.name), Some(&self.id), self.key.as_ref(), self.email.as_ref()];
        own.into_iter().flatten().any(|own| own == name)
    }
}

/// By the kind of record, then by name.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| (&a.object, &a.name, &a.id).cmp(&(&b.object, &b.name, &b.id)));
}

/// The options of a list: texts, or objects that hold one.
fn options_of(written: &Value) -> Vec<String> {
    let text = |option: &Value| match option {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => {
            let named = ["label", "name", "value", "key"].iter().find_map(|key| map.get(*key));
            named.and_then(Value::as_str).map(str::to_owned)
        }
        Value::Null | Value::Array(_) => None,
        other => Some(other.to_string()),
    };
    written.as_array().into_iter().flatten().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(part: Part, record: Value) -> Option<Entry> {
        Entry::read(part, record.as_object().unwrap())
    }

    #[test]
    fn what_is_kept_is_what_people_see() {
        let field = read(
            Part::CustomFields,
            json!({ "id": "f1", "fieldKey": "opportunity.plan", "dataType": "RADIO",
                "picklistOptions": ["Basic", { "label": "Pro" }, 3, null], "position": 2 }),
        )
        .unwrap();
        assert_eq!(field.name, "opportunity.plan", "without a name it has its key");
        assert_eq!(field.object.as_deref(), Some("opportunity"));
        assert_eq!(field.options, ["Basic", "Pro", "3"]);
        let user =
            read(Part::Users, json!({ "id": "u", "firstName": "Grace", "email": "g@x.org" }));
        assert_eq!(user.unwrap().name, "Grace");
        let stages = json!([{ "id": "s1", "name": "New" }, "odd", { "name": "without an id" }]);
        let pipeline =
            read(Part::Pipelines, json!({ "id": "p", "name": "Sales", "stages": stages }));
        assert_eq!(pipeline.unwrap().stages.len(), 1);
        assert_eq!(read(Part::Tags, json!({ "name": "vip" })), None);
    }
}
