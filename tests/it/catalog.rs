//! The catalog: everything that is promised is there, and true to itself.

use linecook::catalog::{Catalog, Fit, request_schema, response_schema};
use serde_json::Value;

use crate::cases::{linecook, root, seen};

#[test]
fn at_least_126_entries_are_listed_and_each_says_what_it_knows() {
    let output = linecook(&root(), &["catalog", "list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = list["entries"].as_array().unwrap();
    let of = |app: &str, kind: &str| {
        entries
            .iter()
            .filter(|e| e["app"] == app && e["kind"] == kind && e["deprecated"] == false)
            .count()
    };
    assert_eq!(of("highlevel", "operation"), 38);
    assert_eq!(of("highlevel", "event"), 11);
    assert_eq!(of("stax", "operation"), 59);
    assert!(of("stax", "event") >= 29 + 5);
    assert!(of("bridge", "event") >= 5);
    for entry in entries {
        let name = entry["id"].as_str().unwrap();
        let shown = seen(&linecook(&root(), &["catalog", "show", name]));
        let honest =
            shown.contains("body not documented") || shown.contains("payload not documented");
        assert_eq!(entry["documented"] == false, honest, "{shown}");
        assert!(shown.contains("to paste") || shown.contains("not for recipes"), "{shown}");
    }
}

#[test]
fn every_example_obeys_the_json_schema_of_its_operation() {
    let catalog = Catalog::embedded();
    for entry in catalog.operation_entries() {
        let operation = catalog.operation(&entry.id).unwrap();
        let name = operation.long_id();
        let with = &operation.example.with;
        if let Some(schema) = request_schema(&operation) {
            let mut body: serde_json::Map<String, Value> = serde_json::Map::new();
            for (field_name, field) in operation.body.iter().flat_map(|b| b.iter()) {
                if let Some(value) = with.get(field_name) {
                    body.insert(
                        field_name.clone(),
                        Fit::convert(field, value, &Default::default()).value,
                    );
                } else if let Some(usual) = &field.usual {
                    body.insert(field_name.clone(), usual.clone());
                }
            }
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let body = Value::Object(body);
            let errors: Vec<String> = validator.iter_errors(&body).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
        let validator = jsonschema::draft202012::new(&response_schema(&operation)).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&operation.example.response).map(|e| e.to_string()).collect();
        assert!(operation.response_unknown || errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn a_wire_name_leads_to_ours() {
    let output = linecook(&root(), &["catalog", "show", "stax.create_customer"]);
    assert!(seen(&output).contains("did you mean `stax.customer_created`?"), "{}", seen(&output));
}
