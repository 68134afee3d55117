//! The catalog: everything that is promised is there, and true to itself.

use linecook::catalog::{Catalog, Fit, NotFound, request_schema, response_schema};
use linecook::report::{event_text, operation_text};
use serde_json::Value;

use crate::cases::{linecook, root, seen};

#[test]
fn everything_is_listed_and_each_says_what_it_knows() {
    let output = linecook(&root(), &["catalog", "list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = list["entries"].as_array().unwrap();
    let of = |app: &str, kind: &str| {
        entries.iter().filter(|e| e["app"] == app && e["kind"] == kind).count()
    };
    assert_eq!(of("highlevel", "operation"), 576);
    assert_eq!(of("highlevel", "event"), 58);
    assert_eq!(of("stax", "operation"), 133);
    // 31 names of the app; some stand for several of ours.
    assert!(of("stax", "event") >= 31 + 6);
    assert!(of("bridge", "event") >= 5);
    let catalog = Catalog::embedded();
    for entry in entries {
        let name = entry["id"].as_str().unwrap();
        let shown = match catalog.operation(name) {
            Ok(operation) => operation_text(&operation, catalog.app(&operation.app)),
            Err(_) => {
                let event = catalog.event(name).unwrap();
                event_text(&event, catalog.app(&event.app))
            }
        };
        let honest =
            shown.contains("body not documented") || shown.contains("payload not documented");
        assert_eq!(entry["documented"] == false, honest, "{shown}");
        assert!(shown.contains("to paste") || shown.contains("not for recipes"), "{shown}");
    }
}

/// Start-up stays fast: a check decodes what the recipe names and what belongs to it, and nothing else.
#[test]
fn a_check_decodes_what_it_uses() {
    let text = std::fs::read_to_string(root().join("schemas/catalog.jsonl")).unwrap();
    let catalog = Catalog::load(Box::leak(text.into_boxed_str())).unwrap();
    assert_eq!(catalog.decoded(), 0);
    let path = root().join("recipes/new-customer.yaml");
    let source = linecook::source::Source::read(&path).unwrap();
    let mut sink = linecook::diagnostic::Sink::default();
    let file = linecook::parse::recipe(source, &mut sink).unwrap();
    let beside = |name: &str| {
        std::fs::read_to_string(root().join("recipes").join(name)).map_err(|e| e.to_string())
    };
    linecook::check::recipe(&file, &catalog, &Default::default(), &beside, &mut sink).unwrap();
    assert!(catalog.decoded() <= 40, "{} entries were decoded", catalog.decoded());
}

/// An import names operations once for each document; a short name leads to one of them, or is said to
/// lead to several.
#[test]
fn short_names_lead_to_one_operation() {
    let catalog = Catalog::embedded();
    let name = |reference: &str| catalog.operation(reference).map(|operation| operation.long_id());
    assert_eq!(name("highlevel.create-task").unwrap(), "highlevel.contacts.create-task");
    assert_eq!(name("highlevel.text2pay-invoice").unwrap(), "highlevel.invoices.text2pay-invoice");
    let Err(NotFound::Ambiguous(several)) = name("highlevel.create-custom-field") else { panic!() };
    for long in several {
        assert_eq!(name(&long).unwrap(), long);
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
            let body = match (&operation.body_list, with.get("body")) {
                (Some(_), Some(list)) => list.clone(),
                _ => Value::Object(body),
            };
            // Nobody can make up a text from its pattern.
            let errors = validator.iter_errors(&body).map(|e| e.to_string());
            let errors: Vec<String> = errors.filter(|e| !e.contains("does not match")).collect();
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
