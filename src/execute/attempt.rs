//! One call, tried as often as its retry policy and its in-doubt class allow.

use std::time::Duration;

use serde_json::Value;

use super::drive::{Drive, End, interrupted};
use super::engine::Engine;
use crate::call::{CallError, Failure, Response, classify};
use crate::catalog::{InDoubt, value_at};
use crate::check::{CheckedStep, Place, RetryPolicy};
use crate::journal::{CallKey, Pause, PlannedCall, Question, StepError, StepErrorKind};
use crate::value::text::shortened;

/// What to do when nobody can tell whether a call happened.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum WhenInDoubt {
    /// Ask a person.
    Hold,
    /// Give it back: the step can find out by itself.
    Tell,
}

/// Makes a call until it succeeds, is refused, or has been tried for long enough. The outer error
/// ends the run; the inner one is the step's to handle.
pub(super) async fn attempt<E: Engine + Send>(
    drive: &mut Drive<'_, E>,
    key: &CallKey,
    mut call: PlannedCall,
    retry: RetryPolicy,
    step: &CheckedStep,
    place: &Place,
    in_doubt: WhenInDoubt,
) -> Result<Result<Response, Box<StepError>>, End> {
    let mut waited = Duration::ZERO;
    loop {
        let result = drive.engine.call(key, call.clone()).await;
        let outcome = result.map_err(|i| interrupted(i, &key.step, &step.place))?;
        let (again, after_seconds) = match classify(&outcome) {
            None => {
                let Ok(response) = outcome else { unreachable!("a success is an answer") };
                return Ok(Ok(response));
            }
            Some(failure @ (Failure::NotFound | Failure::Refused)) => {
                let kind = match failure {
                    Failure::NotFound => StepErrorKind::NotFound,
                    _ => StepErrorKind::Refused,
                };
                return Ok(Err(failed(drive, (step, place), &call, outcome, kind)));
            }
            Some(Failure::Later { after_seconds }) => (true, after_seconds),
            Some(Failure::InDoubt { after_seconds }) => {
                (matches!(call.settle, InDoubt::Idempotent | InDoubt::Key), after_seconds)
            }
        };
        if !again {
            let error = failed(drive, (step, place), &call, outcome, StepErrorKind::InDoubt);
            if in_doubt == WhenInDoubt::Tell {
                return Ok(Err(error));
            }
            if hold(drive, key, &call, error).await? == Decided::Happened {
                // What it answered is not known: its results are empty.
                return Ok(Ok(Response { status: 200, ..Response::default() }));
            }
            call.attempt += 1;
            continue;
        }
        let pause = pause(retry, call.attempt, after_seconds);
        waited += length(pause);
        if retry.total.is_zero() || waited > retry.total {
            return Ok(Err(failed(drive, (step, place), &call, outcome, StepErrorKind::GaveUp)));
        }
        let result = drive.engine.wait(key, pause).await;
        if let Err(interrupt) = result {
            let error = failed(drive, (step, place), &call, outcome, StepErrorKind::GaveUp);
            return Err(End::Interrupted(interrupt, error));
        }
        call.attempt += 1;
    }
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

/// What a person found out.
#[derive(PartialEq)]
enum Decided {
    Happened,
    SendAgain,
}

const HAPPENED: &str = "it happened";
const SEND_AGAIN: &str = "send it again";

/// A person has to look: what may already have happened is never sent again by itself.
async fn hold<E: Engine + Send>(
    drive: &mut Drive<'_, E>,
    key: &CallKey,
    call: &PlannedCall,
    error: Box<StepError>,
) -> Result<Decided, End> {
    let question = Question {
        text: format!("`{}` may already have happened", call.planned.request.call),
        choices: vec![HAPPENED.into(), SEND_AGAIN.into()],
    };
    match drive.engine.hold(key, question).await {
        Ok(answer) if answer.choice == SEND_AGAIN => Ok(Decided::SendAgain),
        Ok(_) => Ok(Decided::Happened),
        Err(interrupt) => Err(End::Interrupted(interrupt, error)),
    }
}

fn failed<E>(
    drive: &Drive<'_, E>,
    (step, place): (&CheckedStep, &Place),
    call: &PlannedCall,
    outcome: Result<Response, CallError>,
    kind: StepErrorKind,
) -> Box<StepError> {
    let request = &call.planned.request;
    let app = drive.setup.catalog.app(&request.app);
    let title = app.map_or(request.app.as_str(), |app| app.title.as_str());
    let (said, response) = match outcome {
        Ok(response) => {
            let path = app.and_then(|app| app.errors.message.as_deref()).unwrap_or("$");
            let words = value_at(&response.body, path).unwrap_or(&response.body);
            let words = self::words(words);
            let said = match words.is_empty() {
                true => format!("{title} answers {}", response.status),
                false => format!("{title} answers {}: {words}", response.status),
            };
            (said, Some(response))
        }
        Err(error) => (format!("{title}: {error}"), None),
    };
    let status = response.as_ref().map_or(0, |r| r.status);
    let asks_for_seconds = response.as_ref().and_then(|r| r.retry_after_seconds);
    let instead = match (kind, status) {
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
        step: step.id.clone(),
        place: place.clone(),
        kind,
        field: None,
        message: said,
        instead,
        response,
    })
}

/// A value as words in a message: texts as they are, lists and fields joined.
pub(super) fn words(value: &Value) -> String {
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
