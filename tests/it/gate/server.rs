//! A server that counts strictly, and tasks that send to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::call::{CallError, RateLimit, Response};
use linecook::execute::gate::{Gate, Priority, Window};
use tokio::time::{Instant, sleep};

use super::PATIENT;

/// An app that counts strictly: in every stretch of a window's length, at the moment of arrival.
#[derive(Clone)]
pub struct Server {
    state: Arc<Mutex<ServerState>>,
}

pub struct ServerState {
    pub windows: Vec<Window>,
    /// The arrivals that were taken, and of the others who share the limit.
    pub taken: VecDeque<Instant>,
    /// When the refused ones arrived.
    pub refused: Vec<Instant>,
    pub taken_of_ours: u64,
    pub tells: bool,
    pub retry_after_seconds: Option<u64>,
    pub longest_latency: Duration,
    random: fastrand::Rng,
}

impl Server {
    pub fn new(windows: &[Window], seed: u64) -> Server {
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

    pub fn with<T>(&self, look: impl FnOnce(&mut ServerState) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// The request is on its way even if nobody waits for the answer any more.
    pub async fn call(&self) -> Result<Response, CallError> {
        let server = self.clone();
        tokio::spawn(async move { server.travel().await }).await.unwrap()
    }

    async fn travel(&self) -> Result<Response, CallError> {
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
    fn left(&self, window: Window, now: Instant) -> u64 {
        let gone = self.taken.partition_point(|&at| now - at >= window.per);
        let used = self.taken.len() - gone;
        window.requests.saturating_sub(used as u64)
    }

    pub fn take(&mut self, now: Instant) -> bool {
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
pub async fn send_until(gate: &Gate, server: &Server, tasks: usize, end: Instant) {
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (gate, server) = (gate.clone(), server.clone());
        all.spawn(async move {
            loop {
                // What is let through after the end is not sent.
                let pass = gate.enter(Priority::Live, PATIENT).await.expect("it is patient");
                if Instant::now() >= end {
                    return pass.unused();
                }
                pass.answered(&server.call().await);
            }
        });
    }
    all.join_all().await;
}
