//! What a recipe may do in any 24 hours: calls come in before they are sent; whether its limits bear them
//! goes out.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Request, Response};
use crate::catalog::{Catalog, FullList, Operation};
use crate::journal::PlannedCall;
use crate::project::Limits;

/// The length of the window.
const DAY_MINUTES: i64 = 24 * 60;

/// Asked before a call goes out, told what came back.
pub trait Permit: Send + Sync {
    /// An error says why nothing more goes out.
    fn ask(&self, call: &PlannedCall) -> Result<(), String>;

    fn answered(&self, call: &PlannedCall, response: &Response);
}

/// What has been done, and how much may be.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    limits: Limits,
    calls: Minutes,
    tags_removed: Minutes,
    /// By app and id; the minute in which each was last changed.
    people: HashMap<String, i64>,
    /// By app and e-mail address or phone: who it has turned out to be.
    known: HashMap<String, String>,
}

/// How much has been done in the last 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub contacts: u64,
    pub tags_removed: u64,
    pub calls: u64,
}

/// A limit that a call would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    what: What,
    pub limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Contacts,
    TagsRemoved,
    Calls,
}

impl Exceeded {
    /// The key in linecook.yaml.
    pub fn key(&self) -> &'static str {
        match self.what {
            What::Contacts => "contacts",
            What::TagsRemoved => "tags_removed",
            What::Calls => "calls",
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match (self.what, limit) {
            (What::Contacts, 1) => f.write_str("it would change more than 1 contact in 24 hours"),
            (What::Contacts, _) => {
                write!(f, "it would change more than {limit} contacts in 24 hours")
            }
            (What::TagsRemoved, 0) => f.write_str("it would take away a tag"),
            (What::TagsRemoved, 1) => f.write_str("it would take away more than 1 tag in 24 hours"),
            (What::TagsRemoved, _) => {
                write!(f, "it would take away more than {limit} tags in 24 hours")
            }
            (What::Calls, 1) => f.write_str("it would make more than 1 call in 24 hours"),
            (What::Calls, _) => write!(f, "it would make more than {limit} calls in 24 hours"),
        }
    }
}

impl Allowance {
    pub fn new(limits: Limits) -> Allowance {
        Allowance { limits, ..Allowance::default() }
    }

    /// From now on these limits hold.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Counts a call, unless it would be one too many: then nothing is counted.
    pub fn take(
        &mut self,
        catalog: &Catalog,
        call: &PlannedCall,
        now: Timestamp,
    ) -> Result<(), Exceeded> {
        let minute = minute_of(now);
        let touches = Touches::of(catalog, call);
        let exceeds = |used: u64, limit: Option<u64>| limit.filter(|limit| used > *limit);
        if let Some(limit) = exceeds(self.calls.sum(minute) + 1, self.limits.calls) {
            return Err(Exceeded { what: What::Calls, limit });
        }
        let removed = self.tags_removed.sum(minute) + touches.tags_removed;
        if touches.tags_removed > 0
            && let Some(limit) = exceeds(removed, self.limits.tags_removed)
        {
            return Err(Exceeded { what: What::TagsRemoved, limit });
        }
        let people: Vec<String> = touches.people.into_iter().map(|who| self.who(who)).collect();
        if let Some(limit) = self.limits.contacts {
            let is_new = |who: &&String| !self.people.contains_key(*who);
            let new = people.iter().filter(is_new).count();
            if new > 0 && (self.people.len() + new) as u64 > limit {
                // Perhaps some of them are long ago.
                self.people.retain(|_, last| minute - *last < DAY_MINUTES);
                if (self.people.len() + new) as u64 > limit {
                    return Err(Exceeded { what: What::Contacts, limit });
                }
            }
        }
        self.calls.add(minute, 1);
        self.tags_removed.add(minute, touches.tags_removed);
        self.people.extend(people.into_iter().map(|who| (who, minute)));
        Ok(())
    }

    /// Learns from an answer who somebody is that was only known by an e-mail address or a phone.
    pub fn learn(&mut self, catalog: &Catalog, call: &PlannedCall, response: &Response) {
        let request = &call.planned.request;
        // The catalog's example is nobody.
        if response.imagined {
            return;
        }
        let Ok(operation) = catalog.operation(&request.operation) else { return };
        let Some(known_by) = new_person(catalog, &operation, request) else { return };
        let id =
            operation.read_record(&response.body).and_then(|record| record.get("id")?.as_str());
        let Some(id) = id else { return };
        let id = person(&request.app, id);
        if let Some(minute) = self.people.remove(&known_by) {
            self.people.insert(id.clone(), minute);
        }
        self.known.insert(known_by, id);
    }

    pub fn used(&mut self, now: Timestamp) -> Used {
        let minute = minute_of(now);
        self.people.retain(|_, last| minute - *last < DAY_MINUTES);
        Used {
            contacts: self.people.len() as u64,
            tags_removed: self.tags_removed.sum(minute),
            calls: self.calls.sum(minute),
        }
    }

    fn who(&self, named: String) -> String {
        self.known.get(&named).cloned().unwrap_or(named)
    }
}

/// What a call touches.
#[derive(Debug, Default, PartialEq, Eq)]
struct Touches {
    people: Vec<String>,
    tags_removed: u64,
}

impl Touches {
    fn of(catalog: &Catalog, call: &PlannedCall) -> Touches {
        let request = &call.planned.request;
        let Ok(operation) = catalog.operation(&request.operation) else {
            return Touches::default();
        };
        if !operation.changes() {
            return Touches::default();
        }
        let mut people = named_people(catalog, &operation, request);
        people.extend(new_person(catalog, &operation, request));
        people.sort_unstable();
        people.dedup();
        let each = tags_removed(&operation, request);
        let tags_removed = each * (people.len() as u64).max(1);
        Touches { people, tags_removed }
    }
}

fn person(app: &str, id: &str) -> String {
    format!("{app} {id}")
}

/// The people whose ids a call names.
fn named_people(catalog: &Catalog, operation: &Operation, request: &Request) -> Vec<String> {
    let Some(people) = catalog.app(&request.app).and_then(|app| app.people.as_ref()) else {
        return Vec::new();
    };
    let is_one = |name: &str| people.named_by.iter().any(|by| by == name);
    let own = operation.record.as_ref().filter(|record| record.kind == people.kind);
    let own = own.and_then(|record| request.path_value(record.id.as_deref()?));
    let in_path = request.path_values().filter(|(name, _)| is_one(name)).map(|(_, value)| value);
    let in_query = request.query.iter().filter(|(name, _)| is_one(name)).map(|(_, v)| v.as_str());
    let in_body = request.body.iter().filter_map(Value::as_object).flatten();
    let in_body = in_body.filter(|(name, _)| is_one(name)).flat_map(|(_, value)| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    });
    let ids = own.into_iter().chain(in_path).chain(in_query).chain(in_body);
    ids.map(|id| person(&request.app, id)).collect()
}

/// Somebody who is made, or found by the app itself: by the address or the number, as far as there is one.
fn new_person(catalog: &Catalog, operation: &Operation, request: &Request) -> Option<String> {
    let people = catalog.app(&request.app).and_then(|app| app.people.as_ref())?;
    let record = operation.record.as_ref().filter(|record| record.kind == people.kind)?;
    if record.id.as_deref().is_some_and(|id| request.path_value(id).is_some()) {
        return None;
    }
    let body = request.body.as_ref()?;
    let known_by = people.known_by.iter().find_map(|name| {
        let text = body.get(name)?.as_str().filter(|text| !text.trim().is_empty())?;
        Some(format!("{} {name} {}", request.app, text.trim().to_lowercase()))
    });
    Some(known_by.unwrap_or_else(|| format!("{} {body}", request.app)))
}

/// How many tags a call takes away from each. Nobody tells how many a full list takes away: that counts as
/// one.
fn tags_removed(operation: &Operation, request: &Request) -> u64 {
    let sent = |field: &str| request.body.as_ref().and_then(|body| body.get(field));
    if let Some(removes) = &operation.removes_tags {
        let holds = |(name, value): (&String, &String)| request.path_value(name) == Some(value);
        return match removes.with.iter().all(holds) {
            true => sent(&removes.field).and_then(Value::as_array).map_or(1, |t| t.len() as u64),
            false => 0,
        };
    }
    let replaced = operation
        .tags
        .as_ref()
        .filter(|tags| tags.full_list == FullList::Replaces && sent(&tags.field).is_some());
    u64::from(replaced.is_some())
}

/// A count over the last 24 hours, by the minute.
#[derive(Clone, Debug, Default)]
struct Minutes {
    counts: VecDeque<(i64, u64)>,
    sum: u64,
}

impl Minutes {
    fn add(&mut self, minute: i64, count: u64) {
        if count == 0 {
            return;
        }
        self.sum += count;
        match self.counts.back_mut() {
            // What is counted late belongs to the last minute.
            Some((last, there)) if *last >= minute => *there += count,
            _ => self.counts.push_back((minute, count)),
        }
    }

    fn sum(&mut self, now: i64) -> u64 {
        while let Some((minute, count)) = self.counts.front()
            && now - minute >= DAY_MINUTES
        {
            self.sum -= count;
            self.counts.pop_front();
        }
        self.sum
    }
}

fn minute_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{Effect, InDoubt};
    use crate::plan::PlannedRequest;

    fn call(operation: &str, body: Value, path: &[&str]) -> PlannedCall {
        let found = Catalog::embedded().operation(operation).unwrap();
        let mut values = path.iter();
        let segments = found.path_pattern().split('/').skip(1).map(|part| match part {
            part if part.starts_with(':') => (*values.next().unwrap()).to_owned(),
            part => part.to_owned(),
        });
        let request = Request {
            app: found.app.clone(),
            operation: operation.to_owned(),
            call: found.call.clone(),
            method: found.method().to_owned(),
            path: segments.collect(),
            body: Some(body).filter(|body| !body.is_null()),
            ..Request::default()
        };
        let planned = PlannedRequest { request, origins: Vec::new(), left_out: Vec::new() };
        let (effect, settle) = (Effect::Update, InDoubt::Idempotent);
        PlannedCall { planned, effect, settle, attempt: 1, looks_for: None }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn words(result: Result<(), Exceeded>) -> String {
        result.map_or_else(|e| e.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_person_counts_once_however_named() {
        let catalog = Catalog::embedded();
        let limits = Limits { contacts: Some(2), ..Limits::default() };
        let mut allowance = Allowance::new(limits);
        let mut ask = |call: &PlannedCall| words(allowance.take(catalog, call, at(0)));
        let ada = call("highlevel.upsert-contact", json!({ "email": "Ada@example.com" }), &[]);
        assert_eq!(ask(&ada), "fine");
        assert_eq!(ask(&ada), "fine");
        let answer = json!({ "contact": { "id": "k1" }, "new": true });
        let answer = Response { status: 200, body: answer, ..Response::default() };
        allowance.learn(catalog, &ada, &answer);
        let mut ask = |call: &PlannedCall| words(allowance.take(catalog, call, at(0)));
        assert_eq!(ask(&call("highlevel.create-task", json!({ "title": "x" }), &["k1"])), "fine");
        assert_eq!(ask(&ada), "fine");
        assert_eq!(ask(&call("highlevel.get-contact", Value::Null, &["k9"])), "fine");
        assert_eq!(ask(&call("highlevel.update-contact", json!({}), &["k2"])), "fine");
        assert_eq!(
            ask(&call("highlevel.create-note", json!({ "body": "x" }), &["k3"])),
            "it would change more than 2 contacts in 24 hours"
        );
        let used = allowance.used(at(0));
        assert_eq!(used, Used { contacts: 2, tags_removed: 0, calls: 6 });
        let late = call("highlevel.create-note", json!({ "body": "x" }), &["k3"]);
        assert_eq!(words(allowance.take(catalog, &late, at(DAY_MINUTES))), "fine");
        assert_eq!(allowance.used(at(DAY_MINUTES)).contacts, 1);
    }

    #[test]
    fn tags_that_go_are_counted_for_each_person() {
        let catalog = Catalog::embedded();
        let limits = Limits { tags_removed: Some(5), ..Limits::default() };
        let mut allowance = Allowance::new(limits);
        let mut ask = |call: &PlannedCall| words(allowance.take(catalog, call, at(0)));
        let tags = json!({ "tags": ["a", "b"] });
        assert_eq!(ask(&call("highlevel.add-tags", tags.clone(), &["k1"])), "fine");
        assert_eq!(ask(&call("highlevel.remove-tags", tags.clone(), &["k1"])), "fine");
        let many = json!({ "contacts": ["k1", "k2"], "tags": ["a"] });
        let bulk = |way: &str| call("highlevel.create-association", many.clone(), &[way]);
        assert_eq!(ask(&bulk("add")), "fine");
        assert_eq!(ask(&bulk("remove")), "fine");
        let full = call("highlevel.update-contact", json!({ "tags": ["only"] }), &["k1"]);
        assert_eq!(ask(&full), "fine");
        assert_eq!(ask(&full), "it would take away more than 5 tags in 24 hours");
        assert_eq!(ask(&call("highlevel.add-tags", tags, &["k1"])), "fine");
        assert_eq!(allowance.used(at(0)).tags_removed, 5);
    }

    #[test]
    fn calls_of_the_last_24_hours_count_those_that_read_too() {
        let catalog = Catalog::embedded();
        let limits = Limits { calls: Some(2), ..Limits::default() };
        let mut allowance = Allowance::new(limits);
        let read = call("highlevel.get-contact", Value::Null, &["k1"]);
        assert_eq!(words(allowance.take(catalog, &read, at(0))), "fine");
        assert_eq!(words(allowance.take(catalog, &read, at(60))), "fine");
        let over = "it would make more than 2 calls in 24 hours";
        assert_eq!(words(allowance.take(catalog, &read, at(DAY_MINUTES - 1))), over);
        assert_eq!(words(allowance.take(catalog, &read, at(DAY_MINUTES))), "fine");
        assert_eq!(words(allowance.take(catalog, &read, at(DAY_MINUTES + 59))), over);
    }
}
