//! Who goes when.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::execute::gate::{ClosedBy, Gate, Priority};
use tokio::time::{Instant, sleep};

use super::{DAY, PATIENT, gate, limits, seconds, status, window};

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
