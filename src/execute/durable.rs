//! An engine that survives: it writes down what it is about to do, does it, and writes down what came of
//! it. A run that goes on is answered from its journal until the journal ends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;

use super::allowance::Permit;
use super::clock::Clock;
use super::engine::{Engine, Interrupt};
use crate::call::{CallError, Caller, Response};
use crate::catalog::Effect;
use crate::journal::{
    Answer, Asked, Before, CallKey, Decision, Entry, LastSeen, Link, LinkAnswer, Pause,
    PlannedCall, Question, Replay, Written,
};
use crate::template::LinkQuestion;
use crate::value::RecordKey;

/// Keeps what happens in one run.
pub trait Journal: Send {
    /// Writes entries together with what they change beyond the run, and comes back when all of it is on
    /// disk. The error says why nothing was written.
    fn write(&mut self, entries: &Written) -> impl Future<Output = Result<(), String>> + Send;

    /// Whether somebody has asked this before; where nobody has, notes that this run asks.
    fn asked_before(
        &mut self,
        key: &CallKey,
        question: &Question,
    ) -> impl Future<Output = Result<Asked, String>> + Send;

    /// Which records are linked with which, in the order of the questions.
    fn linked(
        &mut self,
        questions: &[LinkQuestion],
    ) -> impl Future<Output = Result<Vec<LinkAnswer>, String>> + Send;

    /// All links of a record.
    fn links_of(
        &mut self,
        record: &RecordKey,
    ) -> impl Future<Output = Result<Vec<Link>, String>> + Send;

    /// How a record looked when this recipe saw it last.
    fn last_seen(
        &mut self,
        record: &RecordKey,
    ) -> impl Future<Output = Result<Option<LastSeen>, String>> + Send;
}

/// Lets calls through as fast as an app bears them.
pub trait Quota: Send + Sync {
    type Pass: Send;

    /// Waits for room. An error says when there may be some, if that is too far away to wait for.
    fn enter(
        &self,
        app: &str,
        attempt: u32,
    ) -> impl Future<Output = Result<Self::Pass, Timestamp>> + Send;

    /// Tells what came back.
    fn answered(&self, pass: Self::Pass, answer: &Result<Response, CallError>);

    /// Nothing went out after all.
    fn unused(&self, pass: Self::Pass);
}

/// One run, kept in a journal.
pub struct DurableEngine<C, K, J, Q> {
    caller: C,
    clock: K,
    journal: J,
    quota: Q,
    replay: Replay,
    /// What is not written yet: it goes out with the next thing that has to be on disk.
    pending: Written,
    /// The longest wait that is waited for here; a longer one lets others go first.
    patience: Duration,
    stopping: Arc<AtomicBool>,
    /// Without one every call may go out.
    permit: Option<Arc<dyn Permit>>,
}

/// Why an interrupted call has no answer.
const INTERRUPTED: &str = "linecook was stopped before the answer came";

impl<C: Caller, K: Clock, J: Journal, Q: Quota> DurableEngine<C, K, J, Q> {
    pub fn new(
        caller: C,
        clock: K,
        journal: J,
        quota: Q,
        replay: Replay,
        patience: Duration,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        DurableEngine {
            caller,
            clock,
            journal,
            quota,
            replay,
            pending: Written::default(),
            patience,
            stopping,
            permit: None,
        }
    }

    /// Who is asked before each call.
    pub fn with_permit(self, permit: Option<Arc<dyn Permit>>) -> Self {
        DurableEngine { permit, ..self }
    }

    /// The journal, and what has yet to be written into it.
    pub fn into_journal(self) -> (J, Written) {
        (self.journal, self.pending)
    }

    async fn flush(&mut self) -> Result<(), Interrupt> {
        flush(&mut self.journal, &mut self.pending).await
    }

    fn check_stopping(&self) -> Result<(), Interrupt> {
        match self.stopping.load(Ordering::Relaxed) {
            true => Err(Interrupt::Suspended("linecook is being stopped".to_owned())),
            false => Ok(()),
        }
    }

    /// What a decision asks for, answered now.
    async fn decide(&mut self, decision: Decision) -> Result<Decision, Interrupt> {
        if let Decision::AskTime = decision {
            return Ok(Decision::Time(self.clock.now()));
        }
        // What this run has changed is seen by it too.
        if matches!(decision, Decision::AskLinks(_) | Decision::AskGone(_))
            && !self.pending.changes().is_empty()
        {
            Box::pin(self.flush()).await?;
        }
        let journal = &mut self.journal;
        // Boxed: most decisions ask nobody, and there are several for each step.
        let decided = match decision {
            Decision::AskLinks(questions) => {
                Box::pin(journal.linked(&questions)).await.map(Decision::Links)
            }
            Decision::AskGone(record) => {
                let links = Box::pin(journal.links_of(&record)).await;
                links.map(|links| Decision::Gone { record, links })
            }
            Decision::AskLastSeen(record) => {
                Box::pin(journal.last_seen(&record)).await.map(Decision::LastSeen)
            }
            other => Ok(other),
        };
        decided.map_err(Interrupt::Suspended)
    }

    async fn send(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        self.check_stopping()?;
        let request = &call.planned.request;
        let pass = self.enter(&request.app, call.attempt).await?;
        let permit = self.permit.as_ref();
        let announced = match permit.map_or(Ok(()), |permit| permit.ask(call)) {
            Ok(()) => self.announce(key, call).await,
            Err(why) => Err(Interrupt::Suspended(why)),
        };
        if let Err(interrupt) = announced {
            self.quota.unused(pass);
            return Err(interrupt);
        }
        let answer = self.caller.call(request).await;
        if let (Some(permit), Ok(response)) = (&self.permit, &answer) {
            permit.answered(call, response);
        }
        self.quota.answered(pass, &answer);
        let attempt = call.attempt;
        self.pending.answered(key, attempt, &answer);
        Ok(answer)
    }

    /// Waits for room. Where that takes its time, what came before is safe first; else it goes to disk
    /// together with what comes now.
    async fn enter(&mut self, app: &str, attempt: u32) -> Result<Q::Pass, Interrupt> {
        let mut entering = pin!(self.quota.enter(app, attempt));
        let at_once = poll_fn(|context| {
            Poll::Ready(match entering.as_mut().poll(context) {
                Poll::Ready(pass) => Some(pass),
                Poll::Pending => None,
            })
        });
        let pass = match at_once.await {
            Some(pass) => pass,
            None => {
                flush_answers(&mut self.journal, &mut self.pending).await?;
                entering.await
            }
        };
        pass.map_err(Interrupt::Waiting)
    }

    /// Notes that a call is about to go out, on disk where it changes something.
    async fn announce(&mut self, key: &CallKey, call: &PlannedCall) -> Result<(), Interrupt> {
        self.check_stopping()?;
        if call.effect == Effect::Read {
            // To read again does no harm; only what came before has to be safe.
            flush_answers(&mut self.journal, &mut self.pending).await?;
            self.pending.intent(key, call);
            return Ok(());
        }
        let before = self.pending.intent(key, call);
        let flushed = self.flush().await;
        if flushed.is_err() {
            // Nothing goes out, so nothing was intended.
            self.pending.take_back(before);
        }
        flushed
    }
}

async fn flush(journal: &mut impl Journal, pending: &mut Written) -> Result<(), Interrupt> {
    if pending.is_empty() {
        return Ok(());
    }
    journal.write(pending).await.map_err(Interrupt::Suspended)?;
    pending.clear();
    Ok(())
}

/// Writes what is pending where there is an answer in it, which cannot be found again.
async fn flush_answers(journal: &mut impl Journal, pending: &mut Written) -> Result<(), Interrupt> {
    match pending.has_answer() {
        true => flush(journal, pending).await,
        false => Ok(()),
    }
}

impl<C, K, J, Q> Engine for DurableEngine<C, K, J, Q>
where
    C: Caller,
    K: Clock + Sync,
    J: Journal + Sync,
    Q: Quota,
{
    async fn call(
        &mut self,
        key: &CallKey,
        call: &PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        match self.replay.call(key, call.attempt) {
            Before::Answered(answer) => Ok(answer),
            Before::Never => self.send(key, call).await,
            Before::InDoubt => {
                let answer = Err(CallError::NoAnswer(INTERRUPTED.to_owned()));
                self.pending.answered(key, call.attempt, &answer);
                Ok(answer)
            }
        }
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        if let Some(decision) = self.replay.decision(key) {
            return Ok(decision);
        }
        let decision = self.decide(decision).await?;
        self.pending.decided(key, &decision);
        Ok(decision)
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        let now = self.clock.now();
        let until = match self.replay.wait(key) {
            Some(until) => until,
            None => {
                let until = pause.ends(now, |most| self.clock.jitter(most));
                self.pending.entry(&Entry::Waits { key: key.clone(), from: now, until });
                until
            }
        };
        let length: Duration = now.duration_until(until).try_into().unwrap_or_default();
        if length.is_zero() {
            return Ok(());
        }
        if length > self.patience {
            return Err(Interrupt::Waiting(until));
        }
        self.check_stopping()?;
        self.flush().await?;
        self.clock.sleep(length).await;
        Ok(())
    }

    async fn hold(&mut self, key: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        let has_asked = match self.replay.question(key) {
            Some(Some(answer)) => return Ok(answer),
            asked => asked.is_some(),
        };
        // Whether a call has happened is this run's question alone; what the recipe asks is asked once for
        // the same record and data.
        let before = match key.asks_for_good() {
            true => {
                self.journal.asked_before(key, &question).await.map_err(Interrupt::Suspended)?
            }
            false => Asked::Never,
        };
        if let (Asked::By(run), false) = (&before, has_asked) {
            return Err(Interrupt::AskedBy(run.clone()));
        }
        if !has_asked {
            self.pending.entry(&Entry::Asks { key: key.clone(), question: question.clone() });
        }
        match before {
            Asked::Answered(choice) => {
                let answer = Answer { choice };
                self.pending.entry(&Entry::Replied { key: key.clone(), answer: answer.clone() });
                Ok(answer)
            }
            Asked::Never | Asked::By(_) => Err(Interrupt::Held(question)),
        }
    }
}
