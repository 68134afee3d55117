//! Small types for places where people may write one thing or another.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// One text or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OneOrMore(pub Vec<String>);

/// An expression without braces, or simply true or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BareExpression(pub String);

/// An expression that gives a list, or a list written out.
#[derive(Clone, Debug, PartialEq)]
pub enum ForEach {
    Expression(String),
    List(Vec<Value>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(one) => Ok(OneOrMore(vec![one])),
            Value::Array(items) => Ok(OneOrMore(
                items.into_iter().filter_map(|i| i.as_str().map(str::to_owned)).collect(),
            )),
            _ => Err(serde::de::Error::custom("expected a text or a list of texts")),
        }
    }
}

impl Serialize for OneOrMore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BareExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(BareExpression(text)),
            Value::Bool(b) => Ok(BareExpression(b.to_string())),
            _ => Err(serde::de::Error::custom("expected an expression")),
        }
    }
}

impl Serialize for BareExpression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ForEach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(ForEach::Expression(text)),
            Value::Array(items) => Ok(ForEach::List(items)),
            _ => Err(serde::de::Error::custom("expected an expression or a list")),
        }
    }
}

impl Serialize for ForEach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ForEach::Expression(text) => text.serialize(serializer),
            ForEach::List(items) => items.serialize(serializer),
        }
    }
}

impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

impl JsonSchema for BareExpression {
    fn schema_name() -> Cow<'static, str> {
        "BareExpression".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean"] })
    }
}

impl JsonSchema for ForEach {
    fn schema_name() -> Cow<'static, str> {
        "ForEach".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"] })
    }
}
