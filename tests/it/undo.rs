//! `linecook runs undo`: what a run did is taken back, first as a plan.

use linecook::sandbox::World;
use linecook::store::{RunId, RunState};
use serde_json::{Value, json};

use crate::cases::{linecook_with, seen};
use crate::service::{Kitchen, Menu};

const RECIPE: &str = "
name: Everything that can be taken back, and what cannot
trigger:
  on: stax.customer_updated
steps:
  - id: contact
    call: PUT /contacts/:contactId
    patch: true
    with:
      contactId: k1
      firstName: '{{ event.firstname }}'
      city: '{{ event.address_city }}'
      customFields: [{ id: f1, field_value: Gold }]
      tags: { add: [customer, vip], remove: [lead] }
  - id: task
    call: POST /contacts/:contactId/tasks
    with: { contactId: k1, title: Call, dueDate: '2026-03-05T09:00:00Z' }
    link: { stax.customer: '{{ event.id }}', highlevel.task: '{{ steps.task.task_id }}' }
  - call: POST /contacts/:contactId/workflow/:workflowId
    with: { contactId: k1, workflowId: welcome }
";

fn says(kitchen: &Kitchen, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let tokens = [
        ("LINECOOK_MAIN_TOKEN", World::token("highlevel")),
        ("LINECOOK_STAX_TOKEN", World::token("stax")),
    ];
    let tokens: Vec<_> = tokens.iter().map(|(name, token)| (*name, token.as_str())).collect();
    seen(&linecook_with(kitchen.folder.path(), &words, &tokens))
}

fn contact(kitchen: &Kitchen) -> Value {
    Value::Object(kitchen.sandbox.world().records("highlevel.contact")[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back_as_far_as_it_can_be() {
    let kitchen = Kitchen::open(Menu::of(&[("everything", RECIPE)])).await;
    let before = json!({ "id": "k1", "email": "ada@example.com", "firstName": "Ada", "tags": ["lead", "vip"],
        "customFields": [{ "id": "f1", "field_value": "Silver" }, { "id": "f2", "field_value": 7 }] });
    let before = before.as_object().unwrap().clone();
    kitchen.sandbox.world().add_records("highlevel.contact", &[before]);
    let before = contact(&kitchen);
    let hook = kitchen.hook("stax", "customer_updated");
    let event = json!({ "id": "c1", "firstname": "Adele", "address_city": "Orlando" });
    kitchen.post(&hook, &event).await;
    kitchen.stands(RunId(1), RunState::Done).await;
    let yaml = format!(
        "connections:\n  stax: {{ app: stax, base_url: \"{}\" }}\n  \
         main: {{ app: highlevel, location_id: {}, base_url: \"{}\" }}\nrecipes:\n  - recipe: everything.yaml\n",
        kitchen.sandbox.base_url("stax"),
        World::location_id(),
        kitchen.sandbox.base_url("highlevel"),
    );
    std::fs::write(kitchen.folder.path().join("linecook.yaml"), yaml).unwrap();

    // Somebody has changed the city since.
    let mut moved = contact(&kitchen).as_object().unwrap().clone();
    moved.insert("city".into(), "Tampa".into());
    kitchen.sandbox.world().add_records("highlevel.contact", &[moved]);
    let plan = says(&kitchen, "runs undo run-1");
    for line in [
        "✗ cannot be undone: POST /contacts/:contactId/workflow/:workflowId: what it started cannot be called back",
        "• delete task ",
        "• add the tags lead of contact k1",
        "• remove the tags customer of contact k1",
        "• restore contact k1: firstName back to \"Ada\"; customFields back to \"Silver\"; city was changed by somebody since, and stays",
        "• unlink stax.customer c1 from highlevel.task ",
        "5 can be undone, 1 cannot. Nothing was done: `--apply` does it.",
    ] {
        assert!(plan.contains(line), "{line}\nis not in\n{plan}");
    }
    let done = says(&kitchen, "runs undo run-1 --apply");
    assert!(done.ends_with("--- exit 0\n"), "{done}");
    let after = contact(&kitchen);
    assert_eq!(after["firstName"], before["firstName"]);
    assert_eq!(after["city"], "Tampa");
    let tags: Vec<&Value> = after["tags"].as_array().unwrap().iter().collect();
    assert_eq!(tags, ["vip", "lead"]);
    let field = |id: &str| {
        let fields = after["customFields"].as_array().unwrap();
        fields.iter().find(|field| field["id"] == id).map(|field| field["value"].clone())
    };
    assert_eq!((field("f1"), field("f2")), (Some("Silver".into()), Some(7.into())));
    assert!(kitchen.sandbox.world().records("highlevel.task").is_empty());
    assert!(
        says(&kitchen, "links list").contains("nothing is linked yet"),
        "{}",
        says(&kitchen, "links list")
    );
    let again = says(&kitchen, "runs undo run-1");
    assert!(again.contains("was changed by somebody since, and stays"), "{again}");
    let json = says(&kitchen, "runs undo run-7 --format json");
    assert!(json.contains("there is no run-7"), "{json}");
}
