//! What a connection may do and where it may lead: `hosts`, `authorize_url`, `allow`, `scopes`,
//! `rotate_every`, and whether the credential that is stored for it is the right one.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::catalog::{App, NoPermission};
use crate::connection::{Allowed, Facts, host_of, leads_here, server_name};
use crate::diagnostic::{self, nearest};
use crate::project::WrittenConnection;
use crate::source::Route;
use crate::value::duration;

use super::{DAY_SECONDS, ProjectChecker};

impl ProjectChecker<'_> {
    /// The servers that connections may lead to besides the apps' own.
    pub(super) fn hosts(&mut self) -> BTreeSet<String> {
        let route = Route::root().key("hosts");
        let file = self.file;
        let mut hosts = BTreeSet::new();
        for (at, written) in file.written.hosts.iter().enumerate() {
            let here = route.item(at);
            if file.is_touched(&here) {
                continue;
            }
            match server_name(written) {
                Some(host) => drop(hosts.insert(host)),
                None => self.sink.say(diagnostic::bad_host(&here, written, host_of(written))),
            }
        }
        hosts
    }

    /// The address of a server that a connection leads to: the app's own, this machine, or one that
    /// `hosts` names.
    pub(super) fn server(
        &mut self,
        route: &Route,
        app: &App,
        written: Option<&str>,
    ) -> Option<String> {
        let address = self.address(route, written)?;
        let host = host_of(&address)?;
        let is_named = self.hosts.contains(&host)
            || self.file.is_touched(&Route::root().key("hosts"))
            || app.hosts().contains(&host)
            || leads_here(&address);
        if !is_named {
            self.sink.say(diagnostic::host_not_named(route, &host, &app.title));
            return None;
        }
        Some(address)
    }

    pub(super) fn authorize_url(
        &mut self,
        route: &Route,
        app: &App,
        written: &WrittenConnection,
    ) -> Option<String> {
        let url = written.authorize_url.as_deref()?;
        if app.oauth.is_none() {
            if app.base_url.is_some() {
                self.sink.say(diagnostic::nobody_agrees(route, &app.title));
            }
            return None;
        }
        self.server(route, app, Some(url))
    }

    /// What means nothing for an app that only tells.
    pub(super) fn nothing_is_called(
        &mut self,
        here: &Route,
        app: &App,
        written: &WrittenConnection,
    ) {
        if app.base_url.is_some() {
            return;
        }
        for (key, is_written) in [
            ("base_url", written.base_url.is_some()),
            ("authorize_url", written.authorize_url.is_some()),
            ("allow", written.allow.is_some()),
            ("scopes", written.scopes.is_some()),
            ("rotate_every", written.rotate_every.is_some()),
        ] {
            if is_written {
                self.sink.say(diagnostic::no_server(&here.key(key), &app.title));
            }
        }
    }

    pub(super) fn allow(
        &mut self,
        route: &Route,
        app: &App,
        written: &WrittenConnection,
    ) -> Option<Vec<Allowed>> {
        let lines = written.allow.as_ref().filter(|_| app.base_url.is_some())?;
        let mut allow = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let here = route.item(at);
            if self.file.is_touched(&here) {
                continue;
            }
            match self.catalog.allowed(&app.app, line) {
                Ok(allowed) => allow.push(allowed),
                Err(wrong) => {
                    let known = self.catalog.record_words(&app.app);
                    self.sink.say(match wrong {
                        NoPermission::Unknown { near } => {
                            diagnostic::unknown_permission(&here, line, &app.title, near, &known)
                        }
                        NoPermission::NotADeed { near } => {
                            diagnostic::unknown_deed(&here, line, near)
                        }
                        NoPermission::DeedMissing { records } => {
                            diagnostic::deed_missing(&here, line, &records)
                        }
                    });
                }
            }
        }
        Some(allow)
    }

    pub(super) fn scopes(
        &mut self,
        route: &Route,
        app: &App,
        written: &WrittenConnection,
    ) -> Option<BTreeSet<String>> {
        let scopes = written.scopes.as_ref().filter(|_| app.base_url.is_some())?;
        let known = self.catalog.scopes(&app.app);
        if known.is_empty() {
            self.sink.say(diagnostic::no_scopes(route, &app.title));
            return None;
        }
        for (at, scope) in scopes.iter().enumerate() {
            // An app has more scopes than the operations that we know ask for.
            let near = nearest(scope, known.iter().map(String::as_str));
            if let Some(near) = near.filter(|_| !known.contains(scope)) {
                self.sink.say(diagnostic::unknown_scope(&route.item(at), scope, &app.title, near));
            }
        }
        Some(scopes.iter().map(|scope| scope.trim().to_owned()).collect())
    }

    pub(super) fn rotate_every(
        &mut self,
        route: &Route,
        written: &WrittenConnection,
    ) -> Option<Duration> {
        let text = written.rotate_every.as_deref()?;
        match duration::parse(text) {
            None => self.sink.say(diagnostic::bad_duration(route, text)),
            Some(length) if length.as_secs() < DAY_SECONDS => {
                self.sink.say(diagnostic::rotates_too_often(route, text));
            }
            Some(length) => return Some(length),
        }
        None
    }

    /// Whether what is stored for a connection is for the account that the file names.
    pub(super) fn stored(
        &mut self,
        here: &Route,
        name: &str,
        app: &App,
        written: &WrittenConnection,
        facts: &Facts,
    ) {
        if facts.app != app.app {
            let place = here.key("app");
            self.sink.say(diagnostic::stored_for_other_app(&place, name, &facts.app, &app.app));
            return;
        }
        if let (Some(stored), Some(id)) = (&facts.location_id, &written.location_id)
            && stored != id.trim()
        {
            let place = here.key("location_id");
            self.sink.say(diagnostic::stored_for_other_account(&place, name, stored, &app.app));
        }
    }
}
