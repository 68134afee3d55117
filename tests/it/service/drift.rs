//! Webhooks that never came: one sync compares both sides and repairs what differs, and nothing else.

use std::time::Duration;

use fastrand::Rng;
use linecook::server::{SyncState, act, progress};
use linecook::store::{LinkFilter, RequestBody, Runs};
use serde_json::{Value, json};

use super::{Kitchen, Menu};

const KEEPS: &str = "
name: The contact is as the customer is
trigger:
  on: stax.customer_updated
  when: event.email
steps:
  - id: contact
    call: POST /contacts/upsert
    patch: true
    with:
      email: '{{ event.email }}'
      phone: '{{ event.phone }}'
      firstName: '{{ event.firstname }}'
      city: '{{ event.address_city }}'
      tags: { add: [customer] }
";

const CUSTOMERS: usize = 300;

fn customer(number: usize, city: &str) -> Value {
    json!({
        "id": format!("customer-{number:04}"),
        "email": format!("C{number}@Example.com"),
        "phone": format!("407555{number:04}"),
        "firstname": format!("Number {number}"),
        "address_city": city,
    })
}

async fn sync(kitchen: &Kitchen) -> (u64, u64) {
    let service = &kitchen.running.service;
    let body = RequestBody::Sync { installation: "keeps".to_owned() };
    let done = act(service.store(), &service.installed(), &body).await.unwrap();
    service.follow(done);
    loop {
        let now = progress(kitchen.store(), "keeps").await.unwrap().unwrap();
        if now.state == SyncState::Done {
            kitchen.quiet().await;
            return (now.taken, now.agree);
        }
        assert_eq!(now.state, SyncState::Running, "{now:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every customer, with the city of its contact and whether that has the tag.
fn agree(kitchen: &Kitchen) -> usize {
    let world = kitchen.sandbox.world();
    let contacts = world.records("highlevel.contact");
    let is_right = |customer: &Value| {
        let email = customer["email"].as_str().unwrap().to_lowercase();
        contacts.iter().any(|contact| {
            contact["email"].as_str().unwrap_or_default().to_lowercase() == email
                && contact["city"] == customer["address_city"]
                && contact["tags"].as_array().unwrap().contains(&"customer".into())
        })
    };
    let customers = world.records("stax.customer");
    customers.iter().filter(|customer| is_right(&Value::Object((**customer).clone()))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_webhooks_left_out_is_found_and_repaired_and_nothing_else() {
    let seed = fastrand::u64(..);
    let mut random = Rng::with_seed(seed);
    let kitchen = Kitchen::open(Menu::of(&[("keeps", KEEPS)])).await;
    let hook = kitchen.hook("stax", "customer_updated");
    let mut lost = 0;
    for city in ["Orlando", "Tampa"] {
        lost = 0;
        for number in 0..CUSTOMERS {
            let customer = customer(number, city);
            let record = customer.as_object().unwrap().clone();
            kitchen.sandbox.world().add_records("stax.customer", &[record]);
            if random.u32(0..10) < 3 {
                lost += 1;
                continue;
            }
            assert_eq!(kitchen.post(&hook, &customer).await.0, 202);
        }
        kitchen.quiet().await;
    }
    let before = agree(&kitchen);
    assert_eq!(before, CUSTOMERS - lost, "seed {seed}");

    let calls = kitchen.sandbox.world().ledger().len();
    assert_eq!(sync(&kitchen).await, (CUSTOMERS as u64, before as u64), "seed {seed}");
    assert_eq!(agree(&kitchen), CUSTOMERS, "seed {seed}");
    let ledger: Vec<(String, bool)> = {
        let world = kitchen.sandbox.world();
        world.ledger()[calls..].iter().map(|e| (e.call.clone(), e.changes)).collect()
    };
    let count = |call: &str| ledger.iter().filter(|(c, _)| c == call).count();
    println!(
        "seed {seed}: {lost} of {CUSTOMERS} webhooks lost; sync read {} pages there and {} here, made {} writes, and looked {} times before them",
        count("GET /customer"),
        count("POST /contacts/search"),
        ledger.iter().filter(|(_, changes)| *changes).count(),
        count("GET /contacts/search/duplicate"),
    );
    assert_eq!(count("GET /customer"), CUSTOMERS.div_ceil(50));
    assert_eq!(count("POST /contacts/search"), 1);
    assert_eq!(count("POST /contacts/upsert"), lost);
    assert!(count("GET /contacts/search/duplicate") <= 2 * lost);

    // Once more it has nothing to do.
    let calls = kitchen.sandbox.world().ledger().len();
    assert_eq!(sync(&kitchen).await, (CUSTOMERS as u64, CUSTOMERS as u64));
    {
        let world = kitchen.sandbox.world();
        assert!(world.ledger()[calls..].iter().all(|entry| !entry.changes), "seed {seed}");
        assert_eq!(world.ledger().len() - calls, CUSTOMERS.div_ceil(50) + 1);
    }
    let failed = kitchen.store().counts().await.unwrap();
    assert!(failed.iter().all(|(state, _)| state.word() == "done"), "{failed:?}");
}

const LINKS: &str = "
name: Every customer is linked with its contact
trigger:
  on: stax.customer_updated
  changed: email
steps:
  - id: contact
    when: not linked('highlevel.contact')
    call: POST /contacts/upsert
    patch: true
    with: { email: '{{ event.email }}' }
    link: { stax.customer: '{{ event.id }}', highlevel.contact: '{{ steps.contact.contact_id }}' }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_missing_is_made_and_one_that_is_there_is_left_alone() {
    let kitchen = Kitchen::open(Menu::of(&[("keeps", LINKS)])).await;
    {
        let mut world = kitchen.sandbox.world();
        for number in 0..3 {
            let customer = customer(number, "Orlando").as_object().unwrap().clone();
            let contact = json!({ "id": format!("k{number}"), "email": customer["email"] });
            world.add_records("stax.customer", &[customer]);
            world.add_records("highlevel.contact", &[contact.as_object().unwrap().clone()]);
        }
    }
    let links = async || {
        let filter = LinkFilter { limit: 9, ..LinkFilter::default() };
        let links = kitchen.store().links(filter).await.unwrap();
        links.iter().map(|stored| stored.link.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(sync(&kitchen).await, (3, 0));
    let made = links().await;
    assert_eq!(made.len(), 3, "{made:?}");
    assert!(made.contains(&"stax.customer customer-0001 with highlevel.contact k1".to_owned()));
    assert_eq!(sync(&kitchen).await, (3, 3));
    assert_eq!(links().await, made);
}
