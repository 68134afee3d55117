//! How long and how often a call is tried again.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// `off`, or how long and how often a call is tried again. What is left out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// A single word; only `off` means something.
    Word(String),
    Times {
        total: Option<String>,
        first: Option<String>,
        at_most: Option<String>,
    },
}

impl<'de> Deserialize<'de> for Retry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) => Ok(Retry::Word(word)),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
                Ok(Retry::Times {
                    total: text("for"),
                    first: text("first"),
                    at_most: text("at_most"),
                })
            }
            _ => Err(serde::de::Error::custom("expected `off` or `{ for: 24h }`")),
        }
    }
}

impl Serialize for Retry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Retry::Word(word) => word.serialize(serializer),
            Retry::Times { total, first, at_most } => {
                json!({ "for": total, "first": first, "at_most": at_most }).serialize(serializer)
            }
        }
    }
}

impl JsonSchema for Retry {
    fn schema_name() -> Cow<'static, str> {
        "Retry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How long and how often the call is tried again: `off`, or for how long, after how long first, and at most how long between two tries.",
            "type": ["string", "object"],
            "properties": {
                "for": { "type": "string", "description": "How long to go on trying, such as 24h." },
                "first": { "type": "string", "description": "How long to wait before the second try, such as 2s." },
                "at_most": { "type": "string", "description": "The longest wait between two tries, such as 15m." }
            },
            "additionalProperties": false
        })
    }
}
