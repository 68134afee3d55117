//! A past run → an example of its recipe: the event, what was there, what a person answered. Nothing in it
//! belongs to anybody any more.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::expect::changing;
use crate::call::Request;
use crate::catalog::{Catalog, Effect, Operation, Slot};
use crate::journal::{Decision, Entry, History, PlannedCall};
use crate::plan::unmarked_body;
use crate::recipe::{ExpectedCall, Given};
use crate::value::{Disguise, RecordKey};

/// So many records of one list are kept.
const MOST_OF_A_LIST: usize = 20;

/// Records as a run saw them first, without those that it made itself.
#[derive(Default)]
struct Seen {
    made: HashSet<String>,
    there: IndexMap<RecordKey, Map<String, Value>>,
}

/// What was there when the run began, as far as it has seen.
pub fn given(history: &History, catalog: &Catalog, disguise: &mut Disguise) -> Given {
    let mut given = Given::default();
    let mut seen = Seen::default();
    for call in history.calls() {
        let Some(Ok(answer)) = call.answer else { continue };
        let request = &call.call.planned.request;
        let operation = catalog.operation(&request.operation).ok();
        if let Some(operation) = operation.filter(|_| answer.is_success()) {
            seen.answer(&operation, request, &answer.body);
        }
    }
    let Seen { made, there } = seen;
    for (key, record) in there {
        given.records.entry(key.kind).or_default().push(disguise.fields(&record));
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

impl Seen {
    fn answer(&mut self, operation: &Operation, request: &Request, body: &Value) {
        if let Some(list) = operation.list.as_ref().filter(|_| operation.effect == Effect::Read) {
            let items = list.read_items(body).into_iter().take(MOST_OF_A_LIST);
            items.for_each(|item| self.note(operation, request, item));
            return;
        }
        let newness = operation.newness.as_ref().and_then(|newness| body.get(&newness.field));
        let is_new = operation.effect == Effect::Create || newness == Some(&Value::Bool(true));
        let record = operation.read_record(body);
        if is_new {
            let id = record.and_then(|record| record.get("id")?.as_str());
            self.made.extend(id.map(str::to_owned));
            return;
        }
        match record {
            Some(record) => self.note(operation, request, record),
            // Nothing is said of it but that it is there.
            None => {
                let name = operation.record.as_ref().and_then(|record| record.id.as_deref());
                if let Some(id) = name.and_then(|name| request.path_value(name)) {
                    self.note(operation, request, &json!({ "id": id }));
                }
            }
        }
    }

    fn note(&mut self, operation: &Operation, request: &Request, record: &Value) {
        let (Some(of), Some(fields)) = (&operation.record, record.as_object()) else { return };
        let id = fields.get("id").and_then(Value::as_str);
        let Some(id) = id.filter(|id| !self.made.contains(*id)) else { return };
        let mut fields = fields.clone();
        // What belongs to another record says to which.
        for (name, value) in request.path_values() {
            if of.parent.as_deref() == Some(name) || operation.list.is_some() && name != "id" {
                fields.entry(name).or_insert_with(|| value.into());
            }
        }
        let key = RecordKey::new(of.full_kind(&operation.app), id);
        self.there.entry(key).or_insert(fields);
    }
}

/// What a run sent, as an example expects it: every call that changes something, with its fields.
pub fn expected(history: &History, catalog: &Catalog) -> Vec<ExpectedCall> {
    changing(history).into_iter().filter_map(|call| expected_call(call, catalog)).collect()
}

fn expected_call(call: &PlannedCall, catalog: &Catalog) -> Option<ExpectedCall> {
    let request = &call.planned.request;
    let operation = catalog.operation(&request.operation).ok()?;
    let same = |found: &Operation| found.long_id() == operation.long_id();
    let is_plain = catalog.operation(&request.call).is_ok_and(|found| same(&found));
    let name = if is_plain { request.call.clone() } else { operation.long_id() };
    let mut with = Map::new();
    let mut add = |slot: Slot, name: &str, value: Value| {
        let mut fields = operation.fields();
        let field = fields.find(|(of, known, _)| *of == slot && *known == name);
        // What nobody wrote is expected by nobody.
        let usual = field.and_then(|(_, _, field)| field.usual.as_ref());
        if usual.is_some_and(|usual| *usual == value || usual == "connection.location_id") {
            return;
        }
        let is_clear = operation.field(name).is_ok_and(|(of, _, _)| of == slot);
        let key = if is_clear { name.to_owned() } else { format!("{}.{name}", slot.name()) };
        with.insert(key, value);
    };
    for (name, value) in request.path_values() {
        add(Slot::Path, name, value.into());
    }
    let body = unmarked_body(&call.planned).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        add(Slot::Body, name, value.clone());
    }
    Some(ExpectedCall { call: name, with, without: Vec::new() })
}
