//! The project: what `linecook init` writes, and what the rest of the program gets of a project.

use std::path::Path;

use linecook::cli::load_project;
use linecook::plan::Plan;

use crate::cases::{linecook, root, seen};

#[test]
fn what_init_says_to_do_next_works() {
    for folder in ["shop", "my shop's", "."] {
        let here = tempfile::tempdir().unwrap();
        let output = match folder {
            "." => linecook(here.path(), &["init"]),
            folder => linecook(here.path(), &["init", folder]),
        };
        let text = seen(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        let commands: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("  linecook ")).collect();
        assert_eq!(commands.len(), 3, "{text}");
        for command in commands {
            // As a shell reads it.
            let words = command.replace("'\\''", "\u{1}");
            let words: Vec<String> = words
                .splitn(2, ' ')
                .map(|word| word.trim_matches('\'').replace('\u{1}', "'"))
                .collect();
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            if words[0] == "check" {
                words.push("--deny-warnings");
            }
            let output = linecook(here.path(), &words);
            assert_eq!(output.status.code(), Some(0), "{command}: {}", seen(&output));
        }
        let folder = here.path().join(folder);
        let tested = linecook(&folder, &["test"]);
        assert_eq!(tested.status.code(), Some(0), "{}", seen(&tested));
        let ignored = std::fs::read_to_string(folder.join(".gitignore")).unwrap();
        assert!(ignored.lines().any(|line| line == "linecook.db*"), "{ignored}");
        let modeline = std::fs::read_to_string(folder.join("linecook.yaml")).unwrap();
        let schema = modeline.lines().next().unwrap().rsplit_once('=').unwrap().1;
        assert!(folder.join(schema).is_file());
    }
}

/// The remarks of the file are examples: they hold too.
#[test]
fn every_line_that_init_writes_as_a_remark_checks_clean() {
    let here = tempfile::tempdir().unwrap();
    linecook(here.path(), &["init"]);
    let path = here.path().join("linecook.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let is_key = |rest: &str| {
        let key = rest.trim_start().split(':').next().unwrap_or_default();
        rest.contains(':') && !key.is_empty() && key.chars().all(|c| c.is_lowercase() || c == '_')
    };
    let uncommented = text.lines().map(|line| {
        let (indent, rest) = line.split_once("# ").unwrap_or((line, ""));
        match indent.trim().is_empty() && is_key(rest) && !rest.starts_with("yaml-") {
            true => format!("{indent}{rest}\n"),
            false => format!("{line}\n"),
        }
    });
    let uncommented: String = uncommented.collect();
    assert!(uncommented.contains("\nnotify:\n  webhook:"), "{uncommented}");
    std::fs::write(&path, uncommented).unwrap();
    let output = linecook(here.path(), &["check", "--deny-warnings"]);
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
}

#[test]
fn init_overwrites_nothing() {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join(".gitignore"), "mine\n").unwrap();
    let output = linecook(here.path(), &["init"]);
    assert!(seen(&output).contains(".gitignore is there already"), "{}", seen(&output));
    assert_eq!(std::fs::read_to_string(here.path().join(".gitignore")).unwrap(), "mine\n");
    let again = linecook(here.path(), &["init"]);
    assert_eq!(again.status.code(), Some(2), "{}", seen(&again));
    assert!(seen(&again).contains("there is a project already"), "{}", seen(&again));
}

#[test]
fn a_loaded_project_has_what_a_service_needs() {
    let folder = root().join("tests/cases/check/a-project-with-everything");
    let loaded = load_project(&folder.join("linecook.yaml"));
    let shown: String = loaded.diagnostics.iter().map(|d| d.text(false)).collect();
    let ready = loaded.ready.unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(ready.defaults.zone_name, "America/New_York");
    assert_eq!(ready.store, folder.join("linecook.db"));
    let project = &ready.project;
    assert_eq!(project.public_url.as_deref(), Some("https://hooks.example.com"));
    assert_eq!(project.request_timeout.as_millis(), 200);
    assert_eq!(project.webhooks["highlevel"].ed25519.len(), 2);
    assert_eq!(project.webhooks["highlevel"].ed25519[1][0], 32);
    assert_eq!(project.quota("main").unwrap().requests.unwrap().count, 100);
    assert_eq!(project.quota("test").unwrap().per_day, Some(5000));
    assert!(project.quota("second").is_none());
    assert_eq!(project.connections["test"].base_url.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(project.notify.email.as_ref().unwrap().port, 587);
    let names: Vec<&str> = ready.installations.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["hello", "hello-second", "asks"]);
    let [first, second, third] = &ready.installations[..] else { panic!() };
    assert_eq!(first.connections["highlevel"], "main");
    assert_eq!(second.connections["highlevel"], "second");
    assert!(!second.enabled && first.enabled);
    // Two connections to Stax and none named: both start it.
    assert!(!second.connections.contains_key("stax"));
    assert_eq!(third.settings["code"], "0815");
    assert_eq!(third.settings["days"], 2);
    assert!(first.recipe_path.ends_with("hello.yaml"));
}

#[test]
fn a_project_with_a_broken_recipe_is_not_ready() {
    let folder = root().join("tests/cases/check/a-recipe-with-errors-that-is-installed-twice");
    let loaded = load_project(&folder.join("linecook.yaml"));
    assert!(loaded.ready.is_none());
    assert_eq!(loaded.diagnostics.len(), 2);
    assert!(load_project(Path::new("no/such/linecook.yaml")).ready.is_none());
}

/// A started run keeps the filters it started with.
#[test]
fn a_plan_keeps_the_filters_that_its_recipe_uses() {
    let folder = root().join("tests/cases/check/own-filters-in-a-recipe");
    let loaded = load_project(&folder.join("linecook.yaml"));
    let plan = &loaded.ready.unwrap().installations[0].plan;
    let stored = serde_json::to_string(&**plan).unwrap();
    let plan: Plan = serde_json::from_str(&stored).unwrap();
    let names: Vec<&str> = plan.recipe.filters.names().collect();
    assert_eq!(names, ["greet", "shout", "twice"]);
}

#[test]
fn a_project_is_checked_by_its_file_its_folder_and_beside_its_recipes() {
    let here = tempfile::tempdir().unwrap();
    linecook(here.path(), &["init", "shop"]);
    for arguments in [
        &["check", "shop/linecook.yaml"][..],
        &["check", "shop"],
        &["check", "shop", "shop/linecook.yaml"],
    ] {
        let text = seen(&linecook(here.path(), arguments));
        assert!(text.contains("1 project and 1 recipe checked: all good"), "{text}");
    }
    let text = seen(&linecook(here.path(), &["check", "shop/recipes"]));
    assert!(text.starts_with("1 recipe checked: all good"), "{text}");
    // A recipe alone shows what is wrong with what it takes from its project, once.
    let path = here.path().join("shop/linecook.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("America/New_York", "Nowhere")).unwrap();
    let output = linecook(here.path(), &["check", "shop/recipes"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(seen(&output).matches("is not a time zone").count(), 1, "{}", seen(&output));
}
