//! A past run → an example of its recipe: the event, what was there, what a person answered. Nothing in it
//! belongs to anybody any more.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, Effect, Operation, Slot};
use crate::journal::{CallMade, Decision, Entry, History};
use crate::plan::unmarked_body;
use crate::recipe::{ExpectedCall, Given};
use crate::value::Disguise;

/// So many records of one list are kept.
const MOST_OF_A_LIST: usize = 20;

/// What was there when the run began, as far as it has seen.
pub fn given(history: &History, catalog: &Catalog, disguise: &mut Disguise) -> Given {
    let mut given = Given::default();
    let mut made: HashSet<String> = HashSet::new();
    let mut there: IndexMap<(String, String), Map<String, Value>> = IndexMap::new();
    for call in history.calls() {
        let Some(Ok(answer)) = call.answer.filter(|a| a.as_ref().is_ok_and(|a| a.is_success()))
        else {
            continue;
        };
        let Ok(operation) = catalog.operation(&call.call.planned.request.operation) else {
            continue;
        };
        if let Some(list) = operation.list.as_ref().filter(|_| operation.effect == Effect::Read) {
            let kind = kind_of(&operation, catalog);
            for item in list.read_items(&answer.body).into_iter().take(MOST_OF_A_LIST) {
                note(&mut there, &made, &kind, item, &call, &operation);
            }
            continue;
        }
        let kind = kind_of(&operation, catalog);
        let record = operation.read_record(&answer.body).cloned();
        let newness = operation.newness.as_ref().and_then(|n| answer.body.get(&n.field));
        let is_new = operation.effect == Effect::Create || newness == Some(&Value::Bool(true));
        match record {
            Some(record) if is_new => {
                made.extend(record.get("id").and_then(Value::as_str).map(str::to_owned));
            }
            Some(record) => note(&mut there, &made, &kind, &record, &call, &operation),
            None if operation.effect != Effect::Create => {
                let id = id_in_path(&call, &operation);
                let record = id.map_or(Value::Null, |id| json!({ "id": id }));
                note(&mut there, &made, &kind, &record, &call, &operation);
            }
            None => {}
        }
    }
    for ((kind, _), record) in there {
        given.records.entry(kind).or_default().push(disguise.fields(&record));
    }
    for entry in history.entries() {
        match entry {
            Entry::Decided { decision: Decision::Links(answers), .. } => {
                for answer in answers {
                    let (of, to) = (&answer.question.of, &answer.question.to);
                    let Some(id) = answer.id.as_ref().filter(|id| !made.contains(*id)) else {
                        continue;
                    };
                    let mut link = Map::new();
                    link.insert(of.kind.clone(), disguise.id(&of.id).into());
                    link.insert(to.clone(), disguise.id(id).into());
                    if !answer.question.name.is_empty() {
                        link.insert("as".into(), answer.question.name.as_str().into());
                    }
                    if !given.links.contains(&link) {
                        given.links.push(link);
                    }
                }
            }
            Entry::Decided { decision: Decision::LastSeen(Some(seen)), .. } => {
                given.seen = Some(disguise.fields(&seen.fields));
            }
            Entry::Replied { key, answer } if key.can_be_answered_ahead() => {
                given.answers.insert(key.step.clone(), answer.choice.clone());
            }
            _ => {}
        }
    }
    given
}

fn kind_of(operation: &Operation, catalog: &Catalog) -> String {
    let record = operation.record.as_ref().map(|record| record.full_kind(&operation.app));
    record.unwrap_or_else(|| {
        // A list of records says nothing of itself; the call that reads one of them does.
        let reader = catalog.reader(operation);
        let of_reader = reader.and_then(|r| Some(r.record.as_ref()?.full_kind(&r.app)));
        of_reader.unwrap_or_else(|| format!("{}.{}", operation.app, singular(&operation.resource)))
    })
}

fn singular(resource: &str) -> &str {
    resource.strip_suffix('s').unwrap_or(resource)
}

fn id_in_path(call: &CallMade<'_>, operation: &Operation) -> Option<String> {
    let name = operation.record.as_ref()?.id.as_deref()?;
    path_of(call, operation).into_iter().find(|(of, _)| of == name).map(|(_, id)| id)
}

fn path_of(call: &CallMade<'_>, operation: &Operation) -> Vec<(String, String)> {
    let parts = operation.path_pattern().split('/').skip(1).zip(&call.call.planned.request.path);
    let named = parts.filter_map(|(part, value)| Some((part.strip_prefix(':')?.to_owned(), value)));
    named.map(|(name, value)| (name, value.clone())).collect()
}

/// Keeps how a record looked first.
fn note(
    there: &mut IndexMap<(String, String), Map<String, Value>>,
    made: &HashSet<String>,
    kind: &str,
    record: &Value,
    call: &CallMade<'_>,
    operation: &Operation,
) {
    let Some(fields) = record.as_object() else { return };
    let Some(id) = fields.get("id").and_then(Value::as_str).filter(|id| !made.contains(*id)) else {
        return;
    };
    let mut fields = fields.clone();
    // What belongs to another record says to which.
    let parent = operation.record.as_ref().and_then(|record| record.parent.clone());
    for (name, value) in path_of(call, operation) {
        if parent.as_ref() == Some(&name) || operation.list.is_some() && name != "id" {
            fields.entry(name).or_insert(value.into());
        }
    }
    there.entry((kind.to_owned(), id.to_owned())).or_insert(fields);
}

/// What a run sent, as an example expects it: every call that changes something, with its fields.
pub fn expected(history: &History, catalog: &Catalog) -> Vec<ExpectedCall> {
    let calls = history.calls();
    let first =
        calls.iter().filter(|made| made.call.attempt == 1 && made.call.effect != Effect::Read);
    first.filter_map(|made| expected_call(made, catalog)).collect()
}

fn expected_call(made: &CallMade<'_>, catalog: &Catalog) -> Option<ExpectedCall> {
    let request = &made.call.planned.request;
    let operation = catalog.operation(&request.operation).ok()?;
    let is_plain =
        catalog.operation(&request.call).is_ok_and(|o| o.long_id() == operation.long_id());
    let call = if is_plain { request.call.clone() } else { operation.long_id() };
    let mut with = Map::new();
    let mut add = |slot: Slot, name: &str, value: Value| {
        let is_usual = operation
            .fields()
            .any(|(s, n, field)| s == slot && n == name && field.usual.as_ref() == Some(&value));
        let is_account = operation.fields().any(|(s, n, field)| {
            s == slot
                && n == name
                && field.usual.as_ref().is_some_and(|u| u == "connection.location_id")
        });
        if is_usual || is_account {
            return;
        }
        let is_clear = operation.field(name).is_ok_and(|(of, _, _)| of == slot);
        let key = if is_clear { name.to_owned() } else { format!("{}.{name}", slot.name()) };
        with.insert(key, value);
    };
    for (name, value) in path_of(made, &operation) {
        add(Slot::Path, &name, value.into());
    }
    let body = unmarked_body(&made.call.planned).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        add(Slot::Body, name, value.clone());
    }
    Some(ExpectedCall { call, with, without: Vec::new() })
}
