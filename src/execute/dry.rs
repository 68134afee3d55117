//! An engine that sends nothing: every call is answered with the catalog's example.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::engine::{Engine, Interrupt};
use super::known::Known;
use super::links::{Links, MemoryLinks};
use crate::call::{CallError, Response};
use crate::catalog::{Catalog, Operation};
use crate::journal::{
    Answer, CallKey, Decision, Entry, History, LastSeen, LooksFor, Pause, PlannedCall, Question,
};
use serde_json::Value;

/// Sends nothing and keeps what would have been sent.
pub struct DryEngine<L = MemoryLinks> {
    catalog: &'static Catalog,
    now: Timestamp,
    /// What a person answers, by the id of the step that asks.
    answers: IndexMap<String, String>,
    known: Known<L>,
    history: History,
}

impl DryEngine {
    pub fn new(catalog: &'static Catalog, now: Timestamp) -> DryEngine {
        let (answers, history) = (IndexMap::new(), History::default());
        DryEngine { catalog, now, answers, known: Known::default(), history }
    }

    /// Where links are asked for; without it there are none. What it is told to change it must not keep.
    pub fn with_links<L: Links>(self, links: L) -> DryEngine<L> {
        DryEngine {
            catalog: self.catalog,
            now: self.now,
            answers: self.answers,
            known: self.known.with_links(links),
            history: self.history,
        }
    }
}

impl<L: Links> DryEngine<L> {
    /// How the trigger's record looked when it was seen last; never without it.
    pub fn with_last_seen(mut self, last_seen: Option<LastSeen>) -> Self {
        self.known.last_seen = last_seen;
        self
    }

    /// Answers the questions of `hold` steps, by the ids of the steps; the first choice without it.
    pub fn with_answers(mut self, answers: IndexMap<String, String>) -> Self {
        self.answers = answers;
        self
    }

    /// As late as it is in the run.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Keeps a call that was answered otherwise.
    pub(super) fn note_call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
        answer: Result<Response, CallError>,
    ) {
        let attempt = call.attempt;
        self.note(Entry::Intent { key: key.clone(), call: Box::new(call.clone()) });
        self.note(Entry::Answered { key: key.clone(), attempt, answer });
    }

    pub(super) fn note(&mut self, entry: Entry) {
        self.history.push(entry);
    }

    /// What would have been sent.
    pub fn into_history(self) -> History {
        self.history
    }
}

/// The catalog's example. Who looks before making a record is told that there is none, and who looks
/// for one that it is there: so a dry run shows the calls that matter.
fn answer_of(operation: &Operation, looks_for: Option<&LooksFor>) -> Value {
    let mut answer = operation.example.response.clone();
    let (Some(looks_for), Some(list)) = (looks_for, &operation.list) else { return answer };
    let mut record = list.read_items(&answer).first().map_or(Value::Null, |v| (*v).clone());
    let pointer = list.items.trim_start_matches('$').replace('.', "/");
    let Some(items) = answer.pointer_mut(&pointer) else { return answer };
    if let Some(record) = record.as_object_mut() {
        record.extend(looks_for.conditions.clone());
    }
    *items = match (looks_for.creates, items.is_array()) {
        (true, true) => Value::Array(Vec::new()),
        (true, false) => Value::Null,
        (false, true) => Value::Array(vec![record]),
        (false, false) => record,
    };
    answer
}

impl<L: Links> Engine for DryEngine<L> {
    async fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        let operation = self.catalog.operation(&call.planned.request.operation);
        let body = operation.map(|o| answer_of(&o, call.looks_for.as_ref())).unwrap_or_default();
        let answer = Ok(Response { status: 200, body, imagined: true, ..Response::default() });
        self.note_call(key, call, answer.clone());
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        let decision = self.known.decide(decision, self.now).await?;
        self.history.push(Entry::Decided { key: key.clone(), decision: decision.clone() });
        Ok(decision)
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        let until = pause.ends(self.now, |most| most);
        self.history.push(Entry::Waits { key: key.clone(), from: self.now, until });
        self.now = self.now.max(until);
        Ok(())
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        self.history.push(Entry::Asks { key: key.clone(), question: question.clone() });
        let choice = self.answers.get(&key.step).or(question.choices.first()).cloned();
        let Some(choice) = choice.filter(|_| key.can_be_answered_ahead()) else {
            return Err(Interrupt::Held(question));
        };
        let answer = Answer { choice };
        self.history.push(Entry::Replied { key: key.clone(), answer: answer.clone() });
        Ok(answer)
    }
}
