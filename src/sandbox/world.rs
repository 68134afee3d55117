//! The state of the pretended apps: records, settings and failures come in and stay.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::catalog::{Catalog, Operation};
use crate::recipe;

use super::beginning::Beginning;
use super::failures::Failures;
use super::ledger::Ledger;
use super::matching::Routes;
use super::meter::Meter;
use super::outbox::Outbox;
use super::records::{Record, Records, text_of};
use super::reply::Reply;
use super::settings::Settings;
use super::tokens::Tokens;
#[cfg(test)]
use super::{Answer, Arrived};
use super::{LedgerEntry, generic, highlevel};

/// The account of every pretended HighLevel token.
pub(super) const LOCATION_ID: &str = "sandboxLocation00001";

/// The time in a world that nobody told the time: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The state of the pretended apps, and how they answer. Cheap to make: one per run or example.
pub struct World {
    pub(super) catalog: &'static Catalog,
    pub(super) records: Records,
    pub(super) now: Timestamp,
    pub(super) settings: Settings,
    /// Answers to calls that came with a key, by operation and key, with what was sent.
    pub(super) by_key: HashMap<(String, String), (Value, Reply)>,
    /// Ids of custom fields that were named by their key.
    pub(super) field_ids: IndexMap<String, String>,
    pub(super) failures: Failures,
    pub(super) outbox: Outbox,
    pub(super) tokens: Tokens,
    /// What a reset goes back to.
    pub(super) beginning: Option<Box<Beginning>>,
    pub(super) meters: HashMap<String, Meter>,
    pub(super) ledger: Ledger,
    pub(super) routes: Arc<Routes>,
}

/// A request that was recognised, let in and found right.
pub(super) struct Call<'a> {
    pub operation: &'a Operation,
    pub path: &'a IndexMap<String, String>,
    pub query: Map<String, Value>,
    pub body: Map<String, Value>,
}

impl Call<'_> {
    /// The kind of record it works on, as the world names it: `stax.customer`.
    pub fn kind(&self) -> String {
        let kind = self.operation.record.as_ref().map_or("", |record| record.kind.as_str());
        format!("{}.{kind}", self.operation.app)
    }

    /// The path parameter with the record's id.
    pub fn id(&self) -> Option<&str> {
        let name = self.operation.record.as_ref()?.id.as_ref()?;
        self.path.get(name).map(String::as_str)
    }

    /// The path parameter with the id of the record it belongs to, and the name of that parameter.
    pub fn parent(&self) -> Option<(&str, &str)> {
        let name = self.operation.record.as_ref()?.parent.as_ref()?;
        Some((name, self.path.get(name)?))
    }

    /// A body or query field as text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).or_else(|| self.query.get(field))?.as_str()
    }

    /// A body or query field as a number.
    pub fn number(&self, field: &str) -> Option<f64> {
        let value = self.body.get(field).or_else(|| self.query.get(field))?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n| n.is_finite())
    }
}

impl World {
    pub fn new(catalog: &'static Catalog) -> World {
        World {
            catalog,
            records: Records::default(),
            now: START,
            settings: Settings::default(),
            by_key: HashMap::new(),
            field_ids: IndexMap::new(),
            failures: Failures::default(),
            outbox: Outbox::default(),
            tokens: Tokens::default(),
            beginning: None,
            meters: HashMap::new(),
            ledger: Ledger::default(),
            routes: Routes::of(catalog),
        }
    }

    /// The only token that an app takes.
    pub fn token(app: &str) -> String {
        format!("sandbox-{app}")
    }

    /// The only account that HighLevel's token may touch.
    pub fn location_id() -> &'static str {
        LOCATION_ID
    }

    /// The time that new and changed records are stamped with. Rate limits go by the real clock.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Whether HighLevel takes a second contact with the same e-mail address or phone; it does not
    /// without this.
    pub fn set_allow_duplicates(&mut self, allow: bool) {
        self.settings.allow_duplicates = allow;
    }

    /// Whether a list of custom fields stands for all that a contact has; without this those that it does
    /// not name stay. Which of the two HighLevel does is not verified.
    pub fn set_replace_custom_fields(&mut self, replace: bool) {
        self.settings.replace_custom_fields = replace;
    }

    /// Whether too many requests are refused with 429; they are without this.
    pub fn set_rate_limit(&mut self, on: bool) {
        self.settings.rate_limit = on;
    }

    /// What the token of an app may do; everything with `None`.
    pub fn set_scopes(&mut self, app: &str, scopes: Option<Vec<String>>) {
        match scopes {
            Some(scopes) => self.settings.scopes.insert(app.to_owned(), scopes),
            None => self.settings.scopes.remove(app),
        };
    }

    /// How the apps behave.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets the apps behave otherwise from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// How many of the last requests are kept; all of them without this. A few more may be.
    pub fn keep_requests(&mut self, most: usize) {
        self.ledger.keep(most);
    }

    /// Puts records there that the app already has. `kind` is such as `highlevel.contact`; one
    /// without an `id` gets one, and what the author left out is filled in as the app would.
    pub fn add_records(&mut self, kind: &str, records: &[Record]) {
        self.put_records(kind, records);
    }

    /// The same; their ids come out.
    pub(super) fn put_records(&mut self, kind: &str, records: &[Record]) -> Vec<String> {
        let mut ids = Vec::with_capacity(records.len());
        for given in records {
            let record = match kind.split_once('.') {
                Some(("highlevel", name)) => highlevel::given_record(self, name, given),
                Some((app, name)) => generic::given_record(self, app, name, given),
                None => given.clone(),
            };
            ids.push(text_of(&record, "id"));
            self.records.insert(kind, record);
        }
        ids
    }

    /// Lets calls go wrong. With a status the call is answered so and nothing is done, a fault alone
    /// spoils only the answer; `done` says otherwise.
    pub fn add_failure(&mut self, failure: &recipe::Failure) {
        self.failures.add(self.catalog, failure);
    }

    /// Every request so far, as far as they are kept.
    pub fn ledger(&self) -> &[LedgerEntry] {
        self.ledger.entries()
    }

    /// All records of a kind such as `highlevel.contact`, deleted ones of Stax among them.
    pub fn records(&self, kind: &str) -> Vec<&Record> {
        self.records.all(kind).collect()
    }
}

#[cfg(test)]
impl World {
    /// A world at 2026-03-02T10:00:00Z.
    pub(super) fn for_test() -> World {
        let mut world = World::new(Catalog::embedded());
        world.set_now("2026-03-02T10:00:00Z".parse().unwrap());
        world
    }

    /// Sends a request that is let in; gives the status and the body.
    pub(super) fn ask(&mut self, app: &str, call: &str, body: Value) -> (u16, Value) {
        match self.send(app, call, body) {
            Answer::Reply { status, body, .. } => {
                (status, serde_json::from_slice(&body).expect("JSON"))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn send(&mut self, app: &str, call: &str, body: Value) -> Answer {
        let (method, address) = call.split_once(' ').unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", World::token(app))),
            ("version".to_owned(), "2021-07-28".to_owned()),
        ];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let (method, path) = (method.to_owned(), path.to_owned());
        self.answer(&Arrived { app: app.to_owned(), method, path, query, headers, body })
    }
}
