//! An engine behind a pointer: the steps are compiled once, and not once more for each engine.

use std::pin::Pin;

use super::engine::{Engine, Interrupt};
use crate::call::{CallError, Response};
use crate::journal::{Answer, CallKey, Decision, Pause, PlannedCall, Question};

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Interrupt>> + Send + 'a>>;

/// What [`Engine`] asks, whichever engine it is.
pub(super) trait AnyEngine: Send {
    fn call<'a>(
        &'a mut self,
        key: &'a CallKey,
        call: &'a PlannedCall,
    ) -> Later<'a, Result<Response, CallError>>;

    fn record<'a>(&'a mut self, key: &'a CallKey, decision: Decision) -> Later<'a, Decision>;

    fn wait<'a>(&'a mut self, key: &'a CallKey, pause: Pause) -> Later<'a, ()>;

    fn hold<'a>(&'a mut self, key: &'a CallKey, question: Question) -> Later<'a, Answer>;
}

impl<E: Engine + Send> AnyEngine for E {
    fn call<'a>(
        &'a mut self,
        key: &'a CallKey,
        call: &'a PlannedCall,
    ) -> Later<'a, Result<Response, CallError>> {
        Box::pin(Engine::call(self, key, call))
    }

    fn record<'a>(&'a mut self, key: &'a CallKey, decision: Decision) -> Later<'a, Decision> {
        Box::pin(Engine::record(self, key, decision))
    }

    fn wait<'a>(&'a mut self, key: &'a CallKey, pause: Pause) -> Later<'a, ()> {
        Box::pin(Engine::wait(self, key, pause))
    }

    fn hold<'a>(&'a mut self, key: &'a CallKey, question: Question) -> Later<'a, Answer> {
        Box::pin(Engine::hold(self, key, question))
    }
}
