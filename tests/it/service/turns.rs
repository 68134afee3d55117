//! Whose turn it is, what one run starts in another, and what waits for people and for time.

use linecook::journal::Outcome;
use linecook::server::act;
use linecook::store::{RequestBody, RunFilter, RunId, RunState, Runs};
use serde_json::json;

use super::{Kitchen, Menu};

const NOTE: &str = "
name: A note for each change
trigger:
  on: stax.customer_updated
steps:
  - call: POST /contacts/:contactId/notes
    with: { contactId: ada, body: 'Change {{ event.notes }}' }
";
const TAG: &str = "
name: A tag for each change
trigger:
  on: stax.customer_updated
steps:
  - call: POST /contacts/:contactId/tags
    with: { contactId: ada, tags: ['change {{ event.notes }}'] }
";
const FAILS: &str = "
name: A note for somebody who is not there
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/:contactId/notes
    with: { contactId: nobody, body: Hello }
";
const TELLS: &str = "
name: Tell of failures
trigger:
  on: linecook.run_failed
steps:
  - call: POST /contacts/:contactId/notes
    with: { contactId: ada, body: '{{ event.recipe }}: {{ event.message }}' }
";
const ASKS: &str = "
name: Ask before a note
trigger:
  on: stax.customer_created
steps:
  - id: ask
    hold: { text: 'Is {{ event.email }} real?', choices: [It is, It is not] }
  - when: steps.ask.choice == 'It is'
    call: POST /contacts/:contactId/notes
    with: { contactId: ada, body: Real }
";

async fn with_ada(recipes: &[(&str, &str)]) -> Kitchen {
    let kitchen = Kitchen::open(Menu::of(recipes)).await;
    let ada = json!({ "id": "ada", "email": "ada@example.com" });
    let ada = ada.as_object().unwrap().clone();
    kitchen.sandbox.world().add_records("highlevel.contact", &[ada]);
    kitchen
}

fn notes(kitchen: &Kitchen) -> Vec<String> {
    let world = kitchen.sandbox.world();
    let texts = world.records("highlevel.note").into_iter().map(|note| {
        let body = note["body"].as_str().unwrap_or_default();
        body.lines().next().unwrap_or_default().to_owned()
    });
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_record_run_in_the_order_in_which_they_arrive() {
    let kitchen = with_ada(&[("note", NOTE), ("tag", TAG)]).await;
    let hook = kitchen.hook("stax", "customer_updated");
    for number in 0..40 {
        let event = json!({ "id": "c1", "notes": format!("{number:02}") });
        let (status, answer) = kitchen.post(&hook, &event).await;
        assert_eq!((status, answer["runs"].as_u64()), (202, Some(2)));
    }
    kitchen.quiet().await;
    let expected: Vec<String> = (0..40).map(|n| format!("Change {n:02}")).collect();
    assert_eq!(notes(&kitchen), expected);
    // Both recipes share the order: the first event is through with both before the second begins.
    let calls = kitchen.changes();
    let pair = ["POST /contacts/:contactId/notes", "POST /contacts/:contactId/tags"];
    assert!(calls.chunks(2).all(|two| two == pair), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_starts_the_recipe_that_tells_and_never_itself() {
    let kitchen = with_ada(&[("fails", FAILS), ("tells", TELLS)]).await;
    let event = json!({ "id": "c1", "email": "ada@example.com" });
    kitchen.post(&kitchen.hook("stax", "customer_created"), &event).await;
    kitchen.until(|counts| counts.contains(&(RunState::Done, 1))).await;
    let said = notes(&kitchen);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("A note for somebody who is not there: HighLevel answers 400"),
        "{said:?}"
    );
    // Nobody outside can post such an event.
    assert!(kitchen.running.service.hooks().secrets("linecook").is_empty());
    let outside = kitchen.hook("stax", "run_failed").replace("/hooks/stax/", "/hooks/linecook/");
    assert_eq!(kitchen.post(&outside, &json!({ "run": "run-1" })).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_once_for_the_same_data_and_its_answer_survives_a_restart() {
    let mut kitchen = with_ada(&[("asks", ASKS)]).await;
    let hook = kitchen.hook("stax", "customer_created");
    let event = json!({ "id": "c1", "email": "ada@example.com" });
    kitchen.post(&hook, &event).await;
    kitchen.stands(RunId(1), RunState::Held).await;
    kitchen = kitchen.reopen(Menu::of(&[("asks", ASKS)])).await;
    let service = &kitchen.running.service;
    let ask = |body: RequestBody| async move {
        let done = act(service.store(), &service.installed(), &body).await.unwrap();
        service.follow(done);
    };
    // The same event once more: the run that has asked goes on with the answer, and nobody is asked again.
    ask(RequestBody::Replay { delivery: 1 }).await;
    kitchen.stands(RunId(2), RunState::Stopped).await;
    let second = kitchen.store().run(RunId(2)).await.unwrap().unwrap();
    let Some(Outcome::Stopped { reason, .. }) = second.outcome else { panic!("{second:?}") };
    assert_eq!(reason, "run-1 asks the same about the same data, and waits for the answer");
    ask(RequestBody::Resolve { run: RunId(1), choice: "it is".to_owned() }).await;
    kitchen.quiet().await;
    assert_eq!(notes(&kitchen), ["Real"]);
    // Once more, and another event: the first has its answer, the second has not.
    ask(RequestBody::Replay { delivery: 1 }).await;
    kitchen.stands(RunId(3), RunState::Done).await;
    let changed = json!({ "id": "c1", "email": "ada@example.org" });
    let (_, taken) = kitchen.post(&kitchen.hook("stax", "customer_created"), &changed).await;
    kitchen.stands(RunId(4), RunState::Held).await;
    // A run that is cancelled asks no more: the next one has to.
    ask(RequestBody::Cancel { run: RunId(4) }).await;
    let delivery = taken["event"].as_str().unwrap().trim_start_matches("event-").parse().unwrap();
    ask(RequestBody::Replay { delivery }).await;
    kitchen.stands(RunId(5), RunState::Held).await;
    let filter = RunFilter { states: vec![RunState::Held], limit: 10, ..RunFilter::default() };
    assert_eq!(kitchen.store().runs(filter).await.unwrap().len(), 1);
}
