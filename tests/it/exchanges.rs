//! Runs against a scripted remote: `exchanges.yaml` says what is answered, `expected.txt` what a
//! person sees.

use std::collections::VecDeque;
use std::sync::Mutex;

use linecook::call::{CallError, Caller, Request, Response};
use linecook::catalog::Catalog;
use linecook::cli::load;
use linecook::execute::{LocalEngine, Setup, TriggerEvent, VirtualClock, drive, settings};
use linecook::journal::Entry;
use linecook::plan::{self, Accounts};
use linecook::report::{run_ending, run_line};
use linecook::source::{Document, Source};
use serde_json::Value;

use crate::cases::{compare, folders};

/// Answers from a list, in order, and remembers what was asked.
struct Script {
    answers: Mutex<VecDeque<Value>>,
    asked: Mutex<Vec<String>>,
}

impl Caller for &Script {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let body = request.body.as_ref().map(|b| format!(" {b}")).unwrap_or_default();
        self.asked.lock().unwrap().push(format!(
            "{} {}{body}",
            request.method,
            request.shown_url()
        ));
        let Some(answer) = self.answers.lock().unwrap().pop_front() else {
            return Err(CallError::NoAnswer("the script is at its end".into()));
        };
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(why) = text("not_sent") {
            return Err(CallError::NotSent(why));
        }
        if let Some(why) = text("no_answer") {
            return Err(CallError::NoAnswer(why));
        }
        if let Some(why) = text("bad_answer") {
            return Err(CallError::BadAnswer(why));
        }
        Ok(Response {
            status: answer["status"].as_u64().unwrap_or(200) as u16,
            retry_after_seconds: answer["retry_after"].as_u64(),
            body: answer.get("body").cloned().unwrap_or_default(),
            ..Response::default()
        })
    }
}

#[test]
fn every_exchange_ends_as_it_should() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut wrong = Vec::new();
    for folder in folders("exchanges") {
        let loaded = load(&folder.join("recipe.yaml"));
        let found = loaded.diagnostics.text(false);
        let checked = loaded.checked.unwrap_or_else(|| panic!("{}: {found}", folder.display()));
        let mut file = loaded.file.unwrap();
        file.source = Source::new("recipe.yaml", file.source.text());
        let plan = plan::recipe(checked);
        // A plan that is stored and read again is the same plan.
        let stored = serde_json::to_string(&plan).unwrap();
        let plan: plan::Plan = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&plan).unwrap(), stored, "{}", folder.display());

        let event: Value = serde_json::from_str(
            &std::fs::read_to_string(folder.join("event.json")).unwrap_or("{}".into()),
        )
        .unwrap();
        let exchanges = Source::read(&folder.join("exchanges.yaml")).unwrap();
        let exchanges = Document::parse(&exchanges).unwrap().value().clone();
        let answers = exchanges.as_array().unwrap().iter().cloned().collect();
        let script = Script { answers: Mutex::new(answers), asked: Mutex::default() };
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let catalog = Catalog::embedded();
        let setup = Setup {
            catalog,
            run_id: "run-1".into(),
            settings: settings(&plan, &Default::default(), &Default::default()).unwrap(),
            accounts: Accounts::of_catalog(catalog, "location-1").into(),
            detail: linecook::plan::Detail::ToShow,
            defaults: Default::default(),
            locks: Default::default(),
            own_writes: Default::default(),
            chain: 0,
            care: Default::default(),
            settle_after: std::time::Duration::from_secs(31),
        };
        let trigger = TriggerEvent {
            id: "event-1".into(),
            received_at: now,
            event: plan.recipe.trigger.events[0].clone(),
            payload: event.as_object().unwrap().clone(),
        };
        let mut lines = Vec::new();
        let mut pending = None;
        let watch = |entry: &Entry| lines.extend(run_line(entry, &mut pending));
        let day = std::time::Duration::from_secs(10 * 24 * 3600);
        let mut engine = LocalEngine::new(&script, VirtualClock::at(now), day, watch);
        let outcome = runtime.block_on(drive(&plan, &trigger, &setup, &mut engine));
        let history = engine.into_history();
        let ending = run_ending(&outcome, &history, &file, false);
        let asked = script.asked.lock().unwrap().join("\n");
        let left = script.answers.lock().unwrap().len();
        let text =
            anstream::adapter::strip_str(&format!("{}\n{ending}", lines.join("\n"))).to_string();
        let text = format!("{text}\n--- asked\n{asked}\n--- answers left over: {left}\n");
        wrong.extend(compare(&folder, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
