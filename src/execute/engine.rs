//! The seam between what a run decides and how it is kept alive.

use std::future::Future;

use jiff::Timestamp;

use crate::call::{CallError, Response};
use crate::journal::{Answer, CallKey, Decision, Pause, PlannedCall, Question};

/// What a run asks of the world. A durable engine answers from its history what has happened before;
/// the same questions come in the same order on every replay.
pub trait Engine {
    /// Makes a call, or gives back what it answered when it was made. Any status is an answer.
    fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> impl Future<Output = Result<Result<Response, CallError>, Interrupt>> + Send;

    /// Fixes what must not change on replay.
    fn record(
        &mut self,
        key: &CallKey,
        decision: Decision,
    ) -> impl Future<Output = Result<Decision, Interrupt>> + Send;

    /// Waits.
    fn wait(
        &mut self,
        key: &CallKey,
        pause: Pause,
    ) -> impl Future<Output = Result<(), Interrupt>> + Send;

    /// Asks a person.
    fn hold(
        &mut self,
        key: &CallKey,
        question: Question,
    ) -> impl Future<Output = Result<Answer, Interrupt>> + Send;
}

/// Why a run cannot go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// A person has to answer first.
    Held(Question),
    /// This run asks the same about the same data, and waits for the answer.
    AskedBy(String),
    /// It goes on by itself at this time.
    Waiting(Timestamp),
    /// The engine itself cannot go on, and why: it is being stopped, or cannot record what happens.
    Suspended(String),
    /// The one who started it does not want to wait any longer.
    OutOfPatience,
}
