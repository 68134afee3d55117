//! Leave to send one request.

use super::budget::{Fate, Ticket};
use super::enter::Gate;
use crate::call::{CallError, Response};

/// Leave to send one request, now. Dropped without an answer it counts as sent and answered then, and
/// as a failure: nobody knows better.
#[derive(Debug)]
#[must_use = "a pass that is dropped counts as sent"]
pub struct Pass {
    gate: Gate,
    ticket: Option<Ticket>,
}

impl Pass {
    pub(super) fn new(gate: Gate, ticket: Ticket) -> Pass {
        Pass { gate, ticket: Some(ticket) }
    }

    /// The request was sent, and this came of it.
    pub fn answered(mut self, answer: &Result<Response, CallError>) {
        self.settle(Fate::Answered(answer));
    }

    /// Nothing was sent after all.
    pub fn unused(mut self) {
        self.settle(Fate::NotSent);
    }

    fn settle(&mut self, fate: Fate) {
        if let Some(ticket) = self.ticket.take() {
            self.gate.settle(ticket, fate);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.settle(Fate::Unknown);
    }
}
