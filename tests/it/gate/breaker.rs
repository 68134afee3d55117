//! A host that is down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::call::{CallError, Response};
use linecook::execute::gate::{Breaker, ClosedBy, Gate, Host, Priority};
use tokio::time::{Instant, sleep};

use super::{DAY, PATIENT, limits, seconds, status, with_seeds};

async fn fail(gate: &Gate, times: usize) {
    for _ in 0..times {
        let pass = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
        pass.answered(&status(503));
    }
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_close_the_host_and_refused_calls_do_not() {
    let breaker = Breaker::new(7);
    let gate = Gate::new(&limits(&[]), breaker.clone(), &[]);
    for _ in 0..20 {
        let pass = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
        pass.answered(&status(422));
    }
    fail(&gate, 4).await;
    gate.enter(Priority::Live, Duration::ZERO).await.unwrap().answered(&status(404));
    fail(&gate, 4).await;
    assert_eq!(breaker.host(), Host::Up);
    let pass = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
    pass.answered(&Err(CallError::NoAnswer("time is up".into())));
    assert!(matches!(breaker.host(), Host::Down { for_now } if for_now <= seconds(2)));
    assert_eq!(gate.enter(Priority::Live, Duration::ZERO).await.unwrap_err().why, ClosedBy::Host);
}

#[tokio::test(start_paused = true)]
async fn one_request_finds_out_for_all_gates_of_the_host_and_the_rest_come_back_gradually() {
    with_seeds(|seed| async move {
        let breaker = Breaker::new(seed);
        let gates: Vec<Gate> =
            (0..3).map(|_| Gate::new(&limits(&[]), breaker.clone(), &[])).collect();
        fail(&gates[0], 5).await;
        let start = Instant::now();
        let up_again = start + seconds(900);
        let out = Arc::new(Mutex::new(0u32));
        // When each went, how many were out then.
        let went: Arc<Mutex<Vec<(Instant, u32)>>> = Arc::default();
        let tasks: Vec<_> = (0..150)
            .map(|number| {
                let (out, went) = (Arc::clone(&out), Arc::clone(&went));
                let gate = gates[number % 3].clone();
                tokio::spawn(async move {
                    loop {
                        let pass = gate.enter(Priority::Live, DAY).await.unwrap();
                        {
                            let mut out = out.lock().unwrap();
                            *out += 1;
                            went.lock().unwrap().push((Instant::now(), *out));
                        }
                        let is_up = Instant::now() >= up_again;
                        sleep(Duration::from_millis(100)).await;
                        *out.lock().unwrap() -= 1;
                        pass.answered(&status(if is_up { 200 } else { 503 }));
                        if is_up {
                            return;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let went = went.lock().unwrap();
        let probes: Vec<_> = went.iter().filter(|(at, _)| *at < up_again).collect();
        assert!(probes.iter().all(|(_, out)| *out == 1), "one at a time");
        assert!((4..60).contains(&probes.len()), "{} probes in 15 minutes", probes.len());
        let back: Vec<_> = went.iter().filter(|(at, _)| *at >= up_again).collect();
        let first = back[0].0;
        assert!(first - up_again <= seconds(301), "it is tried every five minutes at the least");
        let within = |ms| {
            let span = Duration::from_millis(ms);
            back.iter().filter(|(at, _)| *at - first <= span).count()
        };
        assert_eq!(within(99), 1);
        assert!((2..=4).contains(&within(150)), "{}", within(150));
        assert!(within(250) <= 10, "{}", within(250));
        assert!(back.last().unwrap().0 - first < seconds(2), "all are back soon");
        assert_eq!(breaker.host(), Host::Up);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_is_lost_is_made_by_another() {
    let breaker = Breaker::new(7);
    let gate = Gate::new(&limits(&[]), breaker.clone(), &[]);
    fail(&gate, 5).await;
    let lost = gate.enter(Priority::Live, PATIENT).await.unwrap();
    assert_eq!(breaker.host(), Host::Trying);
    assert_eq!(gate.enter(Priority::Live, Duration::ZERO).await.unwrap_err().why, ClosedBy::Host);
    drop(lost);
    gate.enter(Priority::Live, Duration::ZERO).await.unwrap().answered(&status(200));
    assert_eq!(breaker.host(), Host::Recovering);
}

#[tokio::test(start_paused = true)]
async fn a_host_may_ask_for_a_longer_pause() {
    let breaker = Breaker::new(7);
    let gate = Gate::new(&limits(&[]), breaker.clone(), &[]);
    fail(&gate, 4).await;
    let pass = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
    let asks = Some(120);
    pass.answered(&Ok(Response { status: 503, retry_after_seconds: asks, ..Response::default() }));
    assert_eq!(breaker.host(), Host::Down { for_now: seconds(120) });
}
