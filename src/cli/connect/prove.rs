//! Proves a token before it is kept, and says in plain words what is wrong with it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Connecting;
use crate::call::Caller;
use crate::catalog::App;
use crate::cli::exit::{CommandError, Result};
use crate::connection::{FixedTokens, Secret};
use crate::http::HttpCaller;
use crate::http::proof::{Proven, judge, proof_request};

/// How long to wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a proof says to a person.
pub enum Verdict {
    /// It works. With a note where there is something to know.
    Good { note: Option<String> },
    /// It does not: why, and what to do.
    Bad { why: String, instead: String, may_pass: bool },
}

/// What is said of a credential that has been tried.
pub fn verdict(app: &App, location: Option<&str>, proven: &Proven) -> Verdict {
    let bad = |why: String, instead: String| Verdict::Bad { why, instead, may_pass: false };
    let title = &app.title;
    match proven {
        Proven::Good(_) => Verdict::Good { note: None },
        Proven::LacksScope => {
            let scope = app.proof.as_ref().and_then(|proof| proof.scope.as_deref());
            let scope = scope.map_or_else(String::new, |scope| format!(" ({scope})"));
            Verdict::Good {
                note: Some(format!("{title} knows it, but it may not read what was tried{scope}")),
            }
        }
        Proven::OtherAccount => bad(
            format!(
                "{title} says that it is for another account than {}",
                location.unwrap_or("this one")
            ),
            "make one in the right account, or correct the `location_id` in linecook.yaml".into(),
        ),
        Proven::Wrong => bad(
            format!("{title} does not know it, or not any more"),
            "copy it once more, the whole of it, or make a new one".into(),
        ),
        Proven::Withheld { why, instead } => bad(why.clone(), instead.clone()),
        Proven::Unclear { why, may_pass: true } => Verdict::Bad {
            why: format!("nobody knows whether it is right: {why}"),
            instead: format!("check the network and try again when {title} answers"),
            may_pass: true,
        },
        Proven::Unclear { why, may_pass: false } => bad(
            format!("nobody knows whether it is right: {why}"),
            "check the address (`base_url` in linecook.yaml, where it is set)".into(),
        ),
    }
}

impl Connecting<'_> {
    /// Tries a token. Gives what the app answered, when it did.
    pub(super) async fn prove(
        &self,
        what: &str,
        token: &Secret,
        location: Option<&str>,
    ) -> Result<(Option<Value>, Option<String>)> {
        let base_url = self.base_url()?;
        let Some(request) = proof_request(self.app, &base_url, location) else {
            return Ok((None, None));
        };
        let tokens = Arc::new(FixedTokens([(self.app.app.clone(), token.clone())].into()));
        let caller = HttpCaller::new(TIMEOUT, tokens).map_err(|e| {
            CommandError::environment(format!("no calls can be made: {e}"), "check the network")
        })?;
        let proven = judge(self.app, caller.call(&request).await);
        match verdict(self.app, location, &proven) {
            Verdict::Good { note } => {
                let answer = match proven {
                    Proven::Good(answer) => Some(answer),
                    _ => None,
                };
                Ok((answer, note))
            }
            Verdict::Bad { why, instead, may_pass } => {
                let message = format!("{what} was not kept: {why}");
                Err(match may_pass {
                    true => CommandError::environment(message, instead),
                    false => CommandError::usage(message, instead),
                })
            }
        }
    }
}
