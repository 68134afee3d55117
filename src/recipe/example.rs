//! An event to try a recipe with, and what should be sent.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::value::RecordKey;

/// An event, the world it meets, and what should happen: run by `linecook test`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name"]))]
pub struct Example {
    /// What it shows, in one line.
    pub name: String,
    /// Which event it is, where the recipe has several in `trigger.on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The event: a JSON file beside the recipe, or written out. The catalog's example without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<ExampleEvent>,
    /// Settings that differ from their defaults.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// What is already there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// The time it is, such as 2026-03-02T10:00:00Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// What should happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// A JSON file, or the event itself.
#[derive(Clone, Debug, PartialEq)]
pub enum ExampleEvent {
    File(String),
    Inline(Map<String, Value>),
}

/// What is already there when the event comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// Records by app and kind: `highlevel.contact: [{ id: …, email: … }]`. A task or note names its
    /// contact by `contactId`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub records: IndexMap<String, Vec<Map<String, Value>>>,
    /// Calls that the app does not answer as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// What a person answers, by the id of the `hold` step; without an answer the run is held. A step
    /// of a recipe in `use` is named `outer/inner`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub answers: IndexMap<String, String>,
    /// Links that are there, written as `link` writes them: `{ stax.customer: c1, highlevel.contact: k1 }`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Map<String, Value>>,
    /// How the record looked the last time, for `trigger.changed`: its fields; on first sight nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Map<String, Value>>,
}

/// A call that the app does not answer as it should.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["call"]))]
pub struct Failure {
    /// The operation.
    pub call: String,
    /// The status it answers with.
    #[schemars(range(min = 100, max = 599))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body it answers with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What happens instead of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Whether the app does what was asked, whatever it answers: true for a fault alone, false for a
    /// status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    /// How many times before all is well again; every time without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// What happens instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The connection breaks after the app has got the request.
    Disconnect,
    /// The answer never comes.
    Timeout,
    /// The answer is not JSON.
    Garbage,
}

/// What should happen.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The calls that change something, complete and in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<ExpectedCall>>,
    /// How the run ends: `done` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ExpectedOutcome>,
    /// The links that are there at the end, complete and in any order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<Map<String, Value>>>,
}

/// One call that should be made. Objects match partially, lists exactly.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["call"]))]
pub struct ExpectedCall {
    /// The operation.
    pub call: String,
    /// Fields that must be sent with these values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
    /// Fields that must not be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExpectedOutcome {
    /// Everything was done.
    Done,
    /// A condition or a `stop` ended it.
    Stopped,
    /// It waits for a person.
    Held,
    /// A step failed for good.
    Failed,
}

impl<'de> Deserialize<'de> for ExampleEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(file) => Ok(ExampleEvent::File(file)),
            Value::Object(event) => Ok(ExampleEvent::Inline(event)),
            _ => Err(serde::de::Error::custom("expected a file or an event")),
        }
    }
}

impl Serialize for ExampleEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ExampleEvent::File(file) => file.serialize(serializer),
            ExampleEvent::Inline(event) => event.serialize(serializer),
        }
    }
}

impl JsonSchema for ExampleEvent {
    fn schema_name() -> Cow<'static, str> {
        "ExampleEvent".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "object"] })
    }
}

/// `{ stax.customer: c1, highlevel.contact: k1, as: billing }` as its two records and its name; none when
/// it is not written so.
pub fn written_link(link: &Map<String, Value>) -> Option<([RecordKey; 2], String)> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let name = match link.get("as") {
        None => String::new(),
        Some(name) => text(name)?,
    };
    let mut records = link.iter().filter(|(kind, _)| *kind != "as");
    let mut record = || {
        let (kind, id) = records.next()?;
        Some(RecordKey::new(kind, text(id)?))
    };
    let both = [record()?, record()?];
    records.next().is_none().then_some((both, name))
}
