//! The JSON Schema of project files, from the same types that read them.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::WrittenProject;
use crate::catalog::{Catalog, WrittenApp};
use crate::recipe::simplify_schema;

/// The shape alone, as the checker uses it.
pub fn shape_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<WrittenProject>().to_value();
    simplify_schema(&mut schema);
    schema
}

/// The shape of an app of a project's own.
pub fn app_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<WrittenApp>().to_value();
    simplify_schema(&mut schema);
    schema["$id"] = "urn:linecook:app".into();
    schema["title"] = "An app for linecook".into();
    schema
}

/// The shape and the names of the apps, as editors use it to complete and explain.
pub fn editor_schema(catalog: &Catalog) -> Value {
    let mut schema = shape_schema();
    schema["$id"] = "urn:linecook:project".into();
    schema["title"] = "A linecook project".into();
    let app = &mut schema["$defs"]["WrittenConnection"]["properties"]["app"];
    app["enum"] = catalog.apps().iter().map(|app| Value::from(app.app.as_str())).collect();
    app["enumDescriptions"] =
        catalog.apps().iter().map(|a| Value::from(a.about.as_str())).collect();
    // Known ones are completed, and others are good too.
    let known = |list: Vec<String>| json!({ "anyOf": [{ "enum": list }, { "type": "string" }] });
    let connection = &mut schema["$defs"]["WrittenConnection"]["properties"];
    connection["allow"]["items"] = known(permissions(catalog));
    let scopes = catalog.apps().iter().flat_map(|app| catalog.scopes(&app.app));
    connection["scopes"]["items"] = known(scopes.collect());
    schema
}

/// What may stand under `allow`, besides the names of operations.
fn permissions(catalog: &Catalog) -> Vec<String> {
    let words = catalog.apps().iter().flat_map(|app| catalog.record_words(&app.app));
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    let lines =
        words.into_iter().flat_map(|word| ["read", "write", "*"].map(|d| format!("{word}.{d}")));
    lines.chain(["*.read", "*.write", "*"].map(str::to_owned)).collect()
}
