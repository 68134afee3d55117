//! The failures that an app bears before it blocks the caller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::execute::gate::{Breaker, ClosedBy, Gate, Priority, Spent};
use tokio::time::{Instant, sleep};

use super::{PATIENT, gate, limits_of, seconds, status, with_seeds};

#[tokio::test(start_paused = true)]
async fn a_pass_that_is_lost_in_a_panic_counts() {
    let gate = gate(&limits_of("stax"));
    let task = tokio::spawn({
        let gate = gate.clone();
        async move {
            let _pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    });
    assert!(task.await.is_err());
    let state = gate.state();
    assert_eq!((state.left, state.failures_left, state.in_flight), (Some(99), Some(8), 0));
}

/// An app that blocks the caller after more than ten failures within a minute.
#[tokio::test(start_paused = true)]
async fn failures_never_reach_the_number_that_blocks_us() {
    with_seeds(|seed| async move {
        let gate = gate(&limits_of("stax"));
        let failed: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let sent = Arc::new(Mutex::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let (gate, failed, sent) = (gate.clone(), Arc::clone(&failed), Arc::clone(&sent));
                let mut random = fastrand::Rng::with_seed(seed ^ number << 8);
                tokio::spawn(async move {
                    while start.elapsed() < seconds(1_200) {
                        let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
                        sleep(Duration::from_millis(random.u64(0..600))).await;
                        // Healthy, then everything fails at once, then now and then.
                        let fails = match start.elapsed().as_secs() {
                            0..300 => false,
                            300..600 => true,
                            _ => random.u32(0..30) == 0,
                        };
                        *sent.lock().unwrap() += u64::from(start.elapsed() < seconds(300));
                        if fails {
                            failed.lock().unwrap().push(Instant::now());
                        }
                        sleep(Duration::from_millis(random.u64(0..600))).await;
                        pass.answered(&status(if fails { 401 } else { 200 }));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let sent = *sent.lock().unwrap();
        assert!(sent >= 475, "{sent} of 500 in five healthy minutes");
        let failed = failed.lock().unwrap();
        assert!(failed.len() > 50, "{} failures", failed.len());
        let worst = failed.iter().map(|&at| {
            failed.iter().filter(|&&other| other <= at && at - other < seconds(60)).count()
        });
        let worst = worst.max().unwrap();
        println!("{sent} healthy ones, {} failures, {worst} in the worst minute", failed.len());
        assert!(worst <= 9, "{worst} failures in a minute");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_before_a_restart_count() {
    let spent = [Spent { ago: seconds(20), requests: 30, failures: 9 }];
    let gate = Gate::new(&limits_of("stax"), Breaker::new(1), &spent);
    let closed = gate.enter(Priority::Live, seconds(5)).await.unwrap_err();
    assert_eq!(closed.why, ClosedBy::Failures);
    assert!(closed.after >= seconds(40) && closed.after < seconds(41), "{closed:?}");
}
