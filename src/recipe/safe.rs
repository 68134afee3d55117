//! How carefully a step changes a record.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// `true`, `fill`, or `false` as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    Off,
    /// Send what differs.
    Differs,
    /// Send what is empty in the record.
    Fill,
}

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(true) => Ok(Patch::Differs),
            Value::Bool(false) => Ok(Patch::Off),
            Value::String(word) if word == "fill" => Ok(Patch::Fill),
            _ => Err(serde::de::Error::custom("expected `true` or `fill`")),
        }
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Patch::Off => serializer.serialize_bool(false),
            Patch::Differs => serializer.serialize_bool(true),
            Patch::Fill => serializer.serialize_str("fill"),
        }
    }
}

impl JsonSchema for Patch {
    fn schema_name() -> Cow<'static, str> {
        "Patch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`true` sends only the fields that differ, `fill` only those that are empty in the record.",
            "enum": json!([true, false, "fill"]),
        })
    }
}

/// What happens to the custom fields that a patch does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CustomFieldsWord {
    /// They stay.
    #[default]
    Merge,
    /// They go.
    Replace,
}

/// What to do when the record was changed by somebody else meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Compare with the record as it is now, and write what then differs.
    #[default]
    Retry,
    /// Leave the record alone and go on.
    Skip,
    /// End the run.
    Stop,
    /// Ask a person.
    Hold,
}
