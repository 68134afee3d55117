//! One event, one run: however often and in whatever order it is delivered.

use serde_json::json;

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

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_of_an_event_after_the_first_starts_nothing() {
    let kitchen = Kitchen::open(menu()).await;
    let hook = kitchen.hook("stax", "customer_created");
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order: Vec<usize> = (0..100).flat_map(|n| vec![n; random.usize(1..=20)]).collect();
    random.shuffle(&mut order);
    for number in order {
        let (status, _) = kitchen.post(&hook, &customer(number)).await;
        assert!(status == 200 || status == 202, "{status}");
    }
    kitchen.quiet().await;
    assert_eq!(kitchen.changes().len(), 200);
}
