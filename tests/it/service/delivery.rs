//! One event, one run: however often and in whatever order it is delivered.

use linecook::store::{RunState, Runs};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Kitchen, Menu};

const RECIPE: &str = "
name: A note for every customer
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
  - call: POST /contacts/:contactId/tags
    with: { contactId: '{{ steps.contact.contact_id }}', tags: [customer] }
";

fn menu<'a>() -> Menu<'a> {
    Menu::of(&[("note", RECIPE)])
}

fn customer(number: usize) -> serde_json::Value {
    json!({ "id": format!("customer-{number}"), "email": format!("c{number}@example.com") })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_answered_and_run() {
    let kitchen = Kitchen::open(menu()).await;
    let hook = kitchen.hook("stax", "customer_created");
    let (status, answer) = kitchen.post(&hook, &customer(1)).await;
    assert_eq!((status, answer["runs"].as_u64()), (202, Some(1)), "{answer}");
    kitchen.quiet().await;
    assert_eq!(kitchen.changes(), ["POST /contacts/upsert", "POST /contacts/:contactId/tags"]);
    let wrong = hook.replace("/hooks/stax/", "/hooks/stax/x");
    assert_eq!(kitchen.post(&wrong, &customer(2)).await.0, 404);
    let (status, _) = kitchen.post(&hook, &json!(["no object"])).await;
    assert_eq!(status, 400);
}

/// How many are on their way at once.
const CLIENTS: usize = 16;

/// The README names the long form: `LINECOOK_DELIVERIES` says how many events there are.
#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_of_an_event_after_the_first_starts_nothing() {
    let asked = std::env::var("LINECOOK_DELIVERIES").ok().and_then(|n| n.parse().ok());
    let events: usize = asked.unwrap_or(100);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order: Vec<usize> = (0..events).flat_map(|n| vec![n; random.usize(1..=20)]).collect();
    random.shuffle(&mut order);
    println!("{events} events in {} deliveries, seed {seed}", order.len());
    let started = std::time::Instant::now();
    let mut kitchen = Kitchen::open(menu()).await;
    let (first, second) = order.split_at(order.len() / 2);
    deliver(&kitchen, first).await;
    // What has arrived is known behind a new start too.
    kitchen = kitchen.reopen(menu()).await;
    deliver(&kitchen, second).await;
    kitchen.quiet().await;
    let changes = kitchen.changes();
    let contacts = changes.iter().filter(|call| call.ends_with("/upsert")).count();
    assert_eq!((changes.len(), contacts), (events * 2, events));
    assert_eq!(kitchen.store().counts().await.unwrap(), [(RunState::Done, events as u64)]);
    println!("one run each, in {:.1} s", started.elapsed().as_secs_f64());
}

async fn deliver(kitchen: &Kitchen, order: &[usize]) {
    let hook = kitchen.hook("stax", "customer_created");
    let mut open = JoinSet::new();
    for number in order {
        if open.len() == CLIENTS {
            open.join_next().await.unwrap().unwrap();
        }
        let request = kitchen.client.post(&hook).json(&customer(*number));
        open.spawn(async move {
            let status = request.send().await.unwrap().status().as_u16();
            assert!(status == 200 || status == 202, "{status}");
        });
    }
    open.join_all().await;
}
