//! The history of a run → what takes back what it did, the last thing first; and what nobody can take back.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::call::Request;
use crate::catalog::{Catalog, Effect, Operation};
use crate::journal::{CallKey, CallMade, Decision, Entry, History};
use crate::plan::FieldChange;

/// One thing that a run did, and how to take it back.
#[derive(Clone, Debug)]
pub struct Undoing {
    /// `PUT /contacts/:contactId`
    pub call: String,
    pub step: String,
    pub how: UndoHow,
}

/// How something is taken back.
#[derive(Clone, Debug)]
pub enum UndoHow {
    /// Fields get their values from before, where they still hold what the run wrote.
    Restore { target: Target, reads: Arc<Operation>, fields: Vec<FieldChange> },
    /// The record goes that the run made.
    Delete { target: Target },
    /// Tags go that the run added, or come back that it removed.
    Tags { target: Target, tags: Vec<String>, adds: bool },
    /// It cannot be taken back, and why.
    Cannot { why: String },
}

/// An operation on one record.
#[derive(Clone, Debug)]
pub struct Target {
    pub operation: Arc<Operation>,
    /// The values of its path, by name.
    pub path: Vec<(String, String)>,
}

impl Target {
    /// `contact k1`
    pub fn in_words(&self) -> String {
        let kind = self.operation.record.as_ref().map_or("record", |record| record.kind.as_str());
        let id = self.path.last().map_or("?", |(_, id)| id.as_str());
        format!("{} {id}", kind.replace('_', " "))
    }
}

/// What takes back a run, the last thing first.
pub fn undo(history: &History, catalog: &Catalog) -> Vec<Undoing> {
    let calls = history.calls();
    let succeeded = |made: &&CallMade<'_>| {
        let is_done = matches!(made.answer, Some(Ok(answer)) if answer.is_success());
        is_done && made.call.effect != Effect::Read
    };
    let mut undoings: Vec<Undoing> = calls
        .iter()
        .filter(succeeded)
        .map(|made| Undoing {
            call: made.call.planned.request.call.clone(),
            step: made.key.step.clone(),
            how: how(made, &calls, history, catalog),
        })
        .collect();
    // What may have happened and was never answered.
    let open = calls.iter().filter(|made| {
        made.call.effect != Effect::Read
            && !matches!(made.answer, Some(Ok(_)))
            && !calls
                .iter()
                .any(|later| later.key == made.key && later.call.attempt > made.call.attempt)
    });
    undoings.extend(open.map(|made| Undoing {
        call: made.call.planned.request.call.clone(),
        step: made.key.step.clone(),
        how: UndoHow::Cannot { why: "nobody knows whether it happened".to_owned() },
    }));
    undoings.reverse();
    undoings
}

fn how(
    made: &CallMade<'_>,
    calls: &[CallMade<'_>],
    history: &History,
    catalog: &Catalog,
) -> UndoHow {
    let cannot = |why: &str| UndoHow::Cannot { why: why.to_owned() };
    let request = &made.call.planned.request;
    let Ok(operation) = catalog.operation(&request.operation) else {
        return cannot("this linecook does not know the operation any more");
    };
    let Some(Ok(answer)) = made.answer else { return cannot("it was not answered") };
    let record = operation.read_record(&answer.body);
    let id = record.and_then(|record| record.get("id")?.as_str()).map(str::to_owned);
    if matches!(made.key.part.as_str(), "tags-add" | "tags-remove") {
        return tags(made, calls, &operation, catalog);
    }
    let newness = operation.newness.as_ref().and_then(|newness| answer.body.get(&newness.field));
    match operation.effect {
        Effect::Delete => cannot("what was deleted cannot be brought back as it was"),
        Effect::Action => cannot("what it started cannot be called back"),
        Effect::Create => delete(&operation, request, id, catalog),
        Effect::Update if newness == Some(&Value::Bool(true)) => {
            delete(&operation, request, id, catalog)
        }
        Effect::Update => {
            let Some(fields) = compared(history, made.key) else {
                return cannot("how the record was before was not read: the step has no `patch`");
            };
            restore(&operation, request, id, fields, catalog)
        }
        Effect::Read => cannot("it changed nothing"),
    }
}

/// What a step compared before it wrote, the last time.
fn compared(history: &History, key: &CallKey) -> Option<Vec<FieldChange>> {
    history.entries().iter().rev().find_map(|entry| match entry {
        Entry::Decided { key: of, decision: Decision::Compared(changes) }
            if of.step == key.step && of.item == key.item =>
        {
            Some(changes.clone())
        }
        _ => None,
    })
}

fn delete(
    operation: &Operation,
    request: &Request,
    id: Option<String>,
    catalog: &Catalog,
) -> UndoHow {
    let target = catalog
        .on_record(operation, Effect::Delete)
        .and_then(|deleter| target(request, id, deleter));
    match target {
        Some(target) => UndoHow::Delete { target },
        None => UndoHow::Cannot {
            why: "the app has no way to delete what was made, or did not tell its id".to_owned(),
        },
    }
}

fn restore(
    operation: &Arc<Operation>,
    request: &Request,
    id: Option<String>,
    fields: Vec<FieldChange>,
    catalog: &Catalog,
) -> UndoHow {
    let by_id = match operation.path_pattern().contains(':') {
        true => Some(operation.clone()),
        false => catalog.on_record(operation, Effect::Update),
    };
    let reads = catalog.reader(operation);
    let target = by_id.and_then(|by_id| target(request, id, by_id));
    match (target, reads) {
        (Some(target), Some(reads)) => UndoHow::Restore { target, reads, fields },
        _ => {
            UndoHow::Cannot { why: "nothing is known that changes the record by its id".to_owned() }
        }
    }
}

fn tags(
    made: &CallMade<'_>,
    calls: &[CallMade<'_>],
    operation: &Arc<Operation>,
    catalog: &Catalog,
) -> UndoHow {
    let request = &made.call.planned.request;
    let adds = made.key.part == "tags-add";
    // Only where the record's tags were known was nothing sent that was there already.
    let shown = calls.iter().any(|other| {
        let of_step = other.key.step == made.key.step && other.key.item == made.key.item;
        let Some(Ok(answer)) = other.answer.filter(|_| of_step && other.key != made.key) else {
            return false;
        };
        let asked = catalog.operation(&other.call.planned.request.operation).ok();
        let record = asked.as_ref().and_then(|asked| asked.read_record(&answer.body));
        record.is_some_and(|record| record.get("tags").is_some())
    });
    if !shown {
        return UndoHow::Cannot { why: "which tags were there before is not known".to_owned() };
    }
    let sent = request.body.as_ref().and_then(|body| body.get("tags")).and_then(Value::as_array);
    let tags = sent.into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned));
    let other = match adds {
        true => operation.call.replacen("POST ", "DELETE ", 1),
        false => operation.call.replacen("DELETE ", "POST ", 1),
    };
    let Ok(other) = catalog.operation(&other) else {
        return UndoHow::Cannot { why: "nothing is known that takes tags back".to_owned() };
    };
    let path = request.path_values().map(|(name, id)| (name.to_owned(), id.to_owned())).collect();
    UndoHow::Tags { target: Target { operation: other, path }, tags: tags.collect(), adds: !adds }
}

/// The record that a call worked on, for another operation on it.
fn target(request: &Request, id: Option<String>, other: Arc<Operation>) -> Option<Target> {
    let path = other.path_pattern().split('/').filter_map(|part| part.strip_prefix(':'));
    let path = path.map(|name| {
        let given = request.path_value(name).map(str::to_owned);
        Some((name.to_owned(), given.or_else(|| id.clone())?))
    });
    let path = path.collect::<Option<Vec<_>>>()?;
    Some(Target { operation: other, path })
}

/// What of a restoration still makes sense: the fields that hold what the run wrote get their values from
/// before; the names of the others, which somebody has changed since, come second.
pub fn still_ours(fields: &[FieldChange], record: &Value) -> (Map<String, Value>, Vec<String>) {
    let (mut body, mut changed_since) = (Map::new(), Vec::new());
    for change in fields {
        let (name, id) = match change.field.split_once('.') {
            Some((name, id)) => (name, Some(id)),
            None => (change.field.as_str(), None),
        };
        let now = match id {
            None => record.get(name).cloned().unwrap_or_default(),
            Some(id) => record
                .get(name)
                .and_then(Value::as_array)
                .and_then(|items| items.iter().find(|item| item["id"] == id))
                .map(|item| item["value"].clone())
                .unwrap_or_default(),
        };
        if !same(&now, &change.after) {
            changed_since.push(change.field.clone());
            continue;
        }
        match id {
            None => drop(body.insert(name.to_owned(), change.before.clone())),
            Some(id) => {
                let item = serde_json::json!({ "id": id, "field_value": change.before });
                let list = body.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(item);
                }
            }
        }
    }
    (body, changed_since)
}

fn same(now: &Value, wrote: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_lowercase(),
        other => other.to_string(),
    };
    text(now) == text(wrote)
}
