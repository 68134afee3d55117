//! Contacts: created, found and updated, changed, deleted.

use serde_json::{Map, Value, json};

use crate::value::phone;

use super::super::generic::with_record;
use super::super::records::{Form, Record, folded, is_blank, iso_stamp, text_of};
use super::super::reply::Reply;
use super::super::world::{Call, LOCATION_ID, World};
use super::CONTACT;

/// Makes a contact, unless its e-mail address or phone is known and the account forbids that.
pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let (email, phone) = (call.text("email"), call.text("phone"));
    if let (false, Some((found, field))) =
        (world.settings.allow_duplicates, find(world, email, phone))
    {
        let body = json!({
            "statusCode": 400,
            "message": "This location does not allow duplicated contacts.",
            "meta": {
                "contactId": found.get("id"),
                "contactName": text_of(found, "name"),
                "matchingField": field,
            },
        });
        return Reply::new(400, body);
    }
    let contact = insert(world, call);
    with_record(call, Some(as_created(contact)))
}

/// Changes the contact with that e-mail address or else that phone, or makes one.
pub(super) fn upsert(world: &mut World, call: &Call) -> Reply {
    let always_new = call.body.get("createNewIfDuplicateAllowed") == Some(&Value::Bool(true))
        && world.settings.allow_duplicates;
    let found = match always_new {
        true => None,
        false => find(world, call.text("email"), call.text("phone")),
    };
    let found = found.map(|(contact, _)| contact.clone());
    let is_new = found.is_none();
    let contact = match found {
        Some(mut contact) => {
            let mut body = call.body.clone();
            // Reported: not changed in a contact that is there.
            body.shift_remove("gender");
            // The phone of a third contact is dropped without a word.
            let other = find(world, None, call.text("phone"));
            if other.is_some_and(|(other, _)| other.get("id") != contact.get("id")) {
                body.shift_remove("phone");
            }
            merge(world, &mut contact, &body);
            world.records.insert(CONTACT, contact.clone());
            contact
        }
        None => insert(world, call),
    };
    let mut reply = with_record(call, Some(contact));
    reply.body["new"] = is_new.into();
    reply.body["traceId"] = world.records.new_id("trace").into();
    reply
}

/// Changes what was sent and nothing else; null takes a field away.
pub(super) fn update(world: &mut World, call: &Call) -> Reply {
    let id = call.id().unwrap_or_default();
    let Some(mut contact) = world.records.find(CONTACT, id).cloned() else {
        return super::not_found("contact", id);
    };
    merge(world, &mut contact, &call.body);
    world.records.insert(CONTACT, contact.clone());
    with_record(call, Some(contact))
}

/// Deletes a contact with its tasks and notes.
pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let id = call.id().unwrap_or_default();
    world.records.remove(CONTACT, id);
    for kind in ["task", "note", "appointment"] {
        world.records.remove_where(&format!("highlevel.{kind}"), "contactId", id);
    }
    with_record(call, None)
}

/// The first contact with that e-mail address, or else with that phone, and which of the two it was.
pub(super) fn find<'a>(
    world: &'a World,
    email: Option<&str>,
    phone: Option<&str>,
) -> Option<(&'a Record, &'static str)> {
    let by = |field: &'static str, wanted: Option<&str>, form: Form| {
        let wanted = wanted.filter(|text| !text.is_empty())?;
        let found = world.records.with(CONTACT, field, wanted, form);
        Some((*found.first()?, field))
    };
    by("email", email, folded).or_else(|| by("phone", phone, same_phone))
}

/// A phone number in the form in which two can be compared.
pub(super) fn same_phone(text: &str) -> String {
    phone::e164(text, "US").unwrap_or_else(|_| text.trim().to_owned())
}

/// A contact with everything that HighLevel adds by itself.
pub(super) fn whole(world: &mut World, id: String, given: &Record) -> Record {
    let now = iso_stamp(world.now);
    let mut contact = Map::new();
    contact.insert("id".into(), id.into());
    contact.insert("locationId".into(), LOCATION_ID.into());
    contact.insert("tags".into(), json!([]));
    contact.insert("customFields".into(), json!([]));
    contact.insert("dnd".into(), false.into());
    let mut given = given.clone();
    given.shift_remove("id");
    merge(world, &mut contact, &given);
    for stamp in ["dateAdded", "dateUpdated"] {
        let value = given.get(stamp).cloned().unwrap_or_else(|| now.clone().into());
        contact.insert(stamp.into(), value);
    }
    contact
}

fn insert(world: &mut World, call: &Call) -> Record {
    let id = world.records.new_id(CONTACT);
    let mut body = call.body.clone();
    body.shift_remove("createNewIfDuplicateAllowed");
    let contact = whole(world, id, &body);
    world.records.insert(CONTACT, contact.clone());
    contact
}

/// Writes the fields of a request into a contact.
fn merge(world: &mut World, contact: &mut Record, body: &Record) {
    for (field, value) in body {
        match (field.as_str(), value) {
            ("customFields", Value::Array(fields)) => custom_fields(world, contact, fields),
            ("createNewIfDuplicateAllowed", _) => {}
            (_, Value::Null) => {
                contact.shift_remove(field);
            }
            _ => {
                contact.insert(field.clone(), value.clone());
            }
        }
    }
    let renamed = ["firstName", "lastName"].iter().any(|field| body.contains_key(*field));
    if renamed && is_blank(body.get("name")) {
        let name = full_name(contact);
        match name.is_empty() {
            true => contact.shift_remove("name"),
            false => contact.insert("name".into(), name.into()),
        };
    }
    contact.insert("dateUpdated".into(), iso_stamp(world.now).into());
}

/// `{ id or key, field_value }` comes in, `{ id, value }` is kept; fields that are not named stay.
fn custom_fields(world: &mut World, contact: &mut Record, fields: &[Value]) {
    let held = contact.get("customFields").and_then(Value::as_array);
    let mut held =
        held.cloned().filter(|_| !world.settings.replace_custom_fields).unwrap_or_default();
    for field in fields {
        let id = match (field["id"].as_str(), field["key"].as_str()) {
            (Some(id), _) => id.to_owned(),
            (None, Some(key)) => id_of_key(world, key),
            (None, None) => continue,
        };
        let value = field.get("field_value").or_else(|| field.get("value"));
        let value = value.cloned().unwrap_or_default();
        held.retain(|other| other["id"] != id.as_str());
        // Whether a blank text or an empty list blanks a field is not documented; nothing else could.
        let blanks = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !blanks {
            held.push(json!({ "id": id, "value": value }));
        }
    }
    contact.insert("customFields".into(), held.into());
}

fn id_of_key(world: &mut World, key: &str) -> String {
    if let Some(id) = world.field_ids.get(key) {
        return id.clone();
    }
    let id = world.records.new_id("highlevel.customField");
    world.field_ids.insert(key.to_owned(), id.clone());
    id
}

fn full_name(contact: &Record) -> String {
    let names = ["firstName", "lastName"].map(|field| text_of(contact, field));
    names.join(" ").trim().to_owned()
}

/// A new contact is answered in another shape than one that is read.
fn as_created(mut contact: Record) -> Record {
    contact.shift_remove("name");
    let full_name = full_name(&contact);
    let lower = [
        ("firstNameLowerCase", text_of(&contact, "firstName")),
        ("lastNameLowerCase", text_of(&contact, "lastName")),
        ("fullNameLowerCase", full_name),
        ("emailLowerCase", text_of(&contact, "email")),
    ];
    for (field, text) in lower.into_iter().filter(|(_, text)| !text.is_empty()) {
        contact.insert(field.into(), text.to_lowercase().into());
    }
    contact.insert("deleted".into(), false.into());
    contact
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_contacts(contacts: &[Value]) -> World {
        let mut world = World::for_test();
        let contacts: Vec<Record> =
            contacts.iter().map(|contact| contact.as_object().unwrap().clone()).collect();
        world.add_records("highlevel.contact", &contacts);
        world
    }

    fn ada() -> Value {
        json!({ "id": "ada", "email": "Ada@Example.com", "phone": "+14075550100",
            "firstName": "Ada", "lastName": "Lovelace", "tags": ["customer"] })
    }

    fn here(mut body: Value) -> Value {
        body["locationId"] = LOCATION_ID.into();
        body
    }

    #[test]
    fn a_duplicate_is_refused_and_named() {
        let mut world = with_contacts(&[ada()]);
        let create = "POST /contacts/";
        let by_email = here(json!({ "email": "ada@example.com" }));
        let (status, answer) = world.ask("highlevel", create, by_email.clone());
        assert_eq!(status, 400);
        assert_eq!(answer["message"], "This location does not allow duplicated contacts.");
        let meta =
            json!({ "contactId": "ada", "contactName": "Ada Lovelace", "matchingField": "email" });
        assert_eq!(answer["meta"], meta);
        let by_phone = here(json!({ "email": "b@example.com", "phone": "(407) 555-0100" }));
        let (_, answer) = world.ask("highlevel", create, by_phone);
        assert_eq!(answer["meta"]["matchingField"], "phone");
        world.set_allow_duplicates(true);
        let (status, answer) = world.ask("highlevel", create, by_email);
        assert_eq!(status, 201);
        assert_eq!(answer["contact"]["id"], "contact0000000000001");
        assert_eq!(answer["contact"]["dateAdded"], "2026-03-02T10:00:00.000Z");
    }

    #[test]
    fn an_upsert_replaces_all_tags_of_the_contact_it_finds() {
        let bo = json!({ "id": "bo", "phone": "+14075550199" });
        let mut world = with_contacts(&[ada(), bo]);
        let body = json!({ "email": "ada@example.com", "phone": "+14075550199", "tags": ["vip"] });
        let (status, answer) = world.ask("highlevel", "POST /contacts/upsert", here(body));
        assert_eq!((status, &answer["new"]), (200, &json!(false)));
        assert_eq!(answer["contact"]["id"], "ada");
        assert_eq!(answer["contact"]["tags"], json!(["vip"]));
        assert_eq!(answer["contact"]["phone"], "+14075550100");
        let body = json!({ "email": "new@example.com" });
        let (_, answer) = world.ask("highlevel", "POST /contacts/upsert", here(body));
        assert_eq!(answer["new"], true);
        assert_eq!(world.records(CONTACT).len(), 3);
    }

    #[test]
    fn an_update_changes_what_was_sent_and_null_takes_away() {
        let mut world = with_contacts(&[ada()]);
        let body = json!({ "city": "Orlando", "phone": null, "lastName": "King",
            "customFields": [{ "id": "f1", "field_value": "Espresso" }] });
        let (status, answer) = world.ask("highlevel", "PUT /contacts/ada", body);
        assert_eq!((status, &answer["succeded"]), (200, &json!(true)));
        let body = json!({ "customFields": [{ "id": "f2", "field_value": 2 }] });
        world.ask("highlevel", "PUT /contacts/ada", body);
        let (_, answer) = world.ask("highlevel", "GET /contacts/ada", Value::Null);
        let contact = &answer["contact"];
        assert_eq!(contact["name"], "Ada King");
        assert_eq!(contact["email"], "Ada@Example.com");
        assert_eq!(contact.get("phone"), None);
        let fields = json!([{ "id": "f1", "value": "Espresso" }, { "id": "f2", "value": 2 }]);
        assert_eq!(contact["customFields"], fields);
        let (status, answer) =
            world.ask("highlevel", "PUT /contacts/ada", json!({ "gender": "f" }));
        assert_eq!(status, 422);
        assert_eq!(answer["message"], json!(["property gender should not exist"]));
        let (status, answer) = world.ask("highlevel", "GET /contacts/nobody", Value::Null);
        assert_eq!((status, &answer["message"]), (400, &json!("Contact with id nobody not found")));
    }

    #[test]
    fn a_task_reads_back_and_goes_with_its_contact() {
        let mut world = with_contacts(&[ada()]);
        let body =
            json!({ "title": "Call", "dueDate": "2026-03-03T09:00:00Z", "completed": false });
        let (status, answer) = world.ask("highlevel", "POST /contacts/ada/tasks", body);
        assert_eq!(status, 201);
        let task = answer["task"].clone();
        assert_eq!(task["dueDate"], "2026-03-03T09:00:00.000Z");
        let path = format!("/contacts/ada/tasks/{}", task["id"].as_str().unwrap());
        let (_, answer) = world.ask("highlevel", &format!("GET {path}"), Value::Null);
        assert_eq!(answer["task"], task);
        let done = json!({ "completed": true });
        let (_, answer) = world.ask("highlevel", &format!("PUT {path}/completed"), done);
        assert_eq!(answer["task"]["completed"], true);
        let (_, answer) = world.ask("highlevel", "GET /contacts/ada/tasks", Value::Null);
        assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
        let (status, _) = world.ask("highlevel", "GET /contacts/ada/tasks/other", Value::Null);
        assert_eq!(status, 404);
        let (_, answer) = world.ask("highlevel", "DELETE /contacts/ada", Value::Null);
        assert_eq!(answer, json!({ "succeded": true }));
        assert!(world.records("highlevel.task").is_empty());
    }
}
