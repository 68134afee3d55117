//! What the service does besides running: it tells people, does what they ask for, and forgets what has
//! been kept for long enough. Each chore is done when there is something to do, and once in a while anyway.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify as Bell, watch};
use tokio::time::Instant;
use tracing::{error, info};

use super::dispatch::Order;
use super::{Done, Service, notify, own_events, serve_requests};
use crate::store::{Runs, StoreError, StoreErrorKind};

/// How often the store is asked whether another process has left a request.
const REQUESTS_EVERY: Duration = Duration::from_millis(250);
/// How often it is looked whether the vault has changed.
const VAULT_EVERY: Duration = Duration::from_secs(1);
/// How often what is old is forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// How often it is looked whether a credential is to be replaced.
const REMIND_EVERY: Duration = Duration::from_secs(3_600);
/// How often the open runs are counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// For so long a second arrival of the same event is known.
const SEEN_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    pub payloads: Duration,
    pub runs: Duration,
}

impl Default for Keep {
    fn default() -> Keep {
        let day = Duration::from_secs(24 * 3_600);
        Keep { payloads: 30 * day, runs: 90 * day }
    }
}

/// Tells of failed and held runs when the bell rings, and people once in a while.
pub async fn tell(
    service: Arc<Service>,
    bell: Arc<Bell>,
    notify: notify::Notify,
    mut stop: watch::Receiver<bool>,
) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap_or_default();
    let mut may_send = Instant::now();
    loop {
        if let Err(problem) = own_events::tell_of_runs(&service).await {
            complain(&problem);
        }
        if let Err(problem) = own_events::tell_of_credentials(&service).await {
            complain(&problem);
        }
        if let Err(problem) = own_events::tell_of_stages(&service).await {
            complain(&problem);
        }
        if !notify.is_silent()
            && may_send <= Instant::now()
            && notify::send(&service, &notify, &client).await
        {
            may_send = Instant::now() + notify.every;
        }
        let wake = may_send.max(Instant::now() + Duration::from_secs(1));
        tokio::select! {
            _ = stop.changed() => return,
            () = bell.notified() => {}
            () = tokio::time::sleep_until(wake), if !notify.is_silent() => {}
        }
    }
}

/// Does what other processes ask for.
pub async fn follow_requests(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(REQUESTS_EVERY) => {}
        }
        if let Err(problem) = requests(&service).await {
            complain(&problem);
        }
    }
}

async fn requests(service: &Arc<Service>) -> Result<(), StoreError> {
    let all = serve_requests(service.store(), &service.installed()).await?;
    let restaged = all.iter().any(|done| done.restaged);
    for done in all {
        info!("asked from outside: {}", done.note);
        service.follow(done);
    }
    match restaged {
        true => service.restage().await,
        false => Ok(()),
    }
}

/// Takes over the secrets of webhook addresses when another process has changed them, and drops those whose
/// time is over.
pub async fn follow_vault(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut may_drop = Instant::now();
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(VAULT_EVERY) => {}
        }
        service.hooks().look_again().await;
        if service.hooks().has_old() && may_drop <= Instant::now() {
            if let Err(problem) = service.hooks().drop_old().await {
                error!("{problem}: {}", problem.help);
            }
            // They open nothing any more: there is time.
            may_drop = Instant::now() + SWEEP_EVERY;
        }
    }
}

/// Counts the open runs once in a while.
pub async fn count(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        match service.store().count_open().await {
            Ok(open) => service.set_open_runs(open),
            Err(problem) => complain(&problem),
        }
        // A run may have come to wait just when its recipe went live.
        if let Err(problem) = service.open_paused().await {
            complain(&problem);
        }
        if let Err(problem) = own_events::tell_of_quotas(&service).await {
            complain(&problem);
        }
        if let Err(problem) = own_events::tell_of_credentials(&service).await {
            complain(&problem);
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(COUNT_EVERY) => {}
        }
    }
}

/// Forgets what has been kept for long enough.
pub async fn sweep(service: Arc<Service>, keep: Keep, mut stop: watch::Receiver<bool>) {
    loop {
        let now = Timestamp::now();
        let before = |length: Duration| now.checked_sub(length).unwrap_or(Timestamp::MIN);
        let swept =
            service.store().sweep(before(keep.payloads), before(keep.runs), before(SEEN_FOR)).await;
        match swept {
            Ok(swept) if swept != Default::default() => {
                info!(payloads = swept.payloads, runs = swept.runs, "old things were forgotten");
            }
            Ok(_) => {}
            Err(problem) => complain(&problem),
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
}

/// Reminds of credentials that are to be replaced: at the start, when something else is installed, and
/// once in a while.
pub async fn remind(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        let changed = service.reinstalled.notified();
        if let Err(problem) = own_events::tell_of_rotations(&service).await {
            complain(&problem);
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = changed => {}
            () = tokio::time::sleep(REMIND_EVERY) => {}
        }
    }
}

/// Says what the store cannot do; the same thing over and over only once a second.
fn complain(problem: &StoreError) {
    if problem.kind != StoreErrorKind::Closed {
        error!("{problem}: {}", problem.help);
    }
}

impl Service {
    /// Lets the dispatcher know what was done.
    pub fn follow(&self, done: Done) {
        for run in done.reopened {
            self.dispatch.order(Order::Reopened(run));
        }
        for run in done.cancelled {
            self.dispatch.order(Order::Cancelled(run));
        }
        if done.started {
            self.dispatch.arrived();
            self.sync.notify_one();
        }
    }
}
