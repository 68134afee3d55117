//! A sync that begins by itself once in a while: what lost webhooks have left out is repaired.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::error;

use crate::server::installed::Installation;
use crate::server::sync::begin;
use crate::server::{ActError, Service};
use crate::store::StoreError;

/// Begins a sync when so much time has passed since the last one began, until it is dropped.
pub async fn run(service: Arc<Service>, installation: Arc<Installation>, every: Duration) {
    loop {
        match turn(&service, &installation, every).await {
            Ok(next) => super::poll::sleep_until(next).await,
            Err(problem) => {
                error!("{problem}: {}", problem.help);
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}

/// Begins a sync if it is time; gives the next time.
async fn turn(
    service: &Arc<Service>,
    installation: &Installation,
    every: Duration,
) -> Result<Timestamp, StoreError> {
    let (store, now) = (service.store(), Timestamp::now());
    let position = format!("sync-every {}", installation.name);
    let last = store.position(&position).await?.and_then(|text| text.parse::<Timestamp>().ok());
    let next = |from: Timestamp| from.checked_add(every).unwrap_or(Timestamp::MAX);
    if let Some(due) = last.map(next).filter(|due| *due > now) {
        return Ok(due);
    }
    store.set_position(&position, &now.to_string()).await?;
    match begin(store, &service.installed(), &installation.name).await {
        Ok(done) => service.follow(done),
        Err(ActError::Store(problem)) => return Err(problem),
        Err(ActError::Impossible(why)) => {
            error!(recipe = %installation.name, "the sync cannot begin: {why}");
        }
    }
    Ok(next(now))
}
