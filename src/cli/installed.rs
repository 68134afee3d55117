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
