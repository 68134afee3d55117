//! Connections and what they may send.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::diagnostic::{self, Place, nearest};
use crate::project::{NamedConnection, Quota, Window, WrittenConnection, token_variable};
use crate::source::Route;

use super::{DAY_SECONDS, ProjectChecker};

impl ProjectChecker<'_> {
    /// The connections that are good.
    pub(super) fn connections(&mut self) -> IndexMap<String, NamedConnection> {
        let route = Route::root().key("connections");
        let mut connections = IndexMap::new();
        let mut variables: HashMap<String, &str> = HashMap::new();
        let file = self.file;
        for (name, written) in &file.written.connections {
            let here = route.key(name);
            let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            // `/hooks/app/…` is where signed webhooks of every connection arrive.
            if !good || name == "app" {
                self.sink.say(diagnostic::bad_connection_name(&here, name));
            }
            let variable = token_variable(name);
            if let Some(other) = variables.get(&variable) {
                self.sink.say(diagnostic::duplicate_connection(&here, other, &variable));
            }
            variables.insert(variable, name);
            if let Some(connection) = self.connection(&here, name, written) {
                connections.insert(name.clone(), connection);
            }
        }
        connections
    }

    fn connection(
        &mut self,
        here: &Route,
        name: &str,
        written: &WrittenConnection,
    ) -> Option<NamedConnection> {
        let at = here.key("app");
        if !self.file.document.has(&at) || self.file.is_touched(&at) {
            return None;
        }
        let Some(app) = self.catalog.app(&written.app) else {
            let known = self.app_names();
            let near = nearest(&written.app, known.iter().copied());
            self.sink.say(diagnostic::unknown_app(Place::Value(at), &written.app, near, &known));
            return None;
        };
        let location = here.key("location_id");
        match (&app.location, &written.location_id) {
            (Some(_), None) if !self.file.is_touched(&location) => {
                self.sink.say(diagnostic::missing_location(here, &app.title));
            }
            (Some(_), Some(id)) if id.trim().is_empty() => {
                self.sink.say(diagnostic::missing_location(&location, &app.title));
            }
            (None, Some(_)) => self.sink.say(diagnostic::no_locations(&location, &app.title)),
            _ => {}
        }
        self.nothing_is_called(here, app, written);
        let elsewhere = self.server(&here.key("base_url"), app, written.base_url.as_deref());
        let page = self.authorize_url(&here.key("authorize_url"), app, written);
        let facts = self.facts.get(name).cloned();
        if let Some(facts) = &facts {
            self.stored(here, name, app, written, facts);
        }
        Some(NamedConnection {
            app: app.app.clone(),
            base_url: elsewhere.or_else(|| app.base_url.clone()),
            location_id: written.location_id.clone(),
            authorize_url: page,
            allow: self.allow(&here.key("allow"), app, written),
            scopes: self.scopes(&here.key("scopes"), app, written),
            rotate_every: self.rotate_every(&here.key("rotate_every"), written),
            facts,
        })
    }

    pub(super) fn quotas(
        &mut self,
        connections: &IndexMap<String, NamedConnection>,
    ) -> IndexMap<String, Quota> {
        let route = Route::root().key("quotas");
        let mut quotas = IndexMap::new();
        let file = self.file;
        for (name, written) in &file.written.quotas {
            let here = route.key(name);
            if !self.is_connection(name) && self.catalog.app(name).is_none() {
                let mut known: Vec<&str> = connections.keys().map(String::as_str).collect();
                known
                    .extend(self.app_names().into_iter().filter(|n| !connections.contains_key(*n)));
                let near = nearest(name, known.iter().copied());
                self.sink.say(diagnostic::unknown_quota(&here, name, near, &known));
            }
            let requests = self.window(
                &here,
                ("requests", written.requests),
                ("per", &written.per),
                "requests: 100, per: 10s",
            );
            let failures = self.window(
                &here,
                ("failures", written.failures),
                ("failures_per", &written.failures_per),
                "failures: 10, failures_per: 60s",
            );
            quotas.insert(name.clone(), Quota { requests, per_day: written.per_day, failures });
        }
        quotas
    }

    /// A number and the time it holds for, which belong together.
    fn window(
        &mut self,
        here: &Route,
        count: (&str, Option<u64>),
        per: (&str, &Option<String>),
        example: &str,
    ) -> Option<Window> {
        let wrong = |key: &str| self.file.is_touched(&here.key(key));
        if wrong(count.0) || wrong(per.0) {
            return None;
        }
        match (count.1, per.1) {
            (None, None) => None,
            (Some(_), None) => {
                self.sink.say(diagnostic::incomplete_quota(here, count.0, per.0, example));
                None
            }
            (None, Some(_)) => {
                self.sink.say(diagnostic::incomplete_quota(here, per.0, count.0, example));
                None
            }
            (Some(number), written) => {
                let per = self.length(&here.key(per.0), written, DAY_SECONDS);
                Some(Window { count: number, per })
            }
        }
    }

    /// Whether a connection of that name is written, right or wrong.
    pub(super) fn is_connection(&self, name: &str) -> bool {
        let route = Route::root().key("connections");
        self.file.written.connections.contains_key(name)
            || self.file.document.has(&route.key(name))
            || self.file.broken.contains(&route)
    }
}
