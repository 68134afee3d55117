//! What linecook itself tells: a run that failed or is held, a connection to renew, a
//! credential to replace, a quota that runs low.
//! Each becomes an event like any other, which can start recipes, and a notice for people.
//!
//! They are read from the store and not from memory, so that none is forgotten by a crash; an event that
//! has been told already is known by its fingerprint.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::error;

use super::Service;
use super::installed::{Happening, TriggerFacts};
use super::stage::Stage;
use crate::catalog::Catalog;
use crate::connection::Rotation;
use crate::journal::{Outcome, StepError};
use crate::store::{Accepted, Arrival, Fingerprint, RunRow, RunState, Runs, StoreError};

/// The app whose events these are.
pub const APP: &str = "linecook";
/// Up to when everything has been told.
const POSITION: &str = "told";

/// Tells of every run that has failed or is held since the last time.
pub async fn tell_of_runs(service: &Arc<Service>) -> Result<(), StoreError> {
    let store = service.store();
    let told = store.position(POSITION).await?.and_then(|text| text.parse().ok());
    let since = told.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut latest = since;
    for row in store.for_people(since).await? {
        latest = latest.max(row.ended_at.unwrap_or(since));
        // What tells of failures must not tell of its own.
        if row.event.split('.').next() == Some(APP) {
            continue;
        }
        let recipe = service.installed().installation(&row.installation).map(|i| i.kept.clone());
        let recipe = recipe.map_or_else(|| row.recipe.clone(), |k| k.plan.recipe.name.clone());
        let Some((event, payload)) = event_of(&row, &recipe) else { continue };
        let at = row.ended_at.unwrap_or_default().as_millisecond().to_le_bytes();
        let fingerprint = Fingerprint::of(&[event.as_bytes(), &row.id.0.to_le_bytes(), &at]);
        tell(service, event, payload, fingerprint).await?;
        if let Some(Outcome::Failed(error)) = &row.outcome
            && error.response.as_ref().is_some_and(|r| r.status == 401)
        {
            tell_of_connection(service, &row, error).await?;
        }
    }
    if latest > since {
        store.set_position(POSITION, &latest.to_string()).await?;
    }
    Ok(())
}

/// The token of a connection is not taken any more: told once a day for each connection.
async fn tell_of_connection(
    service: &Arc<Service>,
    row: &RunRow,
    error: &StepError,
) -> Result<(), StoreError> {
    let installed = service.installed();
    let Some(installation) = installed.installation(&row.installation) else { return Ok(()) };
    let app = error.app.as_deref().unwrap_or_default();
    let Some(connection) = installation.kept.connections.get(app) else { return Ok(()) };
    let now = Timestamp::now();
    let payload = json!({
        "connection": connection,
        "app": app,
        "why": error.message,
        "help": format!("renew the token of the connection `{connection}`"),
        "expired_at": now.to_string(),
    });
    let day = now.as_second() / (24 * 3600);
    let fingerprint =
        Fingerprint::of(&[b"connection_expired", connection.as_bytes(), &day.to_le_bytes()]);
    tell(service, "connection_expired", payload, fingerprint).await
}

/// A credential is of no use any more: told once.
pub async fn tell_of_credentials(service: &Arc<Service>) -> Result<(), StoreError> {
    let mut all = service.credentials.expired().await;
    all.retain(|expired| service.installed().connections.contains_key(&expired.connection));
    if *service.expired.lock().unwrap_or_else(PoisonError::into_inner) == all {
        return Ok(());
    }
    for expired in &all {
        let at = expired.at.as_nanosecond().to_le_bytes();
        let fingerprint =
            Fingerprint::of(&[b"credential_expired", expired.connection.as_bytes(), &at]);
        let payload = json!({
            "connection": expired.connection,
            "app": expired.app,
            "why": expired.why,
            "help": expired.help,
            "expired_at": expired.at.to_string(),
        });
        tell(service, "connection_expired", payload, fingerprint).await?;
    }
    *service.expired.lock().unwrap_or_else(PoisonError::into_inner) = all;
    Ok(())
}

/// A connection has used nine tenths of its day: told once a day for each.
pub async fn tell_of_quotas(service: &Arc<Service>) -> Result<(), StoreError> {
    for (connection, state) in service.runner.gates.states() {
        let (Some(left), Some(limit)) = (state.left_today, state.most_a_day) else { continue };
        if left > limit / 10 {
            continue;
        }
        let installed = service.installed();
        let app = installed.connections.get(&connection).map(|c| c.app.clone());
        let payload = json!({
            "connection": connection,
            "app": app.unwrap_or_default(),
            "limit": limit,
            "left": left,
        });
        let day = Timestamp::now().as_second() / (24 * 3600);
        let fingerprint =
            Fingerprint::of(&[b"quota_low", connection.as_bytes(), &day.to_le_bytes()]);
        tell(service, "quota_low", payload, fingerprint).await?;
    }
    Ok(())
}

/// A recipe does not run any more, and nobody has asked for that: told once for each time.
pub async fn tell_of_stages(service: &Arc<Service>) -> Result<(), StoreError> {
    let installed = service.installed();
    for installation in &installed.installations {
        let name = &installation.name;
        let Some(stage) = service.stages().of(name) else { continue };
        let before = {
            let mut told = service.told_stages.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(name.clone(), stage.clone())
        };
        if before.as_ref() == Some(&stage) {
            continue;
        }
        let (mark, at) = match &stage {
            Stage::Review => (installation.pin.clone(), Timestamp::now()),
            Stage::Paused(pause) if pause.by_limit => (pause.at.to_string(), pause.at),
            _ => continue,
        };
        let payload = json!({
            "recipe": installation.kept.plan.recipe.name,
            "installation": name,
            "why": stage.to_string(),
            "help": format!("look at it, then `linecook go-live {name}`; its events wait until then"),
            "paused_at": at.to_string(),
        });
        let fingerprint = Fingerprint::of(&[b"recipe_paused", name.as_bytes(), mark.as_bytes()]);
        tell(service, "recipe_paused", payload, fingerprint).await?;
    }
    Ok(())
}

/// A credential is older than its connection says it shall become: told once for each time that it is to be
/// replaced.
pub async fn tell_of_rotations(service: &Arc<Service>) -> Result<(), StoreError> {
    let now = Timestamp::now();
    for (name, connection) in &service.installed().connections {
        let Some(rotation) = connection.rotation else { continue };
        let Some(due) = rotation.last_due(now) else { continue };
        let (position, due_text) = (format!("rotation {name}"), due.to_string());
        if service.store().position(&position).await?.is_some_and(|told| told == due_text) {
            continue;
        }
        let payload = json!({
            "connection": name,
            "app": connection.app,
            "since": rotation.since.to_string(),
            "due_at": due_text,
            "age_days": rotation.age_days(now),
            "help": Rotation::help(name),
        });
        let fingerprint = Fingerprint::of(&[b"rotation_due", name.as_bytes(), due_text.as_bytes()]);
        tell(service, "rotation_due", payload, fingerprint).await?;
        service.store().set_position(&position, &due_text).await?;
    }
    Ok(())
}

/// Stores one event of our own, with the recipes it starts and the notice it becomes.
pub async fn tell(
    service: &Arc<Service>,
    event: &str,
    payload: Value,
    fingerprint: Fingerprint,
) -> Result<(), StoreError> {
    let Some(app) = Catalog::embedded().app(APP) else {
        error!("the catalog does not know its own app; this is a bug");
        return Ok(());
    };
    let map: Map<String, Value> = payload.as_object().cloned().unwrap_or_default();
    let received_at = Timestamp::now();
    let (starts, record) = {
        let happening = Happening { connection: APP, app, event, payload: &map };
        let facts = TriggerFacts { received_at, unique: fingerprint.bytes() };
        service.installed().starts(&happening, &facts, 0, None)
    };
    let arrival = Arrival {
        received_at,
        connection: APP.to_owned(),
        app: APP.to_owned(),
        event: event.to_owned(),
        record,
        payload: payload.to_string(),
        fingerprint: Some(fingerprint),
        starts,
    };
    if service.accept(arrival).await? != Accepted::Again && service.notifies() {
        service.store().add_notice(event, &payload).await?;
    }
    Ok(())
}

/// `recipe` is the recipe's name.
fn event_of(row: &RunRow, recipe: &str) -> Option<(&'static str, Value)> {
    let at = row.ended_at.unwrap_or_default().to_string();
    let base = |error: &StepError| {
        let mut payload = json!({
            "run": row.id.to_string(),
            "recipe": recipe,
            "installation": row.installation,
            "event": row.event,
        });
        let more = [
            ("record", row.record.clone().map(Value::from)),
            ("step", (!error.step.is_empty()).then(|| error.step.as_str().into())),
            ("line", (error.place.line > 0).then(|| error.place.line.into())),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                payload[name] = value;
            }
        }
        payload
    };
    match (row.state, row.outcome.as_ref()?) {
        (RunState::Failed, Outcome::Failed(error)) => {
            let mut payload = base(error);
            let field = error.field.as_ref().map(|f| format!("`{f}` ")).unwrap_or_default();
            payload["message"] = format!("{field}{}", error.message).into();
            payload["help"] = error.instead.as_str().into();
            payload["failed_at"] = at.into();
            Some(("run_failed", payload))
        }
        (RunState::Held, Outcome::Held { question, error }) => {
            let mut payload = base(error);
            let first = question.choices.first().map(String::as_str).unwrap_or_default();
            payload["message"] = question.text.as_str().into();
            payload["choices"] = question.choices.clone().into();
            payload["help"] =
                format!("choose with `linecook runs resolve {} --choose '{first}'`", row.id).into();
            payload["held_at"] = at.into();
            Some(("run_held", payload))
        }
        _ => None,
    }
}
