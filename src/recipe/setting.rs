//! What the person who installs a recipe fills in.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::value::Kind;

/// Something the person who installs the recipe fills in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Setting {
    /// What kind of value it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What the items of a list are: a type, or fields with their types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Shape>,
    /// The fields of an object with their types.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, Shape>,
    /// What is picked from the account, by its name or its id: highlevel.workflow, highlevel.user …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pick: Option<String>,
    /// The question to ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// The values it may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Value>,
    /// What it is when nobody fills it in. Without a default it has to be filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// A type by its name, or an object by its fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Kind(Kind),
    Fields(IndexMap<String, Shape>),
    /// `{ type: list, of: string }`
    List(Box<Shape>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_value(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn is_kind(word: &str) -> bool {
    serde_json::from_value::<Kind>(word.into()).is_ok()
}

fn from_value(value: Value) -> Result<Shape, String> {
    match value {
        // `{ type: list, of: … }` spells a type out; any other mapping names fields.
        Value::Object(mut map)
            if map.get("type").and_then(Value::as_str).is_some_and(is_kind)
                && map.keys().all(|key| matches!(key.as_str(), "type" | "of" | "fields")) =>
        {
            match (map.remove("of"), map.remove("fields")) {
                (Some(of), _) => Ok(Shape::List(Box::new(from_value(of)?))),
                (None, Some(fields)) => from_value(fields),
                (None, None) => from_value(map.remove("type").unwrap_or_default()),
            }
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(name, shape)| Ok((name, from_value(shape)?)))
            .collect::<Result<_, String>>()
            .map(Shape::Fields),
        other => serde_json::from_value(other).map(Shape::Kind).map_err(|e| e.to_string()),
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shape::Kind(kind) => kind.serialize(serializer),
            Shape::Fields(fields) => fields.serialize(serializer),
            Shape::List(of) => {
                serde_json::json!({ "type": "list", "of": of }).serialize(serializer)
            }
        }
    }
}

impl JsonSchema for Shape {
    fn schema_name() -> Cow<'static, str> {
        "Shape".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Shape>();
        let words = ["string", "number", "integer", "boolean", "list", "object", "any"];
        json_schema!({
            "description": "A type (string, number, integer, boolean, list, object, any), or fields with their types.",
            "type": ["string", "object"],
            "if": { "type": "string" },
            "then": { "enum": words },
            "additionalProperties": inner
        })
    }
}
