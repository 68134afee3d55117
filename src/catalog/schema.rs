//! Fields as JSON Schema (draft 2020-12), for `catalog show --format json` and for other tools.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{Field, Format, Operation};
use crate::value::Kind;

/// The JSON Schema of a request's body; `None` when there is no body.
pub fn request_schema(operation: &Operation) -> Option<Value> {
    if let Some(item) = &operation.body_list {
        return Some(json!({ "type": "array", "items": of_field(item) }));
    }
    if operation.body_unknown {
        return Some(json!({ "type": "object" }));
    }
    let body = operation.body.as_ref()?;
    let mut schema = of_fields(body);
    if !operation.one_of.is_empty() {
        let choices = operation.one_of.iter().map(|name| json!({ "required": [name] }));
        schema["anyOf"] = choices.collect();
    }
    Some(schema)
}

/// The JSON Schema of an answer; `true` (anything) where it is not documented.
pub fn response_schema(operation: &Operation) -> Value {
    match &operation.response {
        Some(field) => open(of_field(field)),
        None => Value::Bool(true),
    }
}

fn of_fields(fields: &IndexMap<String, Field>) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, field)| (name.clone(), of_field(field))).collect();
    let required: Vec<&String> =
        fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name).collect();
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn of_field(field: &Field) -> Value {
    let mut schema = match (field.kind, &field.fields) {
        (Kind::Object, Some(fields)) => {
            let mut schema = of_fields(fields);
            if field.open {
                schema["additionalProperties"] = true.into();
            }
            schema
        }
        (Kind::Any, _) => json!({}),
        (kind, _) => json!({ "type": type_name(kind) }),
    };
    if let Some(of) = &field.of {
        schema["items"] = of_field(of);
    }
    if !field.about.is_empty() {
        schema["description"] = field.about.as_str().into();
    }
    if !field.options.is_empty() {
        schema["enum"] = field.options.clone().into();
    }
    if let Some(name) = field.format.and_then(format_name) {
        schema["format"] = name.into();
    }
    for (key, limit) in [("maxLength", field.max_length), ("minLength", field.min_length)] {
        if let Some(limit) = limit {
            schema[key] = limit.into();
        }
    }
    for (key, limit) in [("minimum", field.minimum), ("maximum", field.maximum)] {
        if let Some(limit) = limit {
            schema[key] = limit.into();
        }
    }
    if let Some(pattern) = &field.pattern {
        schema["pattern"] = pattern.as_str().into();
    }
    if field.nullable && field.kind != Kind::Any {
        schema["type"] = json!([type_name(field.kind), "null"]);
        if let Some(options) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            options.push(Value::Null);
        }
    }
    schema
}

/// An app may always send more than it documents, and leave out what it likes.
fn open(mut schema: Value) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.remove("additionalProperties");
        map.remove("required");
        for inner in map
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(|p| p.values_mut())
        {
            *inner = open(inner.take());
        }
        if let Some(items) = map.get_mut("items") {
            *items = open(items.take());
        }
    }
    schema
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::Object => "object",
        Kind::String | Kind::Moment => "string",
        Kind::Number => "number",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::List => "array",
    }
}

/// Our formats that JSON Schema knows too.
fn format_name(format: Format) -> Option<&'static str> {
    match format {
        Format::Email => Some("email"),
        Format::DateTime => Some("date-time"),
        Format::Date => Some("date"),
        Format::Url => Some("uri"),
        Format::Uuid => Some("uuid"),
        _ => None,
    }
}
