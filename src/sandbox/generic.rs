//! Creating, reading, changing and deleting records of any kind, as the catalog describes them.

use serde_json::{Map, Value};

use crate::catalog::Effect;

use super::complete::{Stamp, Template};
use super::records::{Record, is_blank, text_of};
use super::reply::Reply;
use super::world::{Call, World};
use super::{highlevel, listing, stax};

/// Does what a request asks and answers it.
pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    if let Some(repeated) = repeated(world, call) {
        return repeated;
    }
    let reply = match (&call.operation.record, call.operation.effect) {
        _ if call.operation.list.is_some() => listing::answer(world, call),
        (Some(_), Effect::Create) => create(world, call),
        (Some(_), Effect::Read) if call.id().is_some() => read(world, call),
        (Some(_), Effect::Update) => update(world, call),
        (Some(_), Effect::Delete) => delete(world, call),
        (Some(_), Effect::Action) if call.operation.app == "stax" => stax::act(world, call),
        _ => with_record(call, None),
    };
    remember(world, call, &reply);
    reply
}

/// A record that is already there, made whole.
pub(super) fn given_record(world: &mut World, app: &str, name: &str, given: &Record) -> Record {
    let kind = format!("{app}.{name}");
    let id = match is_blank(given.get("id")) {
        true => world.records.new_id(&kind),
        false => text_of(given, "id"),
    };
    let template = Template::of_kind(world.catalog, app, name);
    let mut record = match template {
        Some(template) => template.fill(given, &id, &Stamp::new(world.now)),
        None => Map::from_iter(given.clone().into_iter().chain([("id".to_owned(), id.into())])),
    };
    stax::settle(world, name, given, &mut record);
    record
}

fn create(world: &mut World, call: &Call) -> Reply {
    let record = new_record(world, call);
    if let Err(refusal) = stax::check_new(world, call, &record) {
        return refusal;
    }
    world.records.insert(&call.kind(), record.clone());
    with_record(call, Some(shown(world, &call.operation.app, record)))
}

/// The record that a request makes.
pub(super) fn new_record(world: &mut World, call: &Call) -> Record {
    let id = world.records.new_id(&call.kind());
    let mut sent = sent(call);
    if let Some((name, parent)) = call.parent() {
        sent.insert(name.to_owned(), parent.into());
    }
    if call.operation.app == "highlevel" {
        return highlevel::new_record(world, call, id, sent);
    }
    let stamp = Stamp::new(world.now);
    let mut record = match Template::of(call.operation) {
        Some(template) => template.fill(&sent, &id, &stamp),
        None => sent.clone(),
    };
    let name = call.operation.record.as_ref().map_or("", |record| record.kind.as_str());
    stax::settle(world, name, &sent, &mut record);
    record
}

fn read(world: &mut World, call: &Call) -> Reply {
    let found = call.id().and_then(|id| world.records.find(&call.kind(), id));
    match found.filter(|record| belongs(call, record)).cloned() {
        Some(record) => with_record(call, Some(shown(world, &call.operation.app, record))),
        None => not_found(call),
    }
}

fn update(world: &mut World, call: &Call) -> Reply {
    let Some(mut record) = there(world, call) else { return not_found(call) };
    for (name, value) in sent(call) {
        record.insert(name, value);
    }
    if call.operation.app == "highlevel" {
        highlevel::tidy(&mut record);
    }
    if let Err(refusal) = stax::check_update(call, &record) {
        return refusal;
    }
    touch(world, &mut record);
    world.records.insert(&call.kind(), record.clone());
    with_record(call, Some(shown(world, &call.operation.app, record)))
}

fn delete(world: &mut World, call: &Call) -> Reply {
    let Some(mut record) = there(world, call) else { return not_found(call) };
    if call.operation.app == "stax" {
        touch(world, &mut record);
        stax::mark_deleted(world, &mut record);
        world.records.insert(&call.kind(), record.clone());
    } else {
        world.records.remove(&call.kind(), &text_of(&record, "id"));
    }
    with_record(call, Some(shown(world, &call.operation.app, record)))
}

/// The record of a call, unless it is deleted or belongs elsewhere.
pub(super) fn there(world: &World, call: &Call) -> Option<Record> {
    let record = world.records.find(&call.kind(), call.id()?)?;
    let there = belongs(call, record) && is_blank(record.get("deleted_at"));
    there.then(|| record.clone())
}

fn belongs(call: &Call, record: &Record) -> bool {
    call.parent().is_none_or(|(name, parent)| belongs_to(record, name, parent))
}

/// Whether a record names `parent`: a path parameter `customerId` is the field `customer_id` in Stax.
pub(super) fn belongs_to(record: &Record, parameter: &str, parent: &str) -> bool {
    let snake = snake_case(parameter);
    [parameter, &snake].iter().any(|name| text_of(record, name) == parent)
}

/// `customerId` → `customer_id`
pub(super) fn snake_case(parameter: &str) -> String {
    let mut snake = String::new();
    for c in parameter.chars() {
        if c.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// What a request says of the record, wherever the fields go.
fn sent(call: &Call) -> Record {
    let query = call.query.iter().map(|(name, value)| (name.trim_end_matches("[]"), value));
    let body = call.body.iter().map(|(name, value)| (name.as_str(), value));
    query.chain(body).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Stamps a change.
pub(super) fn touch(world: &World, record: &mut Record) {
    let stamp = Stamp::new(world.now);
    if let Some(at) = record.get_mut("updated_at") {
        *at = stamp.like(at).to_owned().into();
    }
}

/// A record as an answer shows it, with the records inside it that it names by id.
pub(super) fn shown(world: &World, app: &str, mut record: Record) -> Record {
    let names = record.keys().filter_map(|field| field.strip_suffix("_id"));
    let names: Vec<String> =
        names.filter(|name| record.contains_key(*name)).map(str::to_owned).collect();
    for name in names {
        let id = text_of(&record, &format!("{name}_id"));
        let kind = format!("{app}.{name}");
        if let Some(inner) = world.records.find(&kind, &id) {
            record.insert(name, Value::Object(inner.clone()));
        }
    }
    record
}

/// The example answer of an operation with a record in its place.
pub(super) fn with_record(call: &Call, record: Option<Record>) -> Reply {
    let mut body = call.operation.example.response.clone();
    let at = call.operation.record.as_ref().and_then(|record| record.at.as_ref());
    if let (Some(at), Some(record)) = (at, record) {
        put_at(&mut body, at, Value::Object(record));
    }
    Reply::new(success_status(call), body)
}

/// Puts a value at a dotted path such as `$.task`.
pub(super) fn put_at(body: &mut Value, path: &str, value: Value) {
    let mut place = body;
    for part in path.trim_start_matches('$').split('.').filter(|part| !part.is_empty()) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[part];
    }
    *place = value;
}

/// 200, or 201 where the app's documents say so.
fn success_status(call: &Call) -> u16 {
    let operation = call.operation;
    let created = match (operation.app.as_str(), operation.effect) {
        ("stax", _) => operation.id == "createScheduledInvoice",
        (_, Effect::Create) => true,
        ("highlevel", _) => highlevel::answers_created(operation),
        _ => false,
    };
    if created { 201 } else { 200 }
}

pub(super) fn not_found(call: &Call) -> Reply {
    let kind = call.operation.record.as_ref().map_or("record", |record| record.kind.as_str());
    match call.operation.app.as_str() {
        "stax" => stax::not_found(call, kind),
        "highlevel" => highlevel::not_found(kind, call.id().unwrap_or_default()),
        app => Reply::refused(app, 404, format!("{kind} not found")),
    }
}

/// The first answer to a call with the same key. Other fields under that key are refused.
fn repeated(world: &World, call: &Call) -> Option<Reply> {
    let (before, reply) = world.by_key.get(&key(call)?)?;
    if *before == as_sent(call) {
        return Some(reply.clone());
    }
    let field = &call.operation.idempotency.as_ref()?.field;
    let text = format!("The {} was used before with other fields.", field.replace('_', " "));
    Some(Reply::new(422, serde_json::json!({ field: [text] })))
}

fn remember(world: &mut World, call: &Call, reply: &Reply) {
    if let Some(key) = key(call).filter(|_| reply.is_success()) {
        world.by_key.insert(key, (as_sent(call), reply.clone()));
    }
}

fn key(call: &Call) -> Option<(String, String)> {
    let field = &call.operation.idempotency.as_ref()?.field;
    let key = call.text(field).filter(|key| !key.is_empty())?;
    Some((call.operation.long_id(), key.to_owned()))
}

fn as_sent(call: &Call) -> Value {
    serde_json::json!([call.path, call.query, call.body])
}
