//! An engine in memory: calls go out through a [`Caller`], time comes from a [`Clock`], and everything
//! that happens is kept in a [`History`].

use std::time::Duration;

use indexmap::IndexMap;

use super::clock::Clock;
use super::engine::{Engine, Interrupt};
use super::known::Known;
use super::links::{Links, MemoryLinks};
use crate::call::{CallError, Caller, Response};
use crate::journal::{
    Answer, CallKey, Decision, Entry, History, LastSeen, Pause, PlannedCall, Question,
};

/// Runs once, in this process. What it cannot settle in its time it gives up, and says so.
pub struct LocalEngine<C, K, W, L = MemoryLinks> {
    caller: C,
    clock: K,
    /// The longest that the waits between two good answers may last together.
    patience: Duration,
    waited: Duration,
    /// What a person answers, by the id of the step that asks.
    answers: IndexMap<String, String>,
    known: Known<L>,
    history: History,
    watch: W,
}

impl<C: Caller, K: Clock, W: FnMut(&Entry) + Send> LocalEngine<C, K, W> {
    /// `watch` sees every entry as it happens.
    pub fn new(caller: C, clock: K, patience: Duration, watch: W) -> Self {
        LocalEngine {
            caller,
            clock,
            patience,
            waited: Duration::ZERO,
            answers: IndexMap::new(),
            known: Known::default(),
            history: History::default(),
            watch,
        }
    }

    /// Where links are kept; without it in memory, and there are none at first.
    pub fn with_links<L: Links>(self, links: L) -> LocalEngine<C, K, W, L> {
        LocalEngine {
            caller: self.caller,
            clock: self.clock,
            patience: self.patience,
            waited: self.waited,
            answers: self.answers,
            known: self.known.with_links(links),
            history: self.history,
            watch: self.watch,
        }
    }
}

impl<C: Caller, K: Clock, W: FnMut(&Entry) + Send, L: Links> LocalEngine<C, K, W, L> {
    /// Answers the questions of `hold` steps, by the ids of the steps.
    pub fn with_answers(mut self, answers: IndexMap<String, String>) -> Self {
        self.answers = answers;
        self
    }

    /// How the trigger's record looked when it was seen last; never without it.
    pub fn with_last_seen(mut self, last_seen: Option<LastSeen>) -> Self {
        self.known.last_seen = last_seen;
        self
    }

    /// What happened.
    pub fn into_history(self) -> History {
        self.history
    }

    fn note(&mut self, entry: Entry) {
        (self.watch)(&entry);
        self.history.push(entry);
    }
}

impl<C, K, W, L> Engine for LocalEngine<C, K, W, L>
where
    C: Caller,
    K: Clock + Sync,
    W: FnMut(&Entry) + Send,
    L: Links,
{
    async fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        let attempt = call.attempt;
        self.note(Entry::Intent { key: key.clone(), call: Box::new(call.clone()) });
        let answer = self.caller.call(&call.planned.request).await;
        if answer.as_ref().is_ok_and(Response::is_success) {
            self.waited = Duration::ZERO;
        }
        self.note(Entry::Answered { key: key.clone(), attempt, answer: answer.clone() });
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        let decision = self.known.decide(decision, self.clock.now()).await?;
        self.note(Entry::Decided { key: key.clone(), decision: decision.clone() });
        Ok(decision)
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        let now = self.clock.now();
        let until = pause.ends(now, |most| self.clock.jitter(most));
        let length = now.duration_until(until).try_into().unwrap_or_default();
        let of_recipe = key.part == CallKey::WAIT;
        if of_recipe && self.clock.jump(length) {
            self.note(Entry::Waits { key: key.clone(), from: now, until });
            return Ok(());
        }
        // What the recipe itself waits for is no failure.
        if of_recipe && length > self.patience {
            return Err(Interrupt::Waiting(until));
        }
        if !of_recipe {
            self.waited += length;
            if self.waited > self.patience {
                return Err(Interrupt::OutOfPatience);
            }
        }
        self.note(Entry::Waits { key: key.clone(), from: now, until });
        self.clock.sleep(length).await;
        Ok(())
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        self.note(Entry::Asks { key: key.clone(), question: question.clone() });
        let given = self.answers.get(&key.step).filter(|_| key.can_be_answered_ahead());
        let Some(choice) = given.cloned() else { return Err(Interrupt::Held(question)) };
        let answer = Answer { choice };
        self.note(Entry::Replied { key: key.clone(), answer: answer.clone() });
        Ok(answer)
    }
}
