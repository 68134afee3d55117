//! What happened in a run: entries come in, in order; a [`History`] that reports read goes out.

mod history;
mod last_seen;
mod link;
mod outcome;
mod replay;
mod written;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{CallError, Response};
use crate::catalog::{Effect, InDoubt};
use crate::plan::{FieldChange, PlannedRequest};
use crate::template::LinkQuestion;
use crate::value::RecordKey;

pub use history::{CallMade, History};
pub use last_seen::LastSeen;
pub use link::{Link, LinkAnswer, LinkChange};
pub use outcome::{Outcome, StepError, StepErrorKind};
pub use replay::{Before, IllegalEntry, Replay};
pub use written::{Cost, Mark, Written};

/// Names one thing that the engine is asked for, the same on every replay of the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallKey {
    pub step: String,
    /// Where in the loops around the step, from the outermost; empty outside of loops.
    pub item: Vec<usize>,
    /// One step may make several calls: `call`, `look-1`, `tags-add` ….
    pub part: String,
}

impl CallKey {
    /// The part of a `wait` step. Waits under any other are between two tries of a call.
    pub const WAIT: &str = "wait";
    /// The part of a `hold` step. Questions under any other are about a call that may already have
    /// happened: what is answered there holds for that call alone.
    pub const HOLD: &str = "hold";

    /// The part of a question about which of two people is meant.
    pub const IDENTITY: &str = "identity";

    /// Whether a question under this key is about the record or the recipe, and not about one call: what
    /// is answered holds for the same record and data again.
    pub fn asks_for_good(&self) -> bool {
        matches!(self.part.as_str(), CallKey::HOLD | CallKey::IDENTITY)
    }

    /// Whether an example may answer a question under this key, by the id of its step.
    pub fn can_be_answered_ahead(&self) -> bool {
        self.asks_for_good() || self.part.starts_with("conflict-")
    }

    pub fn new(step: &str, item: &[usize], part: &str) -> CallKey {
        CallKey { step: step.to_owned(), item: item.to_owned(), part: part.to_owned() }
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        for at in &self.item {
            write!(f, "[{at}]")?;
        }
        write!(f, "/{}", self.part)
    }
}

/// A call that an engine is asked to make: everything it needs, owned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    pub planned: PlannedRequest,
    pub effect: Effect,
    /// What may be done when nobody knows whether it got through.
    pub settle: InDoubt,
    /// From 1.
    pub attempt: u32,
    /// What it looks for, where it looks through a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_for: Option<LooksFor>,
}

/// What a call looks for in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LooksFor {
    pub conditions: Map<String, Value>,
    /// Whether the step makes one when there is none.
    pub creates: bool,
}

/// Something that must come out the same when the run is replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Asks for the time.
    AskTime,
    Time(Timestamp),
    /// The step was left out, and why.
    Skipped(String),
    /// What differs between the record and what the step wants; nothing is sent where nothing does.
    Compared(Vec<FieldChange>),
    /// Somebody else has changed the record since this run first saw it: how it was, and how it is.
    MovedOn(Vec<FieldChange>),
    /// What was written was read back: what was sent and is not there so.
    Verified(Vec<FieldChange>),
    /// It could not be read back, and why.
    NotVerified(String),
    /// The step is done; its results.
    Finished(Map<String, Value>),
    /// Asks which records are linked with which.
    AskLinks(Vec<LinkQuestion>),
    Links(Vec<LinkAnswer>),
    /// Links change, as soon as this is written down.
    ChangeLinks(LinkChange),
    /// Asks which links end because a record is not there any more.
    AskGone(RecordKey),
    /// They end as soon as this is written down.
    Gone {
        record: RecordKey,
        links: Vec<Link>,
    },
    /// Asks how a record looked when it was seen last.
    AskLastSeen(RecordKey),
    /// None on first sight.
    LastSeen(Option<LastSeen>),
    /// How it looks now, for the next time.
    See {
        record: RecordKey,
        now: LastSeen,
    },
}

/// What a decision changes beyond its run. It is done together with writing the decision down: once and
/// never again, however often the run goes on from its start.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Links(LinkChange),
    LastSeen { record: RecordKey, now: LastSeen },
}

impl Decision {
    /// What it changes beyond its run.
    pub fn change(&self) -> Option<Change> {
        match self {
            Decision::ChangeLinks(change) => Some(Change::Links(change.clone())),
            Decision::Gone { links, .. } if links.is_empty() => None,
            Decision::Gone { record, .. } => {
                Some(Change::Links(LinkChange::Gone { record: record.clone() }))
            }
            Decision::See { record, now } => {
                Some(Change::LastSeen { record: record.clone(), now: now.clone() })
            }
            _ => None,
        }
    }

    /// A step is done. What is read from an answer is not kept twice: the journal holds the answer.
    pub fn finished(results: &Map<String, Value>) -> Decision {
        let kept = results
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "response" | "items" | "record"))
            .map(|(name, value)| (name.clone(), value.clone()));
        Decision::Finished(kept.collect())
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Any time up to this: the engine draws it, so that many runs do not try again at once.
    UpTo(Duration),
    Exactly(Duration),
    Until(Timestamp),
}

impl Pause {
    /// When it is over, counted from `now`; `jitter` draws a length up to the one it is given.
    pub fn ends(self, now: Timestamp, jitter: impl FnOnce(Duration) -> Duration) -> Timestamp {
        let length = match self {
            Pause::UpTo(most) => jitter(most),
            Pause::Exactly(length) => length,
            Pause::Until(then) => return then,
        };
        now.checked_add(length).unwrap_or(Timestamp::MAX)
    }
}

/// Something only a person can decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    pub choices: Vec<String>,
}

/// What is known of a question before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Never,
    /// By this run, which waits for the answer.
    By(String),
    /// And this was chosen.
    Answered(String),
}

/// What the person chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub choice: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// About to send.
    Intent {
        key: CallKey,
        call: Box<PlannedCall>,
    },
    /// What came back.
    Answered {
        key: CallKey,
        attempt: u32,
        answer: Result<Response, CallError>,
    },
    Decided {
        key: CallKey,
        decision: Decision,
    },
    Waits {
        key: CallKey,
        from: Timestamp,
        until: Timestamp,
    },
    Asks {
        key: CallKey,
        question: Question,
    },
    /// What a person chose, for the last question under this key.
    Replied {
        key: CallKey,
        answer: Answer,
    },
    /// A person wants the run to go on from the step that failed: what it was refused is asked for again.
    Retried {
        step: String,
        at: Timestamp,
    },
}
