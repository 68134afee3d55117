//! Out into the world: a [`Caller`] over HTTP, which lets nothing out that must not leave, and adds
//! the credentials; and how they are renewed.

mod guard;
pub mod oauth;
pub mod proof;
mod renew;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub use guard::Guard;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub use renew::{Pace, VaultCredentials};

use crate::call::{CallError, Caller, RateLimit, Request, Response};
use crate::connection::{Credentials, NoToken, Redactor, Secret};
use crate::project::token_variable;

/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// So much of an answer that is not JSON is looked at, and so much of it is kept.
const LOOKED_AT_BYTES: usize = 64 * 1024;
const KEPT_BYTES: usize = 2_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A project has a few; one that keeps changing them begins anew.
const MOST_BASES: usize = 1_000;

/// Sends requests over HTTP. Redirects are not followed: the credentials belong to one host.
#[derive(Clone)]
pub struct HttpCaller {
    client: reqwest::Client,
    credentials: Arc<dyn Credentials>,
    /// App → name of the connection.
    connections: Arc<BTreeMap<String, String>>,
    /// Knows every token that was sent, and hides it in what comes back.
    redactor: Redactor,
    guard: Guard,
    /// What the addresses of connections begin with, as it was read.
    bases: Bases,
}

type Bases = Arc<RwLock<HashMap<String, url::Url>>>;

impl HttpCaller {
    /// `timeout` is the longest that one call may last. Each app's connection has the app's name, until
    /// [`HttpCaller::through`] says otherwise.
    pub fn new(
        timeout: Duration,
        credentials: Arc<dyn Credentials>,
    ) -> Result<HttpCaller, reqwest::Error> {
        let client = client(timeout)?;
        let (connections, redactor, guard, bases) = Default::default();
        Ok(HttpCaller { client, credentials, connections, redactor, guard, bases })
    }

    /// The same way out, which hides what this one knows.
    pub fn hiding(self, redactor: Redactor) -> HttpCaller {
        HttpCaller { redactor, ..self }
    }

    /// The same way out, past a guard: without one everything may leave.
    pub fn guarded(&self, guard: Guard) -> HttpCaller {
        HttpCaller { guard, ..self.clone() }
    }

    /// The same way out through other connections: app → name comes in.
    pub fn through(&self, connections: &BTreeMap<String, String>) -> HttpCaller {
        let connections = Arc::new(connections.clone());
        HttpCaller { connections, ..self.clone() }
    }

    /// Sends a request with one token.
    async fn send(&self, request: &Request, token: &Secret) -> Result<Response, CallError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| CallError::NotSent(format!("`{}` is no method", request.method)))?;
        let url = self.url(request)?;
        let mut builder = self.client.request(method, url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        self.redactor.learn(token);
        Redactor::process().learn(token);
        builder = builder.bearer_auth(token.expose());
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let answer = builder.send().await.map_err(|e| self.call_error(&e))?;
        let status = answer.status().as_u16();
        let rate = rate_limit(answer.headers());
        let retry_after_seconds = wait_asked_for(status, answer.headers(), rate);
        let bytes = self.read(answer).await?;
        // An answer may repeat what was sent: nobody sees it as it came.
        let body = self.json(&bytes, status)?;
        Ok(Response { status, retry_after_seconds, rate, body, is_fresh: true, imagined: false })
    }

    /// The address of a request. What all addresses of a connection begin with is read once.
    fn url(&self, request: &Request) -> Result<url::Url, CallError> {
        // Not in the condition itself: the lock would be held behind it.
        let known = self
            .bases
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&request.base_url)
            .cloned();
        if let Some(base) = known {
            return Ok(request.url_behind(base));
        }
        let base = url::Url::parse(&request.base_url).map_err(|e| {
            CallError::NotSent(format!("`{}` is no address: {e}", request.base_url))
        })?;
        let mut bases = self.bases.write().unwrap_or_else(PoisonError::into_inner);
        if bases.len() >= MOST_BASES {
            bases.clear();
        }
        bases.insert(request.base_url.clone(), base.clone());
        Ok(request.url_behind(base))
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, CallError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.call_error(&e))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER_BYTES {
                return Err(CallError::BadAnswer(format!(
                    "it is larger than {} MB",
                    MAX_ANSWER_BYTES / (1024 * 1024)
                )));
            }
        }
        Ok(bytes)
    }

    /// An answer as JSON. An error may come in any form; a success that is not JSON is not to be trusted.
    fn json(&self, bytes: &[u8], status: u16) -> Result<Value, CallError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        match serde_json::from_slice(bytes) {
            Ok(mut value) => {
                self.redactor.value_of(bytes, &mut value);
                Ok(value)
            }
            Err(_) if (200..300).contains(&status) => Err(CallError::BadAnswer(
                "it is not JSON, although it says that all went well".into(),
            )),
            Err(_) => {
                // What is cut off in the middle of a secret would not be known as one.
                let hidden = self.redactor.bytes(&bytes[..bytes.len().min(LOOKED_AT_BYTES)]);
                let text = String::from_utf8_lossy(&hidden[..hidden.len().min(KEPT_BYTES)]);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                Ok(Value::from(text))
            }
        }
    }

    fn call_error(&self, error: &reqwest::Error) -> CallError {
        let hide = |text: String| self.redactor.text(&text).into_owned();
        match call_error(error) {
            CallError::NotSent(why) => CallError::NotSent(hide(why)),
            CallError::NoAnswer(why) => CallError::NoAnswer(hide(why)),
            other => other,
        }
    }
}

impl Caller for HttpCaller {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let connection = self.connections.get(&request.app).unwrap_or(&request.app);
        self.guard.check(connection, request)?;
        let token = self.credentials.token(connection).await.map_err(not_sent)?;
        let token = token.ok_or_else(|| no_token(&request.app, connection))?;
        let answer = self.send(request, &token).await?;
        if answer.is_success() {
            self.credentials.accepted(connection, &token);
        }
        if answer.status != 401 {
            return Ok(answer);
        }
        // What is answered so did not happen: with another token it may go out once more.
        match self.credentials.refused(connection, &token).await.map_err(not_sent)? {
            Some(newer) => {
                let answer = self.send(request, &newer).await?;
                if answer.is_success() {
                    self.credentials.accepted(connection, &newer);
                }
                Ok(answer)
            }
            None => Ok(answer),
        }
    }
}

fn not_sent(no_token: NoToken) -> CallError {
    match no_token.may_pass {
        true => CallError::NoToken(no_token.message),
        false => CallError::Withheld { why: no_token.message, instead: no_token.help },
    }
}

fn no_token(app: &str, connection: &str) -> CallError {
    CallError::Withheld {
        why: format!("there is no token for the connection `{connection}`"),
        instead: format!(
            "connect it with `linecook connect {app} --name {connection}`, or set {}",
            token_variable(connection)
        ),
    }
}

/// A way out that follows no redirect: what is secret belongs to one host.
fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // Several may live in one process; the first one installs the provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // What is tried again is our own business: it would only copy each request.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .user_agent(concat!("linecook/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// How long the app asks to wait: `Retry-After`, or with 429 the window that its rate limit counts in.
fn wait_asked_for(status: u16, headers: &HeaderMap, rate: RateLimit) -> Option<u64> {
    let asked = headers.get("retry-after").and_then(|v| retry_after(v.to_str().ok()?));
    let window = || rate.window_ms.map(|ms| ms.div_ceil(1_000));
    asked.or_else(|| if status == 429 { window() } else { None })
}

fn rate_limit(headers: &HeaderMap) -> RateLimit {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    RateLimit {
        most: number("x-ratelimit-max"),
        left: number("x-ratelimit-remaining"),
        window_ms: number("x-ratelimit-interval-milliseconds"),
        most_a_day: number("x-ratelimit-limit-daily"),
        left_today: number("x-ratelimit-daily-remaining"),
    }
}

/// Seconds, or a date in the form of RFC 9110.
fn retry_after(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = then.as_second() - jiff::Timestamp::now().as_second();
    Some(u64::try_from(wait).unwrap_or(0))
}

fn call_error(error: &reqwest::Error) -> CallError {
    // The innermost cause says what happened; the outer ones repeat the address.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let host = error.url().and_then(|u| u.host_str()).unwrap_or("the server").to_owned();
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(format!("{host}: {cause}"))
    } else if error.is_timeout() {
        CallError::NoAnswer(format!("{host} did not answer in time"))
    } else {
        CallError::NoAnswer(format!("{host}: {cause}"))
    }
}
