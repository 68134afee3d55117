//! The webhooks that the recipes of a project need: one for each event of an app and connection.

use crate::catalog::{App, Catalog, EventType};
use crate::check::TriggerKind;
use crate::cli::project::{Installation, ReadyProject};

/// One webhook that recipes need.
#[derive(Clone, Debug)]
pub struct Needed {
    pub connection: String,
    pub app: &'static App,
    /// What the app calls it; our own name where the app does not send it by itself.
    pub wire: String,
    /// The app is known to call it so; else only an address that names it tells what it is.
    pub is_named: bool,
    /// What the address ends with.
    pub segment: String,
    /// Our names for it, such as `stax.payment_failed`: several may be one for the app.
    pub events: Vec<String>,
    /// The installations that it starts.
    pub recipes: Vec<String>,
}

impl Needed {
    /// Whether an address that ends so is one of this event.
    pub fn answers_to(&self, segment: Option<&str>) -> bool {
        let id = |name: &String| name.rsplit('.').next().map(str::to_owned);
        match segment {
            // The app says then which event it is.
            None => {
                let by = &self.app.event_by;
                self.is_named && (by.header.is_some() || by.body.is_some())
            }
            Some(segment) if segment == self.segment || segment == self.wire => true,
            // One of several names would leave out the others.
            Some(segment) => match &self.events[..] {
                [only] => id(only).as_deref() == Some(segment),
                _ => false,
            },
        }
    }
}

/// All that are needed, in the order in which the recipes name them.
pub fn needed(ready: &ReadyProject) -> Vec<Needed> {
    let mut all: Vec<Needed> = Vec::new();
    for installation in ready.installations.iter().filter(|i| i.enabled) {
        let trigger = &installation.plan.recipe.trigger;
        if !matches!(trigger.kind, TriggerKind::Webhook) {
            continue;
        }
        for event in &trigger.events {
            let app = Catalog::embedded().app(&event.app).filter(|app| !app.own);
            let Some(app) = app else { continue };
            for connection in connections(ready, installation, event) {
                let wire = event.wire.as_ref().unwrap_or(&event.id).clone();
                let at = all.iter().position(|n| n.connection == connection && n.wire == wire);
                let at = at.unwrap_or_else(|| {
                    // Several of our names may be one for the app: its own name is that of all.
                    let is_shared = event.when.is_some() || !app.webhooks.registered.is_empty();
                    let segment = if is_shared { &wire } else { &event.id }.clone();
                    all.push(Needed {
                        connection,
                        app,
                        wire,
                        is_named: event.wire.is_some(),
                        segment,
                        events: Vec::new(),
                        recipes: Vec::new(),
                    });
                    all.len() - 1
                });
                let one = &mut all[at];
                let lists = [
                    (&mut one.events, event.name()),
                    (&mut one.recipes, installation.name.clone()),
                ];
                for (list, name) in lists {
                    if !list.contains(&name) {
                        list.push(name);
                    }
                }
            }
        }
    }
    all
}

/// The connections through which an event comes: the one that is chosen, all of its app, or for an app
/// without connections the app itself.
fn connections(
    ready: &ReadyProject,
    installation: &Installation,
    event: &EventType,
) -> Vec<String> {
    if let Some(chosen) = installation.connections.get(&event.app) {
        return vec![chosen.clone()];
    }
    let of_app = ready.project.connections.iter().filter(|(_, c)| c.app == event.app);
    let names: Vec<String> = of_app.map(|(name, _)| name.clone()).collect();
    match names.is_empty() {
        true => vec![event.app.clone()],
        false => names,
    }
}
