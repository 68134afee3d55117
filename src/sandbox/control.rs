//! The sandbox itself over HTTP, under `/_sandbox/`: what was asked, what is there, what goes wrong and how
//! it all behaves. For tests that people write in any language.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::catalog::{Catalog, NotFound};
use crate::diagnostic::nearest;
use crate::recipe::Failure;
use crate::snapshot::is_of_account;

use super::Arrived;
use super::records::Record;
use super::reply::Reply;
use super::settings::Patch;
use super::world::World;

/// The first part of the path, where apps have their name.
pub(super) const CONTROL: &str = "_sandbox";

/// The version of what is printed for programs.
const FORMAT_VERSION: u32 = 1;

const WAYS: &str = "use one of: GET or DELETE ledger, GET or POST records/KIND, GET, POST or DELETE failures, \
                    GET or PATCH settings, GET or DELETE webhooks, POST reset";

/// Why a request is not right: a sentence, and what to send instead.
struct Wrong {
    status: u16,
    error: String,
    help: String,
}

fn wrong(error: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { status: 400, error: error.into(), help: help.into() }
}

/// Does what is asked and answers it.
pub(super) fn answer(world: &mut World, arrived: &Arrived) -> Reply {
    match handle(world, arrived) {
        Ok(body) => Reply::new(200, body),
        Err(Wrong { status, error, help }) => {
            Reply::new(status, json!({ "error": error, "help": help }))
        }
    }
}

fn handle(world: &mut World, arrived: &Arrived) -> Result<Value, Wrong> {
    let path = arrived.path.trim_matches('/');
    let (place, rest) = path.split_once('/').unwrap_or((path, ""));
    match (arrived.method.as_str(), place, rest) {
        ("GET", "ledger", "") => ledger(world, &arrived.query),
        ("DELETE", "ledger", "") => {
            world.ledger.clear();
            Ok(done())
        }
        ("GET", "records", kind) => records(world, kind),
        ("POST", "records", kind) => add_records(world, kind, &arrived.body),
        ("GET", "failures", "") => Ok(list("failures", world.failures.pending())),
        ("POST", "failures", "") => add_failures(world, &arrived.body),
        ("DELETE", "failures", "") => {
            world.failures.clear();
            Ok(done())
        }
        ("GET", "settings", "") => Ok(settings(world)),
        ("PATCH", "settings", "") => patch_settings(world, &arrived.body),
        ("GET", "webhooks", "") => webhooks(world, &arrived.query),
        ("DELETE", "webhooks", "") => {
            world.outbox.forget();
            Ok(done())
        }
        ("POST", "reset", "") => {
            world.reset();
            Ok(done())
        }
        (method, ..) => Err(Wrong {
            status: 404,
            error: format!("there is no {method} /{CONTROL}/{}", cut(path)),
            help: WAYS.to_owned(),
        }),
    }
}

fn done() -> Value {
    json!({ "format_version": FORMAT_VERSION })
}

fn list(name: &str, items: impl Serialize) -> Value {
    json!({ "format_version": FORMAT_VERSION, name: items })
}

fn settings(world: &World) -> Value {
    list("settings", world.settings())
}

fn patch_settings(world: &mut World, body: &[u8]) -> Result<Value, Wrong> {
    let patch: Patch = read(body, "an object such as {\"latency_ms\": 200}")?;
    let settings = world.settings().patched(patch).map_err(|(error, help)| wrong(error, help))?;
    if let Some(app) = settings.scopes.keys().find(|app| world.catalog.app(app).is_none()) {
        return Err(no_app(world.catalog, app));
    }
    world.set_settings(settings);
    Ok(self::settings(world))
}

/// What was asked, oldest first: `?app=`, `?operation=`, and `?last=` for the last ones only.
fn ledger(world: &World, query: &[(String, String)]) -> Result<Value, Wrong> {
    let filter = Filter::read(world.catalog, query, "operation")?;
    let entries = world.ledger().iter().filter(|entry| {
        filter.is_for(&entry.app) && filter.names(entry.operation.as_deref().unwrap_or_default())
    });
    let mut answer = list("requests", filter.last_of(entries));
    answer["total"] = world.ledger.count().into();
    Ok(answer)
}

/// What was told, oldest first: `?app=`, `?event=` and `?last=`.
fn webhooks(world: &World, query: &[(String, String)]) -> Result<Value, Wrong> {
    let filter = Filter::read(world.catalog, query, "event")?;
    let posted = world.outbox.posted();
    let posted = posted.filter(|posted| filter.is_for(&posted.app) && filter.names(&posted.event));
    let mut answer = list("webhooks", filter.last_of(posted));
    answer["total"] = world.outbox.count().into();
    Ok(answer)
}

/// Which entries are wanted.
#[derive(Default)]
struct Filter {
    app: Option<String>,
    /// All names of what is wanted.
    names: Option<Vec<String>>,
    last: Option<usize>,
}

impl Filter {
    /// `by` is the name of the field that names an operation or an event.
    fn read(
        catalog: &Catalog,
        query: &[(String, String)],
        by: &'static str,
    ) -> Result<Filter, Wrong> {
        let mut filter = Filter::default();
        for (name, value) in query {
            match name.as_str() {
                "app" if catalog.app(value).is_none() => return Err(no_app(catalog, value)),
                "app" => filter.app = Some(value.clone()),
                "operation" if by == "operation" => {
                    filter.names = Some(operation_names(catalog, value)?);
                }
                "event" if by == "event" => {
                    let event = catalog.event(value).map_err(|not_found| {
                        let what = format!("no app tells of `{}`", cut(value));
                        wrong(what, named_like(not_found, "linecook catalog list"))
                    })?;
                    filter.names = Some(vec![event.name()]);
                }
                "last" => {
                    let last = value.parse().map_err(|_| {
                        let what = format!("`last` is no number: `{}`", cut(value));
                        wrong(what, "write it like ?last=10")
                    })?;
                    filter.last = Some(last);
                }
                other => {
                    let what = format!("nothing can be picked by `{}`", cut(other));
                    return Err(wrong(what, format!("use `app`, `{by}` or `last`")));
                }
            }
        }
        Ok(filter)
    }

    fn is_for(&self, app: &str) -> bool {
        self.app.as_ref().is_none_or(|wanted| wanted == app)
    }

    fn names(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }

    fn last_of<T>(&self, entries: impl Iterator<Item = T>) -> Vec<T> {
        let mut entries: Vec<T> = entries.collect();
        let passed_over = self.last.map_or(0, |last| entries.len().saturating_sub(last));
        entries.drain(..passed_over);
        entries
    }
}

/// The names under which the ledger has an operation.
fn operation_names(catalog: &Catalog, reference: &str) -> Result<Vec<String>, Wrong> {
    let long = match catalog.operation(reference) {
        Ok(operation) => vec![operation.long_id()],
        Err(NotFound::Ambiguous(several)) => several,
        Err(not_found) => return Err(no_operation(reference, not_found)),
    };
    let entries = catalog.operation_entries().iter().filter(|entry| long.contains(&entry.id));
    Ok(entries.map(|entry| entry.name().to_owned()).collect())
}

fn no_app(catalog: &Catalog, app: &str) -> Wrong {
    let names = catalog.apps().iter().filter(|app| app.base_url.is_some());
    let names: Vec<&str> = names.map(|app| app.app.as_str()).collect();
    wrong(format!("there is no app `{}`", cut(app)), format!("name one of: {}", names.join(", ")))
}

fn no_operation(reference: &str, not_found: NotFound) -> Wrong {
    let what = format!("no app has the operation `{}`", cut(reference));
    wrong(what, named_like(not_found, "linecook catalog list"))
}

fn named_like(not_found: NotFound, shown_by: &str) -> String {
    match not_found {
        NotFound::Unknown { near: Some(near) } => format!("did you mean `{near}`?"),
        NotFound::Wire(names) => format!("write `{}`", names.join("` or `")),
        _ => format!("`{shown_by}` shows all names"),
    }
}

fn records(world: &World, kind: &str) -> Result<Value, Wrong> {
    check_kind(world.catalog, kind)?;
    let mut answer = list("records", world.records(kind));
    answer["kind"] = kind.into();
    Ok(answer)
}

/// Adds records that the app already has: nobody is told of them.
fn add_records(world: &mut World, kind: &str, body: &[u8]) -> Result<Value, Wrong> {
    check_kind(world.catalog, kind)?;
    let given: Vec<Record> =
        one_or_more(body, "a record such as {\"email\": \"ada@example.com\"}")?;
    let ids = world.put_records(kind, &given);
    let added = ids.iter().filter_map(|id| world.records.find(kind, id)).collect::<Vec<_>>();
    let mut answer = list("records", added);
    answer["kind"] = kind.into();
    Ok(answer)
}

fn check_kind(catalog: &Catalog, kind: &str) -> Result<(), Wrong> {
    match unknown_kind(catalog, kind) {
        None => Ok(()),
        Some(help) => {
            Err(wrong(format!("the sandbox holds no records of the kind `{}`", cut(kind)), help))
        }
    }
}

/// What to write instead of a kind of record that the sandbox cannot hold; none when it can.
pub fn unknown_kind(catalog: &Catalog, kind: &str) -> Option<String> {
    let kinds = catalog.record_kinds();
    if kinds.iter().any(|known| known == kind) || is_of_account(catalog, kind).is_some() {
        return None;
    }
    Some(match nearest(kind, kinds.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name one of: {}", kinds.join(", ")),
    })
}

fn add_failures(world: &mut World, body: &[u8]) -> Result<Value, Wrong> {
    let expected =
        "a failure such as {\"call\": \"POST /contacts/\", \"status\": 503, \"times\": 2}";
    let failures: Vec<Failure> = one_or_more(body, expected)?;
    for failure in &failures {
        check_failure(world.catalog, failure).map_err(|(error, help)| wrong(error, help))?;
    }
    failures.iter().for_each(|failure| world.add_failure(failure));
    Ok(list("failures", world.failures.pending()))
}

/// Whether a failure can ever happen: else a sentence, and what to write instead.
pub fn check_failure(catalog: &Catalog, failure: &Failure) -> Result<(), (String, String)> {
    let instead = |error: String, help: &str| Err((error, help.to_owned()));
    if failure.call.is_empty() {
        return instead("it does not say which call fails".to_owned(), "add `call`");
    }
    if let Err(not_found @ (NotFound::Unknown { .. } | NotFound::Wire(_))) =
        catalog.operation(&failure.call)
    {
        let Wrong { error, help, .. } = no_operation(&failure.call, not_found);
        return Err((error, help));
    }
    if failure.status.is_some_and(|status| !(200..600).contains(&status)) {
        return instead("`status` is no status of an answer".to_owned(), "use 200 to 599");
    }
    if failure.times == Some(0) {
        let help = "use 1 or more, or leave it out for every time";
        return instead("`times` is 0, so nothing would fail".to_owned(), help);
    }
    Ok(())
}

fn one_or_more<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<Vec<T>, Wrong> {
    let value: Value = read(body, expected)?;
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let items = items.into_iter().map(serde_json::from_value);
    items.collect::<Result<_, _>>().map_err(|e| not_read(&e, expected))
}

fn read<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|e| not_read(&e, expected))
}

fn not_read(error: &serde_json::Error, expected: &str) -> Wrong {
    wrong(format!("the body cannot be used: {error}"), format!("send {expected} as JSON"))
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(world: &mut World, call: &str, body: &str) -> (u16, Value) {
        let (method, address) = call.split_once(' ').unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (method, path) = (method.to_owned(), path.to_owned());
        let app = CONTROL.to_owned();
        let arrived = Arrived { app, method, path, query, body: body.into(), headers: vec![] };
        let reply = answer(world, &arrived);
        (reply.status, reply.body)
    }

    #[test]
    fn what_was_asked_can_be_picked() {
        let mut world = World::for_test();
        world.ask("stax", "POST /customer", json!({ "firstname": "Bo" }));
        world.ask("highlevel", "GET /contacts/x", Value::Null);
        world.ask("stax", "GET /customer", Value::Null);
        let calls = |world: &mut World, query: &str| -> Vec<String> {
            let (status, answer) = ask(world, &format!("GET /ledger?{query}"), "");
            assert_eq!((status, &answer["total"]), (200, &json!(3)), "{answer}");
            let requests = answer["requests"].as_array().unwrap().iter();
            requests.map(|request| request["call"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(calls(&mut world, "").len(), 3);
        assert_eq!(calls(&mut world, "app=stax"), ["POST /customer", "GET /customer"]);
        assert_eq!(calls(&mut world, "app=stax&last=1"), ["GET /customer"]);
        for name in ["stax.create-customer", "POST%20/customer"] {
            assert_eq!(calls(&mut world, &format!("operation={name}")), ["POST /customer"]);
        }
        assert_eq!(ask(&mut world, "DELETE /ledger", "").0, 200);
        assert_eq!(ask(&mut world, "GET /ledger", "").1["requests"], json!([]));
    }

    #[test]
    fn records_come_and_go_and_a_reset_brings_back_the_first() {
        let mut world = World::for_test();
        let first = r#"{"id":"ada","email":"ada@example.com"}"#;
        assert_eq!(ask(&mut world, "POST /records/highlevel.contact", first).0, 200);
        world.begin();
        let more = r#"[{"email":"bo@example.com"}]"#;
        let (_, answer) = ask(&mut world, "POST /records/highlevel.contact", more);
        assert_eq!(answer["records"][0]["id"], "contact0000000000001");
        let failure = r#"{"call":"GET /customer","status":503}"#;
        assert_eq!(ask(&mut world, "POST /failures", failure).0, 200);
        let (_, answer) = ask(&mut world, "PATCH /settings", r#"{"rate_limit":false}"#);
        assert_eq!(answer["settings"]["rate_limit"], false);
        assert_eq!(world.ask("stax", "GET /customer", Value::Null).0, 503);
        assert_eq!(ask(&mut world, "POST /reset", "").0, 200);
        let (_, answer) = ask(&mut world, "GET /records/highlevel.contact", "");
        assert_eq!(answer["records"].as_array().unwrap().len(), 1);
        assert_eq!(ask(&mut world, "GET /failures", "").1["failures"], json!([]));
        assert_eq!(ask(&mut world, "GET /settings", "").1["settings"]["rate_limit"], true);
        assert_eq!(world.ask("stax", "GET /customer", Value::Null).0, 200);
        assert_eq!(world.ledger.count(), 1);
    }

    #[test]
    fn what_is_wrong_is_refused_with_what_to_send_instead() {
        let mut world = World::for_test();
        for (call, body, status, error, help) in [
            ("GET /nothing", "", 404, "there is no GET /_sandbox/nothing", "use one of"),
            ("PUT /ledger", "", 404, "there is no PUT", "GET or DELETE ledger"),
            ("GET /ledger?app=hubspot", "", 400, "no app `hubspot`", "highlevel"),
            ("GET /ledger?last=x", "", 400, "no number", "?last=10"),
            ("GET /ledger?path=x", "", 400, "picked by `path`", "`operation`"),
            ("GET /ledger?operation=stax.create-custmer", "", 400, "no app has", "create-customer"),
            ("GET /webhooks?event=ContactCreate", "", 400, "tells of", "highlevel.contact_created"),
            ("GET /records/highlevel.contacts", "", 400, "no records", "`highlevel.contact`"),
            ("POST /records/highlevel.contact", "7", 400, "cannot be used", "send a record"),
            ("POST /failures", "{", 400, "cannot be used", "send a failure"),
            ("POST /failures", "{}", 400, "which call", "add `call`"),
            ("POST /failures", r#"{"call":"POST /x"}"#, 400, "no app has", ""),
            ("POST /failures", r#"{"call":"GET /customer","status":42}"#, 400, "`status`", "200"),
            (
                "POST /failures",
                r#"{"call":"GET /customer","times":0}"#,
                400,
                "`times`",
                "1 or more",
            ),
            ("POST /failures", r#"{"call":"GET /customer","code":5}"#, 400, "`code`", "\"status\""),
            ("PATCH /settings", r#"{"latency":5}"#, 400, "`latency`", "latency_ms"),
            ("PATCH /settings", r#"{"latency_ms":999999999}"#, 400, "10 minutes", "600000"),
            ("PATCH /settings", r#"{"drop_webhooks_percent":101}"#, 400, "all webhooks", "100"),
            ("PATCH /settings", r#"{"scopes":{"x":[]}}"#, 400, "no app `x`", "stax"),
        ] {
            let (got, answer) = ask(&mut world, call, body);
            assert_eq!(got, status, "{call} {body}: {answer}");
            let part = |name: &str| answer[name].as_str().unwrap().to_owned();
            assert!(part("error").contains(error), "{call} {body}: {answer}");
            assert!(part("help").contains(help), "{call} {body}: {answer}");
        }
        assert!(world.failures.pending().is_empty());
    }
}
