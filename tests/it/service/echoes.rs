//! What we have written comes back as a webhook: it starts nothing, and two recipes in opposite directions
//! come to rest.

use linecook::sandbox::World;
use linecook::store::{RunId, RunState, Runs};
use serde_json::{Value, json};

use super::{Kitchen, Menu};

const THERE: &str = "
name: A changed customer changes the contact
trigger:
  on: stax.customer_updated
steps:
  - call: POST /contacts/upsert
    patch: true
    with: { email: '{{ event.email }}', firstName: '{{ event.firstname }}', city: '{{ event.address_city }}' }
";
const BACK: &str = "
name: A changed contact changes the customer
trigger:
  on: highlevel.contact_updated
  when: event.email
steps:
  - id: who
    call: GET /customer
    find: { email: '{{ event.email }}' }
    with: { email: '{{ event.email }}' }
  - when: not steps.who.found
    stop: nobody
  - call: PUT /customer/:id
    with: { id: '{{ steps.who.customer_id }}', firstname: '{{ event.firstName }}', address_city: '{{ event.city }}' }
";

fn record(kitchen: &Kitchen, kind: &str) -> Value {
    Value::Object(kitchen.sandbox.world().records(kind)[0].clone())
}

/// The record as the app would tell of it now.
async fn tells(kitchen: &Kitchen, connection: &str, kind: &str) -> (u16, Value) {
    let event = if connection == "stax" { "customer_updated" } else { "ContactUpdate" };
    let hook = kitchen.hook(connection, event);
    let mut record = record(kitchen, kind);
    record["type"] = "ContactUpdate".into();
    record["locationId"] = World::location_id().into();
    kitchen.post(&hook, &record).await
}

async fn open() -> Kitchen {
    let kitchen = Kitchen::open(Menu::of(&[("there", THERE), ("back", BACK)])).await;
    let customer = json!({ "id": "c1", "email": "ada@example.com", "firstname": "Ada", "address_city": "Orlando" });
    let customer = customer.as_object().unwrap().clone();
    kitchen.sandbox.world().add_records("stax.customer", &[customer]);
    kitchen
}

#[tokio::test(flavor = "multi_thread")]
async fn two_recipes_in_opposite_directions_come_to_rest() {
    let kitchen = open().await;
    // A person changes the customer: the contact is made.
    assert_eq!(tells(&kitchen, "stax", "stax.customer").await.1["runs"], 1);
    kitchen.quiet().await;
    assert_eq!(kitchen.changes(), ["POST /contacts/upsert"]);
    // HighLevel tells of what we have written.
    let (status, answer) = tells(&kitchen, "main", "highlevel.contact").await;
    assert_eq!((status, &answer["runs"]), (202, &json!(0)), "{answer}");
    assert_eq!(answer["note"], "it tells what linecook itself has written");
    // A person changes the contact: that goes to the customer, and its echo ends there.
    let contact = record(&kitchen, "highlevel.contact");
    let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    let mut moved = contact.as_object().unwrap().clone();
    moved.insert("city".into(), "Tampa".into());
    kitchen.sandbox.world().add_records("highlevel.contact", &[moved]);
    assert_eq!(tells(&kitchen, "main", "highlevel.contact").await.1["runs"], 1, "{path}");
    kitchen.quiet().await;
    assert_eq!(record(&kitchen, "stax.customer")["address_city"], "Tampa");
    assert_eq!(tells(&kitchen, "stax", "stax.customer").await.1["runs"], 0);
    assert_eq!(kitchen.changes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_round_in_circles_is_stopped_and_says_so() {
    let kitchen = open().await;
    for round in 0.. {
        assert!(round < 40, "it goes on and on");
        // An app that changes what it is given: each write looks like somebody else's.
        let (connection, kind, field) = match round % 2 {
            0 => ("stax", "stax.customer", "address_city"),
            _ => ("main", "highlevel.contact", "city"),
        };
        let mut changed = record(&kitchen, kind).as_object().unwrap().clone();
        changed.insert(field.into(), format!("City {round}").into());
        kitchen.sandbox.world().add_records(kind, &[changed]);
        tells(&kitchen, connection, kind).await;
        kitchen.quiet().await;
        let run = RunId(round + 1);
        let row = kitchen.store().run(run).await.unwrap().unwrap();
        if row.state == RunState::Failed {
            let why = serde_json::to_string(&row.outcome).unwrap();
            assert!(why.contains("this goes round in circles: 10 of our own writes"), "{why}");
            return;
        }
    }
}
