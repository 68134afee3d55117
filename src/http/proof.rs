//! Is a credential good? A call that changes nothing goes out; what the answer says of the credential comes
//! back.

use serde_json::Value;

use crate::call::{CallError, Request, Response};
use crate::catalog::{App, Proof};

/// What an answer says of a credential.
#[derive(Clone, Debug, PartialEq)]
pub enum Proven {
    /// It is good. With what was answered.
    Good(Value),
    /// It is good, but may not read what was asked for.
    LacksScope,
    /// It is good for another account.
    OtherAccount,
    /// It is no credential of this app, or none any more.
    Wrong,
    /// Nothing was sent, on purpose.
    Withheld { why: String, instead: String },
    /// The answer does not say. It may go better later, or there is something else wrong.
    Unclear { why: String, may_pass: bool },
}

/// The call that shows whether a credential is good; none for an app that has none.
pub fn proof_request(app: &App, base_url: &str, location: Option<&str>) -> Option<Request> {
    let proof = app.proof.as_ref()?;
    let mut query: Vec<(String, String)> =
        proof.query.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if let (Some(field), Some(location)) = (&app.location, location) {
        query.push((field.clone(), location.to_owned()));
    }
    Some(Request {
        app: app.app.clone(),
        operation: String::new(),
        call: format!("GET {}", proof.path),
        method: "GET".to_owned(),
        base_url: base_url.to_owned(),
        path: proof.path.split('/').skip(1).map(str::to_owned).collect(),
        query,
        headers: app.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        body: None,
    })
}

/// What the answer to [`proof_request`] says.
pub fn judge(app: &App, answer: Result<Response, CallError>) -> Proven {
    let response = match answer {
        Ok(response) => response,
        Err(CallError::Withheld { why, instead }) => return Proven::Withheld { why, instead },
        Err(error) => return Proven::Unclear { why: error.to_string(), may_pass: true },
    };
    if response.is_success() {
        return Proven::Good(response.body);
    }
    let usual = Proof::default();
    let proof = app.proof.as_ref().unwrap_or(&usual);
    let text = response.body.to_string().to_lowercase();
    let says = |phrases: &[String]| phrases.iter().any(|phrase| text.contains(phrase.as_str()));
    match response.status {
        401 | 403 if says(&proof.other_account) => Proven::OtherAccount,
        401 | 403 if says(&proof.lacks_scope) => Proven::LacksScope,
        401 => Proven::Wrong,
        403 => Proven::LacksScope,
        status => Proven::Unclear {
            why: format!("{} answers {status}", app.title),
            may_pass: matches!(status, 408 | 425 | 429 | 500..),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn app(name: &str) -> &'static App {
        Catalog::embedded().app(name).unwrap()
    }

    #[test]
    fn the_account_and_the_version_are_sent_along() {
        let request = proof_request(app("highlevel"), "http://127.0.0.1:1/x", Some("loc")).unwrap();
        assert_eq!(request.shown_url(), "http://127.0.0.1:1/x/contacts/?limit=1&locationId=loc");
        assert_eq!(request.headers[0].0, "Version");
        let request = proof_request(app("stax"), "http://127.0.0.1:1", None).unwrap();
        assert_eq!(request.shown_url(), "http://127.0.0.1:1/self");
        assert!(proof_request(app("bridge"), "http://127.0.0.1:1", None).is_none());
    }

    #[test]
    fn each_refusal_says_something_else() {
        let judged = |status: u16, body: &str| {
            let body = Value::from(body);
            judge(app("highlevel"), Ok(Response { status, body, ..Response::default() }))
        };
        assert_eq!(judged(200, "x"), Proven::Good("x".into()));
        assert_eq!(judged(401, "Invalid JWT"), Proven::Wrong);
        assert_eq!(judged(401, "The token is not authorized for this scope."), Proven::LacksScope);
        assert_eq!(
            judged(403, "The token does not have access to this location."),
            Proven::OtherAccount
        );
        assert_eq!(judged(403, ""), Proven::LacksScope);
        for (status, later) in [(302, false), (400, false), (404, false), (429, true), (503, true)]
        {
            let why = format!("HighLevel answers {status}");
            assert_eq!(judged(status, ""), Proven::Unclear { why, may_pass: later });
        }
        let none = judge(app("stax"), Err(CallError::NotSent("x".into())));
        assert!(matches!(none, Proven::Unclear { may_pass: true, .. }));
    }
}
