//! The state of the pretended apps: a request comes in; the answer goes out, and what it changed
//! stays.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::catalog::{App, Catalog, Operation};
use crate::recipe::{self, Fault};

use super::access;
use super::beginning::Beginning;
use super::failures::Failures;
use super::ledger::Ledger;
use super::matching::{Match, Routes};
use super::messages;
use super::meter::Meter;
use super::outbox::Outbox;
use super::records::{Record, Records, text_of};
use super::reply::Reply;
use super::settings::Settings;
use super::tokens::{self, Tokens};
use super::validate::{self, Sent};
use super::{Answer, Arrived, LedgerEntry, MAX_BODY, generic, highlevel};

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
    routes: Arc<Routes>,
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

    /// Does what the request asks and answers it.
    pub fn answer(&mut self, arrived: &Arrived) -> Answer {
        let found = self.routes.find(&arrived.app, &arrived.method, &arrived.path);
        self.records.watch(self.outbox.is_open());
        let mut entry = LedgerEntry::new(arrived, found.as_ref());
        let (reply, fault) = self.reply(arrived, found.as_ref(), &mut entry);
        let status = reply.status;
        let answer = match fault {
            Some(Fault::Disconnect) => Answer::Disconnect,
            Some(Fault::Timeout) => Answer::Silence,
            Some(Fault::Garbage) => reply.into_garbage(),
            None => reply.into_answer(),
        };
        entry.status = matches!(answer, Answer::Reply { .. }).then_some(status);
        self.ledger.push(entry);
        let changes = self.records.take_changes();
        for change in &changes {
            messages::of_change(self, change).into_iter().for_each(|message| self.tell(message));
        }
        answer
    }

    fn reply(
        &mut self,
        arrived: &Arrived,
        found: Option<&Match>,
        entry: &mut LedgerEntry,
    ) -> (Reply, Option<Fault>) {
        let catalog = self.catalog;
        let Some(app) = catalog.app(&arrived.app) else {
            return (Reply::refused("", 404, "There is no such app here."), None);
        };
        let limits = match self.limit(app) {
            Ok(headers) => headers,
            Err(refusal) => return (refusal, None),
        };
        let with_limits = |mut reply: Reply| {
            reply.headers.extend(limits.clone());
            reply
        };
        if arrived.body.len() > MAX_BODY {
            return (with_limits(Reply::refused(&app.app, 413, "request entity too large")), None);
        }
        let operation = found.and_then(|found| catalog.operation(&found.entry.id).ok());
        let (Some(found), Some(operation)) = (found, operation) else {
            let path: String = arrived.path.chars().take(200).collect();
            let message = format!("Cannot {} {path}", arrived.method);
            return (with_limits(Reply::refused(&app.app, 404, message)), None);
        };
        entry.changes = operation.changes();
        let mishap = self.failures.next(&app.app, &operation.long_id());
        let (done, instead, fault) = match mishap {
            Some(mishap) => (mishap.done, mishap.instead, mishap.fault),
            None => (true, None, None),
        };
        let reply = done.then(|| {
            let reply = match tokens::endpoint(app, &operation) {
                Some(endpoint) => tokens::answer(self, app, endpoint, arrived),
                None => self.handle(app, &operation, found, arrived),
            };
            entry.took_place = reply.is_success() && operation.changes();
            reply
        });
        let reply = instead
            .or(reply)
            .unwrap_or_else(|| Reply::refused(&app.app, 500, super::reply::reason(500)));
        (with_limits(reply), fault)
    }

    /// Counts the request; gives the headers that tell the counts, or the refusal.
    fn limit(&mut self, app: &App) -> Result<Vec<(String, String)>, Reply> {
        let meter = self.meters.entry(app.app.clone()).or_insert_with(|| Meter::new(&app.limits));
        let refused =
            if self.settings.rate_limit { meter.count(Instant::now()).err() } else { None };
        let is_highlevel = app.app == "highlevel";
        let headers = if is_highlevel { meter.headers() } else { Vec::new() };
        let Some(seconds) = refused else { return Ok(headers) };
        let mut reply = Reply::refused(&app.app, 429, "Too Many Requests");
        reply.headers = headers;
        // No document says that HighLevel sends it.
        if !is_highlevel {
            reply.headers.push(("Retry-After".to_owned(), seconds.to_string()));
        }
        Err(reply)
    }

    fn handle(
        &mut self,
        app: &App,
        operation: &Operation,
        found: &Match,
        arrived: &Arrived,
    ) -> Reply {
        let checked = access::check(self, app, operation, arrived)
            .and_then(|()| validate::check(operation, arrived))
            .and_then(|sent| access::check_location(app, &found.path, &sent).map(|()| sent));
        let Sent { query, body } = match checked {
            Ok(sent) => sent,
            Err(refusal) => return refusal,
        };
        let call = Call { operation, path: &found.path, query, body };
        match app.app.as_str() {
            "highlevel" => highlevel::answer(self, &call),
            _ => generic::answer(self, &call),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arrived(headers: &[(&str, &str)]) -> Arrived {
        Arrived {
            app: "highlevel".to_owned(),
            method: "GET".to_owned(),
            path: "/contacts/x".to_owned(),
            headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Arrived::default()
        }
    }

    fn status(answer: &Answer) -> u16 {
        match answer {
            Answer::Reply { status, .. } => *status,
            other => panic!("{other:?}"),
        }
    }

    fn message(answer: &Answer) -> Value {
        match answer {
            Answer::Reply { body, .. } => {
                serde_json::from_slice::<Value>(body).unwrap()["message"].clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_right_token_and_version_come_in() {
        let mut world = World::for_test();
        let answer = world.answer(&arrived(&[("Version", "2021-07-28")]));
        assert_eq!(message(&answer), "Invalid token: access token is invalid");
        let answer = world.answer(&arrived(&[("Authorization", "Bearer sandbox-highlevel")]));
        assert_eq!(status(&answer), 401);
        assert_eq!(message(&answer), "version header was not found.");
    }

    #[test]
    fn a_scope_that_is_missing_is_refused_and_so_is_another_account() {
        let mut world = World::for_test();
        world.set_scopes("highlevel", Some(vec!["contacts.readonly".to_owned()]));
        let body = json!({ "locationId": World::location_id(), "email": "ada@example.com" });
        let (status, answer) = world.ask("highlevel", "POST /contacts/", body.clone());
        assert_eq!(status, 401);
        assert_eq!(answer["message"], "The token is not authorized for this scope.");
        world.set_scopes("highlevel", None);
        assert_eq!(world.ask("highlevel", "POST /contacts/", body).0, 201);
        let (status, answer) =
            world.ask("highlevel", "GET /contacts/?locationId=other", Value::Null);
        assert_eq!(status, 403);
        assert_eq!(answer["message"], "The token does not have access to this location.");
    }

    #[test]
    fn the_hundred_and_first_request_is_too_much() {
        let mut world = World::for_test();
        let call = "GET /contacts/x";
        for _ in 0..100 {
            assert_eq!(world.ask("highlevel", call, Value::Null).0, 400);
        }
        let Answer::Reply { status, headers, .. } = world.send("highlevel", call, Value::Null)
        else {
            panic!("no reply")
        };
        assert_eq!(status, 429);
        assert!(headers.contains(&("X-RateLimit-Max".to_owned(), "100".to_owned())));
        assert!(headers.contains(&("X-RateLimit-Remaining".to_owned(), "0".to_owned())));
        world.set_rate_limit(false);
        assert_eq!(world.ask("highlevel", call, Value::Null).0, 400);
    }

    #[test]
    fn a_fault_comes_after_the_effect_and_a_status_instead_of_it() {
        let mut world = World::for_test();
        world.add_records("highlevel.contact", &[Map::from_iter([("id".into(), "c1".into())])]);
        let failure = |status, fault| recipe::Failure {
            call: "highlevel.create-note".to_owned(),
            status,
            fault,
            times: Some(1),
            ..recipe::Failure::default()
        };
        world.add_failure(&failure(Some(502), None));
        world.add_failure(&failure(None, Some(Fault::Disconnect)));
        world.add_failure(&failure(None, Some(Fault::Timeout)));
        let mut send =
            || world.send("highlevel", "POST /contacts/c1/notes", json!({ "body": "Hi" }));
        assert_eq!(status(&send()), 502);
        assert_eq!(send(), Answer::Disconnect);
        assert_eq!(send(), Answer::Silence);
        assert_eq!(status(&send()), 201);
        assert_eq!(world.records("highlevel.note").len(), 3);
        let took_place: Vec<bool> = world.ledger().iter().map(|entry| entry.took_place).collect();
        assert_eq!(took_place, [false, true, true, true]);
        assert_eq!(world.ledger()[1].status, None);
        assert_eq!(world.ledger()[1].operation.as_deref(), Some("highlevel.create-note"));
        assert_eq!(world.ledger()[1].path["contactId"], "c1");
    }

    #[test]
    fn a_call_may_be_done_and_refused_or_break_before_it_is_done() {
        let mut world = World::for_test();
        world.add_records("highlevel.contact", &[Map::from_iter([("id".into(), "c1".into())])]);
        for (status, fault, done) in [(Some(422), None, true), (None, Some(Fault::Timeout), false)]
        {
            world.add_failure(&recipe::Failure {
                call: "highlevel.create-note".to_owned(),
                status,
                fault,
                done: Some(done),
                times: Some(1),
                ..recipe::Failure::default()
            });
        }
        let mut send =
            || world.send("highlevel", "POST /contacts/c1/notes", json!({ "body": "Hi" }));
        assert_eq!(status(&send()), 422);
        assert_eq!(send(), Answer::Silence);
        let took_place: Vec<bool> = world.ledger().iter().map(|entry| entry.took_place).collect();
        assert_eq!(took_place, [true, false]);
        assert_eq!(world.records("highlevel.note").len(), 1);
    }
}
