//! A disk that fails: nothing that was acknowledged is missing afterwards, and nothing is done twice. The
//! README names the long form, which lets every single change fail in every way.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use linecook::sandbox::Sandbox;
use linecook::server::Running;
use linecook::store::{Deliveries, DeliveryFilter, RunFilter, RunState, Runs, Store};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::disk::{Disk, Fault, Plan};
use super::{Kitchen, Menu, client, sandbox, stop, try_start};

const RECIPE: &str = "
name: A note for every customer
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
  - call: POST /contacts/:contactId/notes
    with: { contactId: '{{ steps.contact.contact_id }}', body: 'This is {{ event.id }}' }
";
const EVENTS: usize = 20;
/// How many of them are on their way at once.
const CLIENTS: usize = 4;

fn menu(disk: Option<&'static Disk>) -> Menu<'static> {
    let request_timeout = Duration::from_secs(2);
    Menu { disk, request_timeout, ..Menu::of(&[("note", RECIPE)]) }
}

fn customer(number: usize) -> Value {
    json!({ "id": format!("customer-{number}."), "email": format!("c{number}@example.com") })
}

/// Posts events a few at a time; gives those that were acknowledged. Whoever is refused is told why.
async fn post(kitchen: &Kitchen, events: impl Iterator<Item = usize>) -> Vec<usize> {
    let hook = kitchen.hook("stax", "customer_created");
    let mut acknowledged = Vec::new();
    let mut open = JoinSet::new();
    let mut take = |answer: (usize, u16, Value)| match answer {
        (number, 200 | 202, _) => acknowledged.push(number),
        (_, 503, answer) => assert_eq!(answer["error"], "it could not be stored; send it again"),
        other => panic!("{other:?}"),
    };
    for number in events {
        if open.len() == CLIENTS {
            take(open.join_next().await.unwrap().unwrap());
        }
        let request = kitchen.client.post(&hook).json(&customer(number));
        open.spawn(async move {
            let answer = request.send().await.unwrap();
            (number, answer.status().as_u16(), answer.json().await.unwrap_or_default())
        });
    }
    while let Some(answer) = open.join_next().await {
        take(answer.unwrap());
    }
    acknowledged
}

/// How many runs each event has, all of which are done.
async fn runs(store: &Store) -> HashMap<usize, usize> {
    let all = store.runs(RunFilter { limit: 1_000, ..RunFilter::default() }).await.unwrap();
    let deliveries = DeliveryFilter { limit: 1_000, ..DeliveryFilter::default() };
    let deliveries = store.deliveries(deliveries).await.unwrap();
    let mut runs = HashMap::new();
    for delivery in deliveries {
        let payload: Value = serde_json::from_str(&delivery.payload.unwrap()).unwrap();
        let number = (0..EVENTS).find(|n| payload == customer(*n)).unwrap();
        let of_this = all.iter().filter(|run| run.delivery == delivery.id);
        let states: Vec<RunState> = of_this.map(|run| run.state).collect();
        assert!(states.iter().all(|s| *s == RunState::Done), "{number}: {states:?}");
        *runs.entry(number).or_default() += states.len();
    }
    runs
}

/// Starts the service on a disk that may refuse: then it says so and what to do, and starts when the disk
/// is mended.
async fn start(sandbox: &Sandbox, folder: &Path, disk: &'static Disk) -> Running {
    let menu = menu(Some(disk));
    for _ in 0..3 {
        match try_start(sandbox, folder, &menu).await {
            Ok(running) => return running,
            Err(said) => {
                assert!(disk.failures() > 0, "{said}");
                let clear = said.starts_with("the store cannot be used: ")
                    && (said.contains("disk") || said.contains("room"));
                assert!(clear, "{said}");
                disk.mend();
            }
        }
    }
    panic!("it does not start on a disk that is well");
}

/// One service on one failing disk. Gives whether the disk has failed at all.
async fn survives(plan: Plan, restarts: bool) -> bool {
    let disk = Disk::new();
    let folder = tempfile::tempdir().unwrap();
    disk.fail(plan);
    let sandbox = sandbox().await;
    let running = start(&sandbox, folder.path(), disk).await;
    let mut kitchen = Kitchen { sandbox, folder, running, client: client() };
    let acknowledged = post(&kitchen, 0..EVENTS).await;
    if plan.fault == Fault::PowerCut || restarts {
        let Kitchen { sandbox, folder, running, client } = kitchen;
        stop(running, Duration::from_millis(500)).await;
        disk.mend();
        let running = start(&sandbox, folder.path(), disk).await;
        kitchen = Kitchen { sandbox, folder, running, client };
    }
    disk.mend();
    kitchen.quiet().await;
    let there = runs(kitchen.store()).await;
    for number in &acknowledged {
        let runs = there.get(number);
        assert_eq!(runs, Some(&1), "{plan:?}: event {number} was acknowledged: {there:?}");
    }
    // Whoever was not answered sends again; whoever was may too.
    assert_eq!(post(&kitchen, 0..EVENTS).await.len(), EVENTS);
    kitchen.quiet().await;
    let there = runs(kitchen.store()).await;
    assert!(there.len() == EVENTS && there.values().all(|runs| *runs == 1), "{there:?}");
    for number in 0..EVENTS {
        let about = format!("This is customer-{number}.");
        let world = kitchen.sandbox.world();
        let notes = world.records("highlevel.note").into_iter();
        let notes = notes.filter(|n| n["body"].as_str().unwrap().starts_with(&about));
        assert_eq!(notes.count(), 1, "notes of event {number}");
    }
    let Kitchen { folder, running, .. } = kitchen;
    stop(running, Duration::from_secs(5)).await;
    let connection = Connection::open(folder.path().join("linecook.db")).unwrap();
    let whole = "PRAGMA integrity_check";
    let whole: String = connection.query_row(whole, [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    disk.failures() > 0
}

/// How many changes of the disk a run without failures makes, about.
async fn changes() -> usize {
    let disk = Disk::new();
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let running = start(&sandbox, folder.path(), disk).await;
    let kitchen = Kitchen { sandbox, folder, running, client: client() };
    assert_eq!(post(&kitchen, 0..EVENTS).await.len(), EVENTS);
    kitchen.quiet().await;
    disk.changes()
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_change_fails_nothing_acknowledged_is_lost() {
    let whole = std::env::var("LINECOOK_DISK").is_ok();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let changes = changes().await;
    let faults = [Fault::Broken, Fault::Full, Fault::PowerCut];
    let mut plans = Vec::new();
    for at in 1..=changes {
        for fault in faults {
            for times in [1, usize::MAX] {
                if fault != Fault::PowerCut || times > 1 {
                    plans.push((Plan { fault, at, times }, random.bool()));
                }
            }
        }
    }
    random.shuffle(&mut plans);
    if !whole {
        plans.truncate(12);
    }
    println!("{} of the plans for {changes} changes of the disk, seed {seed}", plans.len());
    let mut failed = 0;
    let mut open = JoinSet::new();
    let count = plans.len();
    for (plan, restarts) in plans {
        if open.len() == 8 {
            failed += usize::from(open.join_next().await.unwrap().unwrap());
        }
        open.spawn(async move {
            println!("{plan:?}, restarts: {restarts}");
            survives(plan, restarts).await
        });
    }
    while let Some(one) = open.join_next().await {
        failed += usize::from(one.unwrap());
    }
    println!("{failed} of {count} met their failure");
    assert!(failed > count / 2);
}
