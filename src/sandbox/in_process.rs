//! A world without a network: a request comes in, the app's answer goes out, for tests by the
//! hundred.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::call::{CallError, Caller, Request, Response};
use crate::execute::{Clock, VirtualClock};

use super::{Answer, Arrived, World};

/// Calls a world directly. It brings the token along, as a connection would.
pub struct InProcess {
    world: Mutex<World>,
    clock: Option<VirtualClock>,
}

impl InProcess {
    /// A world in which it is always the same time.
    pub fn new(world: World) -> InProcess {
        InProcess { world: Mutex::new(world), clock: None }
    }

    /// A world in which it is as late as in the run.
    pub fn at(world: World, clock: VirtualClock) -> InProcess {
        InProcess { world: Mutex::new(world), clock: Some(clock) }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who keeps the world can tell it the time while a run goes on.
impl Caller for &InProcess {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        (**self).call(request).await
    }
}

impl Caller for InProcess {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let arrived = arrived(request)?;
        let mut world = self.world();
        if let Some(clock) = &self.clock {
            world.set_now(clock.now());
        }
        match world.answer(&arrived) {
            Answer::Reply { status, headers, body } => response(status, &headers, &body),
            Answer::Disconnect => Err(CallError::NoAnswer("the connection broke".to_owned())),
            Answer::Silence => Err(CallError::NoAnswer("it took too long".to_owned())),
        }
    }
}

/// What would come over the wire.
fn arrived(request: &Request) -> Result<Arrived, CallError> {
    let not_sent = |e: url::ParseError| CallError::NotSent(e.to_string());
    request.url().map_err(not_sent)?;
    let mut url = url::Url::parse("http://sandbox/").map_err(not_sent)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(&request.path);
    }
    let mut headers = request.headers.clone();
    let token = format!("Bearer {}", World::token(&request.app));
    headers.push(("Authorization".to_owned(), token));
    Ok(Arrived {
        app: request.app.clone(),
        method: request.method.clone(),
        path: url.path().to_owned(),
        query: request.query.clone(),
        headers,
        body: request.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    })
}

/// An answer as a client reads it: a success has to be JSON, a refusal may be any text.
fn response(status: u16, headers: &[(String, String)], body: &[u8]) -> Result<Response, CallError> {
    let retry_after = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let body = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) if !(200..300).contains(&status) => String::from_utf8_lossy(body).into(),
        Err(e) => return Err(CallError::BadAnswer(format!("it is not JSON: {e}"))),
    };
    let retry_after_seconds = retry_after.and_then(|(_, value)| value.parse().ok());
    Ok(Response { status, retry_after_seconds, body, ..Response::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Failure, Fault};
    use serde_json::json;

    #[tokio::test]
    async fn answers_are_read_as_a_client_reads_them() {
        let caller = InProcess::new(World::for_test());
        let request = Request {
            app: "stax".into(),
            operation: "stax.create-customer".into(),
            call: "POST /customer".into(),
            method: "POST".into(),
            base_url: "https://apiprod.fattlabs.com".into(),
            path: vec!["customer".into()],
            query: vec![],
            headers: vec![],
            body: Some(json!({ "email": "bo@example.org" })),
        };
        let response = caller.call(&request).await.unwrap();
        assert_eq!((response.status, &response.body["email"]), (200, &json!("bo@example.org")));
        let failure = |fault, status| Failure {
            call: "POST /customer".into(),
            fault: Some(fault),
            status,
            times: Some(1),
            ..Failure::default()
        };
        caller.world().add_failure(&failure(Fault::Disconnect, None));
        caller.world().add_failure(&failure(Fault::Garbage, None));
        caller.world().add_failure(&failure(Fault::Garbage, Some(502)));
        assert!(matches!(caller.call(&request).await, Err(CallError::NoAnswer(_))));
        assert!(matches!(caller.call(&request).await, Err(CallError::BadAnswer(_))));
        let response = caller.call(&request).await.unwrap();
        assert_eq!((response.status, response.body.is_string()), (502, true));
        assert_eq!(caller.world().records("stax.customer").len(), 3);
        let nowhere = Request { base_url: "nowhere".into(), ..request };
        assert!(matches!(caller.call(&nowhere).await, Err(CallError::NotSent(_))));
    }
}
