//! What an event tells: its payload comes in; every single value that a recipe can read goes out, the nearest
//! first.

use serde_json::Value;

use super::names::{Concept, concept};
use super::record::is_person;
use crate::catalog::{EventType, Field};
use crate::value::Kind;
use crate::value::text::plain_name;

/// How deep values are looked for.
const MAX_DEPTH: usize = 3;

/// One value that an event tells.
#[derive(Clone, Debug)]
pub struct Told {
    /// As a template reads it: `event.customer.email`
    pub path: String,
    /// Its last name.
    pub name: String,
    /// The names around it, from the outside.
    pub inside: Vec<String>,
    pub field: Field,
    /// It, or something around it, may be missing or null.
    pub may_be_empty: bool,
    /// What it is in the catalog's example.
    pub example: Option<Value>,
}

impl Told {
    /// Whether it stands where it is the event's own: at the top, in its record, or in the person it is about.
    fn is_its_own(&self, event: &EventType) -> bool {
        let of_record = |name: &str| {
            event.record.as_ref().is_some_and(|record| record.kind == name)
                || is_person(name)
                || plain_name(name) == "contactdetails"
        };
        self.inside.iter().all(|name| of_record(name))
    }

    /// The expression that reads it in the form by which people are found.
    pub(super) fn tidy(&self, concept: Concept) -> String {
        let path = &self.path;
        match concept {
            Concept::Email => format!("{path} | lower"),
            // Nobody has said that it is one.
            Concept::Phone if self.field.format.is_none() => format!("{path} if {path} is phone"),
            _ => path.clone(),
        }
    }

    /// What its name means. What stands inside a record that is no person is nobody's name or address.
    pub(super) fn concept(&self) -> Option<Concept> {
        let is_somebody = |name: &String| is_person(name) || plain_name(name) == "contactdetails";
        concept(&self.name)
            .filter(|concept| !concept.is_personal() || self.inside.iter().all(is_somebody))
    }
}

/// Everything that an event tells in single values.
pub fn told(event: &EventType) -> Vec<Told> {
    let mut found = Vec::new();
    collect(&event.payload, &event.example, &mut Vec::new(), false, &mut found);
    // What stands at the top is meant before what stands inside.
    found.sort_by_key(|told| told.inside.len());
    found
}

/// What an event tells of itself and of the person it is about, and not of others that it names.
pub(super) fn told_of_itself(event: &EventType) -> Vec<Told> {
    let mut told = told(event);
    told.retain(|told| told.is_its_own(event));
    told
}

fn collect(
    of: &Field,
    example: &Value,
    inside: &mut Vec<String>,
    may_be_empty: bool,
    found: &mut Vec<Told>,
) {
    for (name, field) in of.fields.iter().flat_map(|fields| fields.iter()) {
        if !is_name(name) {
            continue;
        }
        let example = example.get(name);
        let may_be_empty = may_be_empty || field.may_be_empty();
        if field.kind == Kind::Object && field.fields.is_some() {
            if inside.len() + 1 < MAX_DEPTH {
                inside.push(name.clone());
                collect(field, example.unwrap_or(&Value::Null), inside, may_be_empty, found);
                inside.pop();
            }
            continue;
        }
        let names = ["event"].into_iter().chain(inside.iter().map(String::as_str));
        found.push(Told {
            path: names.chain([name.as_str()]).collect::<Vec<_>>().join("."),
            name: name.clone(),
            inside: inside.clone(),
            field: field.clone(),
            may_be_empty,
            example: example.filter(|value| !value.is_null()).cloned(),
        });
    }
}

/// Whether a name can stand behind a dot.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
