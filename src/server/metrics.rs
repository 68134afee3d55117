//! What is counted, in the names that Prometheus reads.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Instant;

use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::Gates;
use crate::call::{CallError, Caller, Request, Response};
use crate::execute::gate::ClosedBy;

/// Upper bounds of the times that calls take, in seconds.
const BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Begins to count. Several services may live in one process; the first one counts for all.
pub fn begin() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Full("linecook_call_seconds".to_owned()), &BUCKETS)
        .expect("there are buckets");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let _ = metrics::set_global_recorder(recorder);
    handle
}

/// A way out that counts calls and how long they take.
#[derive(Clone)]
pub struct Counted<C>(pub C);

impl<C: Caller> Caller for Counted<C> {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let began = Instant::now();
        let answer = self.0.call(request).await;
        Calls::of(&request.app, |calls| {
            calls.seconds.record(began.elapsed().as_secs_f64());
            calls.results[result_of(&answer)].increment(1);
        });
        answer
    }
}

/// How calls end.
const RESULTS: [&str; 7] =
    ["good", "too many", "server error", "refused", "no connection", "not sent", "no answer"];

/// Which of [`RESULTS`].
fn result_of(answer: &Result<Response, CallError>) -> usize {
    match answer {
        Ok(response) if response.is_success() => 0,
        Ok(Response { status: 429, .. }) => 1,
        Ok(response) if response.status >= 500 => 2,
        Ok(_) => 3,
        Err(CallError::NotSent(_)) => 4,
        Err(CallError::NoToken(_) | CallError::Withheld { .. }) => 5,
        Err(_) => 6,
    }
}

/// What is counted of the calls to one app, found once: a counter is looked up by all its words.
struct Calls {
    seconds: Histogram,
    results: [Counter; RESULTS.len()],
}

impl Calls {
    fn of(app: &str, count: impl FnOnce(&Calls)) {
        static ALL: LazyLock<RwLock<HashMap<String, Calls>>> = LazyLock::new(RwLock::default);
        if let Some(calls) = ALL.read().unwrap_or_else(PoisonError::into_inner).get(app) {
            return count(calls);
        }
        let result = |result: &'static str| counter!("linecook_calls_total", "app" => app.to_owned(), "result" => result);
        let seconds = histogram!("linecook_call_seconds", "app" => app.to_owned());
        let calls = Calls { seconds, results: RESULTS.map(result) };
        count(&calls);
        ALL.write().unwrap_or_else(PoisonError::into_inner).insert(app.to_owned(), calls);
    }
}

/// What each connection may still send, and for how long nothing is sent.
pub fn quotas(gates: &Gates) {
    for (name, state) in gates.states() {
        let set = |window: &'static str, left: Option<u64>| {
            if let Some(left) = left {
                gauge!("linecook_quota_left", "connection" => name.clone(), "window" => window)
                    .set(left as f64);
            }
        };
        set("short", state.left);
        set("day", state.left_today);
        set("failures", state.failures_left);
        for why in ClosedBy::ALL {
            let closed = state.closed.filter(|closed| closed.why == why);
            gauge!("linecook_closed_seconds", "connection" => name.clone(), "why" => why.word())
                .set(closed.map_or(0.0, |closed| closed.after.as_secs_f64()));
        }
        gauge!("linecook_calls_in_flight", "connection" => name.clone())
            .set(state.in_flight as f64);
    }
}

/// A webhook arrived and is stored.
pub fn received(app: &str, runs: usize) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "stored").increment(1);
    counter!("linecook_runs_started_total", "app" => app.to_owned()).increment(runs as u64);
}

/// A webhook arrived once more.
pub fn received_again(app: &str) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "again").increment(1);
}

/// A webhook was not let in.
pub fn refused(app: &str) {
    counter!("linecook_events_total", "app" => app.to_owned(), "result" => "refused").increment(1);
}

/// A run ended, waits or is held.
pub fn ended(state: &'static str) {
    counter!("linecook_runs_ended_total", "state" => state).increment(1);
}
