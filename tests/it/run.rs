//! `linecook run` against the built-in sandbox.

use crate::cases::{linecook, root, run_stage, seen};

#[test]
fn every_case_runs_as_it_should() {
    run_stage("run", &["run"]);
}

#[test]
fn a_real_account_is_reached_only_with_live_and_a_token() {
    let folder = root().join("recipes");
    let output = linecook(&folder, &["run", "new-customer.yaml", "--live"]);
    assert_eq!(output.status.code(), Some(2), "{}", seen(&output));
    assert!(seen(&output).contains("--location"), "{}", seen(&output));
    let output = linecook(&folder, &["run", "new-customer.yaml", "--live", "--location", "x"]);
    assert!(seen(&output).contains("LINECOOK_HIGHLEVEL_TOKEN"), "{}", seen(&output));
}

#[test]
fn a_server_that_is_not_there_is_said_at_the_recipe_line() {
    let folder = root().join("recipes");
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token-for-this-test\n").unwrap();
    let token = format!("highlevel={}", token.path().display());
    // Port 9 (discard) is closed on every test machine; nothing leaves this machine.
    let output = linecook(
        &folder,
        &[
            "run",
            "new-customer.yaml",
            "--base-url",
            "highlevel=http://127.0.0.1:9",
            "--token-file",
            &token,
            "--location",
            "x",
            "--patience",
            "0",
        ],
    );
    let seen = seen(&output);
    assert_eq!(output.status.code(), Some(1), "{seen}");
    assert!(seen.contains("no connection") && seen.contains("new-customer.yaml:"), "{seen}");
    assert!(!seen.contains("token-for-this-test"), "{seen}");
}
