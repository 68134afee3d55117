//! `linecook new`: whatever event and operation somebody picks, a recipe that checks clean and whose examples
//! pass comes out, or an error that names what is missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use linecook::catalog::Catalog;
use linecook::cli::{Near, Proof, prove};
use linecook::suggest::Draft;

use crate::cases::{compare, folders, linecook, root, seen};
use crate::looking::words;
use crate::typist::Typist;

/// What people let happen most.
const OPERATIONS: &[&str] = &[
    "POST /contacts/upsert",
    "POST /contacts/",
    "PUT /contacts/:contactId",
    "DELETE /contacts/:contactId",
    "POST /contacts/:contactId/tasks",
    "PUT /contacts/:contactId/tasks/:taskId",
    "PUT /contacts/:contactId/tasks/:taskId/completed",
    "POST /contacts/:contactId/notes",
    "POST /contacts/:contactId/tags",
    "DELETE /contacts/:contactId/tags",
    "POST /contacts/:contactId/workflow/:workflowId",
    "POST /contacts/:contactId/campaigns/:campaignId",
    "POST /opportunities/",
    "PUT /opportunities/:id/status",
    "POST /conversations/messages",
    "POST /calendars/events/appointments",
    "POST /customer",
    "PUT /customer/:id",
    "POST /invoice",
    "POST /invoice/schedule/",
    "POST /item",
    "POST /charge",
];

#[test]
fn whatever_is_picked_is_clean_or_says_what_is_missing() {
    let catalog = Catalog::embedded();
    let near = Arc::new(Near::default());
    let all = std::env::var("LINECOOK_PAIRS").is_ok_and(|pairs| pairs == "all");
    let mut wrong = Vec::new();
    let (mut good, mut missing) = (0, 0);
    for (at, entry) in catalog.event_entries().iter().enumerate() {
        for (number, call) in OPERATIONS.iter().enumerate() {
            // All of them take long: each event meets some, and each operation too.
            if !all && (at + number) % 8 != 0 {
                continue;
            }
            let Ok(operation) = catalog.operation(call) else { panic!("no operation {call}") };
            let mut draft = Draft::new(catalog, catalog.event(&entry.id).unwrap(), operation);
            if !draft.missing().is_empty() {
                missing += 1;
                continue;
            }
            match prove(&mut draft, Path::new("new.yaml"), &near) {
                Ok(Proof::Good { text, .. }) => {
                    good += 1;
                    // The first example is the one that calls.
                    let first = text.split("\nexamples:\n").nth(1).unwrap_or_default();
                    let first = first.split("\n\n").next().unwrap_or_default();
                    let calls = first.contains("what it does") && !first.contains("calls: []");
                    if !calls || first.contains("outcome:") {
                        wrong.push(format!("{} {call}: its example fails\n{text}", entry.id));
                    }
                }
                // A proposal was none after all.
                Ok(Proof::Wrong(..)) if !draft.missing().is_empty() => missing += 1,
                Ok(Proof::Fails { dry_run, .. }) => {
                    wrong.push(format!("{} {call}\n{dry_run}", entry.id));
                }
                Ok(Proof::Wrong(found, _)) => {
                    wrong.push(format!("{} {call}\n{}", entry.id, found.text(false)));
                }
                Err(error) => wrong.push(format!("{} {call}: {}", entry.id, error.plain())),
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(good > 80 && missing > 0, "{good} recipes, {missing} times something is missing");
}

/// What a case shows of the files that its commands have made or changed: recipes and project files, but for
/// shipped recipes only that they are there.
fn files(folder: &Path, case: &Path) -> String {
    let mut paths: Vec<PathBuf> = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    let mut out = String::new();
    for path in paths {
        let name = path.strip_prefix(folder).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        if std::fs::read_to_string(case.join(name)).is_ok_and(|before| before == text) {
            continue;
        }
        let shipped =
            std::fs::read_to_string(root().join("recipes").join(name.file_name().unwrap()));
        match shipped.is_ok_and(|shipped| same(&shipped, &text)) {
            true => out.push_str(&format!("── {} (as it is shipped)\n", name.display())),
            false => out.push_str(&format!("── {}\n{text}", name.display())),
        }
    }
    out
}

/// Whether two recipes are the same but for the way to their schema.
fn same(one: &str, other: &str) -> bool {
    let rest = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    rest(one) == rest(other)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, found),
            false => found.extend(path.extension().is_some_and(|e| e == "yaml").then_some(path)),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false if name == "commands.txt" || name == "expected.txt" => {}
            false => drop(std::fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

#[test]
fn every_case_makes_what_it_should() {
    let mut wrong = Vec::new();
    for case in folders("new") {
        let folder = tempfile::tempdir().unwrap();
        copy(&case, folder.path());
        let mut text = String::new();
        for line in std::fs::read_to_string(case.join("commands.txt")).unwrap().lines() {
            let words = words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = seen(&linecook(folder.path(), &words));
            text.push_str(&format!("$ linecook {line}\n{output}\n"));
        }
        text.push_str(&files(folder.path(), &case));
        wrong.extend(compare(&case, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const PROJECT: &str = "\
connections:
  stax: { app: stax }
  main: { app: highlevel, location_id: abc123 }
recipes: []
";

/// Whoever begins with a shipped recipe has a project that checks.
#[test]
fn every_shipped_recipe_is_a_beginning() {
    for entry in std::fs::read_dir(root().join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let loaded = linecook::cli::load(&path);
        let recipe = loaded.file.unwrap().recipe;
        let mut arguments = vec!["new".to_owned(), "--from".to_owned()];
        arguments.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        // What has to be filled in is as in an example.
        for (name, _) in recipe.settings.iter().filter(|(_, s)| s.default.is_none()) {
            let given = recipe.examples.iter().find_map(|example| example.settings.get(name));
            let value = given.unwrap_or_else(|| panic!("{}: {name}", path.display()));
            arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("linecook.yaml"), PROJECT).unwrap();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let made = linecook(folder.path(), &arguments);
        assert_eq!(made.status.code(), Some(0), "{}: {}", path.display(), seen(&made));
        for command in ["check", "test"] {
            let output = linecook(folder.path(), &[command]);
            assert_eq!(output.status.code(), Some(0), "{}: {}", path.display(), seen(&output));
        }
    }
}

#[test]
fn a_person_is_asked_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut typist = Typist::start(folder.path(), &["new"]);
    typist.shows("How do you want to begin");
    typist.types(false, "\r");
    typist.shows("What starts it");
    typist.types(false, "payment failed");
    typist.shows("payment failed|\r\n> Stax: A payment failed");
    typist.types(false, "\r");
    typist.shows("What does it do");
    typist.types(false, "create a task for");
    typist.shows("create a task for|\r\n> HighLevel: Create a task for a contact");
    typist.types(false, "\r");
    // Each field is shown with what comes out in the example.
    typist.shows("contactId: the contact that belongs to the event");
    typist.shows("such as Insufficient funds");
    typist.shows("Add another field");
    // The second line below is the title.
    typist.types(false, "\u{1b}[B");
    typist.shows("> contactId");
    typist.types(false, "\u{1b}[B");
    typist.shows("> title");
    typist.types(false, "\r");
    typist.shows("> Keep A payment failed");
    typist.types(false, "\u{1b}[B");
    typist.shows("> Take something");
    typist.types(false, "\u{1b}[B");
    typist.shows("> Write a text");
    typist.types(false, "\r");
    typist.shows("title: ");
    typist.types(false, "Call at once\r");
    typist.shows("title: Call at once");
    typist.types(false, "\r");
    typist.shows("Nothing was sent.");
    typist.shows("Save as [payment-failed-create-task.yaml]: ");
    typist.types(false, "chase\r");
    typist.shows("wrote chase.yaml");
    assert!(typist.child.wait().unwrap().success(), "{}", typist.seen);
    let text = std::fs::read_to_string(folder.path().join("chase.yaml")).unwrap();
    assert!(text.contains("      title: Call at once\n"), "{text}");
    let tested = linecook(folder.path(), &["test", "chase.yaml"]);
    assert_eq!(tested.status.code(), Some(0), "{}", seen(&tested));
}

#[test]
fn a_person_is_asked_for_the_settings_of_a_shipped_recipe() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("linecook.yaml"), PROJECT).unwrap();
    let mut typist = Typist::start(folder.path(), &["new", "--from"]);
    typist.shows("Which recipe");
    typist.types(false, "chase failed");
    typist.shows("chase failed|\r\n> Chase a failed payment");
    typist.types(false, "\r");
    typist.shows("Which workflow of HighLevel tells the customer?");
    typist.shows("chase: ");
    typist.types(false, "Payment reminder\r");
    typist.shows("What to do next");
    assert!(typist.child.wait().unwrap().success(), "{}", typist.seen);
    let project = std::fs::read_to_string(folder.path().join("linecook.yaml")).unwrap();
    let installed =
        "  - recipe: recipes/chase-payment.yaml\n    settings: { chase: Payment reminder }\n";
    assert!(project.ends_with(installed), "{project}");
}
