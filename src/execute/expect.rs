//! What an example expects, held against what happened.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::links::MemoryLinks;
use crate::catalog::{ByName, Catalog, Fit, Operation, Slot};
use crate::journal::{History, Link, Outcome, PlannedCall};
use crate::plan::unmarked_body;
use crate::recipe::{Example, ExpectedCall, ExpectedOutcome, written_link};
use crate::source::Route;
use crate::value::Defaults;

/// One thing that came out differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Where the recipe expects it.
    pub place: Route,
    pub kind: MismatchKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MismatchKind {
    Outcome {
        expected: &'static str,
        got: Outcome,
    },
    /// It should have been made.
    Missing {
        call: String,
    },
    /// Nobody expected it.
    Extra {
        call: String,
        sent: Value,
    },
    /// A field came out differently; `None` when it was not sent.
    Field {
        call: String,
        name: String,
        expected: Value,
        sent: Option<Value>,
    },
    /// These links should be there at the end.
    Links {
        expected: Vec<Link>,
        got: Vec<Link>,
    },
    /// A field was sent that should not be.
    Unwanted {
        call: String,
        name: String,
        sent: Value,
    },
}

/// Compares one run with the example it was made of. `at` is the example's place.
pub fn compare(
    catalog: &Catalog,
    example: &Example,
    at: &Route,
    outcome: &Outcome,
    history: &History,
    defaults: &Defaults,
) -> Vec<Mismatch> {
    let expect = example.expect.clone().unwrap_or_default();
    let route = at.key("expect");
    let mut found = Vec::new();
    let expected = expect.outcome.unwrap_or(ExpectedOutcome::Done);
    if !outcome.is(expected) {
        let expected = match expected {
            ExpectedOutcome::Done => "done",
            ExpectedOutcome::Stopped => "stopped",
            ExpectedOutcome::Held => "held",
            ExpectedOutcome::Failed => "failed",
        };
        let place = if expect.outcome.is_some() { route.key("outcome") } else { at.key("name") };
        found.push(Mismatch {
            place,
            kind: MismatchKind::Outcome { expected, got: outcome.clone() },
        });
    }
    if let Some(expected) = &expect.links {
        let expected: BTreeSet<Link> = written_links(expected).collect();
        let given = example.given.iter().flat_map(|given| written_links(&given.links));
        let mut links: MemoryLinks = given.collect();
        history.link_changes().for_each(|(_, change)| links.apply(&change));
        let got: BTreeSet<Link> = links.all().iter().cloned().collect();
        if expected != got {
            let (expected, got) = (expected.into_iter().collect(), got.into_iter().collect());
            let kind = MismatchKind::Links { expected, got };
            found.push(Mismatch { place: route.key("links"), kind });
        }
    }
    let Some(calls) = &expect.calls else { return found };
    let sent = changing(history);
    let route = route.key("calls");
    let mut next = 0;
    for (index, wanted) in calls.iter().enumerate() {
        let Ok(operation) = catalog.operation(&wanted.call) else { continue };
        let place = route.item(index);
        let hit = sent[next..].iter().position(|call| is_of(call, &operation));
        let Some(hit) = hit else {
            found.push(Mismatch {
                place,
                kind: MismatchKind::Missing { call: wanted.call.clone() },
            });
            continue;
        };
        for extra in &sent[next..next + hit] {
            found.push(extra_call(&place, extra));
        }
        next += hit + 1;
        fields(wanted, &operation, sent[next - 1], &place, defaults, &mut found);
    }
    let end = calls.len().checked_sub(1).map_or(route.clone(), |last| route.item(last));
    found.extend(sent[next..].iter().map(|extra| extra_call(&end, extra)));
    found
}

/// Links as an example writes them.
pub fn written_links(links: &[Map<String, Value>]) -> impl Iterator<Item = Link> {
    links.iter().filter_map(written_link).map(|([one, other], name)| Link::new(one, other, name))
}

/// The calls that change something, each once however often it was tried.
pub(super) fn changing(history: &History) -> Vec<&PlannedCall> {
    let calls = history.calls();
    let first = calls.into_iter().filter(|made| made.call.attempt == 1);
    first.map(|made| made.call).filter(|call| call.effect != crate::catalog::Effect::Read).collect()
}

fn is_of(call: &PlannedCall, operation: &Operation) -> bool {
    call.planned.request.operation == operation.long_id()
}

fn extra_call(place: &Route, call: &PlannedCall) -> Mismatch {
    let sent = unmarked_body(&call.planned).unwrap_or_default();
    let kind = MismatchKind::Extra { call: call.planned.request.call.clone(), sent };
    Mismatch { place: place.clone(), kind }
}

fn fields(
    wanted: &ExpectedCall,
    operation: &Operation,
    call: &PlannedCall,
    place: &Route,
    defaults: &Defaults,
    found: &mut Vec<Mismatch>,
) {
    for (name, expected) in &wanted.with {
        let Ok((slot, key, field)) = operation.field(name) else {
            let sent = unmarked_body(&call.planned).and_then(|b| b.get(name).cloned());
            push(wanted, name, expected, sent, place, found);
            continue;
        };
        let sent = sent(call, slot, key);
        if let (Some(by_name), Some(Value::Array(list)), Value::Object(_)) =
            (&field.by_name, &sent, expected)
        {
            let named = Value::Object(by_names(call, by_name, key, list));
            push(wanted, name, expected, Some(named), place, found);
            continue;
        }
        // A date or a phone number may be expected in any form that means the same.
        let fitted = Fit::convert(field, expected, defaults).value;
        let expected_text = match slot {
            Slot::Body => fitted,
            _ => Value::from(fitted.as_str().map_or_else(|| fitted.to_string(), str::to_owned)),
        };
        push(wanted, name, &expected_text, sent, place, found);
    }
    for name in &wanted.without {
        let Ok((slot, key, _)) = operation.field(name) else { continue };
        if let Some(sent) = sent(call, slot, key) {
            let kind =
                MismatchKind::Unwanted { call: wanted.call.clone(), name: name.clone(), sent };
            found.push(Mismatch { place: place.key("without"), kind });
        }
    }
}

fn push(
    wanted: &ExpectedCall,
    name: &str,
    expected: &Value,
    sent: Option<Value>,
    place: &Route,
    found: &mut Vec<Mismatch>,
) {
    if sent.as_ref().is_some_and(|sent| fits(expected, sent)) {
        return;
    }
    let kind = MismatchKind::Field {
        call: wanted.call.clone(),
        name: name.to_owned(),
        expected: expected.clone(),
        sent,
    };
    found.push(Mismatch { place: place.key("with").key(name), kind });
}

/// What a call sent in one of its fields, without the marks of the engine.
fn sent(call: &PlannedCall, slot: Slot, name: &str) -> Option<Value> {
    let request = &call.planned.request;
    match slot {
        Slot::Path => request.path_value(name).map(Value::from),
        Slot::Query => {
            request.query.iter().find(|(n, _)| n == name).map(|(_, v)| Value::from(v.as_str()))
        }
        Slot::Body => unmarked_body(&call.planned)?.get(name).cloned(),
    }
}

/// The custom fields of a list under the names that the recipe writes, as an example expects them.
fn by_names(
    call: &PlannedCall,
    by_name: &ByName,
    held_in: &str,
    list: &[Value],
) -> Map<String, Value> {
    let mut named = Map::new();
    for (at, entry) in list.iter().enumerate() {
        let path = format!("{held_in}/{at}/{}", by_name.value);
        let origin = call.planned.origins.iter().find(|origin| origin.path == path);
        let id = by_name.id.as_deref().and_then(|key| entry.get(key)?.as_str());
        if let Some(name) = origin.and_then(|origin| origin.name.as_deref()).or(id) {
            named.insert(name.to_owned(), entry.get(&by_name.value).cloned().unwrap_or_default());
        }
    }
    named
}

/// Objects match partially, lists exactly.
fn fits(expected: &Value, sent: &Value) -> bool {
    match (expected, sent) {
        (Value::Object(expected), Value::Object(sent)) => partially(expected, sent),
        (Value::Array(expected), Value::Array(sent)) => {
            expected.len() == sent.len() && expected.iter().zip(sent).all(|(e, s)| fits(e, s))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn partially(expected: &Map<String, Value>, sent: &Map<String, Value>) -> bool {
    expected.iter().all(|(name, value)| sent.get(name).is_some_and(|sent| fits(value, sent)))
}
