//! The snapshots that matter to one recipe: those of the connections it works with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Snapshot;

/// The accounts of a project, or those that one recipe works with, as far as anybody has looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshots {
    by_app: BTreeMap<String, Vec<Who>>,
}

/// One account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Who {
    /// The connection's name; none for what only an example says.
    pub connection: Option<String>,
    /// None where nobody has looked yet.
    pub snapshot: Option<Arc<Snapshot>>,
}

impl Snapshots {
    pub fn add(&mut self, app: &str, connection: &str, snapshot: Option<Arc<Snapshot>>) {
        let who = Who { connection: Some(connection.to_owned()), snapshot };
        self.by_app.entry(app.to_owned()).or_default().push(who);
    }

    /// The accounts of an app; empty where nobody knows which will be used.
    pub fn of(&self, app: &str) -> &[Who] {
        self.by_app.get(app).map_or(&[], Vec::as_slice)
    }

    /// The first snapshot of an app.
    pub fn first(&self, app: &str) -> Option<&Arc<Snapshot>> {
        self.of(app).iter().find_map(|who| who.snapshot.as_ref())
    }

    /// The snapshot of one connection.
    pub fn of_connection(&self, name: &str) -> Option<&Arc<Snapshot>> {
        let mut all = self.by_app.values().flatten();
        all.find(|who| who.connection.as_deref() == Some(name))?.snapshot.as_ref()
    }

    /// Those of the chosen connections of each app, and all of an app without a choice.
    pub fn chosen(&self, chosen: &BTreeMap<String, BTreeSet<String>>) -> Snapshots {
        let mut chosen_ones = self.clone();
        for (app, all) in &mut chosen_ones.by_app {
            let Some(names) = chosen.get(app).filter(|names| !names.is_empty()) else { continue };
            all.retain(|who| who.connection.as_ref().is_some_and(|name| names.contains(name)));
        }
        chosen_ones
    }

    /// The same, with what examples say is there; `given` is by app.
    pub fn with_given(&self, given: &BTreeMap<String, Snapshot>) -> Snapshots {
        let mut all = self.clone();
        for (app, given) in given {
            let of_app = all.by_app.entry(app.clone()).or_default();
            if of_app.is_empty() {
                of_app.push(Who::default());
            }
            for who in of_app {
                let whole = who.snapshot.as_ref().map(|known| known.with_given(given));
                who.snapshot = Some(Arc::new(whole.unwrap_or_else(|| given.clone())));
            }
        }
        all
    }

    /// Only what examples say, for the apps of which no account is known.
    pub fn or_given(&self, given: &BTreeMap<String, Snapshot>) -> Snapshots {
        let unknown = given.iter().filter(|(app, _)| self.of(app).is_empty());
        self.with_given(&unknown.map(|(app, given)| (app.clone(), given.clone())).collect())
    }
}
