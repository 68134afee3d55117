//! What an app tells of a change: a record before and after comes in; the messages that the app sends go
//! out, as the events of the catalog describe them.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::catalog::{App, EventType, Field};
use crate::value::text::plain_name;

use super::generic::shown;
use super::records::{Change, Record, is_blank, iso_stamp};
use super::world::{LOCATION_ID, World};

/// One thing that an app tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub app: String,
    /// `contact_created`
    pub event: String,
    /// What the app calls it.
    pub wire: String,
    pub payload: Map<String, Value>,
}

/// The messages about one change: one for every event of its kind of record that it is.
pub(super) fn of_change(world: &World, change: &Change) -> Vec<Message> {
    let Some((app, kind)) = change.kind.split_once('.') else { return Vec::new() };
    let Some(app) = world.catalog.app(app) else { return Vec::new() };
    let changed = changed_fields(change);
    if changed.is_empty() {
        return Vec::new();
    }
    let events = events(world, &app.app, kind);
    let happenings: Vec<Happening> = events.iter().map(|e| Happening::of(&e.id, kind)).collect();
    // What has an event of its own is not told twice.
    let has_own = |field: &String| happenings.iter().any(|happening| happening.owns(field));
    let more = changed.iter().any(|field| !has_own(field));
    let told = events.iter().zip(&happenings).filter(|(_, happening)| match happening {
        Happening::Updated => is_update(change) && more,
        other => other.is(change, &changed),
    });
    told.filter_map(|(event, _)| message(world, app, event, change)).collect()
}

/// What an event says has happened to a record.
enum Happening {
    Created,
    Deleted,
    /// Anything that has no event of its own.
    Updated,
    /// `contact_tags_updated`: a field of that name, in small letters.
    Changed(String),
    /// `task_completed`, `invoice_sent`, `opportunity_assigned`: a field that says so was filled in.
    Became(String),
}

impl Happening {
    fn of(event: &str, kind: &str) -> Happening {
        let own = event.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_'));
        let (field, verb) = match own {
            Some(own) => own.rsplit_once('_').map_or((None, own), |(f, verb)| (Some(f), verb)),
            None => (None, event.rsplit('_').next().unwrap_or(event)),
        };
        match (field, verb) {
            (None, "created" | "added") => Happening::Created,
            (None, "deleted" | "removed") => Happening::Deleted,
            (None, "updated" | "changed") => Happening::Updated,
            (None, verb) => Happening::Became(plain_name(verb)),
            (Some(field), _) => Happening::Changed(plain_name(field)),
        }
    }

    fn owns(&self, field: &str) -> bool {
        let field = plain_name(field);
        match self {
            Happening::Changed(name) => field.contains(name.as_str()),
            Happening::Became(verb) => {
                let rest = field.strip_prefix(verb.as_str());
                matches!(rest, Some("" | "at" | "to"))
            }
            _ => false,
        }
    }

    fn is(&self, change: &Change, changed: &[String]) -> bool {
        match self {
            Happening::Created => change.before.is_none() && !is_gone(change.after.as_ref()),
            Happening::Deleted => change.before.is_some() && is_gone(change.after.as_ref()),
            Happening::Updated => is_update(change),
            Happening::Changed(_) => is_update(change) && changed.iter().any(|f| self.owns(f)),
            Happening::Became(_) => {
                let after = |field: &String| change.after.as_ref().and_then(|r| r.get(field));
                let mut own = changed.iter().filter(|field| self.owns(field));
                is_update(change) && own.any(|field| says_yes(after(field)))
            }
        }
    }
}

fn says_yes(value: Option<&Value>) -> bool {
    !is_blank(value) && value != Some(&Value::Bool(false))
}

fn is_update(change: &Change) -> bool {
    change.before.is_some() && !is_gone(change.after.as_ref())
}

/// Not there, or marked as deleted.
fn is_gone(record: Option<&Record>) -> bool {
    record.is_none_or(|record| !is_blank(record.get("deleted_at")))
}

/// The fields that differ, without those that say when.
fn changed_fields(change: &Change) -> Vec<String> {
    const STAMPS: [&str; 3] = ["updated_at", "dateUpdated", "updatedAt"];
    let nothing = Record::new();
    let before = change.before.as_ref().unwrap_or(&nothing);
    let after = change.after.as_ref().unwrap_or(&nothing);
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let names = after.keys().chain(gone).filter(|name| !STAMPS.contains(&name.as_str()));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The events about a kind of record, each that the app has once: `invoice_paid` is a changed invoice.
fn events(world: &World, app: &str, kind: &str) -> Vec<Arc<EventType>> {
    let entries = world.catalog.event_entries().iter();
    let about = entries.filter(|e| e.app == app && e.record.as_deref() == Some(kind));
    let mut events: Vec<Arc<EventType>> = Vec::new();
    for event in about.filter_map(|entry| world.catalog.event(&entry.id).ok()) {
        let known = events.iter().any(|other| other.wire == event.wire);
        let of_other_app = event.record.as_ref().is_some_and(|record| record.app.is_some());
        if event.wire.is_some() && event.when.is_none() && !of_other_app && !known {
            events.push(event);
        }
    }
    events
}

fn message(world: &World, app: &App, event: &EventType, change: &Change) -> Option<Message> {
    let wire = event.wire.clone()?;
    let record = change.after.as_ref().or(change.before.as_ref())?.clone();
    let record = shown(world, &app.app, record);
    let payload = match &event.payload.fields {
        None => record,
        Some(fields) => {
            let mut payload = filled(app, fields, &record);
            let own = fields.keys().filter_map(|n| Some((n, own_field(world, app, n, &wire)?)));
            payload.extend(own.map(|(name, value)| (name.clone(), value)));
            let place = event.record.as_ref().and_then(|record| record.id.as_deref());
            match place.and_then(|id| id.split_once('.')) {
                // `appointment.id`: the record stands in a field of its own.
                Some((place, _)) => {
                    let inner = fields.get(place).and_then(|field| field.fields.as_ref());
                    let inner = inner.map_or(record.clone(), |f| filled(app, f, &record));
                    payload.insert(place.to_owned(), Value::Object(inner));
                }
                None => {
                    if let Some(id) = place.filter(|id| !payload.contains_key(*id)) {
                        payload
                            .insert(id.to_owned(), record.get("id").cloned().unwrap_or_default());
                    }
                }
            }
            payload
        }
    };
    Some(Message { app: app.app.clone(), event: event.id.clone(), wire, payload })
}

/// The fields of a message that the record has. HighLevel leaves out what is empty.
fn filled(app: &App, fields: &IndexMap<String, Field>, record: &Record) -> Record {
    let there = fields.keys().filter_map(|name| Some((name.clone(), record.get(name)?.clone())));
    there.filter(|(_, value)| app.app != "highlevel" || !is_blank(Some(value))).collect()
}

/// What stands in a message besides the record.
fn own_field(world: &World, app: &App, name: &str, wire: &str) -> Option<Value> {
    if app.event_by.body.as_deref() == Some(name) {
        return Some(wire.into());
    }
    if app.location.as_deref() == Some(name) {
        return Some(LOCATION_ID.into());
    }
    match (app.app.as_str(), name) {
        ("highlevel", "timestamp") => Some(iso_stamp(world.now).into()),
        // Another one in every start: whoever is told remembers them for weeks.
        ("highlevel", "webhookId") => Some(new_uuid().into()),
        _ => None,
    }
}

fn new_uuid() -> String {
    let random = fastrand::u128(..);
    let hex = format!("{random:032x}");
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is told when a record becomes another one.
    fn told(kind: &str, before: Value, after: Value) -> Vec<Message> {
        let record = |value: Value| value.as_object().cloned();
        let (before, after) = (record(before), record(after));
        of_change(&World::for_test(), &Change { kind: kind.to_owned(), before, after })
    }

    fn wires(kind: &str, before: Value, after: Value) -> Vec<String> {
        told(kind, before, after).into_iter().map(|message| message.wire).collect()
    }

    #[test]
    fn a_contact_is_told_of_as_highlevel_does() {
        let contact = "highlevel.contact";
        let ada = json!({ "id": "a", "email": "a@example.com", "tags": [], "dnd": false });
        let with = |more: Value| {
            let mut contact = ada.clone();
            contact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            contact
        };
        assert_eq!(wires(contact, Value::Null, ada.clone()), ["ContactCreate"]);
        assert_eq!(wires(contact, ada.clone(), Value::Null), ["ContactDelete"]);
        let vip = with(json!({ "tags": ["vip"], "dateUpdated": "x" }));
        assert_eq!(wires(contact, ada.clone(), vip), ["ContactTagUpdate"]);
        let both = with(json!({ "tags": ["vip"], "email": "b@example.com" }));
        assert_eq!(wires(contact, ada.clone(), both), ["ContactUpdate", "ContactTagUpdate"]);
        let dnd = with(json!({ "dnd": true }));
        assert_eq!(wires(contact, ada.clone(), dnd), ["ContactDndUpdate"]);
        assert!(wires(contact, ada.clone(), with(json!({ "dateUpdated": "x" }))).is_empty());
        let task = |completed: bool| json!({ "id": "t", "title": "Call", "completed": completed });
        assert_eq!(wires("highlevel.task", task(false), task(true)), ["TaskComplete"]);
        assert!(wires("highlevel.task", task(true), task(false)).is_empty());
        let deal = |who: &str| json!({ "id": "o", "name": "Deal", "assignedTo": who });
        let told = wires("highlevel.opportunity", deal("a"), deal("b"));
        assert_eq!(told, ["OpportunityAssignedToUpdate"]);
        let visit = json!({ "id": "v", "title": "Tour" });
        let told = self::told("highlevel.appointment", Value::Null, visit);
        assert_eq!(told[0].payload["appointment"]["id"], "v");
    }

    #[test]
    fn highlevel_says_which_event_and_account_and_leaves_out_what_is_empty() {
        let ada = json!({ "id": "a", "email": "", "firstName": "Ada", "secret": "x" });
        let [message] = &told("highlevel.contact", Value::Null, ada)[..] else { panic!("one") };
        let payload = &message.payload;
        assert_eq!(payload["type"], "ContactCreate");
        assert_eq!(payload["locationId"], World::location_id());
        assert_eq!(payload["timestamp"], "2026-03-02T10:00:00.000Z");
        assert_eq!(payload["webhookId"].as_str().unwrap().len(), 36);
        assert_eq!(payload["firstName"], "Ada");
        assert!(!payload.contains_key("email") && !payload.contains_key("secret"));
    }

    #[test]
    fn stax_tells_each_change_once_and_says_nothing_of_a_deleted_customer() {
        let invoice = |more: Value| {
            let mut invoice = json!({ "id": "i", "customer_id": "c", "status": "DRAFT",
                "sent_at": null, "deleted_at": null });
            invoice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            invoice
        };
        let draft = invoice(json!({}));
        assert_eq!(wires("stax.invoice", Value::Null, draft.clone()), ["create_invoice"]);
        let paid = invoice(json!({ "status": "PAID" }));
        assert_eq!(wires("stax.invoice", draft.clone(), paid), ["update_invoice"]);
        let sent = invoice(json!({ "sent_at": "2026-03-02 10:00:00" }));
        assert_eq!(wires("stax.invoice", draft, sent), ["send_invoice"]);
        let customer = |at: Value| json!({ "id": "c", "email": "a@example.com", "deleted_at": at });
        let gone = customer("2026-03-02 10:00:00".into());
        assert!(wires("stax.customer", customer(Value::Null), gone.clone()).is_empty());
        let rule = |at: Value| json!({ "id": "s", "rule": "x", "deleted_at": at });
        let gone = rule("2026-03-02 10:00:00".into());
        let told = wires("stax.invoice_schedule", rule(Value::Null), gone);
        assert_eq!(told, ["delete_scheduled_invoice"]);
    }
}
