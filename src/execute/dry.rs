//! An engine that sends nothing: every call is answered with the catalog's example.

use jiff::Timestamp;

use super::engine::{Engine, Interrupt};
use crate::call::{CallError, Response};
use crate::catalog::Catalog;
use crate::journal::{Answer, CallKey, Decision, Entry, History, Pause, PlannedCall, Question};

/// Sends nothing and keeps what would have been sent.
pub struct DryEngine {
    catalog: &'static Catalog,
    now: Timestamp,
    history: History,
}

impl DryEngine {
    pub fn new(catalog: &'static Catalog, now: Timestamp) -> DryEngine {
        DryEngine { catalog, now, history: History::default() }
    }

    /// What would have been sent.
    pub fn into_history(self) -> History {
        self.history
    }
}

impl Engine for DryEngine {
    async fn call(
        &mut self,
        key: &CallKey,
        call: PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        let operation = self.catalog.operation(&call.planned.request.operation);
        let body = operation.map(|o| o.example.response.clone()).unwrap_or_default();
        let answer = Ok(Response { status: 200, retry_after_seconds: None, body });
        let attempt = call.attempt;
        self.history.push(Entry::Intent { key: key.clone(), call });
        self.history.push(Entry::Answered { key: key.clone(), attempt, answer: answer.clone() });
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        let decision = match decision {
            Decision::AskTime => Decision::Time(self.now),
            other => other,
        };
        self.history.push(Entry::Decided { key: key.clone(), decision: decision.clone() });
        Ok(decision)
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        self.history.push(Entry::Waits { key: key.clone(), pause });
        Ok(())
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        self.history.push(Entry::Asks { key: key.clone(), question: question.clone() });
        Err(Interrupt::Held(question))
    }
}
