//! `linecook record`: a past run becomes an example that passes at once and holds nobody's data.

use linecook::sandbox::World;
use linecook::store::{RunId, RunState};
use serde_json::json;

use crate::cases::{linecook_with, seen};
use crate::service::{Kitchen, Menu};

const RECIPE: &str = "name: A changed customer
trigger:
  on: [stax.customer_updated, stax.customer_created]
settings:
  tag: { type: string, default: customer }
steps:
  - id: look
    call: GET /contacts/search/duplicate
    with: { email: '{{ event.email }}' }
    on_not_found: continue
  - when: not steps.look.contact_id
    stop: Nobody is called so
  - id: contact
    call: PUT /contacts/:contactId
    patch: true
    with:
      contactId: '{{ steps.look.contact_id }}'
      firstName: '{{ event.firstname }}'
      phone: '{{ event.phone }}'
      tags: { add: ['{{ settings.tag }}'] }
    link: { stax.customer: '{{ event.id }}', highlevel.contact: '{{ steps.look.contact_id }}' }
  - call: POST /contacts/:contactId/notes
    with:
      contactId: '{{ steps.look.contact_id }}'
      body: 'Was {{ event.firstname }} of {{ event.company | default(''nowhere'') }}'
";

fn says(kitchen: &Kitchen, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    seen(&linecook_with(kitchen.folder.path(), &words, &[]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_becomes_an_example_that_passes_and_holds_nobodys_data() {
    let kitchen = Kitchen::open(Menu::of(&[("customer", RECIPE)])).await;
    let there = json!({ "id": "kQ7realcontact", "email": "grace@navy.mil", "firstName": "Gracie",
        "phone": "+12025550100", "tags": ["vip"] });
    kitchen.sandbox.world().add_records("highlevel.contact", &[there.as_object().unwrap().clone()]);
    let hook = kitchen.hook("stax", "customer_updated");
    let event = json!({ "id": "59327746-fbca-4fb6-adf0-e88c99245548", "firstname": "Grace", "lastname": "Hopper",
        "email": "grace@navy.mil", "phone": "2025550143", "company": "Navy", "notes": "Owes 12" });
    kitchen.post(&hook, &event).await;
    kitchen.stands(RunId(1), RunState::Done).await;
    let stranger = json!({ "id": "c2", "firstname": "Nobody", "email": "nobody@navy.mil" });
    kitchen.post(&hook, &stranger).await;
    kitchen.stands(RunId(2), RunState::Stopped).await;
    let yaml = format!(
        "connections:\n  stax: {{ app: stax }}\n  main: {{ app: highlevel, location_id: {} }}\nrecipes:\n  - recipe: customer.yaml\n",
        World::location_id(),
    );
    std::fs::write(kitchen.folder.path().join("linecook.yaml"), yaml).unwrap();

    let shown = says(&kitchen, "record run-1");
    for real in ["navy", "Navy", "Grace", "Hopper", "2025550", "59327746", "kQ7real", "Owes"] {
        assert!(!shown.contains(real), "{real} is in\n{shown}");
    }
    for kept in
        ["on: stax.customer_updated", "highlevel.contact:", "tags:", "PUT /contacts/:contactId"]
    {
        assert!(shown.contains(kept), "{kept} is not in\n{shown}");
    }
    for run in ["run-1", "run-2"] {
        let saved = says(&kitchen, &format!("record {run} --save"));
        assert!(saved.contains("has one example more"), "{saved}");
        assert!(!saved.contains("In the sandbox, with made-up data"), "{saved}");
    }
    let tested = says(&kitchen, "test customer.yaml");
    assert!(
        tested.contains("as it was in run-1") && tested.contains("as it was in run-2"),
        "{tested}"
    );
    assert!(tested.ends_with("--- exit 0\n"), "{tested}");
    let recipe = std::fs::read_to_string(kitchen.folder.path().join("customer.yaml")).unwrap();
    assert!(recipe.contains("outcome: stopped"), "{recipe}");
    let none = says(&kitchen, "record run-9");
    assert!(none.contains("there is no run-9"), "{none}");
}
