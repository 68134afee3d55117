//! One request, one answer: what goes over the wire, without knowing how.

mod classify;
mod request;

use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use classify::{CallError, Failure, classify};
pub use request::{PathError, Request, check_path_value};

/// What an app answered. The body is JSON; an answer that is not JSON is kept as a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    /// `Retry-After` in seconds, where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    pub body: Value,
}

impl Response {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends requests: over the network, or wherever a test wants them.
pub trait Caller: Send + Sync {
    /// Sends one request and waits for the answer. Any status is an answer; an error means that there
    /// was none.
    fn call(&self, request: &Request) -> impl Future<Output = Result<Response, CallError>> + Send;
}
