//! What only HighLevel does: its contacts and everything that hangs on one. A call comes in; the
//! answer goes out.

mod contacts;
mod groups;
mod search;

use serde_json::{Map, Value};

use crate::catalog::{Effect, Operation};
use crate::snapshot::{self, is_of_account};
use crate::value::Moment;

use super::generic;
use super::records::{Record, is_blank, iso_stamp, plain, text_of};
use super::reply::Reply;
use super::world::{Call, LOCATION_ID, World};

/// The kind under which contacts are kept.
const CONTACT: &str = "highlevel.contact";

/// Does what a request asks and answers it.
pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    if let Some(id) = call.path.get("contactId")
        && world.records.find(CONTACT, id).is_none()
    {
        return not_found("contact", id);
    }
    // Other resources have operations of the same names.
    let id = call.operation.id.as_str();
    match if call.operation.resource == "contacts" { id } else { "" } {
        "create-contact" => contacts::create(world, call),
        "upsert-contact" => contacts::upsert(world, call),
        "update-contact" => contacts::update(world, call),
        "delete-contact" => contacts::delete(world, call),
        "get-duplicate-contact" => search::duplicate(world, call),
        "search-contacts-advanced" => search::advanced(world, call),
        "get-contacts" | "get-contacts-by-businessId" => search::plain_list(world, call),
        "add-tags" | "remove-tags" => groups::tags(world, call),
        // Another document has an operation of the same name.
        "create-association" if call.path.contains_key("type") => groups::tags_of_many(world, call),
        "add-followers-contact" | "remove-followers-contact" => groups::followers(world, call),
        "add-remove-contact-from-business" => groups::business(world, call),
        _ if call.operation.effect == Effect::Action => generic::with_record(call, None),
        _ => generic::answer(world, call),
    }
}

/// A record that is already there, made whole.
pub(super) fn given_record(world: &mut World, name: &str, given: &Record) -> Record {
    if let Some(part) = is_of_account(world.catalog, &format!("highlevel.{name}")) {
        let mut record = snapshot::given_record(part, given);
        record.entry("locationId").or_insert(LOCATION_ID.into());
        return record;
    }
    let id = match is_blank(given.get("id")) {
        true => world.records.new_id(&format!("highlevel.{name}")),
        false => text_of(given, "id"),
    };
    if name == "contact" {
        return contacts::whole(world, id, given);
    }
    whole(world, name, id, given)
}

/// A task, note or other record that a request makes.
pub(super) fn new_record(world: &World, call: &Call, id: String, sent: Record) -> Record {
    let name = call.operation.record.as_ref().map_or("", |record| record.kind.as_str());
    whole(world, name, id, &sent)
}

fn whole(world: &World, name: &str, id: String, sent: &Record) -> Record {
    let mut record = Map::from_iter([("id".to_owned(), Value::from(id))]);
    let sent = sent.iter().filter(|(field, value)| *field != "id" && !value.is_null());
    record.extend(sent.map(|(field, value)| (field.clone(), value.clone())));
    let usual: &[(&str, Value)] = match name {
        "task" => &[("completed", false.into())],
        "note" => &[("pinned", false.into()), ("dateAdded", iso_stamp(world.now).into())],
        _ => &[],
    };
    for (field, value) in usual {
        record.entry(*field).or_insert_with(|| value.clone());
    }
    tidy(&mut record);
    record
}

/// Writes a due date as HighLevel does.
pub(super) fn tidy(record: &mut Record) {
    if let Some(due) = record.get_mut("dueDate")
        && let Ok(moment) = Moment::parse(&plain(due), &jiff::tz::TimeZone::UTC)
    {
        *due = iso_stamp(moment.timestamp()).into();
    }
}

/// 400 for a contact, as others report; 404 for what belongs to one.
pub(super) fn not_found(kind: &str, id: &str) -> Reply {
    let name: String =
        kind.chars().take(1).flat_map(char::to_uppercase).chain(kind.chars().skip(1)).collect();
    let status = if kind == "contact" { 400 } else { 404 };
    Reply::refused("highlevel", status, format!("{name} with id {id} not found"))
}

/// Whether an operation that is no create answers 201.
pub(super) fn answers_created(operation: &Operation) -> bool {
    operation.resource == "contacts"
        && matches!(
            operation.id.as_str(),
            "add-tags" | "create-association" | "add-followers-contact" | "add-contact-to-campaign"
        )
}

/// The texts in a list field.
fn texts(record: &Record, field: &str) -> Vec<String> {
    record.get(field).and_then(Value::as_array).into_iter().flatten().map(plain).collect()
}
