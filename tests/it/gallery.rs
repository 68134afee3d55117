//! The shipped recipes: what each of them has to be, before anybody installs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use linecook::cli::{given_last_seen, given_links};
use linecook::execute::{LocalEngine, drive};
use linecook::journal::Outcome;
use linecook::sandbox::{LedgerEntry, World};
use serde_json::{Value, json};

use crate::cases::{linecook, root, seen};
use crate::resume::Case;

/// How many there are at least.
const FEWEST: usize = 24;

fn recipes() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("recipes")).unwrap();
    let mut paths: Vec<_> = folder.map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    paths.sort();
    assert!(paths.len() >= FEWEST, "{} recipes", paths.len());
    paths
}

fn name_of(recipe: &Path) -> &str {
    recipe.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn they_check_clean_and_their_examples_pass() {
    let checked = linecook(&root(), &["check", "recipes", "--deny-warnings"]);
    assert_eq!(checked.status.code(), Some(0), "{}", seen(&checked));
    let tested = linecook(&root(), &["test", "recipes"]);
    assert_eq!(tested.status.code(), Some(0), "{}", seen(&tested));
}

/// Whoever reads a recipe sees when it works, and when it leaves everything as it is.
#[test]
fn each_has_two_examples_and_one_does_nothing() {
    for path in recipes() {
        let cases = Case::all(&path);
        assert!(cases.len() >= 2, "{}", path.display());
        let expected = cases.iter().filter_map(|case| case.example.as_ref());
        let calls = expected.filter_map(|example| example.expect.as_ref()?.calls.as_ref());
        let calls: Vec<usize> = calls.map(Vec::len).collect();
        assert!(calls.contains(&0), "{}: no example does nothing", path.display());
        assert!(calls.iter().any(|n| *n > 0), "{}: all examples do nothing", path.display());
    }
}

#[test]
fn the_readme_names_each_once() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for path in recipes() {
        let row = format!("| [{0}](recipes/{0}.yaml) |", name_of(&path));
        assert_eq!(readme.matches(&row).count(), 1, "{row}");
    }
}

/// A request: method, address without its host, fields of the address in order, body.
type Sent = (String, String, Vec<(String, String)>, Value);

fn as_shown(call: &Value) -> Sent {
    let url = url::Url::parse(call["url"].as_str().unwrap()).unwrap();
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    query.sort();
    let method = call["method"].as_str().unwrap().to_owned();
    (method, url.path().to_owned(), query, call["body"].clone())
}

fn as_arrived(entry: &LedgerEntry) -> Sent {
    let (_, pattern) = entry.call.split_once(' ').unwrap();
    let parts = pattern.split('/').map(|part| match part.strip_prefix(':') {
        Some(name) => entry.path[name].as_str(),
        None => part,
    });
    let mut query = entry.query.clone();
    query.sort();
    (entry.method.clone(), parts.collect::<Vec<_>>().join("/"), query, entry.body.clone())
}

/// What a person is shown is what leaves, for every example of every recipe.
#[test]
fn a_dry_run_shows_what_a_run_sends() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut calls = 0;
    for path in recipes() {
        for (index, mut case) in Case::all(&path).into_iter().enumerate() {
            let number = (index + 1).to_string();
            let now = case.event.received_at.to_string();
            let location = World::location_id();
            let file = path.to_str().unwrap();
            let arguments = ["dry-run", file, "--example", &number, "--now", &now];
            let more = ["--location", location, "--format", "json"];
            let shown = linecook(&root(), &[&arguments[..], &more[..]].concat());
            let shown: Value = serde_json::from_slice(&shown.stdout)
                .unwrap_or_else(|_| panic!("{}: {}", case.name, seen(&shown)));
            let shown: Vec<Sent> =
                shown["calls"].as_array().unwrap().iter().map(as_shown).collect();

            // A call that fails and is tried again is shown once.
            if let Some(given) = case.example.as_mut().and_then(|e| e.given.as_mut()) {
                given.failures.clear();
            }
            // The marks that linecook adds are made of the name of the run.
            case.setup.run_id = "dry-run".to_owned();
            let (world, clock) = case.world();
            let given = case.example.as_ref().and_then(|e| e.given.as_ref());
            let answers = given.map(|given| given.answers.clone()).unwrap_or_default();
            let mut engine = LocalEngine::new(&world, clock, Duration::from_secs(1 << 30), |_| {})
                .with_answers(answers)
                .with_links(given_links(given))
                .with_last_seen(given_last_seen(given));
            let outcome =
                runtime.block_on(drive(&case.plan, &case.event, &case.setup, &mut engine));
            let arrived: Vec<Sent> = world.world().ledger().iter().map(as_arrived).collect();

            calls += arrived.len();
            let shown = match outcome {
                // A dry run assumes the first answer, and goes on.
                Outcome::Held { .. } => &shown[..arrived.len().min(shown.len())],
                _ => &shown[..],
            };
            assert_eq!(json!(shown), json!(arrived), "{}", case.name);
        }
    }
    assert!(calls > 200, "only {calls}");
}
