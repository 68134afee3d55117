//! The JSON Schema of recipes, from the same types that read them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Recipe;
use crate::catalog::{Catalog, IndexEntry};
use crate::snapshot::Pick;

/// The shape alone, as the checker uses it: which keys there are and what kind of value each takes.
pub fn shape_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Recipe>().to_value();
    simplify_schema(&mut schema);
    schema
}

/// The shape and every name of the catalog, as editors use it to complete and explain.
pub fn editor_schema(catalog: &Catalog) -> Value {
    let mut schema = shape_schema();
    schema["$id"] = "urn:linecook:recipe".into();
    schema["title"] = "A linecook recipe".into();
    let mut events = names(catalog.event_entries(), |e| vec![e.id.as_str()]);
    let mut operations = names(catalog.operation_entries(), |e| vec![e.call.as_str()]);
    for (key, more) in names(catalog.operation_entries(), |e| {
        let aliases = e.aliases.iter().map(String::as_str);
        e.short.as_deref().into_iter().chain([e.id.as_str()]).chain(aliases).collect()
    }) {
        operations.entry(key).or_insert(more);
    }
    let definitions = &mut schema["$defs"];
    // They are many, and stand once.
    definitions["OperationName"] = json!({ "type": "string" });
    set_names(&mut definitions["OperationName"], &operations);
    for (holder, key) in [("Step", "call"), ("ExpectedCall", "call"), ("Failure", "call")] {
        definitions[holder]["properties"][key]["$ref"] = "#/$defs/OperationName".into();
    }
    set_names(&mut definitions["Example"]["properties"]["on"], &events);
    let picks = Pick::all(catalog).iter().map(|pick| Value::from(pick.name())).collect();
    definitions["Setting"]["properties"]["pick"]["enum"] = picks;
    let lists = |name: &String| catalog.operation(name).is_ok_and(|o| o.list.is_some());
    let kinds = catalog.kinds();
    for (holder, key) in [("Step", "link"), ("Step", "unlink")] {
        set_kinds(&mut definitions[holder]["properties"][key], &kinds);
    }
    for (holder, key) in [("Given", "links"), ("Expect", "links")] {
        set_kinds(&mut definitions[holder]["properties"][key]["items"], &kinds);
    }
    operations.retain(|name, _| lists(name));
    set_names(&mut definitions["Trigger"]["properties"]["list"], &operations);
    events.insert("schedule".into(), "At times that come again: `cron`".into());
    events.insert("poll".into(), "Asks an app for its records: `list` and `every`".into());
    let on = &mut definitions["Trigger"]["properties"]["on"];
    let mut item = json!({ "type": "string" });
    set_names(&mut item, &events);
    // A single event and a list of them complete alike.
    let description = on["description"].clone();
    *on = json!({
        "description": description,
        "anyOf": [item.clone(), { "type": "array", "items": item, "minItems": 1 }]
    });
    schema
}

fn names<'a>(
    entries: &'a [IndexEntry],
    names: impl Fn(&'a IndexEntry) -> Vec<&'a str>,
) -> Map<String, Value> {
    let mut found = Map::new();
    for entry in entries {
        let about = match entry.deprecated {
            true => format!("{} (deprecated)", entry.title),
            false => entry.title.clone(),
        };
        for name in names(entry) {
            found.entry(name.to_owned()).or_insert_with(|| about.clone().into());
        }
    }
    found
}

/// A link names two kinds of record, and perhaps what it is called.
fn set_kinds(schema: &mut Value, kinds: &[String]) {
    let id = json!({ "type": ["string", "number"] });
    let names = kinds.iter().map(|kind| (kind.clone(), id.clone()));
    let mut properties: Map<String, Value> = names.collect();
    properties.insert("as".into(), json!({ "type": "string" }));
    schema["properties"] = Value::Object(properties);
    schema["additionalProperties"] = false.into();
}

fn set_names(schema: &mut Value, names: &Map<String, Value>) {
    schema["enum"] = names.keys().map(|k| Value::from(k.as_str())).collect();
    schema["enumDescriptions"] = names.values().cloned().collect();
    schema["markdownEnumDescriptions"] = names.values().cloned().collect();
}

/// What people write is never null, and a choice of words is an `enum`: `oneOf` gives errors that
/// nobody can explain.
pub fn simplify_schema(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        if let Some(choices) = map.get("oneOf").and_then(Value::as_array).cloned()
            && choices.iter().all(|c| c.get("const").is_some() || c.get("enum").is_some())
        {
            map.remove("oneOf");
            let mut words = Vec::new();
            let mut about = Vec::new();
            for choice in &choices {
                let description = choice.get("description").cloned().unwrap_or("".into());
                let consts = choice.get("const").into_iter();
                for word in
                    consts.chain(choice.get("enum").and_then(Value::as_array).into_iter().flatten())
                {
                    words.push(word.clone());
                    about.push(description.clone());
                }
            }
            map.insert("type".into(), "string".into());
            map.insert("enum".into(), words.into());
            map.insert("enumDescriptions".into(), about.clone().into());
            map.insert("markdownEnumDescriptions".into(), about.into());
        }
        if let Some(choices) = map.get("anyOf").and_then(Value::as_array).cloned() {
            let rest: Vec<Value> = choices.into_iter().filter(|c| c["type"] != "null").collect();
            if let [Value::Object(only)] = &rest[..] {
                map.remove("anyOf");
                for (key, value) in only {
                    map.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        if let Some(Value::Array(types)) = map.get_mut("type") {
            types.retain(|t| t != "null");
            if let [only] = &types[..] {
                let only = only.clone();
                map.insert("type".into(), only);
            }
        }
        if map
            .get("default")
            .is_some_and(|d| d.is_null() || d == "" || d == &json!([]) || d == &json!({}))
        {
            map.remove("default");
        }
        // The keyword, and not a key of that name.
        if map.get("format").is_some_and(Value::is_string) {
            map.remove("format");
        }
        for inner in map.values_mut() {
            simplify_schema(inner);
        }
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(simplify_schema);
    }
}
