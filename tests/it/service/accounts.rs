//! An account belongs to its connection: what is of another one, or of a whole company, starts nothing,
//! whichever door it comes through.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use linecook::sandbox::World;
use linecook::store::{Deliveries, DeliveryFilter};
use serde_json::{Value, json};

use super::forgeries::{keys, pair};
use super::{Kitchen, Menu};

const RECIPE: &str = "
name: Nothing
trigger:
  on: highlevel.contact_created
steps:
  - stop: nothing to do
";

/// What is no name of our account.
fn others() -> Vec<Value> {
    let ours = World::location_id();
    let longer =
        [format!("{ours}x"), format!(" {ours}"), ours.to_uppercase(), ours[1..].to_owned()];
    let texts = longer.into_iter().chain(["somebody-else".to_owned(), String::new()]);
    let values = [json!(12), json!(true), json!([ours]), json!({ "id": ours }), json!([])];
    texts.map(Value::from).chain(values).collect()
}

async fn stored(kitchen: &Kitchen) -> usize {
    kitchen
        .store()
        .deliveries(DeliveryFilter { limit: 100, ..Default::default() })
        .await
        .unwrap()
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_is_of_an_account_that_a_connection_names() {
    let key = pair(&mut Rng::with_seed(1));
    let menu = Menu { keys: keys(&[&key]), ..Menu::of(&[("nothing", RECIPE)]) };
    let kitchen = Kitchen::open(menu).await;
    let door = format!("http://{}/hooks/app/highlevel", kitchen.running.address);
    let send = async |payload: Value| {
        let body = payload.to_string();
        let signature = STANDARD.encode(key.sign(body.as_bytes()).as_ref());
        let request = kitchen.client.post(&door).header("x-ghl-signature", signature).body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let not_ours = json!({ "note": "no connection of this project is that account" });
    for account in others().into_iter().chain([Value::Null]) {
        let payload = json!({ "type": "ContactCreate", "id": "c", "locationId": account });
        assert_eq!(send(payload).await, (200, not_ours.clone()), "{account}");
    }
    // Of a whole company: no account is named, or one is where no name of one belongs.
    let ours = World::location_id();
    for payload in [
        json!({ "type": "INSTALL", "appId": "a", "companyId": "company-1" }),
        json!({ "type": "ContactCreate", "id": "c", "companyId": "company-1" }),
        json!({ "type": "LocationCreate", "id": ours, "companyId": "company-1", "name": "n" }),
        json!({ "type": "ContactCreate", "id": "c", "companyId": ours }),
        json!({ "type": "ContactCreate", "id": "c", "contact": { "locationId": ours } }),
    ] {
        assert_eq!(send(payload.clone()).await, (200, not_ours.clone()), "{payload}");
    }
    assert_eq!(stored(&kitchen).await, 0);
    let payload = json!({ "type": "ContactCreate", "id": "c", "locationId": ours });
    assert_eq!(send(payload).await.0, 202);
    assert_eq!(stored(&kitchen).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_at_the_address_of_a_connection_is_not_of_another_account() {
    let kitchen = Kitchen::open(Menu::of(&[("nothing", RECIPE)])).await;
    let hook = kitchen.hook("main", "contact_created");
    for account in others() {
        let (status, answer) =
            kitchen.post(&hook, &json!({ "id": "c", "locationId": account })).await;
        let expected = json!({ "error": "it is an event of another account" });
        assert_eq!((status, answer), (403, expected), "{account}");
    }
    assert_eq!(stored(&kitchen).await, 0);
    // A workflow does not say which account it is of: the address does.
    for payload in [
        json!({ "id": "c1", "locationId": World::location_id() }),
        json!({ "id": "c2", "locationId": null }),
        json!({ "id": "c3" }),
    ] {
        assert_eq!(kitchen.post(&hook, &payload).await.0, 202, "{payload}");
    }
    assert_eq!(stored(&kitchen).await, 3);
}

/// An app that tells of webhooks tells their addresses.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_secret_in_an_event_is_not_kept() {
    let recipe = RECIPE.replace("highlevel.contact_created", "stax.webhook_created");
    let kitchen = Kitchen::open(Menu::of(&[("nothing", &recipe)])).await;
    let hook = kitchen.hook("stax", "create_webhook");
    let payload = json!({ "id": "w1", "event": "create_customer", "url": hook });
    assert_eq!(kitchen.post(&hook, &payload).await.0, 202);
    // It is the same event all the same.
    assert_eq!(kitchen.post(&hook, &payload).await.0, 200);
    let delivery = kitchen.store().deliveries(DeliveryFilter { limit: 1, ..Default::default() });
    let delivery = delivery.await.unwrap().pop().unwrap();
    let kept: Value = serde_json::from_str(&delivery.payload.unwrap()).unwrap();
    let url = format!("http://{}/hooks/stax/[secret]/create_webhook", kitchen.running.address);
    assert_eq!(kept, json!({ "id": "w1", "event": "create_customer", "url": url }));
    assert_eq!(delivery.record.as_deref(), Some("stax.webhook w1"));
}
