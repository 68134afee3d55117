//! A write that looks first: the record is read, what differs is sent, and a change that somebody else made
//! meanwhile is not overwritten.

use serde_json::{Map, Value};

use super::attempt::{Tries, failed, once, wait};
use super::call_step::{CallStep, Results};
use super::drive::End;
use super::record_locks::{Moment, RecordLock};
use super::settle::as_answered;
use crate::call::Response;
use crate::catalog::{Effect, Field, Operation};
use crate::check::CheckedPatch;
use crate::journal::{Decision, PlannedCall, Question, StepErrorKind};
use crate::plan::{self, FieldChange, PlannedRequest};
use crate::recipe::{OnConflict, Patch};

/// How often a record may move on under our hands before that is an error.
const MOST_ROUNDS: u32 = 20;

/// What a person answers when somebody else has changed the record.
pub const WRITE_ANYWAY: &str = "write anyway";
/// And to leave it as it is.
pub const LEAVE: &str = "leave it";

/// A record as it was read.
pub(super) struct Sight {
    /// None where there is no such record yet.
    pub record: Option<Value>,
    /// What it is.
    pub of: Field,
    /// It is the catalog's example, and says nothing.
    pub imagined: bool,
}

impl CallStep<'_, '_> {
    /// Reads the record and writes what differs, again and again until it is written or there is nothing
    /// to write. `found` is what has been read already, not before `since`.
    pub(super) async fn guarded(
        &mut self,
        planned: PlannedRequest,
        found: Option<Sight>,
        since: Moment,
    ) -> Result<Results, End> {
        let operation = self.call.operation.clone();
        let (key, owner) = (self.key("call"), self.owner());
        let locks = self.drive.setup.locks.clone();
        let (mut found, mut since) = (found, since);
        let mut of_found: Option<RecordLock> = None;
        let mut first = None;
        let call = PlannedCall {
            planned: planned.clone(),
            effect: operation.effect,
            settle: operation.in_doubt,
            attempt: 1,
            looks_for: None,
        };
        let mut tries = Tries::of(call);
        for round in 1..=MOST_ROUNDS {
            let sight = match found.take() {
                Some(sight) => sight,
                None => {
                    since = locks.now();
                    match self.read_record(&format!("read-{round}"), &planned).await? {
                        Ok(sight) => sight,
                        Err(error) => return Ok(Err(error)),
                    }
                }
            };
            // Who was found by e-mail or phone may be changed by its id at the same time.
            if let (None, Some(name)) = (&of_found, self.lock_of_found(&planned, &sight)) {
                of_found = Some(locks.lock(&name).await);
                if !locks.was_free_since(&name, since) {
                    continue;
                }
            }
            if let (Some(on_conflict), Some(record), false) =
                (self.call.safe.unless_changed, &sight.record, sight.imagined)
            {
                let before = first.take().or_else(|| self.seen_before(record));
                let Some(before) = before else {
                    // It has not been seen before: it is looked at once more, just before the write.
                    first = Some(record.clone());
                    continue;
                };
                let defaults = self.scope.defaults();
                let moved = plan::moved_on(&operation, &sight.of, &before, record, defaults);
                if !moved.is_empty() {
                    self.note(&format!("conflict-{round}"), Decision::MovedOn(moved.clone()))
                        .await?;
                    if let Some(results) = self.conflict(round, on_conflict, &moved, record).await?
                    {
                        return Ok(Ok(results));
                    }
                }
                first = Some(record.clone());
            }
            tries.call.planned = match self.what_differs(round, &planned, &sight).await? {
                Some(planned) => planned,
                None => {
                    let record = sight.record.clone().unwrap_or_default();
                    let answer = as_answered(&operation, record);
                    self.held_tags = self.tags_in(&answer.body);
                    let zone = self.drive.zone(&operation.app);
                    let mut results = plan::results(self.call, answer, zone);
                    results.insert("changed".into(), false.into());
                    return Ok(Ok(results));
                }
            };
            self.sent = self.is_verified().then(|| tries.call.planned.request.clone());
            let setback = match once(self.drive, &key, &mut tries, owner).await? {
                Ok(response) => {
                    self.known = sight.record.clone();
                    let response = self.as_known(response);
                    self.saw(&response);
                    let zone = self.drive.zone(&operation.app);
                    let mut results = plan::results(self.call, response, zone);
                    results.insert("changed".into(), true.into());
                    return Ok(Ok(results));
                }
                Err(setback) => setback,
            };
            if setback.kind != StepErrorKind::GaveUp
                || !wait(self.drive, &key, &mut tries, owner, &setback).await?
            {
                let kind = setback.kind;
                let error = failed(self.drive, owner, &tries.call, &setback, kind);
                return Ok(Err(self.at_the_field(error)));
            }
        }
        Ok(Err(self.moves_on_and_on()))
    }

    /// Whether what a write would change is shown although it does not compare by itself.
    pub(super) fn shows_difference(&self) -> bool {
        let (operation, safe) = (&self.call.operation, &self.call.safe);
        let has_id = operation.path_pattern().contains(':');
        let can_be_read = if has_id { safe.reads.is_some() } else { safe.finds.is_some() };
        self.drive.setup.care.compare && operation.effect == Effect::Update && can_be_read
    }

    /// Shows what a write would change that does not compare by itself, where somebody only wants to see.
    pub(super) async fn show_difference(
        &mut self,
        planned: &PlannedRequest,
        found: Option<Sight>,
    ) -> Result<(), End> {
        let operation = self.call.operation.clone();
        let sight = match found {
            Some(sight) => sight,
            None => match self.read_record("shown", planned).await? {
                Ok(sight) => sight,
                // The call itself says what is wrong.
                Err(_) => return Ok(()),
            },
        };
        let Some(record) = sight.record.filter(|_| !sight.imagined) else { return Ok(()) };
        let (how, defaults) = (CheckedPatch::default(), self.scope.defaults());
        let patched = plan::patch(&operation, &how, planned, &record, &sight.of, defaults);
        self.known = Some(record);
        let changes = plan::by_names(self.call, patched.changes);
        self.note("compared", Decision::Compared(changes)).await
    }

    /// An answer that nobody has given, as far as the record is known.
    pub(super) fn as_known(&self, response: Response) -> Response {
        match &self.known {
            Some(record) if response.imagined => {
                let imagined = as_answered(&self.call.operation, record.clone());
                Response { imagined: true, ..imagined }
            }
            _ => response,
        }
    }

    /// What is left of the request; none when the record is as wished.
    async fn what_differs(
        &mut self,
        round: u32,
        planned: &PlannedRequest,
        sight: &Sight,
    ) -> Result<Option<PlannedRequest>, End> {
        let how = self.call.safe.patch.clone();
        let (Some(how), Some(record), false) = (how, &sight.record, sight.imagined) else {
            return Ok(Some(planned.clone()));
        };
        let defaults = self.scope.defaults();
        let operation = &self.call.operation;
        let patched = plan::patch(operation, &how, planned, record, &sight.of, defaults);
        let part = format!("compared-{round}");
        let has_changes = !patched.changes.is_empty();
        let changes = plan::by_names(self.call, patched.changes);
        self.note(&part, Decision::Compared(changes)).await?;
        Ok(has_changes.then_some(patched.planned))
    }

    /// What to do when somebody else has changed the record; the results where nothing is written.
    async fn conflict(
        &mut self,
        round: u32,
        on_conflict: OnConflict,
        moved: &[FieldChange],
        record: &Value,
    ) -> Result<Option<Map<String, Value>>, End> {
        let fields: Vec<&str> = moved.iter().map(|change| change.field.as_str()).collect();
        let fields = fields.join(", ");
        let answer = as_answered(&self.call.operation, record.clone());
        let zone = self.drive.zone(&self.call.operation.app);
        let mut left = plan::results(self.call, answer, zone);
        left.insert("changed".into(), false.into());
        left.insert("conflict".into(), true.into());
        match on_conflict {
            OnConflict::Retry => Ok(None),
            OnConflict::Skip => Ok(Some(left)),
            OnConflict::Stop => Err(End::Stopped {
                reason: format!("the record was changed meanwhile: {fields}"),
                place: self.step.place.clone(),
            }),
            OnConflict::Hold => {
                let shown: Vec<String> = moved
                    .iter()
                    .map(|c| format!("{}: {} → {}", c.field, c.before, c.after))
                    .collect();
                let question = Question {
                    text: format!(
                        "the record was changed by somebody else meanwhile: {}",
                        shown.join("; ")
                    ),
                    choices: vec![WRITE_ANYWAY.into(), LEAVE.into()],
                };
                let key = self.key(&format!("conflict-{round}-ask"));
                let choice = self.drive.ask(&key, question, &self.step.place).await?;
                Ok((choice == LEAVE).then_some(left))
            }
        }
    }

    /// Reads the record that a call is about to change.
    pub(super) async fn read_record(
        &mut self,
        part: &str,
        planned: &PlannedRequest,
    ) -> Result<Result<Sight, Box<crate::journal::StepError>>, End> {
        let safe = &self.call.safe;
        if let Some(finds) = &safe.finds {
            let (list, by) = (finds.list.clone(), finds.by.clone());
            let of = list.list.as_ref().map(|list| list.of.clone()).unwrap_or_default();
            let mut last = Sight { record: None, of, imagined: false };
            for (ours, theirs) in &by {
                let sent = planned.request.body.as_ref().and_then(|body| body.get(ours)).cloned();
                let Some(value) = sent.filter(|value| !plan::is_blank(value)) else { continue };
                let request = self.literal(&list, vec![(theirs.clone(), value)])?;
                let part = format!("{part}-{ours}");
                match self.find_one(&part, &list, request).await? {
                    Ok((record, imagined)) => {
                        last.imagined = imagined;
                        last.record = record;
                    }
                    Err(error) => return Ok(Err(error)),
                }
                if last.record.is_some() {
                    break;
                }
            }
            return Ok(Ok(last));
        }
        let reads = safe.reads.clone().expect("`check` lets only what can be read be compared");
        let request = self.literal(&reads, self.path_of(&reads, planned))?;
        Ok(self.read(part, &reads, request, None).await?.map(|response| Sight {
            record: reads.read_record(&response.body).cloned(),
            of: reads.record_field().unwrap_or_default(),
            imagined: response.imagined,
        }))
    }

    /// The one record that a search gives; and whether that is only the catalog's example.
    pub(super) async fn find_one(
        &mut self,
        part: &str,
        list: &Operation,
        request: PlannedRequest,
    ) -> Result<Result<(Option<Value>, bool), Box<crate::journal::StepError>>, End> {
        let response = match self.read(part, list, request, None).await? {
            Ok(response) => response,
            Err(error) if error.kind == StepErrorKind::NotFound => return Ok(Ok((None, false))),
            Err(error) => return Ok(Err(error)),
        };
        let shape = list.list.as_ref().expect("a search has a list");
        let record = shape.read_items(&response.body).first().map(|record| (*record).clone());
        Ok(Ok((record, response.imagined)))
    }

    /// The fields of an operation's path, with the values that a request has there.
    pub(super) fn path_of(
        &self,
        reads: &Operation,
        planned: &PlannedRequest,
    ) -> Vec<(String, Value)> {
        let named = planned.request.path_values();
        let named = named.filter(|(name, _)| reads.path.contains_key(*name));
        named.map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
    }

    /// Under which name all others of this process are kept out while a record is read and written; none
    /// for what changes no record that is known before.
    pub(super) fn lock_name(&self, planned: &PlannedRequest) -> Option<String> {
        let (request, operation) = (&planned.request, &self.call.operation);
        if let Some(finds) = &self.call.safe.finds {
            let body = request.body.as_ref()?;
            let value = |ours: &String| body.get(ours).filter(|v| !plan::is_blank(v));
            let value = finds.by.iter().find_map(|(ours, _)| value(ours))?;
            return Some(format!("{} {} {value}", request.base_url, request.call));
        }
        let record = operation.record.as_ref().filter(|_| operation.effect == Effect::Update)?;
        Some(self.name_of(planned, request.path_value(record.id.as_deref()?)?))
    }

    /// The same for a record that was only found by what is in it.
    fn lock_of_found(&self, planned: &PlannedRequest, sight: &Sight) -> Option<String> {
        let id = sight.record.as_ref().filter(|_| !sight.imagined)?.get("id")?.as_str()?;
        self.call.safe.finds.as_ref().map(|_| self.name_of(planned, id))
    }

    fn name_of(&self, planned: &PlannedRequest, id: &str) -> String {
        let operation = &self.call.operation;
        let kind = operation.record.as_ref().map(|record| record.full_kind(&operation.app));
        format!("{} {} {id}", planned.request.base_url, kind.unwrap_or_default())
    }

    /// Notes something that people see of the step.
    pub(super) async fn note(&mut self, part: &str, decision: Decision) -> Result<(), End> {
        let key = self.key(part);
        self.drive.record(&key, decision, &self.step.place).await.map(drop)
    }

    fn moves_on_and_on(&self) -> Box<crate::journal::StepError> {
        super::drive::data_error(
            &self.step.id,
            plan::DataError {
                place: self.call.place.clone(),
                field: None,
                problem: format!(
                    "the record was changed {MOST_ROUNDS} times while this step was about to write"
                ),
                instead: "try again when fewer people and tools change it".into(),
            },
        )
    }
}

/// Whether a step looks before it writes.
pub(super) fn looks_first(call: &crate::check::CheckedCall) -> bool {
    let sends_what_differs =
        call.safe.patch.as_ref().is_some_and(|CheckedPatch { mode, .. }| *mode != Patch::Off);
    sends_what_differs || call.safe.unless_changed.is_some()
}
