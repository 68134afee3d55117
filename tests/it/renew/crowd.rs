//! A few processes share a token; the README names the long form.

use std::time::Duration;

use super::harness::{Options, child, run};

/// Not a test: what a process of the crowd runs.
#[test]
fn a_process_of_the_crowd() {
    child::work_if_asked();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_expiry_costs_one_refresh_and_every_kill_one_request_to_connect() {
    let report = run(&Options {
        processes: 3,
        tasks: 4,
        expiries: 8,
        kills: 1,
        life: Duration::from_millis(400),
        seed: fastrand::u64(..),
        talks: false,
        arguments: &["--exact", "renew::crowd::a_process_of_the_crowd", "--nocapture"],
    })
    .await;
    println!("{report}");
    assert!(report.wrong.is_empty(), "{report}");
    assert!(report.expiries >= 8 && report.kills == 1, "{report}");
}
