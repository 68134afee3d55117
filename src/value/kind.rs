//! The kinds of value that the language knows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a value is. `Moment` exists in templates only; on the wire it is a text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Any,
    String,
    Number,
    Integer,
    Boolean,
    List,
    Object,
    #[serde(skip)]
    #[schemars(skip)]
    Moment,
}

impl Kind {
    /// What a JSON value is; `Any` for null.
    pub fn of(value: &Value) -> Kind {
        match value {
            Value::Null => Kind::Any,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(n) if n.is_f64() => Kind::Number,
            Value::Number(_) => Kind::Integer,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::List,
            Value::Object(_) => Kind::Object,
        }
    }

    /// Whether a value of this kind can stand where `wanted` is expected.
    pub fn fits(self, wanted: Kind) -> bool {
        matches!(
            (self, wanted),
            (Kind::Any, _)
                | (_, Kind::Any)
                | (Kind::Integer, Kind::Number)
                | (Kind::Moment, Kind::String)
        ) || self == wanted
    }

    /// As a person says it: `a text`, `a whole number`.
    pub fn in_words(self) -> &'static str {
        match self {
            Kind::Any => "anything",
            Kind::String => "a text",
            Kind::Number => "a number",
            Kind::Integer => "a whole number",
            Kind::Boolean => "true or false",
            Kind::List => "a list",
            Kind::Object => "an object with fields",
            Kind::Moment => "a date and time",
        }
    }
}
