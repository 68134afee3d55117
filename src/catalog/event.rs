//! One thing an app tells us.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Field, Format, Operation, Presence, Record};
use crate::value::{Kind, RecordKey};

/// One thing an app tells us, with everything that is known of it. Source: `schemas/catalog/`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    pub app: String,
    /// In the past tense: `customer_created`.
    pub id: String,
    pub title: String,
    /// What the app itself calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    /// What a marketplace app must be allowed to be told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The app's documents are silent about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope_inferred: bool,
    /// A built-in condition: an expression over `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// The record that the one it is about belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about_record: Option<Record>,
    /// Always an object; without fields where nothing is known.
    #[serde(default)]
    pub payload: Field,
    #[serde(default)]
    pub source: PayloadSource,
    /// The operation that reads the record again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_again: Option<String>,
    /// The operation that lists such records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The field of a listed record with the time by which such ones are told apart from older ones:
    /// with it the list can stand in for a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_time: Option<String>,
    /// For an event that the app does not send itself: the one that comes nearest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    #[serde(default)]
    pub example: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How well a payload is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadSource {
    Documented,
    /// The app names no payload; it most likely sends the record.
    Assumed,
    /// Nothing is known of it.
    #[default]
    Unknown,
}

impl EventType {
    /// `linecook.schedule`: it is time. The payload says which time it is, and which was the one before.
    pub fn schedule() -> EventType {
        let moment = |presence, about: &str| Field {
            kind: Kind::String,
            format: Some(Format::DateTime),
            presence,
            nullable: presence == Presence::Sometimes,
            about: about.to_owned(),
            ..Field::default()
        };
        let fields = IndexMap::from_iter([
            ("scheduled_at".to_owned(), moment(Presence::Always, "The time that has come")),
            (
                "previous_at".to_owned(),
                moment(Presence::Sometimes, "The time before; empty at first"),
            ),
        ]);
        EventType {
            payload: Field::object(Arc::new(fields)),
            source: PayloadSource::Documented,
            example: json!({
                "scheduled_at": "2026-03-02T09:00:00Z", "previous_at": "2026-02-23T09:00:00Z"
            }),
            ..EventType::made("linecook", "schedule", "It is time")
        }
    }

    /// `stax.poll`: an app was asked, and a record is in its answer. It belongs to the app that is
    /// asked, so that its records are the same ones that webhooks speak of. `None` for an operation
    /// that gives no list of records.
    pub fn polled(operation: &Operation) -> Option<EventType> {
        let list = operation.list.as_ref()?;
        let record = operation.record.as_ref().map(|record| Record {
            kind: record.kind.clone(),
            app: None,
            id: Some("id".to_owned()),
            parent: None,
            at: None,
        });
        let example =
            list.read_items(&operation.example.response).first().map(|item| (*item).clone());
        Some(EventType {
            record,
            payload: list.of.clone(),
            source: PayloadSource::Documented,
            example: example.unwrap_or_default(),
            ..EventType::made(&operation.app, "poll", &operation.title)
        })
    }

    fn made(app: &str, id: &str, title: &str) -> EventType {
        EventType {
            app: app.to_owned(),
            id: id.to_owned(),
            title: title.to_owned(),
            wire: None,
            scope: None,
            scope_inferred: false,
            when: None,
            record: None,
            about_record: None,
            payload: Field::default(),
            source: PayloadSource::Unknown,
            read_again: None,
            list: None,
            list_time: None,
            nearest: None,
            example: Value::Null,
            notes: Vec::new(),
        }
    }

    /// The record that a payload is about.
    pub fn record_of(&self, payload: &Map<String, Value>) -> Option<RecordKey> {
        self.key_of(self.record.as_ref()?, payload)
    }

    /// The record that the one it is about belongs to: of a payment the customer who pays.
    pub fn about_record_of(&self, payload: &Map<String, Value>) -> Option<RecordKey> {
        self.key_of(self.about_record.as_ref()?, payload)
    }

    fn key_of(&self, record: &Record, payload: &Map<String, Value>) -> Option<RecordKey> {
        let mut parts = record.id.as_deref()?.split('.');
        let first = payload.get(parts.next()?)?;
        let id = match parts.try_fold(first, |value, part| value.get(part))? {
            Value::String(id) if !id.is_empty() => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return None,
        };
        Some(RecordKey::new(record.full_kind(&self.app), id))
    }

    /// `stax.customer_created`
    pub fn name(&self) -> String {
        format!("{}.{}", self.app, self.id)
    }
}
