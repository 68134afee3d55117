//! Those who send events: each until it is acknowledged, at a steady rate, and some of them once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use super::project::Project;

/// How long a sender waits before it sends once more.
const AGAIN: Duration = Duration::from_millis(100);

/// The senders at work.
pub struct Senders {
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    work: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    acknowledged: AtomicUsize,
    deliveries: AtomicUsize,
}

/// What has been sent.
pub struct Sent {
    /// Events `0..acknowledged`.
    pub acknowledged: usize,
    pub deliveries: usize,
}

/// The event with this number.
pub fn event(number: usize) -> Value {
    json!({ "id": id(number), "email": email(number) })
}

pub fn id(number: usize) -> String {
    format!("customer-{number:06}")
}

pub fn email(number: usize) -> String {
    format!("c{number}@example.com")
}

impl Senders {
    pub fn start(project: &Project, rate: f64, mut random: Rng) -> Senders {
        let counts = Arc::new(Counts::default());
        let stop = Arc::new(AtomicBool::new(false));
        let address = project.address();
        let (counted, stopped) = (counts.clone(), stop.clone());
        // The address has a secret in it, which the service makes when it first starts.
        let secret = project.hook_secrets();
        let work = tokio::spawn(async move {
            let hook = loop {
                match secret.of("stax") {
                    Some(secret) => {
                        break format!("{address}/hooks/stax/{secret}/customer_created");
                    }
                    None => tokio::time::sleep(AGAIN).await,
                }
            };
            let client =
                reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
            let started = Instant::now();
            let mut senders = JoinSet::new();
            for number in 0.. {
                let at = started + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(at.into()).await;
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let (client, hook, counts) = (client.clone(), hook.clone(), counted.clone());
                let once_more = random.u32(0..5) == 0;
                senders.spawn(send(client, hook, number, once_more, counts));
                while senders.try_join_next().is_some() {}
            }
            while senders.join_next().await.is_some() {}
        });
        Senders { counts, stop, work }
    }

    pub fn acknowledged(&self) -> usize {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    /// Sends no new events, and comes back when all that were begun are acknowledged.
    pub async fn finish(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        self.work.await.unwrap();
        let deliveries = self.counts.deliveries.load(Ordering::Relaxed);
        Sent { acknowledged: self.counts.acknowledged.load(Ordering::Relaxed), deliveries }
    }
}

async fn send(
    client: reqwest::Client,
    hook: String,
    number: usize,
    once_more: bool,
    counts: Arc<Counts>,
) {
    let mut is_known = false;
    loop {
        let answer = client.post(&hook).json(&event(number)).send().await;
        counts.deliveries.fetch_add(1, Ordering::Relaxed);
        match answer {
            Ok(answer) if answer.status().is_success() => {
                if !is_known {
                    counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                if is_known || !once_more {
                    return;
                }
                is_known = true;
            }
            Ok(answer) => assert!(answer.status().is_server_error(), "{}", answer.status()),
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}
