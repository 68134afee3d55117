//! `linecook test`: examples and what they say when they fail.

use crate::cases::{linecook, root, run_stage};

#[test]
fn every_case_reports_what_it_should() {
    run_stage("test", &["test"]);
}

#[test]
fn junit_counts_what_the_text_counts() {
    let folder = root().join("tests/cases/test/a-failing-expectation");
    let xml = linecook(&folder, &["test", "recipe.yaml", "--format", "junit"]);
    let xml = String::from_utf8(xml.stdout).unwrap();
    assert!(xml.contains(r#"failures="1""#), "{xml}");
    let json = linecook(&folder, &["test", "recipe.yaml", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["failed"], 1);
}
