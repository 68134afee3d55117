//! Installations: is the recipe there, which accounts does it work with, are its settings filled in?

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::catalog::EventType;
use crate::check::{CheckedRecipe, SettingProblem, TriggerKind, filled_settings};
use crate::diagnostic::{self, Diagnostic, Fix, Place, nearest, nested};
use crate::project::{Installation, Limits, NamedConnection, WrittenInstallation};
use crate::snapshot::{NoPick, Snapshots};
use crate::source::Route;
use crate::value::{Kind, ValueError, duration};

use super::{InstalledRecipe, ProjectChecker};

/// A sync reads everything.
const SYNC_AT_MOST_EVERY: Duration = Duration::from_secs(3_600);

type Connections = IndexMap<String, NamedConnection>;

impl ProjectChecker<'_> {
    /// All installations; `None` when one of them is wrong.
    pub(super) fn installations<'r>(
        &mut self,
        connections: &Connections,
        recipe: &dyn Fn(&str) -> InstalledRecipe<'r>,
    ) -> Option<Vec<Installation>> {
        let route = Route::root().key("recipes");
        let file = self.file;
        let mut names = HashSet::new();
        let mut installations = Some(Vec::new());
        for (at, written) in file.written.recipes.iter().enumerate() {
            let here = route.item(at);
            let installation = self.installation(written, &here, &mut names, connections, recipe);
            match (installation, &mut installations) {
                (Some(installation), Some(all)) => all.push(installation),
                _ => installations = None,
            }
        }
        installations
    }

    fn installation<'r>(
        &mut self,
        written: &WrittenInstallation,
        here: &Route,
        names: &mut HashSet<String>,
        connections: &Connections,
        recipe: &dyn Fn(&str) -> InstalledRecipe<'r>,
    ) -> Option<Installation> {
        let at = here.key("recipe");
        if !self.file.document.has(&at) || self.file.is_touched(&at) {
            return None;
        }
        let name = self.installation_name(written, here, names);
        self.chosen_connections(written, here, connections);
        let recipe = match recipe(&written.recipe) {
            InstalledRecipe::Checked(recipe) => recipe,
            InstalledRecipe::Wrong => return None,
            InstalledRecipe::Missing(why) => {
                self.sink.say(diagnostic::missing_recipe(&at, &written.recipe, &why));
                return None;
            }
        };
        let chosen = self.needed_connections(written, here, recipe, connections);
        let settings = self.installation_settings(&written.settings, here, recipe, &chosen);
        let sync_every = self.sync_every(written.sync_every.as_deref(), here, recipe);
        let enabled = written.enabled.unwrap_or(true);
        if enabled {
            self.arrives(recipe, &at);
        }
        Some(Installation {
            name,
            recipe: written.recipe.clone(),
            connections: chosen,
            settings: settings?,
            sync_every,
            limits: self.limits(written),
            enabled,
        })
    }

    /// Its own, and for what it does not say those of the project.
    fn limits(&self, written: &WrittenInstallation) -> Limits {
        let of_project = self.file.written.limits.clone().unwrap_or_default();
        let own = written.limits.clone().unwrap_or_default();
        Limits {
            contacts: own.contacts.or(of_project.contacts),
            tags_removed: own.tags_removed.or(of_project.tags_removed),
            calls: own.calls.or(of_project.calls),
        }
    }

    /// How often both sides are compared: at most once an hour, and only where a list shows the records.
    fn sync_every(
        &mut self,
        text: Option<&str>,
        here: &Route,
        recipe: &CheckedRecipe,
    ) -> Option<Duration> {
        let (text, route) = (text?, here.key("sync_every"));
        let Some(length) = duration::parse(text) else {
            self.sink.say(diagnostic::bad_duration(&route, text));
            return None;
        };
        let wrong = |problem: &str, instead: &str| ValueError {
            problem: problem.to_owned(),
            instead: instead.to_owned(),
        };
        let is_polled = matches!(recipe.trigger.kind, TriggerKind::Poll(_));
        let has_list = is_polled || recipe.trigger.events.iter().any(|event| event.list.is_some());
        let error = match (has_list, length >= SYNC_AT_MOST_EVERY) {
            (true, true) => return Some(length),
            (false, _) => wrong(
                "cannot be: no list shows the records that this recipe is about",
                "leave `sync_every` out",
            ),
            (true, false) => {
                wrong("is too often: each time all records are read", "write 1h or more")
            }
        };
        self.sink.say(diagnostic::project_value(&route, text, &error));
        None
    }

    fn installation_name(
        &mut self,
        written: &WrittenInstallation,
        here: &Route,
        names: &mut HashSet<String>,
    ) -> String {
        let stem = || {
            let stem = Path::new(&written.recipe).file_stem();
            stem.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let is_written = written.name.is_some();
        let name = written.name.clone().unwrap_or_else(stem);
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !good {
            self.sink.say(diagnostic::bad_installation_name(here, &name, is_written));
        } else if !names.insert(name.clone()) {
            self.sink.say(diagnostic::duplicate_installation(here, &name, is_written));
        }
        name
    }

    /// What is written under `connections`: do the apps and the connections exist, do they belong together?
    fn chosen_connections(
        &mut self,
        written: &WrittenInstallation,
        here: &Route,
        connections: &Connections,
    ) {
        for (app, name) in &written.connections {
            let at = here.key("connections").key(app);
            if self.catalog.app(app).is_none() {
                let known = self.app_names();
                let near = nearest(app, known.iter().copied());
                self.sink.say(diagnostic::unknown_app(Place::Key(at), app, near, &known));
                continue;
            }
            match connections.get(name) {
                Some(connection) if connection.app != *app => {
                    let fitting = of_app(connections, app);
                    self.sink.say(diagnostic::wrong_connection(
                        &at,
                        name,
                        &connection.app,
                        app,
                        &fitting,
                    ));
                }
                Some(_) => {}
                // One that is there and wrong has been reported.
                None if self.is_connection(name) => {}
                None => {
                    let known = of_app(connections, app);
                    let near = nearest(name, known.iter().copied());
                    let place = Place::Value(at);
                    self.sink.say(diagnostic::unknown_connection(place, name, near, &known));
                }
            }
        }
    }

    /// The connection for every app that the recipe has to do with.
    fn needed_connections(
        &mut self,
        written: &WrittenInstallation,
        here: &Route,
        recipe: &CheckedRecipe,
        connections: &Connections,
    ) -> BTreeMap<String, String> {
        let at = here.key("recipe");
        let called = recipe.apps();
        let linked = recipe.linked_apps();
        let told: Vec<&str> = recipe.trigger.events.iter().map(|e| e.app.as_str()).collect();
        for app in written.connections.keys().filter(|app| self.catalog.app(app).is_some()) {
            let is_needed = called.contains(app.as_str()) || linked.contains(app);
            if !is_needed && !told.contains(&app.as_str()) {
                let route = here.key("connections").key(app);
                self.sink.say(diagnostic::unused_connection(&route, app));
            }
        }
        let mut chosen = BTreeMap::new();
        let linked = linked.iter().map(String::as_str).filter(|app| !told.contains(app));
        let asked_for: Vec<&str> = linked.collect();
        for app in called.iter().copied().chain(told).chain(asked_for.iter().copied()) {
            let name = written.connections.get(app).cloned();
            let fitting = of_app(connections, app);
            match (name, &fitting[..]) {
                (Some(name), _) => {
                    chosen.insert(app.to_owned(), name);
                }
                (None, [only]) => {
                    chosen.insert(app.to_owned(), (*only).to_owned());
                }
                // A record of one of several accounts: nobody knows of which.
                (None, [_, _, ..]) if asked_for.contains(&app) => {
                    let title = self.catalog.app(app).map_or(app, |a| a.title.as_str());
                    self.sink.say(diagnostic::several_connections(
                        &at,
                        "has links to",
                        app,
                        title,
                        &fitting,
                    ));
                }
                // Only told by it: the events of all its connections are meant.
                (None, _) if !called.contains(app) => {}
                (None, several) => {
                    let title = self.catalog.app(app).map_or(app, |a| a.title.as_str());
                    let wrong_one = self.may_be_connected(app);
                    self.sink.say(match several {
                        // One that is there and wrong has been reported.
                        [] if wrong_one => continue,
                        [] => diagnostic::no_connection(&at, app, title),
                        several => {
                            diagnostic::several_connections(&at, "calls", app, title, several)
                        }
                    });
                }
            }
        }
        chosen
    }

    fn installation_settings(
        &mut self,
        written: &Map<String, Value>,
        here: &Route,
        recipe: &CheckedRecipe,
        chosen: &BTreeMap<String, String>,
    ) -> Option<Map<String, Value>> {
        let at = here.key("settings");
        let one = |(app, name): (&String, &String)| (app.clone(), [name.clone()].into());
        let snapshots = self.snapshots.chosen(&chosen.iter().map(one).collect());
        let mut given = written.clone();
        for (name, value) in &mut given {
            let setting = recipe.settings.get(name);
            let is_text = setting.is_some_and(|s| s.field.kind == Kind::String);
            // What is written for a text is its text: 12345, 1.10.
            if is_text && (value.is_number() || value.is_boolean()) {
                *value = self.file.as_written(&at.key(name)).into();
            }
        }
        self.picked_settings(&given, &at, recipe, &snapshots);
        let errors = match filled_settings(&recipe.settings, &given, &snapshots) {
            Ok(settings) => return Some(settings),
            Err(errors) => errors,
        };
        for error in errors {
            let route = nested(&at, &error.at);
            let name = error.name.as_str();
            self.sink.say(match error.problem {
                SettingProblem::Unknown { near } => {
                    diagnostic::unknown_setting(Place::Key(route), name, near)
                }
                SettingProblem::Missing { ask } => {
                    let place = if self.file.document.has(&at) { &at } else { here };
                    diagnostic::missing_setting(place, name, ask.as_deref())
                }
                SettingProblem::Misfit => diagnostic::setting_default(&route, name, &error.error),
                SettingProblem::NotPicked(mut found) => {
                    let place = match self.file.document.has(&route) {
                        true => Place::Value(route),
                        // It is the recipe's own default.
                        false => Place::Key(here.clone()),
                    };
                    found.fix = found
                        .fix
                        .filter(|_| matches!(place, Place::Value(_)))
                        .map(|fix| Fix { place: place.clone(), ..fix });
                    Diagnostic { place, ..*found }
                }
            });
        }
        None
    }

    /// What is worth knowing of settings that were picked, and no error.
    fn picked_settings(
        &mut self,
        given: &Map<String, Value>,
        at: &Route,
        recipe: &CheckedRecipe,
        snapshots: &Snapshots,
    ) {
        for (name, value) in given {
            let pick = recipe.settings.get(name).and_then(|setting| setting.pick.as_ref());
            let written = value.as_str().filter(|text| !text.trim().is_empty());
            let (Some(pick), Some(written)) = (pick, written) else { continue };
            let route = at.key(name);
            let accounts = snapshots.of(&pick.app);
            for snapshot in accounts.iter().filter_map(|who| who.snapshot.as_ref()) {
                if let Err(NoPick::Renamed { now, .. }) = snapshot.picked(pick.kind, written) {
                    let place = Place::Value(route.clone());
                    let what = pick.kind.in_words();
                    self.sink.say(diagnostic::renamed_in_account(place, what, written, &now));
                }
            }
            if accounts.iter().all(|who| who.snapshot.is_none()) {
                let connection = accounts.first().and_then(|who| who.connection.as_deref());
                let what = pick.kind.in_words();
                self.sink.say(diagnostic::unchecked_pick(&route, what, written, connection));
            }
        }
    }

    /// Whether the events that start it come here at all.
    fn arrives(&mut self, recipe: &CheckedRecipe, at: &Route) {
        let url = Route::root().key("public_url");
        let has_url = self.file.document.has(&url);
        let outside = |event: &&std::sync::Arc<EventType>| {
            self.catalog.app(&event.app).is_some_and(|app| app.tells_from_outside())
        };
        if !matches!(recipe.trigger.kind, TriggerKind::Webhook) {
            return;
        }
        let Some(event) = recipe.trigger.events.iter().find(outside) else { return };
        if !has_url {
            for event in recipe.trigger.events.iter().filter(outside) {
                self.sink.say(match self.catalog.stand_in(event) {
                    None => diagnostic::no_public_url(at, &event.name()),
                    Some(stand_in) => {
                        let (asks, lacks) = (stand_in.in_words(), &stand_in.lacks);
                        diagnostic::asked_instead(at, &event.name(), &asks, lacks)
                    }
                });
            }
        }
        // What it calls must be connected anyway.
        let called = recipe.apps().contains(event.app.as_str());
        if !called && !self.may_be_connected(&event.app) {
            self.sink.say(diagnostic::no_trigger_connection(at, &event.name(), &event.app));
        }
    }

    /// Whether a connection to the app is written, right or wrong, or one that cannot be read.
    fn may_be_connected(&self, app: &str) -> bool {
        self.file.written.connections.values().any(|c| c.app == app)
            || self.file.is_touched(&Route::root().key("connections"))
    }
}

fn of_app<'c>(connections: &'c Connections, app: &str) -> Vec<&'c str> {
    connections.iter().filter(|(_, c)| c.app == app).map(|(name, _)| name.as_str()).collect()
}
