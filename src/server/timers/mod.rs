//! What starts recipes without being told: schedules, and polls of lists. One task for each recipe that
//! has one; when what is installed changes they begin anew from where the store says they stand.

mod poll;
mod resync;
mod schedule;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Service;
use super::installed::{Installation, Installed};
use crate::catalog::Catalog;
use crate::check::TriggerKind;

/// Runs the timers of everything that is installed.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        let changed = service.reinstalled.notified();
        let mut timers = JoinSet::new();
        let installed = service.installed();
        for installation in &installed.installations {
            spawn(&mut timers, &service, &installed, installation);
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = changed => {}
        }
    }
}

fn spawn(
    timers: &mut JoinSet<()>,
    service: &Arc<Service>,
    installed: &Installed,
    installation: &Arc<Installation>,
) {
    if let Some(every) = installation.sync_every {
        timers.spawn(resync::run(service.clone(), installation.clone(), every));
    }
    let recipe = &installation.kept.plan.recipe;
    match &recipe.trigger.kind {
        TriggerKind::Schedule(schedule) => {
            let task = schedule::run(service.clone(), installation.clone(), schedule.clone());
            timers.spawn(task);
        }
        TriggerKind::Poll(poll) => {
            if let Some(event) = recipe.trigger.events.first()
                && let Some(job) = poll::Job::of_poll(installation, poll, event)
            {
                timers.spawn(poll::run(service.clone(), job));
            }
        }
        // Where no webhook arrives the app is asked instead.
        TriggerKind::Webhook if service.public_url.is_none() => {
            for event in &recipe.trigger.events {
                let Some(stand_in) = Catalog::embedded().stand_in(event) else { continue };
                for connection in connections(installed, installation, &event.app) {
                    let job = poll::Job::of_stand_in(installation, &stand_in, event, connection);
                    timers.spawn(poll::run(service.clone(), job));
                }
            }
        }
        TriggerKind::Webhook => {}
    }
}

/// The connections whose events start a recipe: the one that is chosen, or all of the app.
fn connections(installed: &Installed, installation: &Installation, app: &str) -> Vec<String> {
    match installation.kept.connections.get(app) {
        Some(chosen) => vec![chosen.clone()],
        None => {
            let of_app = installed.connections.iter().filter(|(_, c)| c.app == app);
            of_app.map(|(name, _)| name.clone()).collect()
        }
    }
}
