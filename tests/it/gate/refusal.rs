//! After a 429.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::call::{RateLimit, Response};
use linecook::execute::gate::{Closed, ClosedBy, Pass, Priority};
use tokio::time::{Instant, sleep, sleep_until};

use super::server::{Server, send_until};
use super::{DAY, PATIENT, gate, limits, seconds, status, window, with_seeds};

#[tokio::test(start_paused = true)]
async fn a_quota_halved_in_the_middle_costs_one_window_of_refusals() {
    with_seeds(|seed| async move {
        for (tells, retry_after_seconds) in
            [(true, None), (false, None), (false, Some(10)), (false, Some(2))]
        {
            let server = Server::new(&[window(100, seconds(10))], seed);
            server.with(|state| {
                state.tells = tells;
                state.retry_after_seconds = retry_after_seconds;
            });
            let gate = gate(&limits(&[window(100, seconds(10))]));
            let start = Instant::now();
            let into_the_window = fastrand::Rng::with_seed(seed).u64(0..10_000);
            let cut = start + seconds(20) + Duration::from_millis(into_the_window);
            let sending = send_until(&gate, &server, 64, start + seconds(225));
            let cutting = async {
                sleep_until(cut).await;
                server.with(|state| state.windows[0].requests = 50);
            };
            tokio::join!(sending, cutting);
            let refused = server.with(|s| s.refused.clone());
            let first = refused.first().copied().unwrap_or(cut);
            let last = refused.last().copied().unwrap_or(cut);
            let settled = cut + seconds(40);
            let taken = server.with(|s| s.taken.iter().filter(|&&at| at >= settled).count());
            println!(
                "tells {tells}: refused {} in {:?}; {taken} of 800 after",
                refused.len(),
                last - first
            );
            assert!(last - first <= seconds(10), "refused for {:?}", last - first);
            assert!(refused.len() <= 64, "{} refused", refused.len());
            assert!(taken >= 760, "{taken} of 800 after it");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_closes_for_as_long_as_the_app_asks_and_one_goes_first() {
    let gate = gate(&limits(&[window(100, seconds(10))]));
    let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
    let most = Some(100);
    let rate = RateLimit { most, ..RateLimit::default() };
    let asks = Some(30);
    pass.answered(&Ok(Response {
        status: 429,
        retry_after_seconds: asks,
        rate,
        ..Response::default()
    }));
    let closed = gate.enter(Priority::Live, seconds(5)).await.unwrap_err();
    assert_eq!(closed, Closed { after: seconds(30), why: ClosedBy::Refusal });
    let start = Instant::now();
    let out = Arc::new(Mutex::new((0, Vec::new())));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let (gate, out) = (gate.clone(), Arc::clone(&out));
            tokio::spawn(async move {
                let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
                assert!(start.elapsed() >= seconds(30));
                {
                    let (now, most) = &mut *out.lock().unwrap();
                    *now += 1;
                    most.push(*now);
                }
                sleep(Duration::from_millis(100)).await;
                out.lock().unwrap().0 -= 1;
                pass.answered(&status(200));
            })
        })
        .collect();
    sleep(Duration::from_millis(30_050)).await;
    assert_eq!(out.lock().unwrap().1, [1], "one goes first");
    for task in tasks {
        task.await.unwrap();
    }
    let most_at_once = out.lock().unwrap().1.iter().copied().max().unwrap();
    assert!((4..=32).contains(&most_at_once), "{most_at_once} at once");
    assert!(start.elapsed() < seconds(32), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_are_asked_about_ever_more_rarely() {
    let gate = gate(&limits(&[window(100, seconds(10))]));
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let start = Instant::now();
        let pass = gate.enter(Priority::Live, DAY).await.unwrap();
        pauses.push(start.elapsed().as_secs());
        pass.answered(&status(429));
    }
    assert_eq!(pauses[..5], [0, 10, 20, 40, 80]);
    assert_eq!(pauses[11], 3600);
    assert_eq!(gate.state().most, Some(100), "one request is never too fast");
}

#[tokio::test(start_paused = true)]
async fn waiting_ones_are_turned_away_when_it_closes_for_longer_than_they_wait() {
    let gate = gate(&limits(&[window(2, seconds(10))]));
    gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&status(200));
    let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.enter(Priority::Live, seconds(20)).await.map(Pass::unused) }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let asks = Some(600);
    pass.answered(&Ok(Response { status: 429, retry_after_seconds: asks, ..Response::default() }));
    let closed = waiting.await.unwrap().unwrap_err();
    assert_eq!(closed, Closed { after: seconds(600), why: ClosedBy::Refusal });
    assert_eq!(start.elapsed(), Duration::ZERO);
}
