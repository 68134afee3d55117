//! The service is killed ten times; the README names the long form.

use std::time::Duration;

#[path = "../../soak/mod.rs"]
pub mod soak;

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_loses_nothing_and_does_nothing_twice() {
    super::client();
    let report = soak::run(&soak::Options {
        kills: 10,
        seed: fastrand::u64(..),
        rate: 12.0,
        longest_life: Duration::from_millis(900),
        talks: false,
    })
    .await;
    println!("{report}");
    assert!(report.wrong.is_empty(), "{report}");
    assert!(report.acknowledged > 0, "{report}");
}
