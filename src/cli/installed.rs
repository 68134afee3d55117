//! What a project installs → [`Installed`], with the plans kept in the store.

use std::collections::BTreeMap;
use std::path::Path;

use super::exit::{CommandError, Result};
use super::project::{ReadyProject, load_project};
use crate::connection::Connection;
use crate::execute::Care;
use crate::project::{PROJECT_FILE, Project};
use crate::server::{Installed, Installing, install};
use crate::source::Source;
use crate::store::Store;
use crate::vault::Vault;

/// What the project at `path` installs now.
pub async fn installed(store: &Store, path: Option<&Path>) -> Result<Installed> {
    let Some(path) = path else {
        return Err(CommandError::usage(
            format!("there is no {PROJECT_FILE} here, so nobody knows which recipes are installed"),
            "run this in the project's folder",
        ));
    };
    match load_project(path).ready {
        Some(project) => install_project(store, &project).await,
        None => Err(CommandError::usage(
            format!("{} or one of its recipes has errors, so nothing was done", path.display()),
            "`linecook check` shows them",
        )),
    }
}

/// Keeps the plans of everything that is switched on.
pub async fn install_project(store: &Store, ready: &ReadyProject) -> Result<Installed> {
    let mut recipes = Vec::new();
    for (written, loaded) in ready.project.installations.iter().zip(&ready.installations) {
        if !loaded.enabled {
            continue;
        }
        let source = Source::read(&loaded.recipe_path).map_err(|e| {
            CommandError::environment(
                format!("{} cannot be read: {e}", loaded.recipe_path.display()),
                "check the file",
            )
        })?;
        recipes.push(Installing {
            name: loaded.name.clone(),
            // As the project names it: the same from wherever the program runs.
            recipe: written.recipe.clone(),
            source: source.text().to_owned(),
            plan: (*loaded.plan).clone(),
            settings: loaded.settings.clone(),
            connections: loaded.connections.clone(),
            sync_every: written.sync_every,
            pin: loaded.pin.clone(),
            limits: written.limits,
        });
    }
    let connections = connections(&ready.project);
    let open = Vault::look(&Vault::path_of(&ready.store))?;
    let renamed = open.map(|open| open.renamed).unwrap_or_default();
    for (old, new) in renamed.iter().filter(|(old, _)| !connections.contains_key(*old)) {
        store.rename_connection(old, new).await?;
    }
    let mut installed = install(store, recipes, &ready.defaults, connections).await?;
    installed.renamed = renamed;
    installed.live_at_once = ready.project.live_at_once;
    installed.care = care(&ready.project);
    Ok(installed)
}

/// What holds for steps that do not say it themselves.
pub fn care(project: &Project) -> Care {
    let usual = Care::default();
    Care {
        check_identity: project.check_identity.unwrap_or(usual.check_identity),
        verify: project.verify.unwrap_or(usual.verify),
        ..usual
    }
}

/// The connections of a project that can be called.
pub fn connections(project: &Project) -> BTreeMap<String, Connection> {
    let called = project.connections.iter();
    called.filter_map(|(name, c)| Some((name.clone(), c.to_call()?))).collect()
}

/// The installation that is meant by its name or by its recipe's file.
pub fn installation_named(ready: &ReadyProject, named: &str) -> Result<String> {
    let enabled = || ready.project.installations.iter().filter(|i| i.enabled);
    let by_name = enabled().find(|i| i.name == named);
    let by_file: Vec<_> = enabled()
        .filter(|i| i.recipe.trim_start_matches("./") == named.trim_start_matches("./"))
        .collect();
    match (by_name, &by_file[..]) {
        (Some(found), _) => Ok(found.name.clone()),
        (None, [found]) => Ok(found.name.clone()),
        (None, []) => {
            let names: Vec<&str> = enabled().map(|i| i.name.as_str()).collect();
            Err(CommandError::usage(
                format!("linecook.yaml installs no recipe `{named}`"),
                format!("it installs {}", names.join(", ")),
            ))
        }
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|i| i.name.as_str()).collect();
            Err(CommandError::usage(
                format!("`{named}` is installed several times"),
                format!("name one of {}", names.join(", ")),
            ))
        }
    }
}
