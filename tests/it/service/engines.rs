//! One store, two engines: the second is refused, takes over when the first is gone, and where the first
//! does not know that it is gone, nothing it still writes counts.

use std::time::{Duration, Instant};

use linecook::store::{Deliveries, DeliveryFilter, Options, Store, StoreErrorKind};
use serde_json::json;

use super::soak::soak::{apps::Apps, project::Project};
use super::{Kitchen, Menu, stop, try_start};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_is_refused_until_the_first_is_gone() {
    super::client();
    let apps = Apps::start(fastrand::Rng::new()).await;
    let project = Project::write(&apps);
    let mut first = project.serve();
    let path = project.folder().join("linecook.db");
    let deadline = Instant::now() + Duration::from_secs(30);
    while reqwest::get(format!("{}/readyz", project.address())).await.is_err() {
        assert!(Instant::now() < deadline, "{}", project.end_of_log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = Store::open(&path, Options::default()).err().expect("it is taken");
    assert_eq!(refused.kind, StoreErrorKind::Taken);
    assert!(refused.message.contains("another linecook is already running the store"));
    assert!(refused.help.contains("stop that one first"));
    assert_eq!(first.kill(), None);
    let started = Instant::now();
    drop(Store::open(&path, Options::default()).expect("it is free"));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_was_taken_over_writes_nothing_and_calls_nobody() {
    let menu = || Menu { request_timeout: Duration::from_secs(2), ..Menu::of(&[("note", RECIPE)]) };
    let kitchen = Kitchen::open(menu()).await;
    let folder = kitchen.folder.path();
    // Somebody has cleaned up too much.
    std::fs::remove_file(folder.join("linecook.db.lock")).unwrap();
    let second = try_start(&kitchen.sandbox, folder, &menu()).await.unwrap();
    let customer =
        |n: usize| json!({ "id": format!("c{n}"), "email": format!("c{n}@example.com") });
    let hook = kitchen.hook("stax", "customer_created");
    let other = hook.replace(&kitchen.running.address.to_string(), &second.address.to_string());
    for n in 0..20 {
        let (status, answer) = kitchen.post(&hook, &customer(n)).await;
        assert_eq!(
            (status, answer["error"].as_str()),
            (503, Some("it could not be stored; send it again"))
        );
        assert_eq!(kitchen.post(&other, &customer(n)).await.0, 202);
    }
    let refused = kitchen.store().set_position("x", "y").await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Fenced);
    assert_eq!(refused.message, "another linecook has taken over the store");
    kitchen.quiet().await;
    let deliveries = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    assert_eq!(second.service.store().deliveries(deliveries).await.unwrap().len(), 20);
    let notes = kitchen.changes().iter().filter(|call| call.ends_with("/notes")).count();
    let contacts = kitchen.changes().iter().filter(|call| call.ends_with("/upsert")).count();
    assert_eq!((contacts, notes), (20, 20));
    stop(second, Duration::from_secs(5)).await;
    kitchen.running.stop(Duration::from_millis(100)).await;
}
