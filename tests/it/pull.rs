//! `linecook pull`: what an account names by itself is kept beside the project file, and recipes know it.

use std::path::Path;
use std::process::Output;

use linecook::catalog::Catalog;
use linecook::cli::load_project;
use linecook::sandbox::{Sandbox, World};
use serde_json::{Value, json};

use crate::cases::{linecook_with, seen};

/// A sandbox in a runtime of its own, which goes on while the program runs.
struct Apps {
    sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

impl Apps {
    fn start() -> Apps {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let world = World::new(Catalog::embedded());
        let sandbox = runtime.block_on(Sandbox::start(world)).unwrap();
        Apps { sandbox, _runtime: runtime }
    }

    fn has(&self, kind: &str, records: Value) {
        let records = records.as_array().unwrap().iter();
        let records: Vec<_> = records.map(|record| record.as_object().unwrap().clone()).collect();
        self.sandbox.world().add_records(kind, &records);
    }

    fn project(&self, recipes: &str) -> String {
        format!(
            "public_url: https://hooks.example.com\n\
             connections:\n\
             \x20 main: {{ app: highlevel, location_id: {}, base_url: {} }}\n\
             \x20 stax: {{ app: stax, base_url: {} }}\n\
             recipes: {recipes}\n",
            World::location_id(),
            self.sandbox.base_url("highlevel"),
            self.sandbox.base_url("stax"),
        )
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let tokens = [
        ("LINECOOK_MAIN_TOKEN", World::token("highlevel")),
        ("LINECOOK_STAX_TOKEN", World::token("stax")),
    ];
    let tokens: Vec<(&str, &str)> = tokens.iter().map(|(name, t)| (*name, t.as_str())).collect();
    linecook_with(folder, arguments, &tokens)
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let text = seen(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

const RECIPE: &str = "\
name: The plan of a customer
trigger:
  on: [stax.customer_created, highlevel.contact_updated]
settings:
  chase: { pick: highlevel.workflow }
steps:
  - call: POST /contacts/upsert
    with:
      email: '{{ event.email }}'
      source: '{{ settings.chase }}'
      customFields: { Plan: \"{{ event.custom_fields['Plan'] }}\" }
";

#[test]
fn what_is_pulled_is_what_recipes_name() {
    let apps = Apps::start();
    let plan = json!({ "id": "fPlan", "name": "Plan", "dataType": "SINGLE_OPTIONS", "picklistOptions": ["Basic", "Pro"] });
    apps.has("highlevel.custom_field", json!([plan, { "id": "fSeats", "name": "Seats" }]));
    apps.has("highlevel.workflow", json!([{ "id": "w1", "name": "Payment reminder" }]));
    apps.has("highlevel.user", json!([{ "id": "u1", "name": "Grace", "email": "g@example.com" }]));
    apps.has("highlevel.pipeline", json!([{ "id": "p1", "name": "Sales", "stages": ["New"] }]));
    apps.has("highlevel.calendar", json!([{ "id": "c1", "name": "Calls" }]));
    apps.has("highlevel.tag", json!([{ "id": "t1", "name": "vip" }]));
    let fields =
        json!({ "customer_custom_fields": [{ "id": "x", "name": "Plan", "value": "Pro" }] });
    apps.has("stax.customer", json!([{ "email": "ada@example.com", "options": fields }]));
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(
        here,
        "linecook.yaml",
        &apps.project("[{ recipe: recipe.yaml, settings: { chase: Payment reminder } }]"),
    );
    write(here, "recipe.yaml", RECIPE);
    let before = seen(&run(here, &["check"]));
    assert!(before.contains("no-snapshot") && before.contains("linecook pull main"), "{before}");

    // A project with errors can be pulled for: that is how they go away.
    let text = good(here, &["pull"]);
    assert!(
        text.contains(
            "main: 2 custom fields, 1 user, 1 pipeline, 1 calendar, 1 workflow, 0 campaigns, 1 tag \
             → linecook.schema/main.json"
        ),
        "{text}"
    );
    assert!(text.contains("stax: 1 custom field →"), "{text}");
    let file = here.join("linecook.schema/main.json");
    let kept = std::fs::read(&file).unwrap();
    let text = String::from_utf8(kept.clone()).unwrap();
    assert!(!text.contains(&World::token("highlevel")), "{text}");
    good(here, &["check", "--deny-warnings"]);
    let ready = load_project(&here.join("linecook.yaml")).ready.unwrap();
    assert_eq!(ready.installations[0].settings["chase"], "w1");
    let plan = serde_json::to_string(&*ready.installations[0].plan).unwrap();
    assert!(plan.contains("fPlan"), "{plan}");

    // Looking again changes nothing, and says so.
    let text = good(here, &["pull", "main"]);
    assert!(text.contains("all as it was at the last look"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), kept);

    // A name that has changed is named, and works until somebody writes the new one.
    apps.has("highlevel.custom_field", json!([{ "id": "fPlan", "name": "Tariff" }]));
    apps.has("highlevel.workflow", json!([{ "id": "w2", "name": "Welcome" }]));
    let text = good(here, &["pull", "main"]);
    assert!(text.contains("renamed: the custom field `Plan` is called `Tariff` now"), "{text}");
    assert!(text.contains("new: the workflow `Welcome`"), "{text}");
    let text = good(here, &["check"]);
    assert!(text.contains("renamed-in-account"), "{text}");
    let text = seen(&run(here, &["doctor"]));
    assert!(text.contains("names") && text.contains("in the account of `main`"), "{text}");
    let json = good(here, &["pull", "--format", "json"]);
    let json: Value = serde_json::from_str(json.split("---").next().unwrap()).unwrap();
    assert_eq!(json["connections"][0]["counts"]["workflows"], 2);
}

#[test]
fn what_a_token_may_not_read_is_left_out() {
    let apps = Apps::start();
    apps.has("highlevel.custom_field", json!([{ "name": "Plan" }]));
    let scope = "locations/customFields.readonly".to_owned();
    apps.sandbox.world().set_scopes("highlevel", Some(vec![scope]));
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "linecook.yaml", &apps.project("[]"));
    let text = good(here, &["pull", "main"]);
    assert!(text.contains("main: 1 custom field →"), "{text}");
    assert!(text.contains("left out: the token may not read the users"), "{text}");
    assert!(text.contains("give it `users.readonly`"), "{text}");
    let kept = std::fs::read_to_string(here.join("linecook.schema/main.json")).unwrap();
    assert!(kept.contains("Plan") && !kept.contains("users"), "{kept}");
}

#[test]
fn what_cannot_be_pulled_is_said_and_nothing_is_lost() {
    let apps = Apps::start();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let says = |arguments: &[&str], code: i32, expected: &str| {
        let output = run(here, arguments);
        let text = seen(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
    };
    says(&["pull"], 2, "there is no linecook.yaml");
    write(here, "linecook.yaml", "recipes: []\n");
    says(&["pull"], 2, "has no connection to look at");
    write(here, "linecook.yaml", &apps.project("[]"));
    says(&["pull", "mian"], 2, "did you mean `main`?");
    good(here, &["pull", "main"]);
    let file = here.join("linecook.schema/main.json");
    let kept = std::fs::read(&file).unwrap();
    let output = linecook_with(here, &["pull", "main"], &[("LINECOOK_MAIN_TOKEN", "wrong")]);
    let text = seen(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("HighLevel does not know the token"), "{text}");
    let output = linecook_with(here, &["pull", "main"], &[]);
    assert!(seen(&output).contains("linecook connect highlevel --name main"), "{}", seen(&output));
    assert_eq!(std::fs::read(&file).unwrap(), kept);
}

/// One recipe, two accounts: each installation sends the ids of its own.
#[test]
fn every_installation_has_the_ids_of_its_own_account() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let connection = |name: &str| format!("  {name}: {{ app: highlevel, location_id: {name} }}\n");
    let recipe = |name: &str| {
        format!(
            "  - {{ recipe: recipe.yaml, name: {name}, connections: {{ highlevel: {name} }}, settings: {{ chase: Chase }} }}\n"
        )
    };
    let project = format!(
        "public_url: https://hooks.example.com\nconnections:\n{}{}  stax: {{ app: stax }}\nrecipes:\n{}{}",
        connection("boston"),
        connection("dallas"),
        recipe("boston"),
        recipe("dallas")
    );
    write(here, "linecook.yaml", &project);
    write(here, "recipe.yaml", RECIPE);
    std::fs::create_dir(here.join("linecook.schema")).unwrap();
    for name in ["boston", "dallas"] {
        let snapshot = json!({
            "version": 1, "app": "highlevel", "location_id": name, "pulled_on": "2999-03-02",
            "parts": {
                "custom_fields": [{ "name": "Plan", "id": format!("{name}-plan"), "object": "contact", "type": "text" }],
                "workflows": [{ "name": "Chase", "id": format!("{name}-chase") }],
            },
        });
        write(here, &format!("linecook.schema/{name}.json"), &snapshot.to_string());
    }
    let loaded = load_project(&here.join("linecook.yaml"));
    let said: String = loaded.diagnostics.iter().map(|found| found.text(false)).collect();
    let ready = loaded.ready.unwrap_or_else(|| panic!("{said}"));
    for installation in &ready.installations {
        let name = &installation.name;
        let other = if name == "boston" { "dallas" } else { "boston" };
        assert_eq!(installation.settings["chase"], format!("{name}-chase"));
        let plan = serde_json::to_string(&installation.plan.recipe).unwrap();
        assert!(plan.contains(&format!("{name}-plan")), "{plan}");
        assert!(!plan.contains(&format!("{other}-plan")), "{plan}");
    }
}
