//! Links and what was seen before, over runs, deaths and restarts.

use linecook::journal::{Decision, Entry, Link, LinkChange};
use linecook::server::act;
use linecook::store::{LinkAccounts, LinkFilter, RequestBody, RunId, RunState, Runs};
use linecook::value::RecordKey;
use serde_json::{Value, json};

use super::{Kitchen, Menu};

const LINKS: &str = "
name: Link the contact
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
    link: { stax.customer: '{{ event.id }}', highlevel.contact: '{{ steps.contact.contact_id }}' }
  - wait: 1s
";
const FINDS: &str = "
name: A note at the contact of a payment
trigger:
  on: stax.payment_failed
steps:
  - id: who
    set: { contact_id: \"{{ linked('highlevel.contact') }}\" }
  - when: not steps.who.contact_id
    stop: Nobody is linked
  - call: POST /contacts/:contactId/notes
    with: { contactId: '{{ steps.who.contact_id }}', body: 'Payment {{ event.id }} failed' }
";
const CHANGED: &str = "
name: A note for a new address
trigger:
  on: stax.customer_updated
  changed: [email, phone]
  when: event.company
steps:
  - call: POST /contacts/:contactId/notes
    with: { contactId: ada, body: \"{{ event.email }} was {{ previous.email or 'unknown' }}\" }
";

fn menu<'a>() -> Menu<'a> {
    Menu::of(&[("links", LINKS), ("finds", FINDS), ("changed", CHANGED)])
}

fn ada(kitchen: &Kitchen) {
    let ada = json!({ "id": "ada", "email": "ada@example.com" });
    let ada = ada.as_object().unwrap().clone();
    kitchen.sandbox.world().add_records("highlevel.contact", &[ada]);
}

async fn post(kitchen: &Kitchen, event: &str, payload: Value) {
    let (status, _) = kitchen.post(&kitchen.hook("stax", event), &payload).await;
    assert_eq!(status, 202);
}

async fn all_links(kitchen: &Kitchen) -> Vec<String> {
    let filter = LinkFilter { limit: 100, ..LinkFilter::default() };
    let links = kitchen.store().links(filter).await.unwrap();
    links.iter().map(|stored| format!("{} {:?}", stored.link, stored.connections)).collect()
}

fn notes(kitchen: &Kitchen) -> Vec<String> {
    let world = kitchen.sandbox.world();
    let text = |note: &serde_json::Map<String, Value>| {
        let body = note["body"].as_str().unwrap_or_default();
        body.lines().next().unwrap_or_default().to_owned()
    };
    world.records("highlevel.note").into_iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_outlives_its_run_and_the_service() {
    let kitchen = Kitchen::open(menu()).await;
    ada(&kitchen);
    post(&kitchen, "create_customer", json!({ "id": "c1", "email": "ada@example.com" })).await;
    kitchen.quiet().await;
    let linked = r#"stax.customer c1 with highlevel.contact ada ["main", "stax"]"#;
    assert_eq!(all_links(&kitchen).await, [linked]);
    let kitchen = kitchen.reopen(menu()).await;
    let payment = json!({ "id": "t1", "success": false, "customer_id": "c1" });
    post(&kitchen, "create_transaction", payment).await;
    kitchen.quiet().await;
    assert_eq!(notes(&kitchen), ["Payment t1 failed"]);
    let other = json!({ "id": "t2", "success": false, "customer_id": "c2" });
    post(&kitchen, "create_transaction", other).await;
    kitchen.stands(RunId(3), RunState::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_does_not_link_again_what_a_person_has_linked_meanwhile() {
    let recipe = LINKS.replace("wait: 1s", "wait: 1h");
    let menu = || Menu::of(&[]);
    let recipes = [("links", recipe.as_str())];
    let kitchen = Kitchen::open(Menu { recipes: &recipes, ..menu() }).await;
    ada(&kitchen);
    post(&kitchen, "create_customer", json!({ "id": "c1", "email": "ada@example.com" })).await;
    kitchen.stands(RunId(1), RunState::Waiting).await;
    assert_eq!(all_links(&kitchen).await.len(), 1, "what is linked is so while the run waits");
    let by_hand = Link::new(
        RecordKey::new("stax.customer", "c1"),
        RecordKey::new("highlevel.contact", "eve"),
        "",
    );
    let request = RequestBody::Links {
        changes: vec![LinkChange::Link(by_hand)],
        accounts: LinkAccounts::default(),
    };
    let service = &kitchen.running.service;
    let done = act(service.store(), &service.installed(), &request).await.unwrap();
    assert!(done.note.contains("in place of another link"), "{}", done.note);
    // It is replayed from its start, twice.
    let kitchen = kitchen.reopen(Menu { recipes: &recipes, ..menu() }).await;
    let service = &kitchen.running.service;
    for request in [
        RequestBody::Cancel { run: RunId(1) },
        RequestBody::Retry { run: RunId(1), current_recipe: false },
    ] {
        let done = act(service.store(), &service.installed(), &request).await.unwrap();
        service.follow(done);
    }
    kitchen.stands(RunId(1), RunState::Waiting).await;
    let links = all_links(&kitchen).await;
    assert!(links.len() == 1 && links[0].contains("highlevel.contact eve"), "{links:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_contact_that_is_gone_is_unlinked_and_said() {
    let kitchen = Kitchen::open(menu()).await;
    let link = Link::new(
        RecordKey::new("stax.customer", "c1"),
        RecordKey::new("highlevel.contact", "gone"),
        "",
    );
    let accounts = LinkAccounts::default();
    kitchen.store().change_links(vec![LinkChange::Link(link)], &accounts).await.unwrap();
    let payment = json!({ "id": "t1", "success": false, "customer_id": "c1" });
    post(&kitchen, "create_transaction", payment).await;
    kitchen.stands(RunId(1), RunState::Failed).await;
    assert_eq!(all_links(&kitchen).await, Vec::<String>::new());
    let row = kitchen.store().run(RunId(1)).await.unwrap().unwrap();
    let why = serde_json::to_string(&row.outcome).unwrap();
    assert!(why.contains("the link with stax.customer c1 was removed"), "{why}");
    let rows = kitchen.store().journal(RunId(1)).await.unwrap();
    let mut entries = rows.iter().flat_map(|row| &row.entries);
    let is_gone = |entry: &Entry| matches!(entry, Entry::Decided { decision: Decision::Gone { links, .. }, .. } if links.len() == 1);
    assert!(entries.any(is_gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_runs_on_first_sight_and_then_when_something_has_changed() {
    let kitchen = Kitchen::open(menu()).await;
    ada(&kitchen);
    let customer = |email: &str, company: Value, note: u32| json!({ "id": "c1", "email": email, "phone": "4075550100", "company": company, "notes": note.to_string() });
    let events = [
        (customer("a@example.com", json!("Ada"), 1), RunState::Done),
        (customer("A@Example.com", json!("Ada"), 2), RunState::Stopped),
        (customer("b@example.com", json!("Ada"), 3), RunState::Done),
        // Changed, but the condition does not hold: not forgotten.
        (customer("c@example.com", Value::Null, 4), RunState::Stopped),
        (customer("c@example.com", json!("Ada"), 5), RunState::Done),
        (customer("c@example.com", json!("Ada"), 6), RunState::Stopped),
    ];
    let mut kitchen = kitchen;
    for (number, (payload, state)) in events.into_iter().enumerate() {
        if number == 2 {
            kitchen = kitchen.reopen(menu()).await;
        }
        post(&kitchen, "update_customer", payload).await;
        kitchen.stands(RunId(number as i64 + 1), state).await;
    }
    assert_eq!(
        notes(&kitchen),
        [
            "a@example.com was unknown",
            "b@example.com was a@example.com",
            "c@example.com was c@example.com",
        ]
    );
    let row = kitchen.store().run(RunId(2)).await.unwrap().unwrap();
    let why = serde_json::to_string(&row.outcome).unwrap();
    assert!(why.contains("nothing has changed since stax.customer c1"), "{why}");
    let other = json!({ "id": "c2", "email": "c@example.com", "company": "Eve" });
    post(&kitchen, "update_customer", other).await;
    kitchen.stands(RunId(7), RunState::Done).await;
}
