//! Steps at which a run stands still: `wait` until a time, `hold` until a person has answered.

use serde_json::{Map, Value};

use super::drive::{Drive, End, interrupted};
use super::engine::Interrupt;
use crate::check::{CheckedHold, CheckedStep, CheckedWait, Mapping, Place};
use crate::journal::{CallKey, Decision, Pause, Question, StepError, StepErrorKind};
use crate::plan::{DataError, render};
use crate::template::Scope;
use crate::value::text::shortened;
use crate::value::{Moment, duration};

/// Waits for as long as the step says.
pub(super) async fn wait(
    drive: &mut Drive<'_>,
    step: &CheckedStep,
    wait: &CheckedWait,
    scope: &Scope,
    item: &[usize],
) -> Result<Map<String, Value>, End> {
    let pause = match wait {
        CheckedWait::For(length) => Pause::Exactly(*length),
        CheckedWait::Until(mapping) => pause(mapping, scope).map_err(|e| drive.data(step, e))?,
    };
    let key = CallKey::new(&step.id, item, CallKey::WAIT);
    let waited = drive.engine.wait(&key, pause).await;
    waited.map_err(|interrupt| interrupted(interrupt, &step.id, &step.place))?;
    Ok(Map::from_iter([("skipped".to_owned(), false.into())]))
}

/// What a value of this run means as a wait.
fn pause(mapping: &Mapping, scope: &Scope) -> Result<Pause, DataError> {
    let wrong = |problem: String, instead: &str| DataError {
        place: mapping.place.clone(),
        field: Some("wait".into()),
        problem,
        instead: instead.to_owned(),
    };
    let value = render(mapping, scope)?.value().filter(|v| v.as_str() != Some(""));
    let Some(value) = value else {
        return Err(wrong(
            "is empty: nobody knows how long to wait".into(),
            "leave the step out then with `when`, or say how long with `| default('1h')`",
        ));
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(length) = duration::parse(&text) {
        return Ok(Pause::Exactly(length));
    }
    match Moment::parse(&text, &scope.defaults().timezone) {
        Ok(moment) => Ok(Pause::Until(moment.timestamp())),
        Err(_) => Err(wrong(
            format!(
                "gets `{}`, which is neither a length of time nor a moment",
                shortened(&text, 60)
            ),
            "give it a length such as 2h or 3d, or a date such as 2026-03-02T09:00",
        )),
    }
}

/// Asks a person.
pub(super) async fn hold(
    drive: &mut Drive<'_>,
    step: &CheckedStep,
    hold: &CheckedHold,
    scope: &Scope,
    item: &[usize],
) -> Result<Map<String, Value>, End> {
    let text = render(&hold.text, scope).map_err(|e| drive.data(step, e))?.into_value();
    let text = super::attempt::words(&text);
    let question = Question { text, choices: hold.choices.clone() };
    let key = CallKey::new(&step.id, item, CallKey::HOLD);
    let answer = drive.ask(&key, question, &hold.text.place).await?;
    if hold.stops.as_ref() == Some(&answer) {
        let reason = format!("a person chose `{answer}`");
        return Err(End::Stopped { reason, place: step.place.clone() });
    }
    let results = Map::from_iter([
        ("choice".to_owned(), Value::from(answer)),
        ("skipped".to_owned(), false.into()),
    ]);
    let key = CallKey::new(&step.id, item, "choice");
    drive.record(&key, Decision::Finished(results.clone()), &step.place).await?;
    Ok(results)
}

/// What to say when nobody answers.
pub(super) fn asked(
    step: &str,
    place: &Place,
    text: String,
    interrupt: &Interrupt,
) -> Box<StepError> {
    let (kind, message) = match interrupt {
        Interrupt::Held(_) => (StepErrorKind::Asks, text),
        _ => (StepErrorKind::GaveUp, "the run ended while it asked a person".to_owned()),
    };
    Box::new(StepError {
        step: step.to_owned(),
        place: place.clone(),
        kind,
        field: None,
        message,
        instead: "choose one of the answers".into(),
        response: None,
        app: None,
    })
}
