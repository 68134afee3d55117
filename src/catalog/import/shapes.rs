//! Fields from schemas: a schema comes in; a field as the catalog's sources write it goes out, and the
//! shared shapes it names are kept as types.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::description::Description;
use super::flat::{Flat, Flattening};
use super::names;
use crate::value::Kind;

/// How many schemas of one description are looked at.
const BUDGET: usize = 300_000;
/// How many shapes may lie inside each other; the innermost stays open.
const MAX_HEIGHT: usize = 12;
/// How deep lists and objects without a name may lie inside each other.
const MAX_DEPTH: usize = 10;
const SCHEMAS: &str = "#/components/schemas/";

/// The fields of one description, and the types that they share.
pub(super) struct Shapes<'a> {
    description: &'a Description,
    flattening: Flattening<'a>,
    /// By reference.
    shared: HashMap<&'a str, Shared>,
    /// The references that are being read, outermost first.
    open: Vec<&'a str>,
    names: HashSet<String>,
    pub types: BTreeMap<String, Value>,
}

/// What a reference to a shared schema is.
#[derive(Clone)]
enum Shared {
    /// A shape with a name of its own.
    Type { name: String, nullable: bool, open: bool, height: usize },
    /// A text, a list or the like: written out wherever it is used.
    Plain,
}

/// A field, and how many shapes lie inside each other in it.
struct Built {
    field: Map<String, Value>,
    height: usize,
}

impl<'a> Shapes<'a> {
    pub fn new(description: &'a Description) -> Shapes<'a> {
        Shapes {
            description,
            flattening: Flattening { description, budget: BUDGET },
            shared: HashMap::new(),
            open: Vec::new(),
            names: HashSet::new(),
            types: BTreeMap::new(),
        }
    }

    /// Whether something was left open because there was too much of it.
    pub fn is_exhausted(&self) -> bool {
        self.flattening.budget == 0
    }

    /// One field.
    pub fn field(&mut self, schema: &'a Value) -> Map<String, Value> {
        self.build(schema, 0).field
    }

    /// The fields of an object and whether others are taken too; `None` where the schema is of no object
    /// that says which fields it has.
    pub fn fields(&mut self, schema: &'a Value) -> Option<(Map<String, Value>, bool)> {
        let flat = self.flattening.flat(schema);
        let is_object = flat.likely_kind() == Kind::Object && !flat.properties.is_empty();
        is_object.then(|| (self.properties(&flat, 0).0, flat.open))
    }

    /// What a schema says at its top.
    pub fn flat(&mut self, schema: &'a Value) -> Flat<'a> {
        self.flattening.flat(schema)
    }

    fn build(&mut self, schema: &'a Value, depth: usize) -> Built {
        let (schema, nullable) = unwrapped(schema);
        let mut built = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.referred(reference, schema, depth),
            None => self.plain(schema, depth),
        };
        if nullable {
            built.field.insert("nullable".into(), true.into());
        }
        built
    }

    fn referred(&mut self, reference: &'a str, schema: &'a Value, depth: usize) -> Built {
        let is_shared = reference.strip_prefix(SCHEMAS).is_some_and(|name| !name.contains('/'));
        if !is_shared {
            return self.plain(schema, depth);
        }
        if let Some(position) = self.open.iter().position(|open| *open == reference) {
            // A shape may hold itself. One that leads back to an outer one stays open.
            let is_innermost = position + 1 == self.open.len();
            return match self.shared.get(reference) {
                Some(Shared::Type { name, .. }) if is_innermost => {
                    Built { field: typed(name), height: 0 }
                }
                Some(Shared::Type { .. }) => Built { field: typed("object"), height: 0 },
                _ => Built { field: typed("any"), height: 0 },
            };
        }
        if !self.shared.contains_key(reference) {
            self.read_shared(reference);
        }
        match self.shared.get(reference).cloned() {
            Some(Shared::Type { height, .. }) if height >= MAX_HEIGHT => {
                Built { field: typed("object"), height: 0 }
            }
            Some(Shared::Type { name, nullable, open, height }) => {
                let mut field = typed(&name);
                if nullable {
                    field.insert("nullable".into(), true.into());
                }
                if open {
                    field.insert("open".into(), true.into());
                }
                Built { field, height }
            }
            _ => self.plain(schema, depth),
        }
    }

    fn read_shared(&mut self, reference: &'a str) {
        let Some(target) = self.description.at(reference) else {
            self.shared.insert(reference, Shared::Plain);
            return;
        };
        let flat = self.flattening.flat(target);
        let is_shape = flat.likely_kind() == Kind::Object && !flat.properties.is_empty();
        // The stack has an end too.
        if !is_shape || self.open.len() >= 4 * MAX_HEIGHT {
            if !is_shape {
                self.shared.insert(reference, Shared::Plain);
            }
            return;
        }
        let wanted = names::type_name(reference.rsplit('/').next().unwrap_or_default());
        let name = names::unused(&wanted, "", &mut self.names);
        let (nullable, open) = (flat.nullable, flat.open);
        let shared = |height| Shared::Type { name: name.clone(), nullable, open, height };
        self.shared.insert(reference, shared(0));
        self.open.push(reference);
        let (fields, height) = self.properties(&flat, 0);
        self.open.pop();
        self.shared.insert(reference, shared(height + 1));
        self.types.insert(name.clone(), Value::Object(fields));
    }

    /// What has no name of its own.
    fn plain(&mut self, schema: &'a Value, depth: usize) -> Built {
        let flat = self.flattening.flat(schema);
        self.of_flat(&flat, depth)
    }

    fn of_flat(&mut self, flat: &Flat<'a>, depth: usize) -> Built {
        let mut height = 0;
        let kind = flat.likely_kind();
        let mut field = typed(kind_name(kind));
        if flat.nullable && kind != Kind::Any {
            field.insert("nullable".into(), true.into());
        }
        match kind {
            Kind::List => {
                let items = flat.items.clone();
                if depth < MAX_DEPTH && !items.is_empty() {
                    let mut of = self.one_of(&items, depth + 1);
                    // Some descriptions say of the list what they mean of its items.
                    if let Some(options) = flat.options.as_ref().and_then(|o| scalars(o, None)) {
                        of.field.entry("enum").or_insert(options.into());
                    }
                    height = of.height;
                    let is_open = of.field.len() == 1 && of.field["type"] == "any";
                    if !is_open {
                        field.insert("of".into(), Value::Object(of.field));
                    }
                }
            }
            Kind::Object => {
                if depth < MAX_DEPTH && !flat.properties.is_empty() {
                    let (fields, inner) = self.properties(flat, depth + 1);
                    height = inner;
                    field.insert("fields".into(), Value::Object(fields));
                    if flat.open {
                        field.insert("open".into(), true.into());
                    }
                }
            }
            _ => limits(&mut field, flat, kind),
        }
        Built { field, height }
    }

    fn one_of(&mut self, schemas: &[&'a Value], depth: usize) -> Built {
        match schemas {
            [only] => self.build(only, depth),
            several => {
                let flat = self.flattening.any_of(several);
                self.of_flat(&flat, depth)
            }
        }
    }

    fn properties(&mut self, flat: &Flat<'a>, depth: usize) -> (Map<String, Value>, usize) {
        let mut fields = Map::new();
        let mut height = 0;
        for (name, schemas) in &flat.properties {
            // `false` says that there is no such field.
            if schemas.iter().all(|schema| **schema == false) {
                continue;
            }
            let built = self.one_of(schemas, depth);
            height = height.max(built.height);
            let mut field = built.field;
            // What an answer tells only cannot be asked of a request.
            let is_told = schemas.iter().all(|schema| schema["readOnly"] == true);
            if flat.required.contains(name) && !is_told {
                field.insert("required".into(), true.into());
            }
            fields.insert((*name).to_owned(), Value::Object(field));
        }
        (fields, height)
    }
}

/// The schema inside of wrappings that add nothing to it but that it may be null.
fn unwrapped(mut schema: &Value) -> (&Value, bool) {
    let mut nullable = false;
    loop {
        nullable |= schema.get("nullable").is_some_and(|n| n == true);
        let bare = ["$ref", "properties", "items", "enum", "required", "additionalProperties"];
        if bare.iter().any(|key| schema.get(key).is_some()) {
            return (schema, nullable);
        }
        let mut wrapped = ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| schema.get(key));
        let (Some(Value::Array(parts)), None) = (wrapped.next(), wrapped.next()) else {
            return (schema, nullable);
        };
        let is_null = |part: &&Value| part.get("type").is_some_and(|kind| kind == "null");
        let (null, real): (Vec<&Value>, Vec<&Value>) = parts.iter().partition(is_null);
        let [only] = real[..] else { return (schema, nullable) };
        nullable |= !null.is_empty();
        schema = only;
    }
}

fn typed(name: &str) -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), Value::from(name))])
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "any",
        Kind::String | Kind::Moment => "string",
        Kind::Number => "number",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::List => "list",
        Kind::Object => "object",
    }
}

/// What else is said of a text, a number, true or false.
fn limits(field: &mut Map<String, Value>, flat: &Flat, kind: Kind) {
    if let Some(options) = flat.options.as_ref() {
        if options.iter().any(|option| option.is_null()) && kind != Kind::Any {
            field.insert("nullable".into(), true.into());
        }
        if let Some(options) = scalars(options, Some(kind)) {
            field.insert("enum".into(), options.into());
        }
    }
    if kind == Kind::String {
        if let Some(format) = flat.format.and_then(format_name) {
            field.insert("format".into(), format.into());
        }
        for (key, length) in [("min_length", flat.min_length), ("max_length", flat.max_length)] {
            if let Some(length) = length.filter(|length| u32::try_from(*length).is_ok()) {
                field.insert(key.into(), length.into());
            }
        }
        if let Some(pattern) = flat.pattern {
            field.insert("pattern".into(), pattern.into());
        }
    }
    if matches!(kind, Kind::Number | Kind::Integer) {
        for (key, number) in [("minimum", flat.minimum), ("maximum", flat.maximum)] {
            // A limit that a number cannot pass anyhow says nothing.
            let Some(number) = number.filter(|n| n.abs() < 9e15) else { continue };
            let whole = number.fract() == 0.0;
            let value = if whole { Value::from(number as i64) } else { Value::from(number) };
            field.insert(key.into(), value);
        }
    }
}

/// The values that are taken, each once; `None` where that says nothing, or where one of them does not fit.
fn scalars(options: &[&Value], kind: Option<Kind>) -> Option<Vec<Value>> {
    let mut out: Vec<Value> = Vec::new();
    for option in options.iter().filter(|option| !option.is_null()) {
        let fits = kind.is_none_or(|kind| Kind::of(option).fits(kind));
        if option.is_array() || option.is_object() || !fits {
            return None;
        }
        if !out.contains(option) {
            out.push((*option).clone());
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Our name of a format; `None` for one that says nothing about how a value is written.
fn format_name(format: &str) -> Option<&'static str> {
    match format {
        "date-time" => Some("date-time"),
        "date" => Some("date"),
        "email" => Some("email"),
        "uri" | "url" => Some("url"),
        "uuid" => Some("uuid"),
        _ => None,
    }
}
