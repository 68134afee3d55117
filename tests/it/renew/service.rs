//! A connection that is lost while a service runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use linecook::connection::Secret;
use linecook::http::{Pace, VaultCredentials};
use linecook::sandbox::World;
use linecook::server::act;
use linecook::store::{Deliveries, DeliveryFilter, RequestBody, RunId, RunState, Runs};
use linecook::vault::Grant;
use serde_json::{Value, json};

use super::harness::child;
use super::harness::server::Server;
use crate::service::{Kitchen, Menu};

const RECIPE: &str = "
name: A contact for every customer
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
";

async fn told(kitchen: &Kitchen) -> Vec<Value> {
    let filter =
        DeliveryFilter { app: Some("linecook".to_owned()), limit: 1_000, ..Default::default() };
    let told = kitchen.store().deliveries(filter).await.unwrap();
    let expired = told.into_iter().filter(|d| d.event == "connection_expired");
    expired.map(|d| serde_json::from_str(&d.payload.unwrap()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_told_once_and_goes_on_when_it_is_connected_again() {
    let server = Server::start(Duration::from_secs(86_400)).await;
    let folder = tempfile::tempdir().unwrap();
    let vault = child::vault(&folder.path().join("linecook.vault"));
    let good = Grant::Token(Secret::new(World::token("highlevel")));
    // Its refresh token was used before, and the answer never stored.
    vault
        .change(|contents| {
            server.connect_into(contents);
            let main = contents.connections.get_mut("main").unwrap();
            let Grant::OAuth(grant) = &mut main.grant else { unreachable!() };
            grant.refresh = Secret::new("test-refresh-used");
            grant.expires_at = Timestamp::now() - SignedDuration::from_secs(1);
            let mut stax = main.clone();
            stax.grant = Grant::Token(Secret::new(World::token("stax")));
            contents.connections.insert("stax".into(), stax);
        })
        .unwrap();
    let pace = Pace { look_every: Duration::from_millis(10), ..Pace::default() };
    let credentials = || {
        let credentials = VaultCredentials::at_pace(vault.clone(), pace);
        credentials.know(BTreeMap::from([("main".to_owned(), server.connection("test"))]));
        Some(Arc::new(credentials) as _)
    };
    let menu = || Menu { credentials: credentials(), ..Menu::of(&[("contact", RECIPE)]) };
    let kitchen = Kitchen::open(menu()).await;
    let hook = kitchen.hook("stax", "customer_created");
    for n in 1..=3 {
        let event = json!({ "id": format!("c{n}"), "email": format!("c{n}@example.com") });
        assert_eq!(kitchen.post(&hook, &event).await.0, 202);
        kitchen.stands(RunId(n), RunState::Failed).await;
    }
    let row = kitchen.store().run(RunId(3)).await.unwrap().unwrap();
    let outcome = serde_json::to_string(&row.outcome).unwrap();
    assert!(outcome.contains("HighLevel: not sent: the connection `main` is lost"), "{outcome}");
    assert!(outcome.contains("`linecook connect highlevel --name main`"), "{outcome}");
    // Three failed runs, and the connection.
    kitchen.has_told(4).await;
    let expired = told(&kitchen).await;
    assert_eq!(expired.len(), 1, "{expired:?}");
    assert_eq!(expired[0]["connection"], "main");
    assert_eq!(expired[0]["why"], "HighLevel answers 400: Invalid grant: refresh token is invalid");
    assert_eq!(server.counts().invalid_grants, 1);

    // A restart tells nothing twice, and asks nobody.
    let kitchen = kitchen.reopen(menu()).await;
    let hook = kitchen.hook("stax", "customer_created");
    let event = json!({ "id": "c4", "email": "c4@example.com" });
    assert_eq!(kitchen.post(&hook, &event).await.0, 202);
    kitchen.stands(RunId(4), RunState::Failed).await;
    kitchen.has_told(5).await;
    assert_eq!(told(&kitchen).await.len(), 1);
    assert_eq!(server.counts().invalid_grants, 1);

    vault
        .change(|contents| {
            let main = contents.connections.get_mut("main").unwrap();
            (main.grant, main.facts.lost) = (good, None);
        })
        .unwrap();
    let service = &kitchen.running.service;
    let request = RequestBody::Retry { run: RunId(1), current_recipe: false };
    let done = act(service.store(), &service.installed(), &request).await.unwrap();
    service.follow(done);
    kitchen.stands(RunId(1), RunState::Done).await;
}
