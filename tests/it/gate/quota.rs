//! Windows, days, and what the app says of them.

use std::time::Duration;

use linecook::call::{CallError, RateLimit};
use linecook::execute::gate::{
    Breaker, Closed, ClosedBy, Gate, Limits, Priority, SetBy, Spent, Window,
};
use tokio::time::{Instant, sleep};

use super::server::{Server, send_until};
use super::{DAY, HOUR, PATIENT, gate, limits, limits_of, rate, seconds, window, with_seeds};

#[tokio::test(start_paused = true)]
async fn sixty_four_tasks_use_a_strict_window_and_never_more() {
    with_seeds(|seed| async move {
        for tells in [false, true] {
            let windows = [window(100, seconds(10)), window(200_000, DAY)];
            let server = Server::new(&windows, seed);
            server.with(|state| state.tells = tells);
            let gate = gate(&limits_of("highlevel"));
            send_until(&gate, &server, 64, Instant::now() + seconds(1_000)).await;
            let (taken, refused) = server.with(|s| (s.taken_of_ours, s.refused.len()));
            println!("taken {taken} of 10000, refused {refused}");
            assert_eq!(refused, 0);
            assert!(taken >= 9_500, "{taken} of 10000");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_day_is_never_exceeded() {
    with_seeds(|seed| async move {
        // A day of a quarter of an hour: the same arithmetic, bucketed in the same thousandths.
        let windows = [window(100, seconds(10)), window(3_000, seconds(900))];
        let server = Server::new(&windows, seed);
        let gate = gate(&limits(&windows));
        send_until(&gate, &server, 16, Instant::now() + seconds(3_600)).await;
        let (taken, refused) = server.with(|s| (s.taken_of_ours, s.refused.len()));
        println!("taken {taken} of 12000, refused {refused}");
        assert_eq!(refused, 0);
        assert!(taken >= 11_400, "{taken} of 12000");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_give_a_second_window() {
    with_seeds(|seed| async move {
        let windows = [window(100, seconds(10)), window(400, seconds(60))];
        let server = Server::new(&windows, seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut answered: Vec<(Instant, u64)> = Vec::new();
        for _ in 0..20 {
            let now = Instant::now();
            let spent: Vec<Spent> = answered
                .iter()
                .map(|&(at, requests)| Spent { ago: now - at, requests, failures: 0 })
                .collect();
            let gate = Gate::new(&limits(&windows), Breaker::new(seed), &spent);
            let before = server.with(|s| s.taken_of_ours);
            let life = Duration::from_millis(random.u64(10..8_000));
            // It dies with requests on their way.
            let _ = tokio::time::timeout(life, send_until(&gate, &server, 64, now + HOUR)).await;
            drop(gate);
            sleep(Duration::from_millis(200)).await;
            answered.push((Instant::now(), server.with(|s| s.taken_of_ours) - before));
        }
        assert_eq!(server.with(|s| s.refused.len()), 0);
        assert!(server.with(|s| s.taken_of_ours) >= 300);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_others_use_is_left_to_them() {
    with_seeds(|seed| async move {
        let server = Server::new(&[window(100, seconds(10))], seed);
        server.with(|state| state.tells = true);
        let gate = gate(&limits(&[window(100, seconds(10))]));
        let end = Instant::now() + seconds(200);
        let others = async {
            while Instant::now() < end {
                server.with(|state| state.take(Instant::now()));
                sleep(Duration::from_millis(250)).await;
            }
        };
        tokio::join!(send_until(&gate, &server, 4, end), others);
        let (taken, refused) = server.with(|s| (s.taken_of_ours, s.refused.len()));
        println!("taken {taken} of 1200, refused {refused}");
        assert!(refused <= 40, "{refused} refused");
        assert!(taken >= 800, "{taken} of 1200");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn random_limits_are_never_exceeded_and_nothing_leaks() {
    for seed in (0..40).chain([fastrand::u64(..)]) {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let windows: Vec<Window> = (0..random.usize(1..=3))
            .map(|_| window(random.u64(1..60), Duration::from_millis(random.u64(50..20_000))))
            .collect();
        let longest = windows.iter().map(|window| window.per).max().unwrap();
        let server = Server::new(&windows, seed);
        server.with(|s| s.longest_latency = Duration::from_millis(random.u64(0..3_000)));
        let gate = gate(&limits(&windows));
        let tasks: Vec<_> = (0..random.usize(1..80))
            .map(|number| {
                let (gate, server) = (gate.clone(), server.clone());
                let mut random = fastrand::Rng::with_seed(seed ^ (number as u64) << 8);
                tokio::spawn(async move {
                    for _ in 0..10 {
                        sleep(Duration::from_millis(random.u64(0..2_000))).await;
                        let priority =
                            [Priority::Live, Priority::Retry, Priority::Sync][random.usize(0..3)];
                        let patience = Duration::from_millis(random.u64(0..30_000));
                        let gives_up = Duration::from_millis(random.u64(0..40_000));
                        let entering = gate.enter(priority, patience);
                        let Ok(entered) = tokio::time::timeout(gives_up, entering).await else {
                            continue;
                        };
                        match entered {
                            Ok(pass) => match random.u32(0..10) {
                                0 => pass.unused(),
                                1 => {
                                    let _ = server.call().await;
                                    drop(pass);
                                }
                                _ => pass.answered(&server.call().await),
                            },
                            Err(closed) => assert!(closed.after > Duration::ZERO),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(server.with(|s| s.refused.len()), 0, "{windows:?}");
        sleep(longest * 2).await;
        let state = gate.state();
        let waiting = state.waiting;
        assert_eq!((state.in_flight, waiting.live + waiting.retry + waiting.sync), (0, 0));
        assert_eq!((state.left, state.closed), (state.most, None));
        let pass = gate.enter(Priority::Sync, Duration::ZERO).await;
        pass.expect("there is room again").unused();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_costs_nothing() {
    let gate = gate(&limits_of("stax"));
    for _ in 0..4 {
        let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
        pass.answered(&Err(CallError::NotSent("no such host".into())));
    }
    let state = gate.state();
    assert_eq!((state.left, state.failures_left), (Some(100), Some(9)));
}

#[tokio::test(start_paused = true)]
async fn the_app_s_own_limit_counts_unless_the_owner_wants_less() {
    for (set_by, most) in [(SetBy::Catalog, 200), (SetBy::Project, 100)] {
        let limits = Limits { set_by, ..limits(&[window(100, seconds(10))]) };
        let gate = gate(&limits);
        let told = RateLimit {
            most: Some(200),
            left: Some(199),
            window_ms: Some(10_000),
            ..RateLimit::default()
        };
        gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&rate(told));
        let state = gate.state();
        assert_eq!((state.most, state.left), (Some(most), Some(most - 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_that_only_the_app_knows_holds_too() {
    let limits = Limits { set_by: SetBy::Project, ..limits(&[window(5, seconds(1))]) };
    let gate = gate(&limits);
    let told = |left| RateLimit {
        most: Some(20),
        left: Some(left),
        window_ms: Some(60_000),
        ..RateLimit::default()
    };
    let start = Instant::now();
    for sent in 1..=21 {
        let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
        pass.answered(&rate(told(20u64.saturating_sub(sent))));
    }
    assert!(start.elapsed() >= seconds(60), "{:?}", start.elapsed());
    assert_eq!(gate.state().most, Some(20));
}

#[tokio::test(start_paused = true)]
async fn when_nothing_is_left_of_the_day_one_an_hour_finds_out() {
    let gate = gate(&limits_of("highlevel"));
    let told = |left| rate(RateLimit { left_today: Some(left), ..RateLimit::default() });
    gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&told(2));
    assert_eq!(gate.state().left_today, Some(2));
    let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
    pass.answered(&told(0));
    assert_eq!(gate.state().left_today, Some(0));
    let closed = gate.enter(Priority::Live, seconds(60)).await.unwrap_err();
    assert_eq!(closed, Closed { after: HOUR, why: ClosedBy::DailyQuota });
    sleep(closed.after).await;
    let probe = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
    let closed = gate.enter(Priority::Live, seconds(60)).await.unwrap_err();
    assert_eq!(closed.why, ClosedBy::DailyQuota, "one at a time");
    probe.answered(&told(0));
    sleep(HOUR).await;
    gate.enter(Priority::Live, Duration::ZERO).await.unwrap().answered(&told(200_000));
    let first = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
    let second = gate.enter(Priority::Live, Duration::ZERO).await.unwrap();
    first.unused();
    second.unused();
}

#[tokio::test(start_paused = true)]
async fn a_day_that_was_used_up_before_the_restart_is_still_used_up() {
    let spent = [
        Spent { ago: HOUR * 23, requests: 150_000, failures: 0 },
        Spent { ago: HOUR * 2, requests: 50_000, failures: 0 },
        Spent { ago: HOUR * 30, requests: 90_000, failures: 0 },
    ];
    let gate = Gate::new(&limits_of("highlevel"), Breaker::new(1), &spent);
    let state = gate.state();
    assert_eq!((state.left, state.left_today), (Some(100), Some(0)));
    let closed = gate.enter(Priority::Sync, seconds(60)).await.unwrap_err();
    assert_eq!(closed.why, ClosedBy::DailyQuota);
    assert!(closed.after >= HOUR && closed.after < HOUR + seconds(120), "{closed:?}");
}
