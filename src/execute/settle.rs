//! What may already have happened: a call that changes something comes in; its answer goes out, also
//! when the app never gave it and only shows the record, or when a person knows.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::attempt::{Setback, Tries, attempt, failed, wait};
use super::call_step::CallStep;
use super::drive::End;
use super::engine::Interrupt;
use super::look::{Age, Asks, CLOCK_ALLOWANCE, Found, Look, Search, Wanted};
use crate::call::Response;
use crate::catalog::{InDoubt, Newness, Operation, Probe, value_at};
use crate::journal::{CallKey, Pause, PlannedCall, Question, StepError, StepErrorKind};
use crate::plan::{self, PlannedRequest};
use crate::value::Moment;

/// How often one call is sent and looked for before a person is asked. With the pauses between them
/// they last for more than an hour.
const ROUNDS: u32 = 20;

/// How it is found out whether a call happened.
pub(super) enum Settling {
    /// The app shows it.
    Look(Box<Look>),
    /// A person has to look; and why, where that is not the way of the operation.
    Person { why: Option<String> },
}

/// What a person found out.
#[derive(PartialEq)]
enum Decided {
    Happened,
    SendAgain,
}

/// What a person answers when a call that may already have happened did.
pub const HAPPENED: &str = "it happened";
/// And when it did not.
pub const SEND_AGAIN: &str = "send it again";

impl CallStep<'_, '_> {
    /// Makes a call that must not happen twice, and finds out whether it happened where the app does
    /// not say so.
    pub(super) async fn send(
        &mut self,
        part: &str,
        operation: &Operation,
        planned: PlannedRequest,
        settling: &Settling,
    ) -> Result<Result<Response, Box<StepError>>, End> {
        self.note_id(&planned);
        let (key, owner) = (self.key(part), self.owner());
        let settle = match (settling, operation.in_doubt) {
            (Settling::Person { .. }, InDoubt::Marker | InDoubt::Probe) => InDoubt::Unprotected,
            (_, class) => class,
        };
        let effect = operation.effect;
        let call = PlannedCall { planned, effect, settle, attempt: 1, looks_for: None };
        let mut tries = Tries::of(call);
        let (mut round, mut in_doubt) = (0, false);
        let sent = match operation.newness.is_some() {
            true => Some(self.drive.time(&self.key("sent"), &self.step.place).await?),
            false => None,
        };
        loop {
            let setback = match attempt(self.drive, &key, &mut tries, owner).await? {
                Ok(response) => {
                    let response = match (&operation.newness, sent) {
                        (Some(newness), Some(sent)) if tries.unanswered => {
                            self.as_first_answer(response, newness, sent)
                        }
                        _ => response,
                    };
                    return Ok(Ok(response));
                }
                Err(setback) => setback,
            };
            let kind = setback.kind;
            in_doubt |= kind == StepErrorKind::InDoubt;
            let found = match settling {
                Settling::Person { why } => Found::Unclear(why.clone()),
                Settling::Look(_) if round == ROUNDS => Found::Unclear(Some(format!(
                    "it was looked for {ROUNDS} times, and was not there"
                ))),
                Settling::Look(look) => {
                    round += 1;
                    match kind {
                        StepErrorKind::InDoubt => {
                            Box::pin(self.look_later(round, look, &mut tries, &setback)).await?
                        }
                        _ if look.covers(&setback, in_doubt) => {
                            Box::pin(self.look(round, look, &tries.call.planned)).await?
                        }
                        _ => Found::Missing,
                    }
                }
            };
            match found {
                Found::There(record) => return Ok(Ok(as_answered(operation, record))),
                // What is refused and not there is simply refused.
                _ if kind != StepErrorKind::InDoubt => {
                    return Ok(Err(failed(self.drive, owner, &tries.call, &setback, kind)));
                }
                Found::Missing => {
                    if !wait(self.drive, &key, &mut tries, owner, &setback).await? {
                        let kind = StepErrorKind::GaveUp;
                        let mut error = failed(self.drive, owner, &tries.call, &setback, kind);
                        error.message.push_str("; it was looked for, and has not happened");
                        return Ok(Err(error));
                    }
                }
                Found::Unclear(why) => match self.ask(&key, &tries, &setback, why).await? {
                    // What it answered is not known: its results are empty.
                    Decided::Happened => {
                        return Ok(Ok(Response { status: 200, ..Response::default() }));
                    }
                    Decided::SendAgain => {
                        tries.call.attempt += 1;
                        round = 0;
                    }
                },
            }
        }
    }

    /// What the first try would have been told: a record made since then was made by it.
    fn as_first_answer(
        &self,
        mut response: Response,
        newness: &Newness,
        sent: Timestamp,
    ) -> Response {
        let text = |path: &str| value_at(&response.body, path).and_then(Value::as_str);
        let made = text(&newness.created)
            .and_then(|text| Moment::parse(text, &jiff::tz::TimeZone::UTC).ok())
            .map(|moment| moment.timestamp());
        let since = sent.checked_sub(CLOCK_ALLOWANCE).unwrap_or(Timestamp::MIN);
        let is_earlier = text(&newness.id).is_some_and(|id| self.scope.has_result(id));
        if made.is_some_and(|made| made >= since)
            && !is_earlier
            && let Some(field) = response.body.get_mut(&newness.field)
        {
            *field = true.into();
        }
        response
    }

    /// How to find out whether a call happened; writes into the request what that needs. `exists` is
    /// the look that `unless_exists` has had already.
    pub(super) async fn settling(
        &mut self,
        planned: &mut PlannedRequest,
        exists: Option<Look>,
    ) -> Result<Settling, End> {
        let otherwise = |why: Option<String>| match exists {
            Some(look) => Settling::Look(Box::new(look)),
            None => Settling::Person { why },
        };
        let operation = self.call.operation.clone();
        let Some(list) = self.call.lookup.clone() else { return Ok(otherwise(None)) };
        let reference = plan::reference(&self.drive.setup.run_id, &self.step.id, self.item);
        if let Err(why) = plan::mark(planned, &operation, &reference) {
            return Ok(otherwise(Some(why)));
        }
        let mut searches = Vec::new();
        if let Some(marker) = &operation.marker {
            let wanted = Wanted::Reference { field: marker.field.clone(), reference };
            let (by, asks) = (marker.field.clone(), Asks::Query(Vec::new()));
            searches.push(Search { by, asks, wanted });
            return Ok(Settling::Look(Box::new(Look { list, searches, age: None })));
        }
        let Some(probe) = operation.probe.clone() else { return Ok(otherwise(None)) };
        for by in &probe.by {
            let Some(value) = plan::sent_at(planned, by) else { continue };
            let asks = Asks::Query(self.query(&list, by, value));
            let wanted = self.wanted(&list, planned, &probe, by);
            searches.push(Search { by: by.clone(), asks, wanted });
        }
        if searches.is_empty() {
            let why = format!("it has no {} to look for it by", probe.by.join(" and no "));
            return Ok(otherwise(Some(why)));
        }
        let sent = self.drive.time(&self.key("sent"), &self.step.place).await?;
        let is_unique = planned.origins.iter().any(|origin| origin.mark.is_some());
        let age = Some(Age { probe, sent, is_unique });
        Ok(Settling::Look(Box::new(Look { list, searches, age })))
    }

    /// What asks a list for the records with one field of the call, the newest first where it can.
    fn query(&self, list: &Operation, by: &str, value: &Value) -> Vec<(String, Value)> {
        let lookup = self.call.operation.lookup.iter().flat_map(|lookup| &lookup.query);
        let theirs = lookup.filter(|(_, ours)| *ours == by).map(|(theirs, _)| theirs);
        let newest = list.list.iter().flat_map(|l| &l.newest);
        let newest = newest.map(|(name, value)| (name.clone(), value.as_str().into()));
        theirs.map(|name| (name.clone(), value.clone())).chain(newest).collect()
    }

    /// What a record that is found by one field of the call looks like.
    fn wanted(
        &self,
        list: &Operation,
        planned: &PlannedRequest,
        probe: &Probe,
        by: &str,
    ) -> Wanted {
        let of = list.list.as_ref().map(|l| l.of.clone()).unwrap_or_default();
        let (mut has, mut agrees) = (Map::new(), Map::new());
        for path in &probe.by {
            let Some(value) = plan::sent_at(planned, path) else { continue };
            let field = of.at_path(path).cloned().unwrap_or_default();
            let value = plan::comparable(&field, value, self.scope.defaults());
            let nested = path.rsplit('.').fold(value, |inner, name| json!({ name: inner }));
            let fields = if path == by { &mut has } else { &mut agrees };
            fields.extend(nested.as_object().cloned().unwrap_or_default());
        }
        Wanted::Fields { has, agrees }
    }

    /// Looks when a call that may still be under way has come to its end.
    async fn look_later(
        &mut self,
        round: u32,
        look: &Look,
        tries: &mut Tries,
        setback: &Setback,
    ) -> Result<Found, End> {
        let length = self.drive.setup.settle_after;
        tries.waited += length;
        let key = self.key(&format!("settle-{round}"));
        match self.drive.engine.wait(&key, Pause::Exactly(length)).await {
            Ok(()) => self.look(round, look, &tries.call.planned).await,
            Err(Interrupt::OutOfPatience) => {
                Ok(Found::Unclear(Some("there was no time to look for it".into())))
            }
            Err(interrupt) => {
                let owner = self.owner();
                let error = failed(self.drive, owner, &tries.call, setback, setback.kind);
                Err(End::Interrupted(interrupt, error))
            }
        }
    }

    /// A person has to look: what may already have happened is never sent again by itself.
    async fn ask(
        &mut self,
        key: &CallKey,
        tries: &Tries,
        setback: &Setback,
        why: Option<String>,
    ) -> Result<Decided, End> {
        let question = Question {
            text: format!("`{}` may already have happened", tries.call.planned.request.call),
            choices: vec![HAPPENED.into(), SEND_AGAIN.into()],
        };
        match self.drive.engine.hold(key, question).await {
            Ok(answer) if answer.choice == SEND_AGAIN => Ok(Decided::SendAgain),
            Ok(_) => Ok(Decided::Happened),
            Err(interrupt) => {
                let kind = StepErrorKind::InDoubt;
                let mut error = failed(self.drive, self.owner(), &tries.call, setback, kind);
                if let Some(why) = why {
                    error.message.push_str(&format!("; {why}"));
                }
                Err(End::Interrupted(interrupt, error))
            }
        }
    }
}

/// The answer that would have come with a record.
pub(super) fn as_answered(operation: &Operation, record: Value) -> Response {
    let at = operation.record.as_ref().and_then(|r| r.at.as_deref()).unwrap_or("$");
    let parts = at.trim_start_matches('$').rsplit('.').filter(|part| !part.is_empty());
    let body = parts.fold(record, |inner, name| json!({ name: inner }));
    Response { status: 200, body, ..Response::default() }
}
