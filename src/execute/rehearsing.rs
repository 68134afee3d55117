//! An engine whose calls all go to pretended apps, and which does the rest as a dry run does: so the dry
//! run of an example shows what its run would send.

use super::clock::{Clock, VirtualClock};
use super::dry::DryEngine;
use super::engine::{Engine, Interrupt};
use super::links::{Links, MemoryLinks};
use crate::call::{CallError, Caller, Response};
use crate::journal::{Answer, CallKey, Decision, History, Pause, PlannedCall, Question};

/// Asks and writes, in apps that are no apps.
pub struct RehearsingEngine<C, L = MemoryLinks> {
    caller: C,
    /// The time of the pretended apps.
    clock: VirtualClock,
    dry: DryEngine<L>,
}

impl<C: Caller, L: Links> RehearsingEngine<C, L> {
    /// `caller` reaches nothing real; waits, links and people are those of `dry`.
    pub fn new(caller: C, clock: VirtualClock, dry: DryEngine<L>) -> RehearsingEngine<C, L> {
        RehearsingEngine { caller, clock, dry }
    }

    /// What would have been sent.
    pub fn into_history(self) -> History {
        self.dry.into_history()
    }
}

impl<C: Caller, L: Links> Engine for RehearsingEngine<C, L> {
    async fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        let answer = self.caller.call(&call.planned.request).await;
        self.dry.note_call(key, call, answer.clone());
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        self.dry.record(key, decision).await
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        self.dry.wait(key, pause).await?;
        self.clock.jump(self.dry.now().duration_since(self.clock.now()).unsigned_abs());
        Ok(())
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        self.dry.hold(key, question).await
    }
}
