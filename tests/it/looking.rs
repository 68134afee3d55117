//! Looking at runs and events, and acting on them, as people do it: each case runs its commands on a copy
//! of a store that a service has left behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use linecook::connection::{Facts, Secret};
use linecook::recipe::{Failure, Fault};
use linecook::store::{RunId, RunState, Runs};
use linecook::vault::{Contents, Grant, Stored};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::cases::{compare, folders, linecook, seen, vault};
use crate::service::{Kitchen, Menu, stop};

const DONE: &str = "\
name: A note for every customer
trigger:
  on: stax.customer_created
  when: event.email
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { firstName: '{{ event.firstname }}', email: '{{ event.email }}' }
  - when: not steps.contact.new
    stop: The contact was there
  - call: POST /contacts/:contactId/notes
    with: { contactId: '{{ steps.contact.contact_id }}', body: 'Customer since {{ event.created_at | date }}' }
";
const FAILS: &str = "\
name: Tag the contact
trigger:
  on: stax.customer_updated
steps:
  - id: tag
    call: POST /contacts/:contactId/tags
    with: { contactId: '{{ event.reference }}', tags: [customer] }
";
const IN_DOUBT: &str = "\
name: Start the welcome workflow
trigger:
  on: bridge.subscriber_created
steps:
  - id: welcome
    call: POST /contacts/:contactId/workflow/:workflowId
    with: { contactId: '{{ event.customer_id }}', workflowId: workflow-1 }
";
const ASKS: &str = "\
name: Chase a failed payment
trigger:
  on: stax.payment_failed
steps:
  - id: ask
    hold:
      text: 'Chase payment {{ event.id }}?'
      choices: [yes, not now, 'it''s settled']
";
const WAITS: &str = "\
name: Thank for a payment two days later
trigger:
  on: stax.payment_succeeded
steps:
  - wait: 2d
  - call: POST /contacts/upsert
    with: { email: '{{ event.customer.email }}' }
";
const RECIPES: &[(&str, &str)] =
    &[("note", DONE), ("tag", FAILS), ("welcome", IN_DOUBT), ("chase", ASKS), ("thanks", WAITS)];

fn menu<'a>() -> Menu<'a> {
    Menu { parallel: 4, ..Menu::of(RECIPES) }
}

fn contact(id: &str) -> Map<String, Value> {
    let contact = json!({ "id": id, "email": format!("{id}@example.com") });
    contact.as_object().unwrap().clone()
}

/// A service that has seen one event for each recipe, which stand in five different states now.
async fn busy_kitchen() -> Kitchen {
    let kitchen = Kitchen::open(menu()).await;
    {
        let mut world = kitchen.sandbox.world();
        world.add_records("highlevel.contact", &[contact("contact-1")]);
        world.add_failure(&Failure {
            call: "POST /contacts/:contactId/workflow/:workflowId".to_owned(),
            fault: Some(Fault::Disconnect),
            times: Some(1),
            ..Failure::default()
        });
    }
    let customer = |id: &str, more: Value| {
        let mut customer = json!({ "id": id, "firstname": "Ada", "email": "ada@example.com" });
        customer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        customer
    };
    let payment = |id: &str, success: bool| json!({ "id": id, "success": success, "total": 20, "customer": { "id": "c-1", "email": "ada@example.com" } });
    let created = json!({ "created_at": "2026-03-02T10:00:00Z" });
    let events = [
        ("create_customer", customer("c-1", created), RunState::Done),
        ("update_customer", customer("c-2", json!({ "reference": "contact-9" })), RunState::Failed),
        ("subscriber_created", json!({ "id": "s-1", "customer_id": "contact-1" }), RunState::Held),
        ("create_transaction", payment("p-1", false), RunState::Held),
        ("create_transaction", payment("p-2", true), RunState::Waiting),
    ];
    let mut told = 0;
    for (number, (event, payload, state)) in events.into_iter().enumerate() {
        let app = if event == "subscriber_created" { "bridge" } else { "stax" };
        let (status, answer) = kitchen.post(&kitchen.hook(app, event), &payload).await;
        assert_eq!((status, answer["runs"].as_u64()), (202, Some(1)), "{event}: {answer}");
        kitchen.stands(RunId(number as i64 + 1), state).await;
        told += usize::from(matches!(state, RunState::Failed | RunState::Held));
        // What linecook itself tells has a number too.
        kitchen.has_told(told).await;
    }
    kitchen
}

/// The folder that the service leaves: a store, the recipes, and a project file that installs them.
async fn left_behind() -> TempDir {
    let kitchen = busy_kitchen().await;
    let Kitchen { folder, running, sandbox, .. } = kitchen;
    stop(running, Duration::from_secs(10)).await;
    drop(sandbox);
    let mut project = "\
live_at_once: true
timezone: America/New_York
connections:
  main: { app: highlevel, location_id: here, base_url: 'http://127.0.0.1:9' }
  stax: { app: stax, base_url: 'http://127.0.0.1:9' }
recipes:
"
    .to_owned();
    for (name, _) in RECIPES {
        project.push_str(&format!("  - recipe: {name}.yaml\n"));
    }
    std::fs::write(folder.path().join("linecook.yaml"), project).unwrap();
    folder
}

fn copy(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// What a case has of its own: files such as another project file, and in `vault.json` what is known of
/// credentials that are stored.
fn furnish(folder: &Path, case: &Path) {
    for entry in std::fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        if !matches!(name.to_str(), Some("commands.txt" | "expected.txt" | "vault.json")) {
            std::fs::copy(&path, folder.join(name)).unwrap();
        }
    }
    let Ok(text) = std::fs::read_to_string(case.join("vault.json")) else { return };
    let all: BTreeMap<String, Facts> = serde_json::from_str(&text).unwrap();
    let store = |contents: &mut Contents| {
        for (name, facts) in all {
            let grant = Grant::Token(Secret::new("test-token-1"));
            contents.connections.insert(name, Stored { facts, grant, previous: None });
        }
    };
    vault(folder).change(store).unwrap();
}

/// A line as a shell reads it, with single quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (number, part) in line.split('\'').enumerate() {
        match number % 2 {
            1 => words.last_mut().unwrap().push_str(part),
            _ => {
                let mut pieces = part.split(' ');
                words.last_mut().unwrap().push_str(pieces.next().unwrap());
                words.extend(pieces.map(str::to_owned));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is different every time: days, times, sizes, lengths of time, ports, the folder.
pub fn steady(text: &str, folders: &[&Path]) -> String {
    let mut text = text.to_owned();
    for folder in folders {
        text = text.replace(&format!("{}/", folder.display()), "");
    }
    // Thousandths that end in zeros are written without them.
    const MOMENT: &str = "####-##-##T##:##:##.###Z";
    let shapes = [
        MOMENT,
        "####-##-##T##:##:##.##Z",
        "####-##-##T##:##:##.#Z",
        "####-##-## ##:##:##",
        "####-##-## ##:##",
        "####-##-##",
        "##:##:##",
        "127.0.0.1:#####",
    ];
    let mut out = String::new();
    let mut rest = &text[..];
    'text: while let Some(first) = rest.chars().next() {
        let inside = out.chars().last().is_some_and(|c| c.is_ascii_digit());
        for shape in shapes {
            let fits = !inside
                && rest.len() >= shape.len()
                && shape.bytes().zip(rest.bytes()).all(|(s, c)| match s {
                    b'#' => c.is_ascii_digit(),
                    _ => c == s,
                });
            if fits {
                out.push_str(match shape.ends_with('Z') {
                    true => MOMENT,
                    false => shape,
                });
                rest = &rest[shape.len()..];
                continue 'text;
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    let amount = |line: &str| {
        let sizes = ["kB", "MB", "GB", "TB", "second", "minute"];
        let words: Vec<&str> = line.split(' ').collect();
        let shown = words.iter().enumerate().map(|(at, word)| {
            let unit =
                words.get(at + 1).is_some_and(|unit| sizes.iter().any(|s| unit.starts_with(s)));
            match unit && word.parse::<f64>().is_ok() {
                true => "#",
                false => word,
            }
        });
        let line = shown.collect::<Vec<_>>().join(" ");
        // Commands stand in columns as wide as the folder's name makes them.
        match line.strip_prefix("  linecook ").and_then(|rest| rest.split_once("  ")) {
            Some((command, what)) => format!("  linecook {command}  {}", what.trim_start()),
            None => line,
        }
    };
    let lines: Vec<String> = out.lines().map(amount).collect();
    let text = lines.join("\n") + "\n";
    match text.split_once("linecook.db.before-") {
        Some((before, behind)) => {
            let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}linecook.db.before-#{behind}")
        }
        None => text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_shows_what_it_should() {
    let original = left_behind().await;
    let mut wrong = Vec::new();
    for case in folders("looking") {
        let folder = copy(original.path());
        furnish(folder.path(), &case);
        let mut text = String::new();
        for line in std::fs::read_to_string(case.join("commands.txt")).unwrap().lines() {
            let words = words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = seen(&linecook(folder.path(), &words));
            text.push_str(&format!(
                "$ linecook {line}\n{}\n",
                steady(&output, &[folder.path(), original.path()])
            ));
        }
        wrong.extend(compare(&case, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_for_programs_is_json_of_version_one() {
    let folder = left_behind().await;
    for command in [
        "runs list --format json",
        "runs show run-2 --format json",
        "runs retry run-2 --format json",
        "runs cancel --state done --format json --yes",
        "events list --format json",
        "events show event-1 --format json",
        "events replay event-1 --yes --format json",
        "backup copy.db --format json",
        "restore copy.db --yes --format json",
        "links set stax.customer c-1 highlevel.contact contact-1 --format json",
        "links list --format json",
        "links remove stax.customer c-9 --format json",
        "links remove stax.customer c-1 --yes --format json",
        "doctor --format json",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let output = linecook(folder.path(), &words);
        let json: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{command}: {e}: {}", seen(&output)));
        assert_eq!(json["format_version"], 1, "{command}: {json}");
    }
}

#[test]
fn without_a_store_every_command_says_so_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        "runs list",
        "runs show run-1",
        "runs retry run-1",
        "runs cancel --state failed --yes",
        "events list",
        "events replay event-1 --yes",
        "links list",
        "links set stax.customer c-1 highlevel.contact contact-1",
        "links remove stax.customer c-1 --yes",
        "backup copy.db",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let output = linecook(folder.path(), &words);
        let text = seen(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {text}");
        assert!(text.contains("there is no store at linecook.db"), "{command}: {text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_does_what_is_asked_for() {
    let kitchen = busy_kitchen().await;
    let ask = |command: &'static str| {
        let folder = kitchen.folder.path().to_owned();
        async move {
            let run = move || {
                seen(&linecook(
                    &folder,
                    &words(command).iter().map(String::as_str).collect::<Vec<_>>(),
                ))
            };
            tokio::task::spawn_blocking(run).await.unwrap()
        }
    };
    let text = ask("runs resolve run-4 --choose 'not now'").await;
    assert_eq!(text, "run-4 goes on: not now\n--- exit 0\n");
    kitchen.stands(RunId(4), RunState::Done).await;
    let text = ask("runs resolve run-4 --choose yes").await;
    assert!(
        text.contains("run-4 is done: nobody is asked") && text.ends_with("exit 1\n"),
        "{text}"
    );
    let text = ask("runs resolve run-3 --resend").await;
    assert!(text.contains("run-3 goes on: send it again"), "{text}");
    kitchen.stands(RunId(3), RunState::Done).await;
    let text = ask("runs cancel run-5 run-99").await;
    assert!(text.contains("run-5 is cancelled") && text.contains("there is no run-99"), "{text}");
    let text = ask("events replay event-1 --yes").await;
    assert_eq!(text, "event-1 started run-6\n--- exit 0\n");
    kitchen.stands(RunId(6), RunState::Stopped).await;
    let text = ask("links set stax.customer c-1 highlevel.contact contact-1").await;
    assert_eq!(text, "linked stax.customer c-1 with highlevel.contact contact-1\n--- exit 0\n");
    let text = ask("links remove stax.customer c-1 --yes").await;
    assert!(text.starts_with("unlinked stax.customer c-1 from"), "{text}");
    let text = ask("backup copy.db").await;
    assert!(text.contains("wrote copy.db"), "{text}");
    let text = ask("restore copy.db --yes").await;
    assert!(text.contains("a service runs the store linecook.db"), "{text}");
    let text = ask("doctor").await;
    assert!(text.contains("✓ service    runs"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_without_a_service_is_done_by_the_next_one() {
    let kitchen = busy_kitchen().await;
    kitchen.sandbox.world().add_records("highlevel.contact", &[contact("contact-9")]);
    let between = |folder: &Path| {
        for command in ["runs retry run-2", "runs resolve run-4 --choose yes", "runs cancel run-5"]
        {
            let words: Vec<&str> = command.split(' ').collect();
            let output = linecook(folder, &words);
            assert_eq!(output.status.code(), Some(0), "{command}: {}", seen(&output));
        }
    };
    let kitchen = kitchen.reopen_after(menu(), between).await;
    kitchen.stands(RunId(2), RunState::Done).await;
    kitchen.stands(RunId(4), RunState::Done).await;
    kitchen.stands(RunId(5), RunState::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_the_corrected_recipe() {
    let folder = left_behind().await;
    let corrected = FAILS.replace("'{{ event.reference }}'", "contact-1");
    std::fs::write(folder.path().join("tag.yaml"), corrected).unwrap();
    let output = linecook(folder.path(), &["runs", "retry", "run-2", "--current-recipe"]);
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    let store =
        linecook::store::Store::beside(&folder.path().join("linecook.db"), Default::default());
    let store = store.unwrap();
    let row = store.run(RunId(2)).await.unwrap().unwrap();
    let plan = store.plan(row.plan).await.unwrap().unwrap();
    assert_eq!((row.state, plan.source.contains("contact-1")), (RunState::Open, true));
}
