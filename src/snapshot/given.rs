//! What an example says is there: records under `given.records` come in; they go out as the app would give
//! them, with an id each, so that the check and the sandbox speak of the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Entry, Part, Snapshot};
use crate::catalog::{App, Catalog};

/// Whether a kind of record such as `highlevel.custom_field` is something that an account names by itself.
pub fn is_of_account(catalog: &Catalog, kind: &str) -> Option<Part> {
    let (app, word) = kind.split_once('.')?;
    let part = Part::ALL.into_iter().find(|part| part.picked().word() == word)?;
    catalog.app(app)?.pull.contains_key(part.word()).then_some(part)
}

/// A record as the app would give it: what a person leaves out is made up from its name.
pub fn given_record(part: Part, given: &Map<String, Value>) -> Map<String, Value> {
    let mut record = given.clone();
    let text = |record: &Map<String, Value>, name: &str| {
        record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let name = text(&record, "name");
    if text(&record, "id").is_empty() {
        let id = format!("{}-{}", part.picked().word(), slug(&name));
        record.insert("id".to_owned(), id.into());
    }
    if part == Part::CustomFields {
        for (ours, theirs) in [
            ("type", "dataType"),
            ("options", "picklistOptions"),
            ("key", "fieldKey"),
            ("object", "model"),
        ] {
            if let Some(value) = record.shift_remove(ours) {
                record.entry(theirs).or_insert(value);
            }
        }
        record.entry("model").or_insert("contact".into());
        record.entry("dataType").or_insert("TEXT".into());
        let key = format!("{}.{}", text(&record, "model"), slug(&name).replace('-', "_"));
        record.entry("fieldKey").or_insert(key.into());
    }
    if part == Part::Pipelines
        && let Some(Value::Array(stages)) = record.get_mut("stages")
    {
        for stage in stages {
            let written = stage.as_str().map(|name| json!({ "name": name }));
            let stage_name = written.as_ref().unwrap_or(stage)["name"].clone();
            let id = format!("stage-{}", slug(stage_name.as_str().unwrap_or_default()));
            if let Some(written) = written {
                *stage = written;
            }
            if let Some(stage) = stage.as_object_mut() {
                stage.entry("id").or_insert(id.into());
            }
        }
    }
    record
}

impl Snapshot {
    /// What examples say is there in the account of an app; `None` where they say nothing of that.
    pub fn of_given<'a>(
        app: &App,
        catalog: &Catalog,
        records: impl IntoIterator<Item = (&'a String, &'a Vec<Map<String, Value>>)>,
    ) -> Option<Snapshot> {
        let mut parts: BTreeMap<Part, Vec<Entry>> = BTreeMap::new();
        for (kind, records) in records {
            let of_app = kind.split_once('.').is_some_and(|(name, _)| name == app.app);
            let Some(part) = is_of_account(catalog, kind).filter(|_| of_app) else { continue };
            let entries = parts.entry(part).or_default();
            for record in records {
                let entry = Entry::read(part, &given_record(part, record));
                entries.extend(entry.filter(|entry| !entries.iter().any(|e| e.id == entry.id)));
            }
        }
        let day = jiff::civil::Date::default();
        (!parts.is_empty()).then(|| Snapshot::new(&app.app, None, day, parts))
    }

    /// This snapshot, with what examples say is there in front of it.
    pub fn with_given(&self, given: &Snapshot) -> Snapshot {
        let mut parts = self.parts.clone();
        for (part, entries) in &given.parts {
            let there = parts.entry(*part).or_default();
            there.retain(|old| {
                let other = |new: &Entry| new.id != old.id && new.name != old.name;
                entries.iter().all(other)
            });
            there.extend(entries.iter().cloned());
        }
        let mut all = Snapshot::new(&self.app, self.location_id.as_deref(), self.pulled_on, parts);
        all.gone.clone_from(&self.gone);
        all
    }
}

fn slug(name: &str) -> String {
    crate::value::text::slug(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_made_up_from_the_name() {
        let given = json!({ "name": "Size of shop", "type": "choice", "options": ["S", "L"] });
        let record = given_record(Part::CustomFields, given.as_object().unwrap());
        let made = json!({
            "name": "Size of shop", "id": "custom_field-size-of-shop", "dataType": "choice",
            "picklistOptions": ["S", "L"], "model": "contact", "fieldKey": "contact.size_of_shop",
        });
        assert_eq!(Value::Object(record), made);
        let given = json!({ "name": "Sales", "stages": ["New", { "id": "s2", "name": "Won" }] });
        let record = given_record(Part::Pipelines, given.as_object().unwrap());
        let stages = json!([{ "name": "New", "id": "stage-new" }, { "id": "s2", "name": "Won" }]);
        assert_eq!(record["stages"], stages);
        let catalog = Catalog::embedded();
        assert_eq!(is_of_account(catalog, "highlevel.workflow"), Some(Part::Workflows));
        assert_eq!(is_of_account(catalog, "highlevel.contact"), None);
        assert_eq!(is_of_account(catalog, "stax.user"), None);
    }
}
