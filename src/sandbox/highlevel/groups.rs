//! What a contact belongs to: its tags, its followers, its business.

use serde_json::{Value, json};

use super::super::generic::with_record;
use super::super::reply::Reply;
use super::super::world::{Call, World};
use super::{CONTACT, texts};

/// What happened to one list.
struct Changed {
    before: Vec<String>,
    after: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

/// Adds tags to a contact or removes them; all that it then has are answered.
pub(super) fn tags(world: &mut World, call: &Call) -> Reply {
    let tags = texts(&call.body, "tags");
    let adds = call.operation.id == "add-tags";
    let mut reply = with_record(call, None);
    if let Some(changed) = change(world, call.id().unwrap_or_default(), "tags", &tags, adds, false)
    {
        reply.body = json!({ "tags": changed.after });
    }
    reply
}

/// Adds tags to many contacts or removes them; every contact is answered for itself.
pub(super) fn tags_of_many(world: &mut World, call: &Call) -> Reply {
    let adds = match call.path.get("type").map(String::as_str) {
        Some("add") => true,
        Some("remove") => false,
        _ => {
            let message = ["type must be one of the following values: add, remove"];
            return Reply::refused("highlevel", 422, message.map(String::from).to_vec());
        }
    };
    let tags = texts(&call.body, "tags");
    let wipe = call.body.get("removeAllTags") == Some(&Value::Bool(true));
    let mut errors = 0;
    let mut responses = Vec::new();
    for id in texts(&call.body, "contacts") {
        responses.push(match change(world, &id, "tags", &tags, adds, wipe) {
            Some(changed) => json!({
                "contactId": id,
                "type": "success",
                "message": "Tags updated",
                "oldTags": changed.before,
                "tagsAdded": changed.added,
                "tagsRemoved": changed.removed,
            }),
            None => {
                errors += 1;
                let message = format!("Contact with id {id} not found");
                json!({ "contactId": id, "type": "error", "message": message })
            }
        });
    }
    let mut reply = with_record(call, None);
    reply.body = json!({ "succeded": true, "errorCount": errors, "responses": responses });
    reply
}

/// Adds followers to a contact or removes them.
pub(super) fn followers(world: &mut World, call: &Call) -> Reply {
    let users = texts(&call.body, "followers");
    let adds = call.operation.id == "add-followers-contact";
    let mut reply = with_record(call, None);
    let id = call.id().unwrap_or_default();
    if let Some(changed) = change(world, id, "followers", &users, adds, false) {
        reply.body = match adds {
            true => json!({ "followers": changed.after, "followersAdded": changed.added }),
            false => json!({ "followers": changed.after, "followersRemoved": changed.removed }),
        };
    }
    reply
}

/// Puts contacts into a business, or takes them out of theirs with null; the ids of those that were
/// found are answered.
pub(super) fn business(world: &mut World, call: &Call) -> Reply {
    let business = call.body.get("businessId").cloned().unwrap_or_default();
    let mut changed = Vec::new();
    for id in texts(&call.body, "ids") {
        let now = super::iso_stamp(world.now);
        let moved = world.records.change(CONTACT, &id, |contact| {
            match business.is_null() {
                true => contact.shift_remove("businessId"),
                false => contact.insert("businessId".into(), business.clone()),
            };
            contact.insert("dateUpdated".into(), now.into());
        });
        changed.extend(moved.map(|()| id));
    }
    Reply::new(200, json!({ "success": true, "ids": changed }))
}

/// Adds `items` to a list of a contact or removes them; with `wipe` what was there goes first.
/// Capitals make no difference. None when there is no such contact.
fn change(
    world: &mut World,
    id: &str,
    field: &str,
    items: &[String],
    adds: bool,
    wipe: bool,
) -> Option<Changed> {
    let before = texts(world.records.find(CONTACT, id)?, field);
    let has = |list: &[String], item: &str| {
        let item = item.to_lowercase();
        list.iter().any(|other| other.to_lowercase() == item)
    };
    let mut after = if wipe { Vec::new() } else { before.clone() };
    for item in items {
        match adds {
            true if !has(&after, item) => after.push(item.clone()),
            true => {}
            false => after.retain(|other| !has(std::slice::from_ref(item), other)),
        }
    }
    let added = after.iter().filter(|item| !has(&before, item)).cloned().collect();
    let removed = before.iter().filter(|item| !has(&after, item)).cloned().collect();
    let now = super::iso_stamp(world.now);
    world.records.change(CONTACT, id, |contact| {
        contact.insert(field.to_owned(), json!(after));
        contact.insert("dateUpdated".into(), now.into());
    })?;
    Some(Changed { before, after, added, removed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_once_and_removed() {
        let mut world = World::for_test();
        let ada = json!({ "id": "ada", "tags": ["customer"] });
        world.add_records(CONTACT, &[ada.as_object().unwrap().clone()]);
        let more = json!({ "tags": ["vip", "Customer"] });
        let (status, answer) = world.ask("highlevel", "POST /contacts/ada/tags", more);
        assert_eq!((status, answer), (201, json!({ "tags": ["customer", "vip"] })));
        let less = json!({ "tags": ["customer"] });
        let (status, answer) = world.ask("highlevel", "DELETE /contacts/ada/tags", less);
        assert_eq!((status, answer), (200, json!({ "tags": ["vip"] })));
        let body =
            json!({ "locationId": World::location_id(), "contacts": ["ada", "bo"], "tags": ["x"] });
        let (status, answer) = world.ask("highlevel", "POST /contacts/bulk/tags/update/add", body);
        assert_eq!((status, &answer["errorCount"]), (201, &json!(1)));
        assert_eq!(answer["responses"][0]["tagsAdded"], json!(["x"]));
        assert_eq!(texts(world.records(CONTACT)[0], "tags"), ["vip", "x"]);
    }
}
