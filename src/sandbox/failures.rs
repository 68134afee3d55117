//! Calls that the app is told not to answer as it should: counted down as they happen.

use crate::catalog::{Catalog, NotFound};
use crate::recipe::{Failure, Fault};

use super::reply::{Reply, reason};

/// The failures that are still to come.
#[derive(Clone, Default)]
pub(super) struct Failures {
    pending: Vec<Pending>,
}

#[derive(Clone)]
struct Pending {
    /// Long ids. Several where a call such as `GET /x` belongs to several apps.
    operations: Vec<String>,
    failure: Failure,
    /// None for ever.
    left: Option<u32>,
}

/// What happens to one call.
pub(super) struct Mishap {
    /// Whether what was asked is done.
    pub done: bool,
    /// Answered in any case.
    pub instead: Option<Reply>,
    /// What becomes of the answer.
    pub fault: Option<Fault>,
}

impl Failures {
    pub fn add(&mut self, catalog: &Catalog, failure: &Failure) {
        let operations = match catalog.operation(&failure.call) {
            Ok(operation) => vec![operation.long_id()],
            Err(NotFound::Ambiguous(several)) => several,
            // The checker tells the author; a call that does not exist never comes.
            Err(_) => Vec::new(),
        };
        self.pending.push(Pending { operations, failure: failure.clone(), left: failure.times });
    }

    /// Those that are still to come, each with the times that are left.
    pub fn pending(&self) -> Vec<Failure> {
        let pending = self.pending.iter().filter(|pending| pending.left != Some(0));
        pending.map(|p| Failure { times: p.left, ..p.failure.clone() }).collect()
    }

    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// The failure that the next call of an operation meets.
    pub fn next(&mut self, app: &str, operation: &str) -> Option<Mishap> {
        let pending = self
            .pending
            .iter_mut()
            .find(|p| p.left != Some(0) && p.operations.iter().any(|o| o == operation))?;
        pending.left = pending.left.map(|left| left - 1);
        let Failure { status, body, fault, done, .. } = &pending.failure;
        let refuses = status.is_some() || fault.is_none();
        let done = done.unwrap_or(!refuses);
        let instead = refuses.then(|| {
            let status = status.unwrap_or(500);
            match body {
                Some(body) => Reply::new(status, body.clone()),
                None => Reply::refused(app, status, reason(status)),
            }
        });
        Some(Mishap { done, instead, fault: *fault })
    }
}
