//! What a connection may do holds for every call of the service, from the moment that it is taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use linecook::catalog::Catalog;
use linecook::connection::{Access, Connection, Rotation, Scopes};
use linecook::journal::Outcome;
use linecook::server::{SyncState, act, progress};
use linecook::store::{RequestBody, RunId, RunState, Runs};
use serde_json::json;

use super::{Kitchen, Menu};

const READS_ASKS_WRITES: &str = "
name: Ask before the contact is changed
trigger:
  on: stax.customer_created
steps:
  - id: there
    call: GET /contacts/search/duplicate
    with: { email: '{{ event.email }}' }
  - hold: { text: 'Write {{ event.id }}?', choices: [yes, no] }
  - call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
";
const OTHER_ACCOUNT: &str = "
name: Look into the account of somebody else
trigger:
  on: stax.customer_created
steps:
  - call: GET /contacts/search/duplicate
    with: { email: '{{ event.email }}', locationId: '{{ event.reference }}' }
";
const REMINDS: &str = "
name: A note for whoever looks after the tokens
trigger:
  on: linecook.rotation_due
steps:
  - id: me
    call: POST /contacts/upsert
    with: { email: ada@example.com }
  - call: POST /contacts/:contactId/notes
    with:
      contactId: '{{ steps.me.contact_id }}'
      body: '{{ event.connection }} is {{ event.age_days }} days old'
";

fn readonly() -> Access {
    Access { scopes: Scopes::Granted(["contacts.readonly".to_owned()].into()), allow: None }
}

/// The connections of a kitchen, with another access of `main`.
fn with(kitchen: &Kitchen, access: Access) -> BTreeMap<String, Connection> {
    let mut connections = kitchen.running.service.installed().connections.clone();
    connections.get_mut("main").unwrap().access = access;
    connections
}

async fn why_it_failed(kitchen: &Kitchen, run: RunId) -> (String, String) {
    kitchen.stands(run, RunState::Failed).await;
    let row = kitchen.store().run(run).await.unwrap().unwrap();
    let Some(Outcome::Failed(error)) = row.outcome else { panic!("{row:?}") };
    (error.message, error.instead)
}

async fn ask(kitchen: &Kitchen, body: RequestBody) {
    let service = &kitchen.running.service;
    let done = act(service.store(), &service.installed(), &body).await.unwrap();
    service.follow(done);
}

/// How many calls have come to the sandbox.
fn calls(kitchen: &Kitchen) -> usize {
    kitchen.sandbox.world().ledger().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_connection_was_narrowed_after_its_start_writes_nothing() {
    let kitchen = Kitchen::open(Menu::of(&[("asks", READS_ASKS_WRITES)])).await;
    let customer = json!({ "id": "c1", "email": "ada@example.com" });
    kitchen.post(&kitchen.hook("stax", "customer_created"), &customer).await;
    let run = RunId(1);
    kitchen.stands(run, RunState::Held).await;
    let before = calls(&kitchen);
    assert_eq!(before, 1, "it may read");

    kitchen.running.service.narrow(&with(&kitchen, readonly()));
    ask(&kitchen, RequestBody::Resolve { run, choice: "yes".to_owned() }).await;
    let (why, instead) = why_it_failed(&kitchen, run).await;
    assert!(
        why.contains("not sent: the connection `main` does not have the scope `contacts.write`"),
        "{why}"
    );
    assert_eq!(instead, "`linecook connect highlevel --name main` asks for it");
    assert_eq!(calls(&kitchen), before);

    let allow = Catalog::embedded().allowed("highlevel", "*.read").unwrap();
    let allow = Access { scopes: Scopes::Unknown, allow: Some(vec![allow]) };
    kitchen.running.service.narrow(&with(&kitchen, allow));
    ask(&kitchen, RequestBody::Retry { run, current_recipe: false }).await;
    kitchen.quiet().await;
    let (why, _) = why_it_failed(&kitchen, run).await;
    assert!(
        why.contains("`allow` of the connection `main` does not cover `contacts.write`"),
        "{why}"
    );
    assert_eq!(calls(&kitchen), before);

    // What it may again it does, without what is done already.
    kitchen.running.service.narrow(&with(&kitchen, Access::default()));
    ask(&kitchen, RequestBody::Retry { run, current_recipe: false }).await;
    kitchen.stands(run, RunState::Done).await;
    assert_eq!(kitchen.changes(), ["POST /contacts/upsert"]);
    assert_eq!(calls(&kitchen), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_for_another_account() {
    let kitchen = Kitchen::open(Menu::of(&[("other", OTHER_ACCOUNT)])).await;
    let hook = kitchen.hook("stax", "customer_created");
    let other = json!({ "id": "c1", "email": "ada@example.com", "reference": "def456" });
    kitchen.post(&hook, &other).await;
    let (why, _) = why_it_failed(&kitchen, RunId(1)).await;
    assert!(why.contains("not sent: it names the account `def456`"), "{why}");
    assert_eq!(calls(&kitchen), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_not_be_read_is_not_asked_for() {
    let narrow = |connection: &mut Connection| {
        if connection.app == "stax" {
            let allow = Catalog::embedded().allowed("stax", "invoices.*").unwrap();
            connection.access.allow = Some(vec![allow]);
        }
    };
    let menu = Menu { change: narrow, ..Menu::of(&[("asks", READS_ASKS_WRITES)]) };
    let kitchen = Kitchen::open(menu).await;
    ask(&kitchen, RequestBody::Sync { installation: "asks".to_owned() }).await;
    let problem = loop {
        let now = progress(kitchen.store(), "asks").await.unwrap().unwrap();
        if now.state == SyncState::Failed {
            break now.problem.unwrap_or_default();
        }
        assert_eq!(now.state, SyncState::Running);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(problem.contains("was not sent: `allow` of the connection `stax`"), "{problem}");
    assert!(problem.contains("`customers.read`"), "{problem}");
    assert_eq!(calls(&kitchen), 0);
}

/// HighLevel's credential is so many days old, and is to be replaced after 90.
fn aged(connection: &mut Connection, days: i64) {
    if connection.app == "highlevel" {
        const DAY: i64 = 24 * 3_600;
        // The start of a day: after a restart it is the same.
        let today = jiff::Timestamp::now().as_second() / DAY;
        let since = jiff::Timestamp::from_second((today - days) * DAY).unwrap();
        connection.rotation = Some(Rotation { since, every: Duration::from_secs(90 * 24 * 3_600) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_too_old_is_told_of_once_for_each_time_that_it_is_due() {
    let recipes = [("reminds", REMINDS)];
    let menu = |change| Menu { change, ..Menu::of(&recipes) };
    let kitchen = Kitchen::open(menu(|c| aged(c, 89))).await;
    let kitchen = kitchen.reopen(menu(|c| aged(c, 100))).await;
    kitchen.stands(RunId(1), RunState::Done).await;
    let kitchen = kitchen.reopen(menu(|c| aged(c, 100))).await;
    let kitchen = kitchen.reopen(menu(|c| aged(c, 275))).await;
    kitchen.stands(RunId(2), RunState::Done).await;
    assert!(kitchen.store().run(RunId(3)).await.unwrap().is_none());
    let world = kitchen.sandbox.world();
    let notes = world.records("highlevel.note");
    let notes: Vec<_> = notes.iter().filter_map(|n| n["body"].as_str()?.lines().next()).collect();
    assert_eq!(notes, ["main is 100 days old", "main is 275 days old"]);
}
