//! The doors through which webhooks come in: a request is known, checked and on disk before it is
//! answered with 2xx.
//!
//! * `/hooks/app/<app>`: signed deliveries of a marketplace app. The body names the event and the account.
//! * `/hooks/<connection>/<secret>/<event>`: everything unsigned. The address is the proof, and names the
//!   event; without `<event>` the app's own way of naming it holds.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::{debug, error, info, warn};

use super::Service;
use super::installed::{Happening, TriggerFacts};
use crate::catalog::{App, Catalog};
use crate::connection::Redactor;
use crate::store::{Accepted, Arrival, Fingerprint};

/// The largest body, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a client may take for its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// With so many writes waiting for the disk nothing more is taken.
const MAX_WAITING_WRITES: usize = 4_096;

/// All addresses of the service.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/hooks/app/{app}", post(signed))
        .route("/hooks/{connection}/{secret}", post(unsigned_by_app))
        .route("/hooks/{connection}/{secret}/{event}", post(unsigned))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(service)
}

/// Why a delivery is not taken.
struct Refused {
    status: StatusCode,
    why: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let later =
            matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let mut response = (self.status, Json(json!({ "error": self.why }))).into_response();
        if later {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
        }
        response
    }
}

fn refused(status: StatusCode, why: impl Into<String>) -> Refused {
    Refused { status, why: why.into() }
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    match service.is_ready() {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    match service.metrics().await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()).into_response(),
    }
}

async fn signed(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let (headers, body) = read(&service, request).await?;
    let app = Catalog::embedded()
        .app(&name)
        .filter(|app| app.signature.is_some())
        .ok_or_else(|| refused(StatusCode::NOT_FOUND, "no app of that name signs its webhooks"))?;
    service.verifier().verify(app, &headers, &body).map_err(|why| {
        warn!(app = %app.app, "a webhook was refused: {why}");
        super::metrics::refused(&app.app);
        refused(StatusCode::UNAUTHORIZED, why)
    })?;
    let payload = object(&body)?;
    let event = named_by_app(app, &headers, &payload)
        .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "nothing in it says which event it is"))?;
    let installed = service.installed();
    let account = Account::of(app, &payload);
    let mut connections = installed.connections.iter().filter(|(_, connection)| {
        connection.app == app.app && account.is(connection.location_id.as_deref())
    });
    let Some((connection, _)) = connections.next() else {
        // An event of an account that is not ours, or of a whole company, such as INSTALL: more tries
        // would not change that.
        debug!(app = %app.app, "an event of an account that no connection names");
        super::metrics::refused("account");
        return Ok(taken("no connection of this project is that account"));
    };
    let connection = connection.clone();
    let id = payload.get("webhookId").and_then(Value::as_str);
    let fingerprint = match id {
        Some(id) => Fingerprint::of(&[b"id", app.app.as_bytes(), id.as_bytes()]),
        None => of_body(&connection, &event, &body),
    };
    store(&service, app, &connection, event, payload, body, fingerprint).await
}

async fn unsigned_by_app(
    state: State<Arc<Service>>,
    Path((connection, secret)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    by_address(state.0, connection, secret, None, request).await
}

async fn unsigned(
    state: State<Arc<Service>>,
    Path((connection, secret, event)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    by_address(state.0, connection, secret, Some(event), request).await
}

async fn by_address(
    service: Arc<Service>,
    connection: String,
    secret: String,
    event: Option<String>,
    request: Request,
) -> Result<Response, Refused> {
    // Whether there is such a connection is told to nobody who does not know its secret.
    let unknown = || refused(StatusCode::NOT_FOUND, "there is nothing at this address");
    let Some(opened) = service.hooks().opened_by(&connection, &secret).await else {
        super::metrics::refused("address");
        return Err(unknown());
    };
    // Just renamed, and the project file has not been read again: then it is installed as in the address.
    let (connection, app) = [opened, connection]
        .into_iter()
        .find_map(|name| service.app_of(&name).map(|app| (name, app)))
        .ok_or_else(unknown)?;
    let (headers, body) = read(&service, request).await?;
    let payload = object(&body)?;
    let event = match event {
        Some(event) => event,
        None => named_by_app(app, &headers, &payload).ok_or_else(|| {
            refused(
                StatusCode::BAD_REQUEST,
                "nothing in it says which event it is; add the event to the address",
            )
        })?,
    };
    if !is_event(app, &event) {
        return Err(refused(
            StatusCode::BAD_REQUEST,
            format!("{} has no event `{event}`: see `linecook catalog list`", app.app),
        ));
    }
    let installed = service.installed();
    // Where nobody is named the address says whose it is.
    let account = Account::of(app, &payload);
    let known = installed.connections.get(&connection).and_then(|c| c.location_id.as_deref());
    if !matches!(account, Account::NotSaid) && !account.is(known) {
        warn!(%connection, "a webhook of another account was refused");
        super::metrics::refused("account");
        return Err(refused(StatusCode::FORBIDDEN, "it is an event of another account"));
    }
    let fingerprint = match payload.get("webhookId").and_then(Value::as_str) {
        Some(id) => Fingerprint::of(&[b"id", connection.as_bytes(), id.as_bytes()]),
        None => of_body(&connection, &event, &body),
    };
    store(&service, app, &connection, event, payload, body, fingerprint).await
}

/// The account that a payload is of.
enum Account<'a> {
    /// The app has but one for each connection.
    Any,
    /// It names none: it is of a whole company, or of a tool that does not say.
    NotSaid,
    Named(&'a str),
    /// What stands in the place of a name is none.
    Nobody,
}

impl<'a> Account<'a> {
    fn of(app: &App, payload: &'a Map<String, Value>) -> Account<'a> {
        let Some(field) = &app.location else { return Account::Any };
        match payload.get(field) {
            None | Some(Value::Null) => Account::NotSaid,
            Some(Value::String(name)) if !name.is_empty() => Account::Named(name),
            Some(_) => Account::Nobody,
        }
    }

    /// Whether it is surely the account of a connection.
    fn is(&self, location_id: Option<&str>) -> bool {
        match self {
            Account::Any => true,
            Account::Named(name) => location_id == Some(name),
            Account::NotSaid | Account::Nobody => false,
        }
    }
}

/// Two deliveries with the same bytes are one delivery: nothing else tells them apart.
fn of_body(connection: &str, event: &str, body: &[u8]) -> Fingerprint {
    Fingerprint::of(&[b"body", connection.as_bytes(), event.as_bytes(), body])
}

async fn read(service: &Service, request: Request) -> Result<(HeaderMap, Bytes), Refused> {
    if service.waiting_writes() > MAX_WAITING_WRITES {
        return Err(refused(StatusCode::SERVICE_UNAVAILABLE, "too much is waiting for the disk"));
    }
    if service.is_full() {
        return Err(refused(StatusCode::TOO_MANY_REQUESTS, "too many events wait for their turn"));
    }
    let (parts, body): (_, Body) = request.into_parts();
    let encoding = parts.headers.get(header::CONTENT_ENCODING).and_then(|e| e.to_str().ok());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not taken"));
    }
    let reading = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES));
    match reading.await {
        Ok(Ok(bytes)) => Ok((parts.headers, bytes)),
        Ok(Err(_)) => Err(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {} KB, or it broke off", MAX_BODY_BYTES / 1024),
        )),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(payload)) => Ok(payload),
        Ok(_) => Err(refused(StatusCode::BAD_REQUEST, "the body is JSON, but no object")),
        Err(e) => Err(refused(StatusCode::BAD_REQUEST, format!("the body is not JSON: {e}"))),
    }
}

/// What the app calls the event.
fn named_by_app(app: &App, headers: &HeaderMap, payload: &Map<String, Value>) -> Option<String> {
    let by = &app.event_by;
    let in_header = by.header.as_ref().and_then(|name| headers.get(name.as_str())?.to_str().ok());
    let in_body = by.body.as_ref().and_then(|name| payload.get(name)?.as_str());
    in_header.or(in_body).map(str::to_owned)
}

fn is_event(app: &App, event: &str) -> bool {
    let name = format!("{}.{event}", app.app);
    let mut entries = Catalog::embedded().event_entries().iter();
    entries.any(|e| e.id == name || (e.wire.as_deref() == Some(event) && e.app == app.app))
}

/// An app that tells of webhooks tells their addresses: what is secret in a payload is not kept. The text
/// comes back only where it is another one.
fn without_secrets(
    redactor: &Redactor,
    payload: Map<String, Value>,
    body: &[u8],
) -> (Map<String, Value>, Option<String>) {
    let mut value = Value::Object(payload);
    let is_changed = redactor.value_of(body, &mut value);
    let text = is_changed.then(|| value.to_string());
    match value {
        Value::Object(payload) => (payload, text),
        _ => unreachable!("an object stays one"),
    }
}

async fn store(
    service: &Service,
    app: &App,
    connection: &str,
    event: String,
    payload: Map<String, Value>,
    body: Bytes,
    fingerprint: Fingerprint,
) -> Result<Response, Refused> {
    let received_at = Timestamp::now();
    let (payload, hidden) = without_secrets(service.hooks().redactor(), payload, &body);
    let (mut starts, record) = {
        let installed = service.installed();
        let happening = Happening { connection, app, event: &event, payload: &payload };
        let facts = TriggerFacts { received_at, unique: fingerprint.bytes() };
        installed.starts(&happening, &facts, 0, None)
    };
    let is_echo = !starts.is_empty() && service.is_echo(app, &event, &payload);
    if is_echo {
        starts.clear();
    }
    let count = starts.len();
    let text = match hidden {
        Some(hidden) => hidden,
        None => String::from_utf8(body.into())
            .map_err(|_| refused(StatusCode::BAD_REQUEST, "the body is not UTF-8"))?,
    };
    let arrival = Arrival {
        received_at,
        connection: connection.to_owned(),
        app: app.app.clone(),
        event,
        record,
        payload: text,
        fingerprint: Some(fingerprint),
        starts,
    };
    match service.accept(arrival).await {
        Ok(Accepted::New { delivery, .. }) => {
            super::metrics::received(&app.app, count);
            let mut body = json!({ "event": format!("event-{delivery}"), "runs": count });
            if is_echo {
                info!(event = %format!("event-{delivery}"), "an echo of our own write: nothing is started");
                body["note"] = "it tells what linecook itself has written".into();
            }
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Ok(Accepted::Again) => {
            super::metrics::received_again(&app.app);
            Ok(taken("it has been here before"))
        }
        Err(problem) => {
            error!("a webhook could not be stored: {problem}: {}", problem.help);
            Err(refused(StatusCode::SERVICE_UNAVAILABLE, "it could not be stored; send it again"))
        }
    }
}

fn taken(note: &str) -> Response {
    (StatusCode::OK, Json(json!({ "note": note }))).into_response()
}
