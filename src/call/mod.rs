//! One request, one answer: what goes over the wire, without knowing how.

mod classify;
mod request;

use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use classify::{CallError, Failure, classify};
pub use request::{PathError, Request, check_path_value};

/// What an app answered. The body is JSON; an answer that is not JSON is kept as a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    /// `Retry-After` in seconds, where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// What the answer says of the rate limit. It matters now only, and is not kept.
    #[serde(skip)]
    pub rate: RateLimit,
    pub body: Value,
    /// It has just come, and is not from a journal.
    #[serde(skip)]
    pub is_fresh: bool,
    /// Nobody has answered: it is the catalog's example. What stands in it says nothing of a record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imagined: bool,
}

/// What an app says of its rate limit, with every answer; source: the `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// The most requests in one window.
    pub most: Option<u64>,
    /// How many more this window takes.
    pub left: Option<u64>,
    pub window_ms: Option<u64>,
    pub most_a_day: Option<u64>,
    pub left_today: Option<u64>,
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
