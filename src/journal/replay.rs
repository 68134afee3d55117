//! The journal of a run that goes on: entries are folded into what the engine has to answer again.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use jiff::Timestamp;

use super::{Answer, CallKey, Decision, Entry};
use crate::call::{CallError, Response, classify};

/// What has happened so far, by what the engine is asked for.
#[derive(Debug, Default)]
pub struct Replay {
    calls: HashMap<CallKey, Vec<Made>>,
    decisions: HashMap<CallKey, Decision>,
    waits: HashMap<CallKey, VecDeque<Timestamp>>,
    questions: HashMap<CallKey, VecDeque<Option<Answer>>>,
}

#[derive(Debug)]
struct Made {
    attempt: u32,
    /// None when the run was interrupted before the answer came.
    answer: Option<Result<Response, CallError>>,
}

/// What became of a call that was made before.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    Never,
    /// It was about to go out, and nobody knows what came back.
    InDoubt,
    Answered(Result<Response, CallError>),
}

/// An entry that cannot follow those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalEntry(pub String);

impl fmt::Display for IllegalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Replay {
    /// Folds the entries of a run.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Result<Replay, IllegalEntry> {
        let mut replay = Replay::default();
        for entry in entries {
            replay.apply(entry)?;
        }
        Ok(replay)
    }

    fn apply(&mut self, entry: Entry) -> Result<(), IllegalEntry> {
        match entry {
            Entry::Intent { key, call } => {
                let made = self.calls.entry(key.clone()).or_default();
                if made.iter().any(|m| m.attempt == call.attempt) {
                    return Err(IllegalEntry(format!(
                        "`{key}` was about to be sent twice as attempt {}",
                        call.attempt
                    )));
                }
                made.push(Made { attempt: call.attempt, answer: None });
            }
            Entry::Answered { key, attempt, answer } => {
                let made = self.calls.get_mut(&key).into_iter().flatten();
                match made.into_iter().find(|m| m.attempt == attempt && m.answer.is_none()) {
                    Some(made) => made.answer = Some(answer),
                    None => {
                        let why = format!("attempt {attempt} of `{key}` has an answer too many");
                        return Err(IllegalEntry(why));
                    }
                }
            }
            Entry::Decided { key, decision } => {
                self.decisions.insert(key, decision);
            }
            Entry::Waits { key, until, .. } => {
                self.waits.entry(key).or_default().push_back(until);
            }
            Entry::Asks { key, .. } => {
                self.questions.entry(key).or_default().push_back(None);
            }
            Entry::Replied { key, answer } => {
                let open = self.questions.get_mut(&key).and_then(|asked| asked.back_mut());
                match open {
                    Some(open @ None) => *open = Some(answer),
                    _ => return Err(IllegalEntry(format!("nobody asked for `{key}`"))),
                }
            }
            Entry::Retried { step, .. } => self.forget_failures(&step),
        }
        Ok(())
    }

    /// What a step was refused is asked for again; what went well stays.
    fn forget_failures(&mut self, step: &str) {
        let failed = |made: &Vec<Made>| {
            made.last()
                .is_some_and(|last| last.answer.as_ref().is_some_and(|a| classify(a).is_some()))
        };
        let keys: Vec<CallKey> = self
            .calls
            .iter()
            .filter(|(key, made)| key.step == step && failed(made))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.calls.remove(&key);
            self.waits.remove(&key);
            self.questions.remove(&key);
        }
        // Where nothing has been done with them, links are asked for anew: a person may have set one.
        if !self.calls.keys().any(|key| key.step == step) {
            self.decisions.retain(|key, decision| {
                key.step != step || !matches!(decision, Decision::Links(_) | Decision::Gone { .. })
            });
        }
    }

    pub fn call(&mut self, key: &CallKey, attempt: u32) -> Before {
        let made = self.calls.get_mut(key).into_iter().flatten();
        match made.into_iter().find(|m| m.attempt == attempt) {
            None => Before::Never,
            Some(made) => match made.answer.take() {
                Some(answer) => Before::Answered(answer),
                None => Before::InDoubt,
            },
        }
    }

    pub fn decision(&mut self, key: &CallKey) -> Option<Decision> {
        self.decisions.remove(key)
    }

    /// When the next wait under this key ends or ended.
    pub fn wait(&mut self, key: &CallKey) -> Option<Timestamp> {
        self.waits.get_mut(key)?.pop_front()
    }

    /// The next question under this key: none when it has not been asked, else its answer if there is one.
    pub fn question(&mut self, key: &CallKey) -> Option<Option<Answer>> {
        self.questions.get_mut(key)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CallKey {
        CallKey::new("note", &[], "call")
    }

    #[test]
    fn what_cannot_have_happened_is_refused() {
        let answer = Ok(Response { status: 200, ..Response::default() });
        let answered = Entry::Answered { key: key(), attempt: 1, answer };
        assert!(Replay::of([answered]).is_err());
        let replied = Entry::Replied { key: key(), answer: Answer { choice: "go on".to_owned() } };
        assert!(Replay::of([replied]).is_err());
    }
}
