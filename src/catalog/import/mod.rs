//! The OpenAPI import: descriptions of an API come in (3.0 and 3.1, read from JSON or YAML); source files
//! of the catalog go out, with everything that could not be taken and why.
//!
//! Facts only: names, types and limits are taken, sentences never. No operation is lost in silence: each
//! one is in a file or in [`Imported::left`].

mod content;
mod description;
mod flat;
mod names;
mod operation;
mod parameters;
mod shapes;
mod written;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

pub(super) use names::title;
pub(super) use operation::conduct;

pub use description::{Description, NotOpenApi};

/// What an import makes of all descriptions together.
#[derive(Debug, Default)]
pub struct Imported {
    /// Source files by name, such as `contacts.yaml`.
    pub files: BTreeMap<String, String>,
    /// How many operations stand in them.
    pub taken: usize,
    /// The operations that stand in none.
    pub left: Vec<Remark>,
    /// What was taken in another way than it is described.
    pub remarks: Vec<Remark>,
    /// Where calls go, as the first description says that does.
    pub base_url: Option<String>,
}

/// Something to know about an operation, or about a whole description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The name of the description.
    pub from: String,
    /// `POST /contacts/{contactId}/tasks`, as the description writes it; empty for all of it.
    pub call: String,
    pub why: String,
}

/// Turns descriptions into source files for `app`. The same descriptions give the same bytes, in
/// whatever order they come.
pub fn import(app: &str, mut descriptions: Vec<Description>) -> Imported {
    descriptions.sort_by(|a, b| a.name.cmp(&b.name));
    let mut out = Imported::default();
    let mut calls: HashMap<String, String> = HashMap::new();
    // `app.yaml` is about the app itself.
    let mut resources = HashSet::from(["app".to_owned()]);
    for description in &descriptions {
        let resource = names::unused(&names::resource(&description.name), "_", &mut resources);
        let read = operation::all(description);
        out.base_url = out.base_url.or_else(|| description.base_url());
        out.left.extend(read.left);
        out.remarks.extend(read.remarks);
        let mut operations = Map::new();
        for found in read.operations {
            let place = format!("{} of {}", found.written, description.name);
            match calls.insert(super::call_shape(&found.call), place.clone()) {
                None => drop(operations.insert(found.id, Value::Object(found.entry))),
                Some(other) => {
                    out.left.push(Remark {
                        from: description.name.clone(),
                        call: found.written,
                        why: format!("it is the same call as {other}, which is taken"),
                    });
                    calls.insert(super::call_shape(&found.call), other);
                }
            }
        }
        if !operations.is_empty() {
            out.taken += operations.len();
            let text = written::file(app, &resource, &description.name, &read.types, &operations);
            out.files.insert(format!("{resource}.yaml"), text);
        }
    }
    out
}
