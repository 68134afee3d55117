//! A run of a recipe that is in the sandbox: its event comes in; what it would have sent goes out in words.
//! Nothing is sent, and nothing is remembered.

use crate::catalog::Catalog;
use crate::execute::{DryEngine, Imagined, Links, Setup, TriggerEvent, drive};
use crate::journal::Outcome;
use crate::plan::Plan;
use indexmap::IndexMap;
use jiff::Timestamp;

/// Why the run ends here: the calls that it would have made.
pub async fn reason(
    plan: &Plan,
    event: &TriggerEvent,
    setup: &Setup,
    links: impl Links + Sync,
) -> String {
    let mut engine =
        DryEngine::new(Catalog::embedded(), Timestamp::now()).with_links(Imagined::over(links));
    let outcome = drive(plan, event, setup, &mut engine).await;
    let mut calls: IndexMap<String, usize> = IndexMap::new();
    let history = engine.into_history();
    for made in history.calls() {
        *calls.entry(made.call.planned.request.call.clone()).or_default() += 1;
    }
    let end = match outcome {
        Outcome::Failed(error) => format!(", and then fail: {}", error.message),
        Outcome::Held { question, .. } => format!(", and then ask: {}", question.text),
        Outcome::Stopped { reason, .. } => format!(", and then stop: {reason}"),
        _ => String::new(),
    };
    let words: Vec<String> = calls
        .iter()
        .map(|(call, times)| match times {
            1 => call.clone(),
            times => format!("{call} ({times} times)"),
        })
        .collect();
    match words.is_empty() {
        true => format!("in the sandbox, nothing was sent: it would make no call{end}"),
        false => {
            format!("in the sandbox, nothing was sent: it would call {}{end}", words.join(", "))
        }
    }
}
