//! A recipe that starts at times that come again.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tracing::error;

use crate::catalog::Catalog;
use crate::check::Schedule;
use crate::recipe::Missed;
use crate::server::Service;
use crate::server::installed::{Happening, Installation, TriggerFacts};
use crate::store::{Arrival, Fingerprint, StoreError};

/// Waits for each time and starts the recipe, until it is dropped.
pub async fn run(service: Arc<Service>, installation: Arc<Installation>, schedule: Schedule) {
    let zone = installation.kept.defaults().timezone.clone();
    let position = format!("schedule {}", installation.name);
    loop {
        match turn(&service, &installation, &schedule, &zone, &position).await {
            Ok(Some(next)) => super::poll::sleep_until(next).await,
            // No time ever comes again.
            Ok(None) => return,
            Err(problem) => {
                error!("{problem}: {}", problem.help);
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            }
        }
    }
}

/// Starts what is due; gives the next time.
async fn turn(
    service: &Arc<Service>,
    installation: &Installation,
    schedule: &Schedule,
    zone: &jiff::tz::TimeZone,
    position: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let now = Timestamp::now();
    let store = service.store();
    let stands = store.position(position).await?.and_then(|text| text.parse::<Timestamp>().ok());
    let Some(stands) = stands else {
        // From the first start on: what was before has not been missed.
        store.set_position(position, &now.to_string()).await?;
        return Ok(schedule.times.next(now, zone));
    };
    if let Some(last) = schedule.times.last(now, zone).filter(|last| *last > stands) {
        // A minute late is not missed.
        let is_missed = now.duration_since(last).as_secs() > 60;
        if schedule.missed == Missed::Once || !is_missed {
            start(service, installation, schedule, last, stands).await?;
        }
        store.set_position(position, &last.to_string()).await?;
    }
    Ok(schedule.times.next(now, zone))
}

async fn start(
    service: &Arc<Service>,
    installation: &Installation,
    schedule: &Schedule,
    at: Timestamp,
    previous: Timestamp,
) -> Result<(), StoreError> {
    let Some(event) = installation.kept.plan.recipe.trigger.events.first() else { return Ok(()) };
    let Some(app) = Catalog::embedded().app(&event.app) else { return Ok(()) };
    let payload = schedule.payload(at, Some(previous));
    let fingerprint = Fingerprint::of(&[
        b"schedule",
        installation.name.as_bytes(),
        &at.as_second().to_le_bytes(),
    ]);
    let received_at = Timestamp::now();
    let happening = Happening { connection: &event.app, app, event: &event.id, payload: &payload };
    let facts = TriggerFacts { received_at, unique: fingerprint.bytes() };
    let only = Some(installation.name.as_str());
    let (starts, record) = service.installed().starts(&happening, &facts, 0, only);
    let arrival = Arrival {
        received_at,
        connection: event.app.clone(),
        app: event.app.clone(),
        event: event.id.clone(),
        record,
        payload: Value::Object(payload.clone()).to_string(),
        fingerprint: Some(fingerprint),
        starts,
    };
    service.accept(arrival).await.map(|_| ())
}
