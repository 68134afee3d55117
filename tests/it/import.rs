//! The OpenAPI import: what it makes of documents, that it loses nothing, and that nothing makes it panic.

use std::collections::BTreeMap;
use std::path::Path;

use linecook::catalog::{Description, Imported, compile_app, import};
use serde_json::{Value, json};

use crate::cases::{compare, folders, linecook, root, seen};

/// Each case holds a folder `documents`, and perhaps a folder `app` with what people wrote of the app.
#[test]
fn every_case_gives_what_is_expected() {
    let mut wrong = Vec::new();
    for case in folders("import") {
        let place = tempfile::tempdir().unwrap();
        copy(&case.join("documents"), &place.path().join("documents"));
        copy(&case.join("app"), &place.path().join("app"));
        let arguments = ["catalog", "import", "documents", "--app", "shop", "--out", "app"];
        let mut text = seen(&linecook(place.path(), &arguments));
        let written = [("app", false), ("app/imported", true)];
        for (name, text_of) in written.iter().flat_map(|(f, all)| files(place.path(), f, *all)) {
            text.push_str(&format!("--- {name}\n{text_of}"));
        }
        wrong.extend(compare(&case, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        std::fs::create_dir_all(to).unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The files of a folder that an import has made, by name.
fn files(place: &Path, folder: &str, all: bool) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(place.join(folder)).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let made = files.filter(|entry| all || entry.file_name() == "app.yaml");
    let named = |name: std::ffi::OsString| format!("{folder}/{}", name.to_string_lossy());
    made.map(|e| (named(e.file_name()), std::fs::read_to_string(e.path()).unwrap())).collect()
}

/// The documents of HighLevel give the shipped files, byte for byte. They are not in the repository:
/// `LINECOOK_OPENAPI=<folder> cargo test --test it import` names where they are.
#[test]
fn the_documents_of_highlevel_give_what_is_shipped() {
    let Some(documents) = std::env::var_os("LINECOOK_OPENAPI") else { return };
    let place = tempfile::tempdir().unwrap();
    let documents = documents.to_string_lossy().into_owned();
    let arguments = ["catalog", "import", &documents, "--app", "highlevel", "--out", "app"];
    let output = linecook(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    let made = files(&place.path().join("app"), "imported", true);
    let shipped = files(&root().join("schemas/catalog/highlevel"), "imported", true);
    assert_eq!(made.keys().collect::<Vec<_>>(), shipped.keys().collect::<Vec<_>>());
    for (name, text) in &made {
        assert!(*text == shipped[name], "{name} is not what is shipped");
    }
}

#[test]
fn a_second_import_changes_nothing_and_leaves_what_people_wrote() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("shop.json"), good().to_string()).unwrap();
    let arguments = ["catalog", "import", "shop.json", "--app", "shop"];
    let run = || {
        let output = linecook(place.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
        files(&place.path().join("apps/shop"), "imported", true)
    };
    let first = run();
    let own = place.path().join("apps/shop/orders.yaml");
    let correction =
        "app: shop\nresource: shop\noperations:\n  create-order: { title: Order it }\n";
    std::fs::write(&own, correction).unwrap();
    assert_eq!(run(), first);
    assert_eq!(std::fs::read_to_string(own).unwrap(), correction);
    let text = compile_app(&place.path().join("apps/shop")).unwrap();
    assert!(text.contains("Order it"));
}

/// What does not go together is not written, and what was there stays.
#[test]
fn nothing_is_written_by_halves() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("shop.json"), good().to_string()).unwrap();
    let arguments = ["catalog", "import", "shop.json", "--app", "shop"];
    assert_eq!(linecook(place.path(), &arguments).status.code(), Some(0));
    let app = place.path().join("apps/shop");
    let before = files(&app, "imported", true);
    let wrong = "app: shop\nresource: shop\noperations:\n  no-such-thing: { title: X }\n";
    std::fs::write(app.join("orders.yaml"), wrong).unwrap();
    let mut more = good();
    more["paths"]["/more"] = json!({ "get": { "responses": {} } });
    std::fs::write(place.path().join("shop.json"), more.to_string()).unwrap();
    let output = linecook(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(2), "{}", seen(&output));
    assert!(seen(&output).contains("no imported operation of this resource has that id"));
    assert_eq!(files(&app, "imported", true), before);
    let left: Vec<_> = std::fs::read_dir(&app).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// A document with a little of everything.
fn good() -> Value {
    json!({
        "openapi": "3.0.3",
        "servers": [{ "url": "https://api.example.com/{version}", "variables": { "version": { "default": "v1" } } }],
        "security": [{ "oauth": ["orders.read"] }],
        "paths": {
            "/orders": {
                "parameters": [{ "name": "X-Version", "in": "header", "required": true, "schema": { "enum": ["7"] } }],
                "get": {
                    "operationId": "listOrders",
                    "parameters": [
                        { "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 100 } },
                        { "$ref": "#/components/parameters/State" }
                    ],
                    "responses": { "200": { "content": { "application/json": { "schema": {
                        "type": "array", "items": { "$ref": "#/components/schemas/Order" } } } } } }
                },
                "post": {
                    "operationId": "createOrder",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "allOf": [{ "$ref": "#/components/schemas/Order" }, { "required": ["total"] }] } } } },
                    "responses": { "2XX": { "$ref": "#/components/responses/Order" } }
                }
            },
            "/orders/{id}": {
                "put": {
                    "requestBody": { "content": { "application/json": { "schema": { "oneOf": [
                        { "$ref": "#/components/schemas/Order" },
                        { "type": "object", "properties": { "total": { "type": "string" }, "note": { "type": "string" } } }
                    ] } } } },
                    "responses": { "204": {} }
                },
                "delete": { "operationId": "deleteOrder", "deprecated": true, "responses": {} }
            },
            "/files": { "post": {
                "requestBody": { "content": { "multipart/form-data": { "schema": { "type": "object" } } } } } }
        },
        "components": {
            "parameters": { "State": { "name": "state", "in": "query", "schema": { "$ref": "#/components/schemas/State" } } },
            "responses": { "Order": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } } } },
            "schemas": {
                "State": { "type": "string", "enum": ["open", "paid"] },
                "Order": { "type": "object", "required": ["id"], "properties": {
                    "id": { "type": "string", "format": "uuid", "readOnly": true },
                    "total": { "type": "number", "minimum": 0 },
                    "state": { "$ref": "#/components/schemas/State" },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Order" } },
                    "buyer": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Buyer" }] },
                    "extra": { "type": "object", "additionalProperties": { "type": "string" } }
                } },
                "Buyer": { "type": "object", "properties": {
                    "name": { "type": ["string", "null"], "maxLength": 50 },
                    "orders": { "type": "array", "items": { "$ref": "#/components/schemas/Order" } }
                } }
            }
        }
    })
}

/// How many operations a document has, as anybody counts.
fn count(document: &Value) -> usize {
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let items = document["paths"].as_object().into_iter().flatten();
    let items = items.filter(|(path, item)| !path.starts_with("x-") && item.get("$ref").is_none());
    let keys = items.flat_map(|(_, item)| item.as_object().into_iter().flat_map(|i| i.keys()));
    keys.filter(|key| methods.contains(&key.to_ascii_lowercase().as_str())).count()
}

/// Everything is taken or said, it compiles, and it is the same the second time.
fn holds(document: &Value) {
    let Ok(description) = Description::new("shop", document.clone()) else { return };
    let made: Imported = import("shop", vec![description.clone()]);
    let left = made.left.iter().filter(|remark| !remark.call.starts_with('/')).count();
    assert!(made.taken + left >= count(document), "{document}");
    assert_eq!(import("shop", vec![description]).files, made.files);
    let place = tempfile::tempdir().unwrap();
    let app = "app: shop\ntitle: Shop\nbase_url: https://api.example.com\n";
    std::fs::write(place.path().join("app.yaml"), app).unwrap();
    std::fs::create_dir(place.path().join("imported")).unwrap();
    for (name, text) in &made.files {
        std::fs::write(place.path().join("imported").join(name), text).unwrap();
    }
    match compile_app(place.path()) {
        Ok(text) => assert_eq!(text.matches("\"in_doubt\"").count(), made.taken, "{document}"),
        Err(errors) => panic!(
            "{}\n{document}\n{}",
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            made.files.values().cloned().collect::<String>()
        ),
    }
}

/// One random change somewhere in a document.
fn change(document: &mut Value, random: &mut fastrand::Rng) {
    let all = places(document);
    let place = all[random.usize(0..all.len())].clone();
    let other = document.pointer(&all[random.usize(0..all.len())]).cloned().unwrap_or_default();
    let names = [
        "$ref",
        "type",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "nullable",
        "required",
        "in",
        "name",
        "schema",
        "content",
        "get",
        "post",
        "head",
        "/a/{b}",
        "{",
        "x-y",
        "200",
        "list",
        "body",
        "additionalProperties",
        "const",
        "default",
        "format",
        "pattern",
        "é\u{7}\u{1f600}",
        "",
        "- a: [",
        "true",
    ];
    let words = [
        json!(null),
        json!(true),
        json!(false),
        json!(-1),
        json!(1e300),
        json!(18446744073709551615u64),
        json!(""),
        json!("object"),
        json!("array"),
        json!("string"),
        json!("null"),
        json!("query"),
        json!("path"),
        json!("date"),
        json!("#/components/schemas/Order"),
        json!("#/components/schemas/Buyer"),
        json!("#/paths/~1orders/get"),
        json!("#"),
        json!("#/"),
        json!("other.json#/x"),
        json!({}),
        json!([]),
        json!([[]]),
        json!(["string", "null"]),
        json!("NO"),
        json!("0x1F"),
        json!("~"),
        json!("a: b # c"),
        json!("\u{feff}\u{0}\u{85}\u{2028}"),
        json!("1e5"),
        json!({ "$ref": "#/components/schemas/Order" }),
        json!({ "oneOf": [{ "type": "null" }, {}] }),
    ];
    let word = match random.usize(0..3) {
        0 => other,
        _ => words[random.usize(0..words.len())].clone(),
    };
    let name = names[random.usize(0..names.len())].to_owned();
    let Some(value) = document.pointer_mut(&place) else { return };
    match (random.usize(0..4), &mut *value) {
        (0, Value::Object(map)) => drop(map.insert(name, word)),
        (1, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(random.usize(0..map.len())).cloned().unwrap();
            let inner = map.shift_remove(&key).unwrap();
            if random.bool() {
                map.insert(name, inner);
            }
        }
        (_, Value::Array(list)) if random.bool() => list.push(word),
        _ => *value = word,
    }
}

fn places(value: &Value) -> Vec<String> {
    fn collect(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, inner)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(inner, format!("{at}/{key}"), found);
            }),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(n, inner)| collect(inner, format!("{at}/{n}"), found)),
            _ => {}
        }
        found.push(at);
    }
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

/// Random changes to a good document; `LINECOOK_FUZZ` says how many.
#[test]
fn random_documents_lose_nothing_and_never_panic() {
    let good = good();
    holds(&good);
    let asked = std::env::var("LINECOOK_FUZZ").ok().and_then(|n| n.parse::<u64>().ok());
    let seed = asked.map_or(20_261_126, |_| fastrand::u64(..));
    let rounds = asked.unwrap_or(300);
    println!("{rounds} random changes, seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..rounds {
        let mut document = good.clone();
        for _ in 0..random.usize(1..8) {
            change(&mut document, &mut random);
        }
        holds(&document);
    }
}

/// Texts that are no documents, and documents that are traps.
#[test]
fn traps() {
    for text in [
        "",
        "{",
        "[1]",
        "{}",
        "openapi: 3.0.0",
        "swagger: '2.0'",
        "a: &a [*a]",
        "\u{0}",
        "%",
        "- - -: [",
    ] {
        assert!(Description::parse("x", text).is_err(), "{text:?}");
    }
    assert!(Description::parse("x", &"[".repeat(100_000)).is_err());
    assert!(Description::parse("x", &format!("{{\"openapi\":{}", "[".repeat(100_000))).is_err());
    // References that lead round in a circle, one into the next, and to more and more of themselves.
    let circle = json!({ "A": { "$ref": "#/components/schemas/B" }, "B": { "$ref": "#/components/schemas/A" } });
    let mut chain = serde_json::Map::new();
    let mut laughs = serde_json::Map::new();
    let mut crowd = serde_json::Map::new();
    for n in 0..400 {
        let next = |key: &str| json!({ "$ref": format!("#/components/schemas/{key}{}", n + 1) });
        chain.insert(
            format!("A{n}"),
            json!({ "type": "object", "properties": { "next": next("A") } }),
        );
        laughs.insert(
            format!("A{n}"),
            json!({ "type": "array", "items": { "allOf": [next("A"), next("A")] } }),
        );
    }
    for n in 0..40 {
        let all = (0..40)
            .map(|m| (format!("f{m}"), json!({ "$ref": format!("#/components/schemas/A{m}") })));
        let all: serde_json::Map<String, Value> = all.collect();
        crowd.insert(format!("A{n}"), json!({ "type": "object", "properties": all }));
    }
    for schemas in [circle, chain.into(), laughs.into(), crowd.into()] {
        let first = if schemas.get("A0").is_some() { "A0" } else { "A" };
        let answer = json!({ "200": { "content": { "application/json": { "schema": {
            "$ref": format!("#/components/schemas/{first}") } } } } });
        holds(&json!({
            "openapi": "3.1.0",
            "paths": { "/a": { "get": { "responses": answer } }, "/b": { "$ref": "#/paths/~1b" } },
            "components": { "schemas": schemas }
        }));
    }
}
