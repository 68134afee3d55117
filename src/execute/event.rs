//! One occurrence of an event.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::catalog::EventType;
use crate::template::{Scope, Template};
use crate::value::RecordKey;

/// One occurrence of an event type, with its payload.
#[derive(Clone, Debug)]
pub struct TriggerEvent {
    pub id: String,
    pub received_at: Timestamp,
    pub event: Arc<EventType>,
    pub payload: Map<String, Value>,
}

impl TriggerEvent {
    /// The record that it is about, then the one that this belongs to.
    pub fn records(&self) -> Vec<RecordKey> {
        let (event, payload) = (&self.event, &self.payload);
        event.record_of(payload).into_iter().chain(event.about_record_of(payload)).collect()
    }

    /// What templates see as `trigger`.
    pub fn facts(&self) -> Value {
        json!({
            "id": self.id,
            "received_at": self.received_at.to_string(),
            "app": self.event.app,
            "event": self.event.name(),
        })
    }
}

/// Whether the event's built-in condition holds for a payload; `None` when it has none.
pub fn condition_holds(event: &EventType, payload: &Map<String, Value>) -> Option<bool> {
    let when = Template::expression(event.when.as_deref()?).ok()?;
    let mut scope = Scope::new(Arc::default());
    scope.set_event(Value::Object(payload.clone()));
    Some(when.holds(&scope).unwrap_or(false))
}
