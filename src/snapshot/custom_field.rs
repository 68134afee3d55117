//! Custom fields: a name that people see comes in; the field with its id and its form goes out, or why
//! nobody has it.

use serde::{Deserialize, Serialize};

use super::{Entry, Gone, Part, Snapshot};
use crate::catalog::{Field, Format};
use crate::diagnostic::nearest;
use crate::value::Kind;

/// What a custom field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    #[default]
    Text,
    LargeText,
    Number,
    Money,
    Phone,
    Email,
    Date,
    /// One of its options.
    Choice,
    /// Some of its options.
    Choices,
    /// Files, lists of texts, and what a later version of the app knows.
    Other,
}

impl FieldKind {
    /// From the app's own word, or from one that a person writes in an example.
    pub(super) fn read(word: &str) -> FieldKind {
        match word.to_uppercase().replace(['-', ' '], "_").as_str() {
            "TEXT" | "STRING" => FieldKind::Text,
            "LARGE_TEXT" => FieldKind::LargeText,
            "NUMERICAL" | "NUMBER" | "FLOAT" => FieldKind::Number,
            "MONETORY" | "MONETARY" | "MONEY" => FieldKind::Money,
            "PHONE" => FieldKind::Phone,
            "EMAIL" => FieldKind::Email,
            "DATE" => FieldKind::Date,
            "SINGLE_OPTIONS" | "RADIO" | "CHOICE" => FieldKind::Choice,
            "MULTIPLE_OPTIONS" | "CHECKBOX" | "CHOICES" => FieldKind::Choices,
            _ => FieldKind::Other,
        }
    }
}

/// Why a snapshot has no custom field of a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Unknown<'a> {
    /// It is called otherwise now.
    Renamed(&'a Entry),
    /// The account does not have it any more.
    Gone(&'a Gone),
    /// Several have that name; their keys.
    Several(Vec<String>),
    /// Custom fields could not be read when somebody looked last.
    NotRead,
    /// Nothing has that name; the nearest that has, and what there is.
    Nothing { near: Option<String>, known: Vec<String> },
}

impl Snapshot {
    /// The custom fields of a kind of record.
    pub fn custom_fields<'a>(&'a self, object: &str) -> impl Iterator<Item = &'a Entry> {
        let fields = self.part(Part::CustomFields).unwrap_or_default();
        fields.iter().filter(move |field| field.object.as_deref() == Some(object))
    }

    /// The custom field that people mean by a name: its name, else its key or its id.
    pub fn custom_field(&self, object: &str, name: &str) -> Result<&Entry, Unknown<'_>> {
        if self.part(Part::CustomFields).is_none() {
            return Err(Unknown::NotRead);
        }
        let named: Vec<&Entry> = self.custom_fields(object).filter(|f| f.name == name).collect();
        match named[..] {
            [field] => return Ok(field),
            [] => {}
            _ => return Err(Unknown::Several(named.into_iter().map(key_or_id).collect())),
        }
        if let Some(field) = self.custom_fields(object).find(|field| field.is_called(name)) {
            return Ok(field);
        }
        let was = |field: &&Entry| field.former_names.iter().any(|former| former == name);
        if let Some(field) = self.custom_fields(object).find(was) {
            return Err(Unknown::Renamed(field));
        }
        if let Some(gone) = self.gone(Part::CustomFields, name) {
            return Err(Unknown::Gone(gone));
        }
        let readable = self.readable_fields(object).into_iter();
        let known: Vec<String> = readable.map(|(name, _)| name).collect();
        Err(Unknown::Nothing { near: nearest(name, known.iter().map(String::as_str)), known })
    }

    /// The custom fields of a kind of record with the names by which templates read them: the name people
    /// see, or the key where several have the same.
    pub fn readable_fields(&self, object: &str) -> Vec<(String, &Entry)> {
        let fields: Vec<&Entry> = self.custom_fields(object).collect();
        let shared = |name: &str| fields.iter().filter(|field| field.name == name).nth(1).is_some();
        let named = fields.iter().map(|field| match shared(&field.name) {
            true => (key_or_id(field), *field),
            false => (field.name.clone(), *field),
        });
        named.collect()
    }
}

fn key_or_id(field: &Entry) -> String {
    field.key.clone().unwrap_or_else(|| field.id.clone())
}

impl Entry {
    /// A custom field as the catalog would write it. It can be blanked.
    pub fn field(&self) -> Field {
        let mut field = Field { nullable: true, about: String::new(), ..Field::default() };
        let options = match self.other_options {
            true => Vec::new(),
            false => self.options.iter().map(|option| option.as_str().into()).collect(),
        };
        (field.kind, field.format) = match self.kind.unwrap_or_default() {
            FieldKind::Text | FieldKind::LargeText => (Kind::String, None),
            FieldKind::Number | FieldKind::Money => (Kind::Number, None),
            FieldKind::Phone => (Kind::String, Some(Format::PhoneE164)),
            FieldKind::Email => (Kind::String, Some(Format::Email)),
            FieldKind::Date => (Kind::String, Some(Format::Date)),
            FieldKind::Choice => {
                field.options = options;
                (Kind::String, None)
            }
            FieldKind::Choices => {
                let of = Field { kind: Kind::String, options, ..Field::default() };
                field.of = Some(of.into());
                (Kind::List, None)
            }
            FieldKind::Other => (Kind::Any, None),
        };
        field
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn snapshot(fields: serde_json::Value) -> Snapshot {
        let fields = fields
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|field| Entry::read(Part::CustomFields, field.as_object().unwrap()));
        let parts = BTreeMap::from([(Part::CustomFields, fields.collect())]);
        Snapshot::new("highlevel", None, "2026-03-02".parse().unwrap(), parts)
    }

    #[test]
    fn a_field_is_found_by_its_name_its_key_and_its_id() {
        let snapshot = snapshot(json!([
            { "id": "f1", "name": "Plan", "fieldKey": "contact.plan" },
            { "id": "f2", "name": "Twin", "fieldKey": "contact.twin" },
            { "id": "f3", "name": "Twin", "fieldKey": "contact.twin_2" },
            { "id": "f4", "name": "Budget", "fieldKey": "opportunity.budget" },
        ]));
        let id = |name: &str| snapshot.custom_field("contact", name).map(|f| f.id.as_str());
        for name in ["Plan", "contact.plan", "f1"] {
            assert_eq!(id(name), Ok("f1"), "{name}");
        }
        assert_eq!(id("contact.twin_2"), Ok("f3"));
        let keys = vec!["contact.twin".to_owned(), "contact.twin_2".to_owned()];
        assert_eq!(id("Twin"), Err(Unknown::Several(keys)));
        assert!(
            matches!(id("plan"), Err(Unknown::Nothing { near: Some(near), .. }) if near == "Plan")
        );
        assert!(matches!(id("Budget"), Err(Unknown::Nothing { near: None, .. })));
        let readable = snapshot.readable_fields("contact");
        let names: Vec<&str> = readable.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Plan", "contact.twin", "contact.twin_2"]);
    }

    #[test]
    fn every_kind_has_a_form() {
        for (word, kind) in [
            ("TEXT", Kind::String),
            ("NUMERICAL", Kind::Number),
            ("SINGLE_OPTIONS", Kind::String),
            ("CHECKBOX", Kind::List),
            ("FILE_UPLOAD", Kind::Any),
            ("money", Kind::Number),
            ("large text", Kind::String),
        ] {
            let wire = json!({ "id": "f", "name": "F", "type": word, "options": ["a"] });
            let entry = Entry::read(Part::CustomFields, wire.as_object().unwrap()).unwrap();
            assert_eq!(entry.field().kind, kind, "{word}");
        }
    }
}
