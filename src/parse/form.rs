//! A JSON Schema and a value → where the value has another form.
//!
//! Not a validator for every schema: it knows the few keywords that the schemas of our own types are made of,
//! which a test holds it to. A general one is two megabytes of program, and takes longer to get ready than
//! a recipe takes to be checked.

use serde_json::{Map, Value};

use crate::source::Route;

/// One place that has another form.
pub struct Problem {
    pub route: Route,
    pub kind: Kind,
}

/// What is wrong there.
pub enum Kind {
    UnknownKeys { unknown: Vec<String>, known: Vec<String> },
    Missing(String),
    WrongShape { wanted: Vec<String>, found: Value },
    Word { options: Vec<String>, found: Value },
    Other(String),
}

/// Everything that is wrong with a value, from the outside in.
pub fn problems(schema: &Value, value: &Value) -> Vec<Problem> {
    let mut looking = Looking { whole: schema, found: Vec::new() };
    looking.at(schema, value, &Route::root());
    looking.found
}

struct Looking<'a> {
    whole: &'a Value,
    found: Vec<Problem>,
}

impl Looking<'_> {
    fn at(&mut self, schema: &Value, value: &Value, route: &Route) {
        let Some(rules) = schema.as_object() else { return };
        if let Some(target) = rules.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap_or_default();
            let whole = self.whole;
            self.at(whole.pointer(pointer).unwrap_or(&Value::Null), value, route);
        }
        if let Some(wanted) = rules.get("type") {
            let wanted: Vec<&str> = match wanted {
                Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            if !wanted.iter().any(|kind| is_kind(value, kind)) {
                let wanted = wanted.into_iter().map(str::to_owned).collect();
                self.say(route, Kind::WrongShape { wanted, found: value.clone() });
                // Nothing else that is asked of it can be right.
                return;
            }
        }
        if let (Some(condition), Some(then)) = (rules.get("if"), rules.get("then"))
            && problems(condition, value).is_empty()
        {
            self.at(then, value, route);
        }
        if let Some(options) = rules.get("enum").and_then(Value::as_array)
            && !options.contains(value)
        {
            let word =
                |option: &Value| option.as_str().map_or_else(|| option.to_string(), str::to_owned);
            let options = options.iter().map(word).collect();
            self.say(route, Kind::Word { options, found: value.clone() });
        }
        if let Some(number) = value.as_f64() {
            self.bounds(rules, number, route);
        }
        if let Some(map) = value.as_object() {
            self.keys(rules, map, route);
        }
        if let (Some(items), Some(list)) = (rules.get("items"), value.as_array()) {
            for (at, item) in list.iter().enumerate() {
                self.at(items, item, &route.item(at));
            }
        }
    }

    fn bounds(&mut self, rules: &Map<String, Value>, number: f64, route: &Route) {
        let limit = |name: &str| rules.get(name).filter(|limit| limit.is_number());
        if let Some(least) = limit("minimum").filter(|l| l.as_f64().is_some_and(|l| number < l)) {
            let message = format!("the number is too small: {least} is the least");
            self.say(route, Kind::Other(message));
        }
        if let Some(most) = limit("maximum").filter(|l| l.as_f64().is_some_and(|l| number > l)) {
            self.say(route, Kind::Other(format!("the number is too large: {most} is the most")));
        }
    }

    fn keys(&mut self, rules: &Map<String, Value>, map: &Map<String, Value>, route: &Route) {
        let properties = rules.get("properties").and_then(Value::as_object);
        let property = |key: &str| properties.and_then(|properties| properties.get(key));
        let mut unknown = Vec::new();
        for (key, value) in map {
            match (property(key), rules.get("additionalProperties")) {
                (Some(schema), _) => self.at(schema, value, &route.key(key)),
                (None, Some(Value::Bool(false))) => unknown.push(key.clone()),
                (None, Some(schema)) => self.at(schema, value, &route.key(key)),
                (None, None) => {}
            }
        }
        if !unknown.is_empty() {
            let known = properties.into_iter().flat_map(Map::keys);
            let known = known.filter(|key| *key != "$schema").cloned().collect();
            self.say(route, Kind::UnknownKeys { unknown, known });
        }
        for key in rules.get("required").and_then(Value::as_array).into_iter().flatten() {
            if let Some(key) = key.as_str().filter(|key| !map.contains_key(*key)) {
                self.say(route, Kind::Missing(key.to_owned()));
            }
        }
    }

    fn say(&mut self, route: &Route, kind: Kind) {
        self.found.push(Problem { route: route.clone(), kind });
    }
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{project, recipe};

    /// Says something, and asks for nothing.
    const REMARKS: &[&str] = &[
        "$schema",
        "$id",
        "title",
        "description",
        "default",
        "format",
        "enumDescriptions",
        "markdownEnumDescriptions",
    ];
    const KNOWN: &[&str] = &[
        "$ref",
        "$defs",
        "type",
        "if",
        "then",
        "enum",
        "minimum",
        "maximum",
        "properties",
        "additionalProperties",
        "required",
        "items",
    ];

    fn keywords(schema: &Value, place: &str) {
        let Some(rules) = schema.as_object() else { return };
        for (keyword, value) in rules {
            let here = format!("{place}/{keyword}");
            assert!(
                KNOWN.contains(&keyword.as_str()) || REMARKS.contains(&keyword.as_str()),
                "{here}"
            );
            match keyword.as_str() {
                "properties" | "$defs" => {
                    let all = value.as_object().unwrap();
                    all.iter().for_each(|(name, inner)| keywords(inner, &format!("{here}/{name}")));
                }
                "items" | "additionalProperties" | "if" | "then" => keywords(value, &here),
                _ => {}
            }
        }
    }

    #[test]
    fn every_keyword_of_our_schemas_is_known() {
        keywords(&recipe::shape_schema(), "recipe");
        keywords(&project::shape_schema(), "project");
        keywords(&project::app_schema(), "app");
    }

    /// What a validator for every schema finds is found, at the same places.
    #[test]
    fn what_is_wrong_is_what_any_validator_says() {
        let schema = recipe::shape_schema();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let good = json!({
            "name": "x",
            "trigger": { "on": "stax.customer_created" },
            "settings": { "days": { "type": "integer", "default": 3 } },
            "steps": [{ "call": "POST /contacts/upsert", "with": { "email": "a" }, "retry": { "for": "1h" } }],
            "examples": [{
                "name": "a",
                "given": { "failures": [{ "call": "x", "status": 500, "times": 2 }] },
                "expect": { "outcome": "done", "calls": [{ "call": "x" }] },
            }],
        });
        let changes = [
            json!(null),
            json!(true),
            json!(1),
            json!(1.5),
            json!("x"),
            json!([]),
            json!({}),
            json!(9_999),
        ];
        let mut places = vec![String::new()];
        let mut next = 0;
        while let Some(place) = places.get(next).cloned() {
            next += 1;
            match good.pointer(&place).unwrap() {
                Value::Object(map) => places.extend(map.keys().map(|key| format!("{place}/{key}"))),
                Value::Array(list) => {
                    places.extend((0..list.len()).map(|at| format!("{place}/{at}")))
                }
                _ => {}
            }
        }
        assert!(places.len() >= 25);
        for place in &places {
            for change in &changes {
                let mut value = good.clone();
                *value.pointer_mut(place).unwrap() = change.clone();
                let ours: std::collections::BTreeSet<String> =
                    problems(&schema, &value).iter().map(|p| p.route.to_string()).collect();
                let theirs = validator.iter_errors(&value);
                let theirs: std::collections::BTreeSet<String> =
                    theirs.map(|error| error.instance_path().to_string()).collect();
                assert_eq!(ours, theirs, "{place} is {change}");
            }
        }
    }
}
