//! ProjectFile → Project: what `linecook.yaml` says and the recipes it installs come in; a [`Project`]
//! goes out, or everything that is wrong with it.

mod access;
mod connections;
mod filters;
mod installations;
mod keys;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::connection::Facts;
use crate::diagnostic::{self, Sink};
use crate::project::{Keep, Notify, Project, ProjectFile, Surroundings};
use crate::snapshot::Snapshots;
use crate::source::Route;
use crate::value::Defaults;

use super::CheckedRecipe;

/// A recipe that a project installs, as far as it is known.
pub enum InstalledRecipe<'a> {
    /// There is no such file, or it cannot be read: why.
    Missing(String),
    /// It has errors, which are reported in its own file.
    Wrong,
    Checked(&'a CheckedRecipe),
}

/// What every recipe of the project takes from it; what is wrong with that goes into the sink.
pub fn surroundings(file: &ProjectFile, sink: &mut Sink) -> Surroundings {
    let mut zone = "UTC";
    let mut country = "US";
    let root = Route::root();
    let written = &file.written;
    if let Some(text) = &written.timezone {
        match Defaults::new(text, "US") {
            Ok(_) => zone = text,
            Err(e) => sink.say(diagnostic::project_value(&root.key("timezone"), text, &e)),
        }
    }
    if let Some(text) = &written.country {
        match Defaults::new("UTC", text) {
            Ok(_) => country = text,
            Err(e) => sink.say(diagnostic::project_value(&root.key("country"), text, &e)),
        }
    }
    Surroundings {
        defaults: Arc::new(Defaults::new(zone, country).unwrap_or_default()),
        filters: Arc::new(filters::filters(file, sink)),
        snapshots: Default::default(),
    }
}

/// Checks everything but what [`surroundings`] has checked. `recipe` gives the recipe of a file as an
/// installation names it. The project comes back only when there is no error in the sink; errors in
/// recipes are for the caller to see. `facts` is what the vault tells of each connection.
pub fn project<'a>(
    file: &ProjectFile,
    surroundings: Surroundings,
    catalog: &Catalog,
    facts: &BTreeMap<String, Facts>,
    recipe: &dyn Fn(&str) -> InstalledRecipe<'a>,
    sink: &mut Sink,
) -> Option<Project> {
    let snapshots = surroundings.snapshots.clone();
    let mut checker =
        ProjectChecker { file, catalog, facts, hosts: BTreeSet::new(), snapshots, sink };
    checker.hosts = checker.hosts();
    let public_url = checker.public_url();
    let listen = checker.listen();
    let connections = checker.connections();
    let installations = checker.installations(&connections, recipe);
    let quotas = checker.quotas(&connections);
    let webhooks = checker.webhooks();
    let written = &file.written;
    let root = Route::root();
    let request_timeout =
        checker.length(&root.key("request_timeout"), &written.request_timeout, 30);
    let keep = written.keep.clone().unwrap_or_default();
    let at = root.key("keep");
    let keep = Keep {
        payloads: checker.length(&at.key("payloads"), &keep.payloads, 30 * DAY_SECONDS),
        runs: checker.length(&at.key("runs"), &keep.runs, 90 * DAY_SECONDS),
    };
    let notify = written.notify.clone().unwrap_or_default();
    let at = root.key("notify");
    let notify = Notify {
        webhook: checker.address(&at.key("webhook"), notify.webhook.as_deref()),
        email: notify.email.and_then(|email| checker.email(&email)),
        every: checker.length(&at.key("every"), &notify.every, 15 * 60),
    };
    let store = checker.store();
    if sink.has_errors() {
        return None;
    }
    Some(Project {
        surroundings,
        public_url,
        listen: listen?,
        store: PathBuf::from(store),
        connections,
        installations: installations?,
        live_at_once: written.live_at_once.unwrap_or(false),
        quotas,
        request_timeout,
        check_identity: written.check_identity,
        verify: written.verify,
        parallel: written.parallel.unwrap_or(64) as usize,
        keep,
        webhooks,
        notify,
    })
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// What every rule works with.
struct ProjectChecker<'a> {
    file: &'a ProjectFile,
    catalog: &'a Catalog,
    /// What the vault tells, by connection.
    facts: &'a BTreeMap<String, Facts>,
    /// The servers that connections may lead to besides the apps' own.
    hosts: BTreeSet<String>,
    /// Those of all connections.
    snapshots: Snapshots,
    sink: &'a mut Sink,
}

impl<'a> ProjectChecker<'a> {
    fn app_names(&self) -> Vec<&'a str> {
        self.catalog.apps().iter().map(|app| app.app.as_str()).collect()
    }

    /// A length of time that is longer than nothing.
    fn length(&mut self, route: &Route, written: &Option<String>, usual_seconds: u64) -> Duration {
        let usual = Duration::from_secs(usual_seconds);
        let Some(text) = written else { return usual };
        match crate::value::duration::parse(text) {
            None => self.sink.say(diagnostic::bad_duration(route, text)),
            Some(Duration::ZERO) => self.sink.say(diagnostic::empty_length(route, text)),
            Some(length) => return length,
        }
        usual
    }
}
