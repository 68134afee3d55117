//! What `run --live` takes from the project that a recipe belongs to: its connections and their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::credentials::{ProjectCredentials, facts};
use super::environment::token;
use super::exit::{CommandError, Result};
use super::installed::{care, connections};
use super::live_links::ProjectLinks;
use super::project::{ReadyProject, load_project, project_file_of};
use super::store::StorePlace;
use crate::catalog::App;
use crate::connection::{Connection, Facts, Secret};
use crate::execute::Care;
use crate::project::PROJECT_FILE;
use crate::store::LinkAccounts;

/// A project as one recipe of it sees it.
pub struct LiveProject {
    /// None when there is none, or when it has errors.
    project: Option<ReadyProject>,
    /// App → connection, where the recipe is installed with one.
    installed: BTreeMap<String, BTreeSet<String>>,
    /// App → connection, as a person has chosen.
    chosen: BTreeMap<String, String>,
    /// By connection.
    facts: BTreeMap<String, Facts>,
}

impl LiveProject {
    pub fn none() -> LiveProject {
        LiveProject {
            project: None,
            installed: BTreeMap::new(),
            chosen: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }

    /// What the project says of steps that do not say it themselves.
    pub fn care(&self) -> Care {
        self.project.as_ref().map(|ready| care(&ready.project)).unwrap_or_default()
    }

    /// The project that a recipe belongs to, with what was chosen by `--connection`.
    pub fn of(recipe: &Path, chosen: BTreeMap<String, String>) -> Result<LiveProject> {
        let Some(project) = project_file_of(recipe).and_then(|path| load_project(&path).ready)
        else {
            return match chosen.is_empty() {
                true => Ok(LiveProject::none()),
                false => Err(CommandError::usage(
                    format!("--connection needs a {PROJECT_FILE} without errors around the recipe"),
                    "`linecook check` shows what is wrong",
                )),
            };
        };
        let whole = |path: &Path| path.canonicalize().ok();
        let mut installed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for installation in &project.installations {
            if whole(&installation.recipe_path) == whole(recipe) {
                for (app, name) in &installation.connections {
                    installed.entry(app.clone()).or_default().insert(name.clone());
                }
            }
        }
        let facts = facts(&project.store)?;
        Ok(LiveProject { project: Some(project), installed, chosen, facts })
    }

    /// The connection to an app: the one that is chosen, else the one that the recipe is installed with,
    /// else the only one. None where there is none, or where a token for the app is given anyway.
    pub fn connection(&self, app: &App, has_token: bool) -> Result<Option<(String, Connection)>> {
        let Some(project) = &self.project else { return Ok(None) };
        let mut all = connections(&project.project);
        all.retain(|_, connection| connection.app == app.app);
        if let Some(name) = self.chosen.get(&app.app) {
            return match all.remove_entry(name) {
                Some(found) => Ok(Some(found)),
                None => Err(CommandError::usage(
                    format!("{PROJECT_FILE} has no connection `{name}` to {}", app.title),
                    match all.is_empty() {
                        true => format!("write it under `connections:` in {PROJECT_FILE}"),
                        false => format!("it has {}", names(&all)),
                    },
                )),
            };
        }
        if let Some(installed) = self.installed.get(&app.app) {
            all.retain(|name, _| installed.contains(name));
        }
        match all.len() {
            0 | 1 => Ok(all.pop_first()),
            _ if has_token || token(&app.app, &app.app).is_some() => Ok(None),
            _ => {
                let first = all.keys().next().expect("there are several");
                Err(CommandError::usage(
                    format!("there are several connections to {}: {}", app.title, names(&all)),
                    format!("say which one, such as --connection {}={first}", app.app),
                ))
            }
        }
    }

    /// The links of the project. `called` are the connections that the run uses, app → connection; what goes
    /// to servers of one's own, `elsewhere`, is in no account of the project.
    pub fn links<'a>(
        &self,
        called: &BTreeMap<String, String>,
        elsewhere: impl IntoIterator<Item = &'a String>,
    ) -> Option<ProjectLinks> {
        let ready = self.project.as_ref()?;
        let all = connections(&ready.project);
        let all = all.iter().map(|(name, connection)| (connection.app.as_str(), name.as_str()));
        let mut accounts = LinkAccounts::only(all);
        for (app, names) in &self.installed {
            if let (1, Some(name)) = (names.len(), names.first()) {
                accounts.0.insert(app.clone(), name.clone());
            }
        }
        for (app, name) in called.iter().filter(|(_, name)| !name.ends_with(':')) {
            accounts.0.insert(app.clone(), name.clone());
        }
        for app in elsewhere {
            accounts.0.remove(app);
        }
        let (path, defaults) = (ready.store.clone(), ready.defaults.clone());
        Some(ProjectLinks::new(StorePlace { path, project: None, defaults }, accounts))
    }

    /// Whether the vault has a token for a connection.
    pub fn keeps(&self, connection: &str) -> bool {
        self.facts.contains_key(connection)
    }

    /// Tokens that are given, by name of the connection, and those in the vault of the project.
    pub fn credentials(&self, given: BTreeMap<String, Secret>) -> ProjectCredentials {
        let credentials = ProjectCredentials::given(given);
        match &self.project {
            Some(ready) => credentials.with_vault(&ready.store, connections(&ready.project)),
            None => credentials,
        }
    }
}

fn names(connections: &BTreeMap<String, Connection>) -> String {
    connections.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
