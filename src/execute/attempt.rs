//! One call, tried as often as its retry policy allows, and until nobody can tell what became of it.

use std::time::Duration;

use serde_json::Value;

use super::drive::{Drive, End, interrupted};
use crate::call::{CallError, Failure, Response, classify};
use crate::catalog::{Effect, InDoubt, value_at};
use crate::check::{CheckedStep, Place, RetryPolicy};
use crate::journal::{CallKey, Pause, PlannedCall, StepError, StepErrorKind};
use crate::value::text::shortened;

/// A call, and how far it has been tried.
pub(super) struct Tries {
    pub call: PlannedCall,
    pub waited: Duration,
    /// A try had no answer, so what a later one is told may be of its own making.
    pub unanswered: bool,
    /// And it was to delete: what is not there any more is deleted.
    may_be_deleted: bool,
}

impl Tries {
    pub fn of(call: PlannedCall) -> Tries {
        Tries { call, waited: Duration::ZERO, unanswered: false, may_be_deleted: false }
    }
}

/// A try that did not go well.
pub(super) struct Setback {
    pub kind: StepErrorKind,
    pub outcome: Result<Response, CallError>,
    after_seconds: Option<u64>,
}

/// Whose call it is, and how long it may be tried.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub step: &'a CheckedStep,
    pub place: &'a Place,
    pub retry: RetryPolicy,
}

/// Makes a call until it succeeds, is refused, has been tried for long enough, or until nobody can tell
/// whether it has happened. The outer error ends the run; the inner one is the step's to handle.
pub(super) async fn attempt(
    drive: &mut Drive<'_>,
    key: &CallKey,
    tries: &mut Tries,
    owner: Owner<'_>,
) -> Result<Result<Response, Setback>, End> {
    loop {
        let setback = match once(drive, key, tries, owner).await? {
            Ok(response) => return Ok(Ok(response)),
            Err(setback) => setback,
        };
        if setback.kind != StepErrorKind::GaveUp
            || !wait(drive, key, tries, owner, &setback).await?
        {
            return Ok(Err(setback));
        }
    }
}

/// Makes a call once. A setback of the kind `GaveUp` may be followed by another try.
pub(super) async fn once(
    drive: &mut Drive<'_>,
    key: &CallKey,
    tries: &mut Tries,
    owner: Owner<'_>,
) -> Result<Result<Response, Setback>, End> {
    let result = drive.engine.call(key, &tries.call).await;
    let outcome = result.map_err(|i| interrupted(i, &key.step, &owner.step.place))?;
    let (kind, after_seconds) = match classify(&outcome) {
        None => {
            let Ok(response) = outcome else { unreachable!("a success is an answer") };
            return Ok(Ok(response));
        }
        // An earlier try has deleted it; what it answered is not known.
        Some(Failure::NotFound) if tries.may_be_deleted => {
            return Ok(Ok(Response { status: 200, ..Response::default() }));
        }
        Some(Failure::NotFound) => (StepErrorKind::NotFound, None),
        Some(Failure::Refused) => (StepErrorKind::Refused, None),
        Some(Failure::Later { after_seconds }) => (StepErrorKind::GaveUp, after_seconds),
        Some(Failure::InDoubt { after_seconds }) => {
            tries.may_be_deleted |= tries.call.effect == Effect::Delete;
            tries.unanswered = true;
            let again = matches!(tries.call.settle, InDoubt::Idempotent | InDoubt::Key);
            let kind = if again { StepErrorKind::GaveUp } else { StepErrorKind::InDoubt };
            (kind, after_seconds)
        }
    };
    Ok(Err(Setback { kind, outcome, after_seconds }))
}

/// Waits before the next try; false when it has been tried for long enough.
pub(super) async fn wait(
    drive: &mut Drive<'_>,
    key: &CallKey,
    tries: &mut Tries,
    owner: Owner<'_>,
    setback: &Setback,
) -> Result<bool, End> {
    let pause = pause(owner.retry, tries.call.attempt, setback.after_seconds);
    tries.waited += length(pause);
    if owner.retry.total.is_zero() || tries.waited > owner.retry.total {
        return Ok(false);
    }
    if let Err(interrupt) = drive.engine.wait(key, pause).await {
        let error = failed(drive, owner, &tries.call, setback, StepErrorKind::GaveUp);
        return Err(End::Interrupted(interrupt, error));
    }
    tries.call.attempt += 1;
    Ok(true)
}

/// Exponential, at most `at_most`; what the app asks for wins.
fn pause(retry: RetryPolicy, attempt: u32, after_seconds: Option<u64>) -> Pause {
    match after_seconds {
        Some(seconds) => Pause::Exactly(Duration::from_secs(seconds.min(24 * 3600))),
        None => {
            let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
            Pause::UpTo(retry.first.saturating_mul(doubled).min(retry.at_most))
        }
    }
}

fn length(pause: Pause) -> Duration {
    match pause {
        Pause::UpTo(most) | Pause::Exactly(most) => most,
        Pause::Until(_) => Duration::ZERO,
    }
}

/// What the step says of a setback, as a failure of this kind.
pub(super) fn failed(
    drive: &Drive<'_>,
    owner: Owner<'_>,
    call: &PlannedCall,
    setback: &Setback,
    kind: StepErrorKind,
) -> Box<StepError> {
    let request = &call.planned.request;
    let called = Some(request.app.clone());
    let app = drive.setup.catalog.app(&request.app);
    let title = app.map_or(request.app.as_str(), |app| app.title.as_str());
    let (said, response) = match &setback.outcome {
        Ok(response) => {
            let path = app.and_then(|app| app.errors.message.as_deref()).unwrap_or("$");
            let words = value_at(&response.body, path).unwrap_or(&response.body);
            let words = self::words(words);
            let said = match words.is_empty() {
                true => format!("{title} answers {}", response.status),
                false => format!("{title} answers {}: {words}", response.status),
            };
            (said, Some(response.clone()))
        }
        Err(error) => (format!("{title}: {error}"), None),
    };
    let status = response.as_ref().map_or(0, |r| r.status);
    let asks_for_seconds = response.as_ref().and_then(|r| r.retry_after_seconds);
    let instead = match (kind, status) {
        _ if let Err(CallError::Withheld { instead, .. }) = &setback.outcome => instead.clone(),
        (StepErrorKind::NotFound, _) => {
            "check the id, or let the run go on without it: `on_not_found: continue`".to_owned()
        }
        (_, 300..=399) => {
            "the server sends the call on to another address, and that is not followed: correct the base address".to_owned()
        }
        (_, 401) => format!(
            "check the token of the {title} connection, and that it has the scope this call needs"
        ),
        (_, 403) => format!(
            "the token of the {title} connection may not do this; check its scope and account"
        ),
        (StepErrorKind::GaveUp, _) if asks_for_seconds.is_some_and(|s| s > 60) => format!(
            "{title} asks to wait {} minutes: allow it with `retry: {{ for: … }}`, or try again then",
            asks_for_seconds.unwrap_or(0).div_ceil(60)
        ),
        (StepErrorKind::GaveUp, _) if call.attempt > 1 => {
            format!("it was tried {} times; try again later", call.attempt)
        }
        (StepErrorKind::GaveUp, _) => "try again later".to_owned(),
        (StepErrorKind::InDoubt, _) => {
            format!("look in {title} whether it has happened, before you run this again")
        }
        _ => "compare what was sent with `linecook dry-run`".to_owned(),
    };
    Box::new(StepError {
        step: owner.step.id.clone(),
        place: owner.place.clone(),
        kind,
        field: None,
        message: said,
        instead,
        response,
        app: called,
    })
}

/// A value as words in a message: texts as they are, lists and fields joined.
pub fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(page) if page.trim_start().starts_with('<') => "a web page".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(map) => {
            let fields = map.iter().map(|(name, value)| format!("{name}: {}", words(value)));
            fields.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    shortened(&text, 300)
}
