//! How long the service takes from the start of its process until it is ready, and until its first call
//! goes out: with nothing in its store, and with 100,000 runs that have yet to run. Prints figures; asserts
//! nothing.
//!
//! `cargo bench --bench start`

#[path = "../soak/mod.rs"]
#[allow(dead_code)]
mod soak;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use linecook::store::{Arrival, Deliveries, Options, RunState, Runs, Start, Store};
use soak::apps::Apps;
use soak::project::Project;
use soak::senders::{event, id};

const RUNS: usize = 100_000;
/// Events that are stored in one go.
const PIECE: usize = 1_000;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let apps = Apps::start(fastrand::Rng::with_seed(7)).await;
    let project = Project::write(&apps);
    let none = measured(&apps, &project, false).await;
    println!("with an empty store     ready after {:5.0} ms", ms(none.0));
    fill(&project).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(measured(&apps, &project, true).await);
    }
    let store = project.store().expect("it is there");
    let counts = store.counts().await.expect("it can be read");
    let open = counts.iter().find(|(state, _)| *state == RunState::Open).map_or(0, |(_, n)| *n);
    let mut ready: Vec<Duration> = rounds.iter().map(|round| round.0).collect();
    let mut calls: Vec<Duration> = rounds.iter().filter_map(|round| round.1).collect();
    ready.sort();
    calls.sort();
    println!(
        "with {RUNS} open runs   ready after {:5.0} ms, first call after {:5.0} ms (medians of \
         {ROUNDS}; at most {:.0} and {:.0} ms; {open} runs are still open)",
        ms(ready[ready.len() / 2]),
        ms(calls[calls.len() / 2]),
        ms(*ready.last().unwrap()),
        ms(*calls.last().unwrap()),
    );
}

/// From the start of the process until it is ready, and until the first call arrives, where one does.
async fn measured(apps: &Apps, project: &Project, has_runs: bool) -> (Duration, Option<Duration>) {
    let calls_before = apps.arrived();
    let started = Instant::now();
    let mut service = project.serve();
    let (mut ready, mut called) = (None, None);
    while ready.is_none() || (has_runs && called.is_none()) {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", project.end_of_log());
        if called.is_none() && apps.arrived() > calls_before {
            called = Some(started.elapsed());
        }
        if ready.is_none() {
            let answer = reqwest::get(format!("{}/readyz", project.address())).await;
            if answer.is_ok_and(|a| a.status().is_success()) {
                ready = Some(started.elapsed());
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(service.kill(), None);
    (ready.unwrap(), called)
}

/// Stores events with the runs that they start, as the service does when they arrive.
async fn fill(project: &Project) {
    let path = project.folder().join("linecook.db");
    let store = Store::open(&path, Options::default()).expect("nobody has it");
    let plan = 1;
    let kept = store.plan(plan).await.expect("it can be read").expect("the service kept it");
    println!("{RUNS} runs of `{}`", kept.installation);
    for piece in 0..RUNS / PIECE {
        let arrivals = (piece * PIECE..(piece + 1) * PIECE).map(|number| {
            let start = Start {
                plan,
                event: "stax.customer_created".to_owned(),
                // One in ten waits for another one of the same record.
                lane: (number - number % 10 / 9) as i64,
                record: Some(format!("stax.customer {}", id(number))),
                priority: 0,
            };
            Arrival {
                received_at: Timestamp::now(),
                connection: "stax".to_owned(),
                app: "stax".to_owned(),
                event: "customer_created".to_owned(),
                record: start.record.clone(),
                payload: event(number).to_string(),
                fingerprint: None,
                starts: vec![start],
            }
        });
        store.accept_all(arrivals.collect()).await.expect("it is stored");
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
