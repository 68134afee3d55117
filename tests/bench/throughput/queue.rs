//! What a long queue costs: memory, time per event, and time to start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use linecook::call::Request;
use linecook::catalog::{Effect, InDoubt};
use linecook::journal::{CallKey, Decision, Entry, PlannedCall, Written};
use linecook::plan::PlannedRequest;
use linecook::store::{Accepted, Arrival, Deliveries, Fingerprint, RunId, Start, Store};
use tokio::task::JoinSet;

use super::client::{Client, customer, post};
use super::process::Process;
use super::project::{Project, THREE_CALLS};
use super::{median, ms};

/// The plan of the only recipe.
const PLAN: i64 = 1;
const BATCH: usize = 1_000;
/// Events before the first that is measured.
const WARM: usize = 500;
const MEASURED: usize = 5_000;
/// How many calls one event makes.
const CALLS: usize = 3;

/// Memory while events wait: they are posted, and no call is answered.
pub async fn memory(events: usize) {
    let app = Process::part(&["app"]).await;
    let project = Project::new(app.address, THREE_CALLS);
    let hook = project.hook().await;
    let mut control = Client::connect(app.address).await.unwrap();
    control.send("POST", "/hold", "").await.unwrap();
    let service = Process::linecook(project.folder.path(), project.address).await;
    let at_first = service.used();
    post(service.address, &hook, events).await;
    let used = service.used_when_quiet().await;
    println!(
        "{events} queued events: resident {:.1} MB, at most {:.1} MB ({:.1} MB when it was ready)",
        mb(used.memory_now_kb),
        mb(used.memory_most_kb),
        mb(at_first.memory_now_kb),
    );
}

/// What one event takes with many that wait, beside a few.
pub async fn per_event(many: usize, few: usize, rounds: usize) {
    let app = Process::part(&["app"]).await;
    let long = Project::new(app.address, THREE_CALLS);
    let started = Instant::now();
    fill(&long, many + rounds * (WARM + MEASURED)).await;
    println!("{many} events were put into a store within {:.0?}", started.elapsed());
    let mut with_many = Vec::new();
    let mut with_few = Vec::new();
    for round in 1..=rounds {
        let short = Project::new(app.address, THREE_CALLS);
        fill(&short, few + WARM + MEASURED).await;
        with_many.push(first_events(&long, &app).await);
        with_few.push(first_events(&short, &app).await);
        let ((wall, cpu), (wall_few, cpu_few)) = (with_many[round - 1], with_few[round - 1]);
        println!(
            "round {round}: with {many} queued {:.3} ms an event, {:.3} ms CPU; with {few} {:.3} ms, {:.3} ms CPU",
            ms(wall),
            ms(cpu),
            ms(wall_few),
            ms(cpu_few),
        );
    }
    let medians = |figures: &[(Duration, Duration)]| {
        (median(figures.iter().map(|f| ms(f.0))), median(figures.iter().map(|f| ms(f.1))))
    };
    let ((wall, cpu), (wall_few, cpu_few)) = (medians(&with_many), medians(&with_few));
    println!(
        "medians: with {many} queued {wall:.3} ms an event, with {few} {wall_few:.3} ms: ratio {:.2}; CPU {cpu:.3} and {cpu_few:.3} ms: ratio {:.2}",
        wall / wall_few,
        cpu / cpu_few,
    );
}

/// Wall and CPU time of one event among those that are done first after a start.
async fn first_events(project: &Project, app: &Process) -> (Duration, Duration) {
    let mut control = Client::connect(app.address).await.unwrap();
    let before = requests(&mut control).await;
    let service = Process::linecook(project.folder.path(), project.address).await;
    let reach = async |control: &mut Client, events: usize| {
        while requests(control).await < before + events * CALLS {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (Instant::now(), service.used().cpu)
    };
    let (from, cpu_from) = reach(&mut control, WARM).await;
    let (to, cpu_to) = reach(&mut control, WARM + MEASURED).await;
    (to.duration_since(from) / MEASURED as u32, (cpu_to - cpu_from) / MEASURED as u32)
}

/// From the start of the process until it is ready, with runs that wait for their turn or stand in the middle.
pub async fn start(open: usize, rounds: usize) {
    let app = Process::part(&["app"]).await;
    let mut control = Client::connect(app.address).await.unwrap();
    control.send("POST", "/hold", "").await.unwrap();
    let project = Project::new(app.address, THREE_CALLS);
    let runs = fill(&project, open).await;
    begin(&project, &runs).await;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let service = Process::linecook(project.folder.path(), project.address).await;
        times.push(ms(service.started.elapsed()));
    }
    let each: Vec<String> = times.iter().map(|t| format!("{t:.0}")).collect();
    println!(
        "start to ready with {open} open runs, half of them begun: median {:.0} ms (each: {} ms)",
        median(times.iter().copied()),
        each.join(", "),
    );
}

pub async fn requests(control: &mut Client) -> usize {
    let (_, count) = control.send("GET", "/requests", "").await.expect("the app counts");
    count.parse().expect("a number")
}

/// Puts events straight into the store, as if they had arrived; gives their runs.
async fn fill(project: &Project, events: usize) -> Vec<RunId> {
    // The first start keeps the plan.
    drop(Process::linecook(project.folder.path(), project.address).await);
    let store = project.store();
    assert!(store.plan(PLAN).await.unwrap().is_some(), "the recipe is installed");
    let mut runs = Vec::with_capacity(events);
    let numbers: Vec<usize> = (0..events).collect();
    for numbers in numbers.chunks(BATCH) {
        let arrivals = numbers.iter().copied().map(arrival).collect();
        for accepted in store.accept_all(arrivals).await.unwrap() {
            let Accepted::New { runs: new, .. } = accepted else { panic!("each is new") };
            runs.extend(new);
        }
    }
    runs
}

fn arrival(number: usize) -> Arrival {
    let payload = customer(number);
    let id = format!("d45ee88c-8b27-4be8-8d81-{number:012}");
    let record = Some(format!("stax.customer {id}"));
    Arrival {
        received_at: Timestamp::now(),
        connection: "stax".to_owned(),
        app: "stax".to_owned(),
        event: "customer_created".to_owned(),
        record: record.clone(),
        fingerprint: Some(Fingerprint::of(&[payload.as_bytes()])),
        payload,
        starts: vec![Start {
            plan: PLAN,
            event: "stax.customer_created".to_owned(),
            lane: Fingerprint::of(&[b"stax", id.as_bytes()]).number(),
            record,
            priority: 0,
        }],
    }
}

/// Every second run has begun: half of these were interrupted before the answer of a call, the others after
/// it.
async fn begin(project: &Project, runs: &[RunId]) {
    let store = Arc::new(project.store());
    let mut writes = JoinSet::new();
    for (at, run) in runs.iter().copied().enumerate().filter(|(at, _)| at % 2 == 0) {
        while writes.len() >= BATCH {
            writes.join_next().await;
        }
        let store = store.clone();
        writes.spawn(async move { begin_one(&store, run, at % 4 == 0).await });
    }
    writes.join_all().await;
}

async fn begin_one(store: &Store, run: RunId, is_answered: bool) {
    let now = Entry::Decided {
        key: CallKey::new("trigger", &[], "now"),
        decision: Decision::Time(Timestamp::now()),
    };
    let key = CallKey::new("contact", &[], "call");
    let request = Request {
        app: "highlevel".to_owned(),
        operation: "highlevel.upsert-contact".to_owned(),
        call: "POST /contacts/upsert".to_owned(),
        method: "POST".to_owned(),
        base_url: "http://127.0.0.1".to_owned(),
        path: vec!["contacts".to_owned(), "upsert".to_owned()],
        query: Vec::new(),
        headers: Vec::new(),
        body: serde_json::from_str(&customer(0)).ok(),
    };
    let planned = PlannedRequest { request, origins: Vec::new(), left_out: Vec::new() };
    let call = PlannedCall {
        planned,
        effect: Effect::Update,
        settle: InDoubt::Idempotent,
        attempt: 1,
        looks_for: None,
    };
    let mut written = Written::default();
    written.entry(&now);
    written.intent(&key, &call);
    store.append(run, 0, &written, Vec::new(), Default::default(), None).await.unwrap();
    if is_answered {
        let body = serde_json::json!({ "new": true, "contact": { "id": "contact-1" } });
        let answer = Ok(linecook::call::Response { status: 200, body, ..Default::default() });
        let mut written = Written::default();
        written.answered(&key, 1, &answer);
        store.append(run, 1, &written, Vec::new(), Default::default(), None).await.unwrap();
    }
}

fn mb(kb: u64) -> f64 {
    kb as f64 / 1024.0
}
