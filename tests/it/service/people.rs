//! What people do with runs while they run.

use std::time::Duration;

use linecook::recipe::{Failure, Fault};
use linecook::server::act;
use linecook::store::{RequestBody, RunId, RunState, Runs};
use serde_json::json;

use super::{Kitchen, Menu};

const RECIPE: &str = "
name: A note
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/:contactId/notes
    with: { contactId: ada, body: 'This is {{ event.id }}' }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_in_the_middle_of_a_call_and_retried_at_once_ends_once() {
    let menu =
        Menu { request_timeout: Duration::from_millis(300), ..Menu::of(&[("note", RECIPE)]) };
    let kitchen = Kitchen::open(menu).await;
    {
        let mut world = kitchen.sandbox.world();
        let ada = json!({ "id": "ada", "email": "ada@example.com" });
        world.add_records("highlevel.contact", &[ada.as_object().unwrap().clone()]);
        world.add_failure(&Failure {
            call: "highlevel.create-note".to_owned(),
            fault: Some(Fault::Timeout),
            times: Some(1),
            ..Failure::default()
        });
    }
    let hook = kitchen.hook("stax", "customer_created");
    assert_eq!(kitchen.post(&hook, &json!({ "id": "c1" })).await.0, 202);
    while kitchen.sandbox.world().ledger().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let run = RunId(1);
    let service = &kitchen.running.service;
    for request in [RequestBody::Cancel { run }, RequestBody::Retry { run, current_recipe: false }]
    {
        let done = act(service.store(), &service.installed(), &request).await.unwrap();
        service.follow(done);
    }
    kitchen.quiet().await;
    assert_eq!(kitchen.store().run(run).await.unwrap().unwrap().state, RunState::Done);
    assert_eq!(kitchen.sandbox.world().records("highlevel.note").len(), 1);
}
