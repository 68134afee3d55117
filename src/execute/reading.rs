//! An engine that looks and does not write: what reads goes out, what would change something is answered
//! as the app would most likely answer it.

use std::collections::HashSet;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::dry::DryEngine;
use super::engine::{Engine, Interrupt};
use super::links::{Links, MemoryLinks};
use crate::call::{CallError, Caller, Request, Response};
use crate::catalog::{Catalog, Effect, Operation};
use crate::journal::{
    Answer, CallKey, Decision, Entry, History, LastSeen, Pause, PlannedCall, Question,
};

/// Reads, and keeps what would have been written.
pub struct ReadingEngine<C, L = MemoryLinks> {
    caller: C,
    catalog: &'static Catalog,
    dry: DryEngine<L>,
    /// Ids of records that are not there, since nothing was written: nobody can be asked for them.
    imagined: HashSet<String>,
}

impl<C: Caller> ReadingEngine<C> {
    pub fn new(caller: C, catalog: &'static Catalog, now: Timestamp) -> ReadingEngine<C> {
        let (dry, imagined) = (DryEngine::new(catalog, now), HashSet::new());
        ReadingEngine { caller, catalog, dry, imagined }
    }

    /// Where links are asked for; without it there are none. What it is told to change it must not keep.
    pub fn with_links<L: Links>(self, links: L) -> ReadingEngine<C, L> {
        let ReadingEngine { caller, catalog, dry, imagined } = self;
        ReadingEngine { caller, catalog, dry: dry.with_links(links), imagined }
    }
}

impl<C: Caller, L: Links> ReadingEngine<C, L> {
    /// How the trigger's record looked when it was seen last; never without it.
    pub fn with_last_seen(mut self, last_seen: Option<LastSeen>) -> Self {
        self.dry = self.dry.with_last_seen(last_seen);
        self
    }

    /// Answers the questions of `hold` steps, by the ids of the steps; the first choice without it.
    pub fn with_answers(mut self, answers: IndexMap<String, String>) -> Self {
        self.dry = self.dry.with_answers(answers);
        self
    }

    /// What was read, and what would have been written.
    pub fn into_history(self) -> History {
        self.dry.into_history()
    }

    fn asks_for_the_imagined(&self, request: &Request) -> bool {
        let in_query = request.query.iter().map(|(_, value)| value);
        request.path.iter().chain(in_query).any(|value| self.imagined.contains(value))
    }
}

impl<C: Caller, L: Links> Engine for ReadingEngine<C, L> {
    async fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        let request = &call.planned.request;
        if call.effect == Effect::Read && !self.asks_for_the_imagined(request) {
            let answer = self.caller.call(request).await;
            self.dry.note_call(key, call, answer.clone());
            return Ok(answer);
        }
        let operation = self.catalog.operation(&request.operation).ok();
        let Some(operation) = operation.filter(|_| call.effect != Effect::Read) else {
            return self.dry.call(key, call).await;
        };
        let body = as_if_done(&operation, request);
        let id = operation.read_record(&body).and_then(|record| record.get("id")?.as_str());
        self.imagined
            .extend(id.filter(|id| !request.path.iter().any(|p| p == id)).map(str::to_owned));
        let answer = Ok(Response { status: 200, body, imagined: true, ..Response::default() });
        self.dry.note_call(key, call, answer.clone());
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        self.dry.record(key, decision).await
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        // Nobody waits for a plan: what would be tried again later is not known.
        if key.part != CallKey::WAIT {
            return Err(Interrupt::OutOfPatience);
        }
        self.dry.wait(key, pause).await
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        // Which of two real people is meant is nothing to assume.
        if key.part != CallKey::HOLD {
            self.dry.note(Entry::Asks { key: key.clone(), question: question.clone() });
            return Err(Interrupt::Held(question));
        }
        self.dry.hold(key, question).await
    }
}

/// The catalog's example with what was sent in it, and with the id that the path names.
fn as_if_done(operation: &Operation, request: &Request) -> Value {
    let mut answer = operation.example.response.clone();
    let id = operation.record.as_ref().and_then(|record| request.path_value(record.id.as_deref()?));
    let at = operation.record.as_ref().and_then(|record| record.at.clone()).unwrap_or_default();
    let pointer = at.trim_start_matches('$').replace('.', "/");
    let Some(record) = answer.pointer_mut(&pointer).and_then(Value::as_object_mut) else {
        return answer;
    };
    for (name, value) in request.body.iter().filter_map(Value::as_object).flatten() {
        if record.contains_key(name) && record[name].is_string() == value.is_string() {
            record.insert(name.clone(), value.clone());
        }
    }
    if let Some(id) = id {
        record.insert("id".to_owned(), id.into());
    }
    answer
}
