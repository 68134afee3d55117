//! The entries of one run, as reports read them.

use super::{CallKey, Change, Decision, Entry, LinkChange, PlannedCall};
use crate::call::{CallError, Response};

/// Everything that happened in one run, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
}

/// One call with its answer.
pub struct CallMade<'a> {
    pub key: &'a CallKey,
    pub call: &'a PlannedCall,
    /// Absent when the run ended before it came.
    pub answer: Option<&'a Result<Response, CallError>>,
}

impl History {
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every call, attempts counted singly.
    pub fn calls(&self) -> Vec<CallMade<'_>> {
        let mut calls: Vec<CallMade<'_>> = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Intent { key, call } => calls.push(CallMade { key, call, answer: None }),
                Entry::Answered { key, attempt, answer } => {
                    let made =
                        calls.iter_mut().rev().find(|c| c.key == key && c.call.attempt == *attempt);
                    if let Some(made) = made {
                        made.answer = Some(answer);
                    }
                }
                _ => {}
            }
        }
        calls
    }

    /// The steps that were left out, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&CallKey, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Decided { key, decision: Decision::Skipped(why) } => Some((key, why.as_str())),
            _ => None,
        })
    }

    /// How links changed, in order.
    pub fn link_changes(&self) -> impl Iterator<Item = (&CallKey, LinkChange)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Decided { key, decision } => match decision.change()? {
                Change::Links(change) => Some((key, change)),
                Change::LastSeen { .. } => None,
            },
            _ => None,
        })
    }
}
