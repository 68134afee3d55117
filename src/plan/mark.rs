//! The reference by which a record can be found again: a request comes in; the same request with the
//! reference in it goes out. Everybody who shows or compares what was sent takes it off again.

use serde_json::{Map, Value};

use super::render::Origin;
use super::request::PlannedRequest;
use crate::catalog::{Operation, Slot};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// In characters; together 70 bits.
const REFERENCE_LENGTH: usize = 12;

/// What names one call of one run, the same on every replay: 12 letters and digits.
pub fn reference(run_id: &str, step: &str, item: &[usize]) -> String {
    let named = format!("{}:{run_id}{}:{step}{item:?}", run_id.len(), step.len());
    let hash = ring::digest::digest(&ring::digest::SHA256, named.as_bytes());
    let hash = hash.as_ref().iter().take(16);
    let mut number = hash.fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let digit = |_| {
        let digit = ALPHABET[(number % 58) as usize];
        number /= 58;
        char::from(digit)
    };
    (0..REFERENCE_LENGTH).map(digit).collect()
}

/// Writes a reference into a request as its operation says: as the last line of a text (`marker`), or
/// into a field that the recipe leaves empty (`probe.own`).
///
/// # Errors
/// Why it cannot be written, as a phrase; the request is as it was then.
pub fn mark(
    planned: &mut PlannedRequest,
    operation: &Operation,
    reference: &str,
) -> Result<(), String> {
    if let Some(marker) = &operation.marker {
        return write(planned, operation, &marker.field, format!("[ref {reference}]"));
    }
    let Some(own) = operation.probe.as_ref().and_then(|probe| probe.own.as_ref()) else {
        return Ok(());
    };
    match sent_at(planned, own) {
        None => write(planned, operation, own, format!("linecook:{reference}")),
        Some(_) => Ok(()),
    }
}

/// What a request sends at a dotted path of its body; nothing for what is empty.
pub fn sent_at<'a>(planned: &'a PlannedRequest, path: &str) -> Option<&'a Value> {
    let mut value = planned.request.body.as_ref()?;
    for part in path.split('.') {
        value = value.get(part)?;
    }
    let is_blank = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    (!is_blank).then_some(value)
}

/// The body of a request as its recipe means it, without what [`mark`] has written.
pub fn unmarked_body(planned: &PlannedRequest) -> Option<Value> {
    let mut body = planned.request.body.clone()?;
    for origin in &planned.origins {
        let Some(mark) = &origin.mark else { continue };
        let mut parts: Vec<&str> = origin.path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        let Some(object) = object_at(&mut body, &parts) else { continue };
        let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
        match text.strip_suffix(mark.as_str()).and_then(|text| text.strip_suffix('\n')) {
            Some(text) => {
                let text = Value::from(text);
                object.insert(name.to_owned(), text);
            }
            None => {
                object.shift_remove(name);
            }
        }
    }
    Some(body)
}

fn write(
    planned: &mut PlannedRequest,
    operation: &Operation,
    path: &str,
    mark: String,
) -> Result<(), String> {
    let cannot =
        |why: &str| Err(format!("no reference of its own could be written into `{path}`: {why}"));
    let mut parts: Vec<&str> = path.split('.').collect();
    let name = parts.pop().unwrap_or_default();
    let body = planned.request.body.as_mut();
    let Some(object) = body.and_then(|body| object_at(body, &parts)) else {
        return cannot("the request has no such field");
    };
    let text = match object.get(name) {
        None | Some(Value::Null) => mark.clone(),
        Some(Value::String(text)) if text.trim().is_empty() => mark.clone(),
        Some(Value::String(text)) => format!("{text}\n{mark}"),
        Some(_) => return cannot("it holds no text"),
    };
    let most = operation.body.as_ref().and_then(|body| body.get(path)?.max_length);
    if let Some(most) = most.filter(|most| text.chars().count() > *most) {
        return cannot(&format!("it takes {most} characters, and they are all used"));
    }
    object.insert(name.to_owned(), text.into());
    let pointer = path.replace('.', "/");
    let there = planned.origins.iter_mut().find(|o| o.slot == Slot::Body && o.path == pointer);
    match there {
        Some(origin) => origin.mark = Some(mark),
        None => planned.origins.push(Origin {
            slot: Slot::Body,
            path: pointer,
            place: None,
            name: None,
            is_key: false,
            mark: Some(mark),
            before: None,
            from_results: Vec::new(),
        }),
    }
    Ok(())
}

fn object_at<'a>(body: &'a mut Value, parts: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut value = body;
    for part in parts {
        value = value.get_mut(*part)?;
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Request;
    use crate::catalog::Catalog;
    use serde_json::json;

    fn planned(operation: &Operation, body: Value) -> PlannedRequest {
        let request = Request {
            app: operation.app.clone(),
            operation: operation.long_id(),
            call: operation.call.clone(),
            method: "POST".into(),
            base_url: String::new(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Some(body),
        };
        PlannedRequest { request, origins: Vec::new(), left_out: Vec::new() }
    }

    #[test]
    fn a_mark_is_written_and_taken_off_again() {
        for (id, before, after) in [
            (
                "highlevel.create-note",
                json!({ "body": "Hi\n" }),
                json!({ "body": "Hi\n\n[ref x]" }),
            ),
            ("highlevel.create-task", json!({}), json!({ "body": "[ref x]" })),
            ("stax.create-customer", json!({}), json!({ "reference": "linecook:x" })),
            ("stax.create-customer", json!({ "reference": "a" }), json!({ "reference": "a" })),
            (
                "stax.create-an-invoice",
                json!({ "meta": { "tax": 1 } }),
                json!({ "meta": { "tax": 1, "reference": "linecook:x" } }),
            ),
            ("highlevel.create-contact", json!({ "email": "a" }), json!({ "email": "a" })),
        ] {
            let operation = Catalog::embedded().operation(id).unwrap();
            let mut planned = planned(&operation, before.clone());
            mark(&mut planned, &operation, "x").unwrap();
            assert_eq!(planned.request.body, Some(after), "{id}");
            assert_eq!(unmarked_body(&planned), Some(before), "{id}");
        }
    }

    #[test]
    fn a_text_that_is_full_stays_as_it_is() {
        let mut operation =
            (*Catalog::embedded().operation("highlevel.create-note").unwrap()).clone();
        let mut fields = (**operation.body.as_ref().unwrap()).clone();
        fields["body"].max_length = Some(10);
        operation.body = Some(fields.into());
        let mut planned = planned(&operation, json!({ "body": "Welcome" }));
        let why = mark(&mut planned, &operation, "x").unwrap_err();
        assert!(why.contains("it takes 10 characters"), "{why}");
        assert_eq!(planned.request.body, Some(json!({ "body": "Welcome" })));
        assert!(mark(&mut planned, &operation, "").is_err());
    }

    #[test]
    fn a_reference_names_one_call_of_one_run() {
        let first = reference("run-1", "note", &[]);
        assert_eq!(first, reference("run-1", "note", &[]));
        assert_eq!(first.len(), REFERENCE_LENGTH);
        let others = [
            reference("run-2", "note", &[]),
            reference("run-1", "notes", &[]),
            reference("run-1", "note", &[0]),
            reference("run-1", "note", &[0, 1]),
            reference("run-1n", "ote", &[]),
        ];
        let different: std::collections::HashSet<&String> = others.iter().chain([&first]).collect();
        assert_eq!(different.len(), 6);
    }
}
