//! What a gate lets through, judged by servers that count strictly. Time is tokio's and stands still
//! unless everybody waits; every random test prints its seed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::call::{CallError, RateLimit, Response};
use linecook::catalog::Catalog;
use linecook::execute::gate::{
    Breaker, Closed, ClosedBy, Gate, Host, Limits, Pass, Priority, SetBy, Spent, Window,
};
use tokio::time::{Instant, sleep, sleep_until};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const PATIENT: Duration = HOUR;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn window(requests: u64, per: Duration) -> Window {
    Window { requests, per }
}

fn limits(windows: &[Window]) -> Limits {
    Limits { windows: windows.to_vec(), failures: None, set_by: SetBy::Catalog }
}

fn limits_of(app: &str) -> Limits {
    Limits::of(Catalog::embedded().app(app).expect("the catalog has it"))
}

fn gate(limits: &Limits) -> Gate {
    Gate::new(limits, Breaker::new(1), &[])
}

fn status(status: u16) -> Result<Response, CallError> {
    Ok(Response { status, ..Response::default() })
}

fn rate(rate: RateLimit) -> Result<Response, CallError> {
    Ok(Response { status: 200, rate, ..Response::default() })
}

/// Runs a test with some seeds that stay the same and one that does not.
async fn with_seeds<F: Future<Output = ()>>(test: impl Fn(u64) -> F) {
    for seed in [1, 2, 3, fastrand::u64(..)] {
        println!("seed {seed}");
        test(seed).await;
    }
}

/// An app that counts strictly: in every stretch of a window's length, at the moment of arrival.
#[derive(Clone)]
struct Server {
    state: Arc<Mutex<ServerState>>,
}

struct ServerState {
    windows: Vec<Window>,
    /// The arrivals that were taken, and of the others who share the limit.
    taken: VecDeque<Instant>,
    /// When the refused ones arrived.
    refused: Vec<Instant>,
    taken_of_ours: u64,
    tells: bool,
    retry_after_seconds: Option<u64>,
    longest_latency: Duration,
    random: fastrand::Rng,
}

impl Server {
    fn new(windows: &[Window], seed: u64) -> Server {
        let state = ServerState {
            windows: windows.to_vec(),
            taken: VecDeque::new(),
            refused: Vec::new(),
            taken_of_ours: 0,
            tells: false,
            retry_after_seconds: None,
            longest_latency: Duration::from_millis(100),
            random: fastrand::Rng::with_seed(seed),
        };
        Server { state: Arc::new(Mutex::new(state)) }
    }

    fn with<T>(&self, look: impl FnOnce(&mut ServerState) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    async fn call(&self) -> Result<Response, CallError> {
        let (there, back) = self.with(|state| {
            let longest = state.longest_latency.as_micros() as u64 / 2;
            let mut way = || Duration::from_micros(state.random.u64(0..=longest));
            (way(), way())
        });
        sleep(there).await;
        let answer = self.with(|state| state.answer());
        sleep(back).await;
        Ok(answer)
    }
}

impl ServerState {
    fn left(&mut self, window: Window, now: Instant) -> u64 {
        let used = self.taken.iter().rev().take_while(|&&at| now - at < window.per).count();
        window.requests.saturating_sub(used as u64)
    }

    fn take(&mut self, now: Instant) -> bool {
        let has_room = self.windows.clone().into_iter().all(|window| self.left(window, now) > 0);
        if has_room {
            self.taken.push_back(now);
        }
        has_room
    }

    fn answer(&mut self) -> Response {
        let now = Instant::now();
        let status = if self.take(now) { 200 } else { 429 };
        if status == 200 {
            self.taken_of_ours += 1;
        } else {
            self.refused.push(now);
        }
        let mut rate = RateLimit::default();
        if self.tells {
            let shortest = self.windows[0];
            rate.most = Some(shortest.requests);
            rate.left = Some(self.left(shortest, now));
            rate.window_ms = Some(shortest.per.as_millis() as u64);
        }
        let retry_after_seconds = self.retry_after_seconds.filter(|_| status == 429);
        Response { status, rate, retry_after_seconds, ..Response::default() }
    }
}

/// So many tasks that send as fast as the gate lets them, until then.
async fn send_until(gate: &Gate, server: &Server, tasks: usize, end: Instant) {
    let all: Vec<_> = (0..tasks)
        .map(|_| {
            let (gate, server) = (gate.clone(), server.clone());
            tokio::spawn(async move {
                loop {
                    // What is let through after the end is not sent.
                    let pass = gate.enter(Priority::Live, PATIENT).await.expect("it is patient");
                    if Instant::now() >= end {
                        return pass.unused();
                    }
                    pass.answered(&server.call().await);
                }
            })
        })
        .collect();
    for task in all {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_four_tasks_use_a_strict_window_and_never_more() {
    with_seeds(|seed| async move {
        for tells in [false, true] {
            let windows = [window(100, seconds(10)), window(200_000, DAY)];
            let server = Server::new(&windows, seed);
            server.with(|state| state.tells = tells);
            let gate = gate(&limits_of("highlevel"));
            send_until(&gate, &server, 64, Instant::now() + seconds(200)).await;
            let (taken, refused) = server.with(|s| (s.taken_of_ours, s.refused.len()));
            println!("taken {taken} of 2000, refused {refused}");
            assert_eq!(refused, 0);
            assert!(taken >= 1_900, "{taken} of 2000");
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
        assert!(server.with(|s| s.taken_of_ours) > 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_halved_in_the_middle_costs_one_window_of_refusals() {
    with_seeds(|seed| async move {
        for (tells, retry_after_seconds) in [(true, None), (false, None), (false, Some(10))] {
            let server = Server::new(&[window(100, seconds(10))], seed);
            server.with(|state| {
                state.tells = tells;
                state.retry_after_seconds = retry_after_seconds;
            });
            let gate = gate(&limits(&[window(100, seconds(10))]));
            let start = Instant::now();
            let cut = start + seconds(25);
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

/// Lets tasks with these priorities queue up in this order, and says in which order they went.
async fn order_of(gate: &Gate, priorities: &[Priority]) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (number, &priority) in priorities.iter().enumerate() {
        let (gate, order) = (gate.clone(), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let pass = gate.enter(priority, DAY).await.unwrap();
            order.lock().unwrap().push(number);
            pass.answered(&status(200));
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    Arc::try_unwrap(order).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn live_goes_before_retry_before_sync_and_each_in_order_of_arrival() {
    let gate = gate(&limits(&[window(1, seconds(1))]));
    gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&status(200));
    let (live, retry, sync) = (Priority::Live, Priority::Retry, Priority::Sync);
    let order = order_of(&gate, &[sync, retry, live, sync, retry, live]).await;
    assert_eq!(order, [2, 5, 1, 4, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn one_in_ten_goes_to_a_retry_and_one_in_a_hundred_to_sync() {
    let gate = gate(&limits(&[window(1, seconds(1))]));
    gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&status(200));
    let mut priorities = vec![Priority::Sync; 2];
    priorities.extend([Priority::Retry; 30]);
    priorities.extend([Priority::Live; 250]);
    let order = order_of(&gate, &priorities).await;
    let went = |number: usize| order.iter().position(|&n| n == number).unwrap();
    assert_eq!((0..5).map(|n| went(2 + n)).collect::<Vec<_>>(), [9, 19, 29, 39, 49]);
    // The retries that are due at that moment go first.
    assert!((99..=101).contains(&went(0)), "{}", went(0));
    assert!((198..=202).contains(&went(1)), "{}", went(1));
}

#[tokio::test(start_paused = true)]
async fn one_who_stops_waiting_leaves_no_gap() {
    let gate = gate(&limits(&[window(1, seconds(10))]));
    gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&status(200));
    let start = Instant::now();
    // The first of the queue, who watches the time for all, gives up after a second.
    let first = tokio::spawn({
        let gate = gate.clone();
        async move { tokio::time::timeout(seconds(1), gate.enter(Priority::Live, PATIENT)).await }
    });
    tokio::task::yield_now().await;
    let pass = gate.enter(Priority::Sync, PATIENT).await.unwrap();
    assert!(first.await.unwrap().is_err());
    assert!(start.elapsed() < seconds(11), "{:?}", start.elapsed());
    pass.unused();
}

#[tokio::test(start_paused = true)]
async fn leave_that_nobody_takes_goes_to_the_next() {
    let gate = gate(&limits(&[window(1, seconds(10))]));
    let pass = gate.enter(Priority::Live, PATIENT).await.unwrap();
    let mut first = Box::pin(gate.enter(Priority::Live, PATIENT));
    let mut second = Box::pin(gate.enter(Priority::Live, PATIENT));
    for future in [&mut first, &mut second] {
        tokio::select! {
            biased;
            _ = future => panic!("it is full"),
            () = std::future::ready(()) => {}
        }
    }
    pass.unused();
    // The first has been let through by now; it goes away without looking.
    assert_eq!(gate.state().in_flight, 1);
    drop(first);
    let pass = tokio::time::timeout(Duration::from_millis(1), second).await.unwrap().unwrap();
    assert_eq!(gate.state().in_flight, 1);
    pass.unused();
    assert_eq!(gate.state().left, Some(1));
}

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
async fn the_impatient_are_told_when_to_come_back_one_after_the_other() {
    let gate = gate(&limits(&[window(10, seconds(10))]));
    for _ in 0..10 {
        gate.enter(Priority::Live, PATIENT).await.unwrap().answered(&status(200));
    }
    sleep(seconds(4)).await;
    let mut come_back = Vec::new();
    for _ in 0..3 {
        let closed = gate.enter(Priority::Live, seconds(5)).await.unwrap_err();
        assert_eq!(closed.why, ClosedBy::Quota);
        come_back.push(closed.after);
    }
    assert!(come_back[0] >= seconds(6) && come_back[0] < Duration::from_millis(6_020));
    assert_eq!(come_back[1] - come_back[0], seconds(1), "ten in ten seconds are one a second");
    assert_eq!(come_back[2] - come_back[1], seconds(1));
    sleep(come_back[0]).await;
    gate.enter(Priority::Live, Duration::ZERO).await.expect("it came when it was told to").unused();
}

#[tokio::test(start_paused = true)]
async fn how_long_it_takes_depends_on_how_many_wait() {
    let gate = gate(&limits(&[window(10, seconds(10))]));
    let mut waiting = Vec::new();
    for _ in 0..25 {
        let gate = gate.clone();
        waiting.push(tokio::spawn(async move {
            gate.enter(Priority::Retry, PATIENT).await.unwrap().answered(&status(200));
        }));
        tokio::task::yield_now().await;
    }
    let waits = gate.state().waiting;
    assert_eq!((waits.live, waits.retry, waits.sync), (0, 15, 0));
    // Ten of the retries go after ten seconds, the others after twenty.
    let sync = gate.enter(Priority::Sync, seconds(11)).await.unwrap_err();
    assert!(sync.after > seconds(14), "{sync:?}");
    let start = Instant::now();
    gate.enter(Priority::Live, seconds(11)).await.expect("live ones go first").unused();
    assert!(start.elapsed() < seconds(11));
    for task in waiting {
        task.await.unwrap();
    }
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
