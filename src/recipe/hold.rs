//! A question to a person.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A question to a person, alone or with the answers to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub text: String,
    /// Without them a person lets the run go on, or stops it.
    pub choices: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Hold { text, choices: None }),
            Value::Object(map) => {
                let choices = map.get("choices").and_then(Value::as_array);
                Ok(Hold {
                    text: text(map.get("text")),
                    choices: choices.map(|all| all.iter().map(|c| text(Some(c))).collect()),
                })
            }
            _ => Err(serde::de::Error::custom("expected a text, or `{ text: …, choices: […] }`")),
        }
    }
}

impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(choices) = &self.choices else { return self.text.serialize(serializer) };
        let mut map = Map::new();
        map.insert("text".into(), self.text.as_str().into());
        map.insert("choices".into(), choices.clone().into());
        map.serialize(serializer)
    }
}

impl JsonSchema for Hold {
    fn schema_name() -> Cow<'static, str> {
        "Hold".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A question to a person. Alone it can be answered with `Go on` or `Stop here`, which ends the run.",
            "type": ["string", "object"],
            "properties": {
                "text": { "type": "string", "description": "The question, with values in it if you like." },
                "choices": {
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "The answers to choose from; the one that was chosen is `steps.<id>.choice`."
                }
            },
            "required": ["text"],
            "additionalProperties": false
        })
    }
}
