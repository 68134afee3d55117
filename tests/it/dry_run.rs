//! `linecook dry-run`: what would be sent.

use crate::cases::run_stage;

#[test]
fn every_case_shows_what_it_should() {
    run_stage("dry-run", &["dry-run"]);
}
