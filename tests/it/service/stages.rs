//! In the sandbox, live, in review, paused: what is sent and what waits.

use linecook::project::Limits;
use linecook::server::{Stage, act};
use linecook::store::{RequestBody, RunFilter, RunId, RunState, Runs};
use serde_json::{Value, json};

use super::{Kitchen, Menu};

const RECIPE: &str = "
name: A contact with a tag less
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}', firstName: '{{ event.firstname }}' }
  - call: DELETE /contacts/:contactId/tags
    with: { contactId: '{{ steps.contact.contact_id }}', tags: [lead] }
";

fn menu<'a>(recipes: &'a [(&'a str, &'a str)], limits: Limits) -> Menu<'a> {
    Menu { live_at_once: false, limits, ..Menu::of(recipes) }
}

fn customer(number: usize) -> Value {
    json!({ "id": format!("c{number}"), "email": format!("c{number}@example.com"), "firstname": "Ada" })
}

async fn posts(kitchen: &Kitchen, numbers: std::ops::Range<usize>) {
    let hook = kitchen.hook("stax", "customer_created");
    for number in numbers {
        assert_eq!(kitchen.post(&hook, &customer(number)).await.0, 202);
    }
}

async fn ask(kitchen: &Kitchen, request: RequestBody) {
    let service = &kitchen.running.service;
    let done = act(service.store(), &service.installed(), &request).await.unwrap();
    assert!(done.restaged);
    service.restage().await.unwrap();
}

async fn go_live(kitchen: &Kitchen) {
    let installed = kitchen.running.service.installed();
    let installation = installed.installation("contact").unwrap();
    let (installation, pin) = (installation.name.clone(), installation.pin.clone());
    ask(kitchen, RequestBody::GoLive { installation, pin }).await;
}

async fn states(kitchen: &Kitchen) -> Vec<&'static str> {
    let filter = RunFilter {
        event: Some("stax.customer_created".into()),
        limit: 100,
        ..RunFilter::default()
    };
    let runs = kitchen.store().runs(filter).await.unwrap();
    runs.iter().rev().map(|run| run.state.word()).collect()
}

fn stage(kitchen: &Kitchen) -> String {
    kitchen.running.service.stages().of("contact").unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_in_the_sandbox_says_what_it_would_send() {
    let recipes = [("contact", RECIPE)];
    let kitchen = Kitchen::open(menu(&recipes, Limits::default())).await;
    posts(&kitchen, 1..2).await;
    kitchen.quiet().await;
    let run = kitchen.store().run(RunId(1)).await.unwrap().unwrap();
    let said = serde_json::to_value(&run.outcome).unwrap();
    assert_eq!(
        said["stopped"]["reason"],
        "in the sandbox, nothing was sent: it would call POST /contacts/upsert, \
         DELETE /contacts/:contactId/tags"
    );
    assert!(kitchen.sandbox.world().ledger().is_empty());

    go_live(&kitchen).await;
    posts(&kitchen, 2..3).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["stopped", "done"]);
    assert_eq!(kitchen.sandbox.world().records("highlevel.contact").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_a_recipe_is_paused_runs_when_it_goes_live_again() {
    let recipes = [("contact", RECIPE)];
    let kitchen = Kitchen::open(menu(&recipes, Limits::default())).await;
    go_live(&kitchen).await;
    let why = "holidays".to_owned();
    ask(&kitchen, RequestBody::Pause { installation: "contact".into(), why }).await;
    posts(&kitchen, 1..4).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["paused"; 3]);
    assert_eq!(stage(&kitchen), "paused: holidays");
    // Nothing of that is forgotten by a restart.
    let kitchen = kitchen.reopen(menu(&recipes, Limits::default())).await;
    posts(&kitchen, 4..5).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["paused"; 4]);
    assert!(kitchen.sandbox.world().ledger().is_empty());
    go_live(&kitchen).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["done"; 4]);
    assert_eq!(kitchen.sandbox.world().records("highlevel.contact").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_limit_pauses_a_recipe_in_the_middle_and_it_goes_on_there() {
    let recipes = [("contact", RECIPE)];
    let limits = Limits { tags_removed: Some(3), ..Limits::default() };
    let kitchen = Kitchen::open(Menu { parallel: 1, ..menu(&recipes, limits) }).await;
    go_live(&kitchen).await;
    posts(&kitchen, 0..2).await;
    kitchen.quiet().await;
    // What was done before a restart counts.
    let kitchen = kitchen.reopen(Menu { parallel: 1, ..menu(&recipes, limits) }).await;
    posts(&kitchen, 2..6).await;
    kitchen.has_told(1).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["done", "done", "done", "paused", "paused", "paused"]);
    assert_eq!(
        stage(&kitchen),
        "paused: it would take away more than 3 tags in 24 hours (`limits: tags_removed` in linecook.yaml)"
    );
    let count = |kitchen: &Kitchen, call: &str| {
        kitchen.changes().iter().filter(|made| made.as_str() == call).count()
    };
    assert_eq!(count(&kitchen, "DELETE /contacts/:contactId/tags"), 3);
    assert_eq!(count(&kitchen, "POST /contacts/upsert"), 4);
    // A person has looked: counting begins anew.
    go_live(&kitchen).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["done"; 6]);
    assert_eq!(count(&kitchen, "DELETE /contacts/:contactId/tags"), 6);
    assert_eq!(count(&kitchen, "POST /contacts/upsert"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_recipe_waits_until_somebody_has_looked() {
    let recipes = [("contact", RECIPE)];
    let kitchen = Kitchen::open(menu(&recipes, Limits::default())).await;
    go_live(&kitchen).await;
    let edited = RECIPE.replace("tags: [lead]", "tags: [lead, cold]");
    let recipes = [("contact", edited.as_str())];
    let kitchen = kitchen.reopen(menu(&recipes, Limits::default())).await;
    posts(&kitchen, 1..2).await;
    kitchen.has_told(1).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["paused"]);
    assert_eq!(stage(&kitchen), "in review: it has changed since it went live");
    // As it was before it goes on by itself.
    let before = [("contact", RECIPE)];
    let kitchen = kitchen.reopen(menu(&before, Limits::default())).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["done"]);
    assert_eq!(kitchen.running.service.stages().of("contact"), Some(Stage::Live));
    let run = kitchen.store().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_from_before_an_edit_is_never_sent_as_nobody_has_seen_it() {
    let recipes = [("contact", RECIPE)];
    let kitchen = Kitchen::open(menu(&recipes, Limits::default())).await;
    go_live(&kitchen).await;
    // In review: what arrives has this plan.
    let wrong = RECIPE.replace("tags: [lead]", "tags: [customer]");
    let recipes = [("contact", wrong.as_str())];
    let kitchen = kitchen.reopen(menu(&recipes, Limits::default())).await;
    posts(&kitchen, 1..2).await;
    kitchen.quiet().await;
    // And once more: as it is now it goes live.
    let right = RECIPE.replace("tags: [lead]", "tags: [cold]");
    let recipes = [("contact", right.as_str())];
    let kitchen = kitchen.reopen(menu(&recipes, Limits::default())).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["paused"]);
    go_live(&kitchen).await;
    kitchen.quiet().await;
    assert_eq!(states(&kitchen).await, ["done"]);
    let world = kitchen.sandbox.world();
    let sent = world.ledger().iter().filter(|entry| entry.call.starts_with("DELETE"));
    let tags: Vec<Value> = sent.map(|entry| entry.body["tags"].clone()).collect();
    assert_eq!(tags, [json!(["cold"])]);
}
