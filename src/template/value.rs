//! Values on their way into a template and out of it again.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use serde_json::{Map, Number, Value};

use crate::value::Moment;

/// What a template gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Value(Value),
    /// Missing or null: the field is left out.
    Empty,
    /// `omit`: left out on purpose.
    Omit,
    /// `clear`: sent as null, which blanks the field.
    Clear,
}

impl Outcome {
    /// The value; null for everything that is not one.
    pub fn into_value(self) -> Value {
        match self {
            Outcome::Value(value) => value,
            _ => Value::Null,
        }
    }

    /// The value, or nothing.
    pub fn value(self) -> Option<Value> {
        match self {
            Outcome::Value(value) => Some(value),
            _ => None,
        }
    }
}

/// The two words that are neither text nor number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Omit,
    Clear,
}

impl Object for Marker {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match **self {
            Marker::Omit => "omit",
            Marker::Clear => "clear",
        })
    }
}

/// A point in time inside a template.
#[derive(Debug, Clone)]
pub(super) struct MomentValue(pub(super) Moment);

impl Object for MomentValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }

    fn custom_cmp(
        self: &Arc<Self>,
        other: &minijinja::value::DynObject,
    ) -> Option<std::cmp::Ordering> {
        let other = other.downcast_ref::<MomentValue>()?;
        Some(self.0.timestamp().cmp(&other.0.timestamp()))
    }
}

/// A JSON value as the template engine sees it.
pub(super) fn from_json(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(b) => minijinja::Value::from(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => minijinja::Value::from(n),
            (_, Some(n)) => minijinja::Value::from(n),
            _ => minijinja::Value::from(n.as_f64().unwrap_or_default()),
        },
        Value::String(s) => minijinja::Value::from(s.as_str()),
        Value::Array(items) => {
            minijinja::Value::from(items.iter().map(from_json).collect::<Vec<_>>())
        }
        Value::Object(map) => {
            minijinja::Value::from_pairs(map.iter().map(|(k, v)| (k.as_str(), from_json(v))))
        }
    }
}

/// The fields of an object as the template engine sees them: each is turned into a value of its own when
/// somebody asks for it, since most of an event or an answer is never read.
#[derive(Debug)]
struct Fields(Map<String, Value>);

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.0.get(key.as_str()?).map(from_json)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        // In the order of every other object.
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        Enumerator::Values(names.into_iter().map(minijinja::Value::from).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The same as [`from_json`], with fields that are read by need.
pub(super) fn by_need(value: Value) -> minijinja::Value {
    match value {
        Value::Object(fields) => minijinja::Value::from_object(Fields(fields)),
        other => from_json(&other),
    }
}

/// Missing or null.
pub(super) fn is_empty(value: &minijinja::Value) -> bool {
    value.is_undefined() || value.is_none()
}

/// What a template's result means. Empty entries of lists and objects are left out; `clear` inside
/// an object becomes null.
pub(super) fn to_json(value: &minijinja::Value) -> Outcome {
    if is_empty(value) {
        return Outcome::Empty;
    }
    if let Some(marker) = value.downcast_object_ref::<Marker>() {
        return match marker {
            Marker::Omit => Outcome::Omit,
            Marker::Clear => Outcome::Clear,
        };
    }
    if let Some(moment) = value.downcast_object_ref::<MomentValue>() {
        return Outcome::Value(moment.0.to_string().into());
    }
    Outcome::Value(match value.kind() {
        ValueKind::Bool => value.is_true().into(),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => Value::Array(
            value
                .try_iter()
                .map(|items| items.filter_map(|v| entry(&v)).collect())
                .unwrap_or_default(),
        ),
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter().into_iter().flatten() {
                let inner = value.get_item(&key).unwrap_or_default();
                if let Some(inner) = entry(&inner) {
                    map.insert(key.to_string(), inner);
                }
            }
            Value::Object(map)
        }
        _ => value.to_string().into(),
    })
}

fn entry(value: &minijinja::Value) -> Option<Value> {
    match to_json(value) {
        Outcome::Value(value) => Some(value),
        Outcome::Clear => Some(Value::Null),
        Outcome::Empty | Outcome::Omit => None,
    }
}

fn number(value: &minijinja::Value) -> Value {
    if value.is_integer() {
        if let Some(n) = value.as_i64() {
            return n.into();
        }
        if let Ok(n) = u64::try_from(value.clone()) {
            return n.into();
        }
    }
    let float = f64::try_from(value.clone()).unwrap_or_default();
    Number::from_f64(float).map_or(Value::Null, Value::Number)
}

/// A value inside a text: words as they are, everything else as JSON writes it.
pub(super) fn to_text(value: &minijinja::Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => match to_json(value) {
            Outcome::Value(Value::String(text)) => text,
            Outcome::Value(other) => other.to_string(),
            _ => String::new(),
        },
    }
}
