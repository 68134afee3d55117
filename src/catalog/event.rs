//! One thing an app tells us.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Field, Record};

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
    /// `stax.customer_created`
    pub fn name(&self) -> String {
        format!("{}.{}", self.app, self.id)
    }
}
