//! A schema with everything that it is put together from in one place: references, `allOf`, `oneOf` and
//! `anyOf` come in; one set of facts goes out.

use indexmap::IndexMap;
use serde_json::Value;

use super::description::Description;
use crate::value::Kind;

/// How deep schemas may be put together from schemas.
const MAX_DEPTH: usize = 24;

/// What a schema says, without what its parts say of their own parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Flat<'a> {
    /// `None` where nothing is said; `Any` where several kinds are taken.
    pub kind: Option<Kind>,
    pub nullable: bool,
    /// Each property, with every schema that it has in one of the alternatives.
    pub properties: IndexMap<&'a str, Vec<&'a Value>>,
    pub required: Vec<&'a str>,
    /// What the items of a list are, in each of the alternatives.
    pub items: Vec<&'a Value>,
    /// Other properties are taken too.
    pub open: bool,
    /// The values that are taken, where they are counted.
    pub options: Option<Vec<&'a Value>>,
    pub format: Option<&'a str>,
    pub pattern: Option<&'a str>,
    pub max_length: Option<u64>,
    pub min_length: Option<u64>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
}

/// Puts schemas together, with an end to how much.
pub(super) struct Flattening<'a> {
    pub description: &'a Description,
    /// How many schemas may still be looked at: a small document can describe a huge one.
    pub budget: usize,
}

impl<'a> Flattening<'a> {
    /// One schema.
    pub fn flat(&mut self, schema: &'a Value) -> Flat<'a> {
        self.flat_at(schema, 0)
    }

    /// One of several schemas, whichever.
    pub fn any_of(&mut self, schemas: &[&'a Value]) -> Flat<'a> {
        self.any_of_at(schemas, 0)
    }

    fn any_of_at(&mut self, schemas: &[&'a Value], depth: usize) -> Flat<'a> {
        let mut out: Option<Flat<'a>> = None;
        let mut nullable = false;
        for schema in schemas {
            if is_null(schema) {
                nullable = true;
                continue;
            }
            let flat = self.flat_at(schema, depth);
            out = Some(match out {
                None => flat,
                Some(so_far) => either(so_far, flat),
            });
        }
        let mut out = out.unwrap_or_default();
        out.nullable |= nullable;
        out
    }

    fn flat_at(&mut self, schema: &'a Value, depth: usize) -> Flat<'a> {
        if depth > MAX_DEPTH || self.budget == 0 {
            return Flat::default();
        }
        self.budget -= 1;
        let mut flat = own(schema);
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
            && let Some(target) = self.description.at(reference)
        {
            let target = self.flat_at(target, depth + 1);
            flat = both(target, flat);
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let part = self.flat_at(part, depth + 1);
            flat = both(part, flat);
        }
        for key in ["oneOf", "anyOf"] {
            let Some(parts) = schema.get(key).and_then(Value::as_array) else { continue };
            let parts: Vec<&Value> = parts.iter().collect();
            if !parts.is_empty() {
                let parts = self.any_of_at(&parts, depth + 1);
                flat = both(parts, flat);
            }
        }
        flat
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

/// What a schema says itself.
fn own(schema: &Value) -> Flat<'_> {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let length = |key: &str| schema.get(key).and_then(Value::as_u64);
    let number = |key: &str| schema.get(key).and_then(Value::as_f64).filter(|n| n.is_finite());
    let mut flat = Flat {
        nullable: schema.get("nullable").is_some_and(|n| n == true),
        format: text("format"),
        pattern: text("pattern"),
        max_length: length("maxLength"),
        min_length: length("minLength"),
        minimum: number("minimum"),
        maximum: number("maximum"),
        ..Flat::default()
    };
    match schema.get("type") {
        Some(Value::String(name)) if name == "null" => flat.nullable = true,
        Some(Value::String(name)) => flat.kind = Some(kind(name)),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            let (null, kinds): (Vec<&str>, Vec<&str>) = names.partition(|name| *name == "null");
            flat.nullable |= !null.is_empty();
            flat.kind = match &kinds[..] {
                [] => None,
                [only] => Some(kind(only)),
                ["integer", "number"] | ["number", "integer"] => Some(Kind::Number),
                _ => Some(Kind::Any),
            };
        }
        _ => {}
    }
    for (name, property) in
        schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        flat.properties.insert(name, vec![property]);
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    flat.required = required.filter_map(Value::as_str).collect();
    match schema.get("items") {
        // One schema for each place: a list of any of them.
        Some(Value::Array(places)) => flat.items = places.iter().collect(),
        Some(items) => flat.items = vec![items],
        None => {}
    }
    if let Some(places) = schema.get("prefixItems").and_then(Value::as_array) {
        flat.items.extend(places);
    }
    flat.open = match schema.get("additionalProperties") {
        None | Some(Value::Bool(false)) => schema.get("patternProperties").is_some(),
        Some(_) => true,
    };
    let options = schema.get("enum").and_then(Value::as_array).map(|all| all.iter().collect());
    flat.options = options.or_else(|| schema.get("const").map(|only| vec![only]));
    flat
}

fn kind(name: &str) -> Kind {
    match name {
        "string" => Kind::String,
        "number" => Kind::Number,
        "integer" => Kind::Integer,
        "boolean" => Kind::Boolean,
        "array" => Kind::List,
        "object" => Kind::Object,
        _ => Kind::Any,
    }
}

/// What holds when both hold; what the second says counts more.
fn both<'a>(first: Flat<'a>, second: Flat<'a>) -> Flat<'a> {
    let kind = match (first.kind, second.kind) {
        (Some(Kind::Any) | None, other) | (other, Some(Kind::Any) | None) => other.or(first.kind),
        (_, second) => second,
    };
    let mut properties = first.properties;
    for (name, schemas) in second.properties {
        properties.insert(name, schemas);
    }
    let mut required = first.required;
    required.extend(second.required);
    Flat {
        kind,
        nullable: first.nullable || second.nullable,
        properties,
        required,
        items: if second.items.is_empty() { first.items } else { second.items },
        open: first.open || second.open,
        options: second.options.or(first.options),
        format: second.format.or(first.format),
        pattern: second.pattern.or(first.pattern),
        max_length: second.max_length.or(first.max_length),
        min_length: second.min_length.or(first.min_length),
        minimum: second.minimum.or(first.minimum),
        maximum: second.maximum.or(first.maximum),
    }
}

/// What holds when one of two holds: what both have in common, and every property of either.
fn either<'a>(first: Flat<'a>, second: Flat<'a>) -> Flat<'a> {
    let (one, other) = (first.likely_kind(), second.likely_kind());
    let kind = match (one, other) {
        (one, other) if one == other => one,
        (Kind::Integer, Kind::Number) | (Kind::Number, Kind::Integer) => Kind::Number,
        _ => Kind::Any,
    };
    let mut properties = first.properties;
    for (name, schemas) in second.properties {
        let there = properties.entry(name).or_default();
        for schema in schemas {
            if !there.contains(&schema) {
                there.push(schema);
            }
        }
    }
    let mut required = first.required;
    required.retain(|name| second.required.contains(name));
    let mut items = first.items;
    for item in second.items {
        if !items.contains(&item) {
            items.push(item);
        }
    }
    let options = match (first.options, second.options) {
        (Some(mut all), Some(more)) => {
            all.extend(more);
            Some(all)
        }
        _ => None,
    };
    let wider =
        |one: Option<u64>, other: Option<u64>, pick: fn(u64, u64) -> u64| Some(pick(one?, other?));
    let further =
        |one: Option<f64>, other: Option<f64>, pick: fn(f64, f64) -> f64| Some(pick(one?, other?));
    Flat {
        kind: Some(kind),
        nullable: first.nullable || second.nullable,
        properties,
        required,
        items,
        open: first.open || second.open,
        options,
        format: first.format.filter(|format| second.format == Some(format)),
        pattern: first.pattern.filter(|pattern| second.pattern == Some(pattern)),
        max_length: wider(first.max_length, second.max_length, u64::max),
        min_length: wider(first.min_length, second.min_length, u64::min),
        minimum: further(first.minimum, second.minimum, f64::min),
        maximum: further(first.maximum, second.maximum, f64::max),
    }
}

impl Flat<'_> {
    /// The kind that is said, or that everything else speaks for.
    pub fn likely_kind(&self) -> Kind {
        if let Some(kind) = self.kind {
            return kind;
        }
        if !self.properties.is_empty() {
            return Kind::Object;
        }
        if !self.items.is_empty() {
            return Kind::List;
        }
        let mut options = self.options.iter().flatten().filter(|option| !option.is_null());
        match options.next() {
            Some(first) if options.all(|other| Kind::of(other) == Kind::of(first)) => {
                Kind::of(first)
            }
            _ => Kind::Any,
        }
    }
}
