//! A stand-in for the apps: a request comes in, the answer that the app would give goes out, and
//! what the request changed stays. Driven by the catalog; the same world answers over HTTP
//! ([`Sandbox`]) and without a network ([`InProcess`]).

mod access;
mod answering;
mod beginning;
mod complete;
mod control;
mod failures;
mod generic;
mod highlevel;
mod hooks;
mod in_process;
mod ledger;
mod listing;
mod matching;
mod messages;
mod meter;
mod outbox;
mod records;
mod reply;
mod serve;
mod settings;
mod stax;
mod tokens;
mod validate;
mod world;

pub use control::{check_failure, unknown_kind};
pub use hooks::{Courier, SigningKey};
pub use in_process::InProcess;
pub use ledger::LedgerEntry;
pub use outbox::{Fate, Posted};
pub use serve::Sandbox;
pub use settings::{MOST_LATENCY_MS, Scopes, Settings};
pub use world::World;

/// A body may not be larger; in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// `highlevel`, `stax`
    pub app: String,
    pub method: String,
    /// Raw, that is percent-encoded, without the app and without the query.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Arrived {
    /// The first header of that name, in whatever case it is written.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What goes back over the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection breaks; what was asked has been done.
    Disconnect,
    /// Nothing ever comes; what was asked has been done.
    Silence,
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::catalog::{Catalog, Fit, Slot};

    #[test]
    fn nothing_that_arrives_makes_it_panic() {
        let mut world = World::for_test();
        world.set_rate_limit(false);
        let pieces = ["", "null", "[]", "{}", "{\"a\":", "\u{0}", "\"", "{\"title\":[{}]}", "7"];
        let deep = "[".repeat(5_000);
        let entries = Catalog::embedded().operation_entries();
        for (at, entry) in entries.iter().enumerate() {
            let (method, path) = entry.call.split_once(' ').unwrap();
            for (n, body) in pieces.iter().copied().chain([deep.as_str()]).enumerate() {
                let arrived = Arrived {
                    app: entry.app.clone(),
                    method: method.to_owned(),
                    path: path.replace(':', ["", "%", "%zz", "%ff", "é"][(at + n) % 5]),
                    query: vec![("page".into(), "18446744073709551615".into())],
                    headers: vec![
                        ("Authorization".into(), format!("Bearer {}", World::token(&entry.app))),
                        ("Version".into(), "x".into()),
                    ],
                    body: body.as_bytes().to_vec(),
                };
                world.answer(&arrived);
            }
        }
        let (app, method) = ("stax".to_owned(), "POST".to_owned());
        let body = vec![b' '; MAX_BODY + 1];
        let large = Arrived { app, method, body, ..Arrived::default() };
        assert!(matches!(world.answer(&large), Answer::Reply { status: 413, .. }));
    }

    #[test]
    fn every_example_of_the_catalog_is_taken() {
        let catalog = Catalog::embedded();
        for entry in catalog.operation_entries() {
            let operation = catalog.operation(&entry.id).unwrap();
            // Only a company's token is taken there.
            let is_for_companies = operation.resource == "oauth";
            if operation.unsupported.is_some() || operation.list.is_some() || is_for_companies {
                continue;
            }
            let mut world = World::for_test();
            for name in ["contactId", "taskId", "id", "disputeId", "evidenceFileId", "webhook_id"] {
                let id = operation.example.with.get(name).cloned().unwrap_or_default();
                let record = operation.record.as_ref().filter(|r| r.id.as_deref() == Some(name));
                let kind = record.map_or("contact", |record| record.kind.as_str());
                let parent = operation.example.with.get("contactId").cloned().unwrap_or_default();
                let given = json!({ "id": id, "contactId": parent, "firstname": "Bo" });
                let given = given.as_object().unwrap().clone();
                if operation.path.contains_key(name) {
                    world.add_records(&format!("{}.{kind}", entry.app), &[given]);
                }
            }
            let mut path = operation.path_pattern().to_owned();
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let mut body = Map::new();
            for (slot, name, field) in operation.fields() {
                // A name that stands in two places is written with its place.
                let long = format!("{}.{name}", slot.name());
                let with = &operation.example.with;
                let written = with.get(name).or_else(|| with.get(&long));
                let Some(value) = written.or(field.usual.as_ref()).cloned() else { continue };
                let app = catalog.app(&entry.app).unwrap();
                let is_location = app.location.as_ref() == Some(name);
                let value = match is_location || value == "connection.location_id" {
                    true => World::location_id().into(),
                    false => value,
                };
                let text = super::records::plain(&value);
                match slot {
                    Slot::Path => path = path.replace(&format!(":{name}"), &text),
                    Slot::Query if value.is_array() => {
                        let items = value.as_array().unwrap().iter().map(super::records::plain);
                        for item in items {
                            query.append_pair(name, &item);
                        }
                    }
                    Slot::Query => drop(query.append_pair(name, &text)),
                    Slot::Body => drop(body.insert(name.clone(), value)),
                }
            }
            let call = format!("{} {path}?{}", operation.method(), query.finish());
            let body = match operation.body_list {
                Some(_) => operation.example.with["body"].clone(),
                None => Value::Object(body),
            };
            let (status, answer) = world.ask(&entry.app, &call, body);
            assert!((200..300).contains(&status), "{}: {status} {answer}", entry.id);
            if let Some(response) = &operation.response {
                let misfits = Fit::answer(response, &answer).misfits;
                assert!(misfits.is_empty(), "{}: {misfits:?}\n{answer:#}", entry.id);
            }
        }
    }
}
