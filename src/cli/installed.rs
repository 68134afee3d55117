//! What a project installs → [`Installed`], with the plans kept in the store.

use std::collections::BTreeMap;
use std::path::Path;

use super::environment::token;
use super::exit::{CommandError, Result};
use super::project::{ReadyProject, load_project};
use crate::connection::Connection;
use crate::project::{NamedConnection, PROJECT_FILE, Project};
use crate::server::{Installed, Installing, install};
use crate::source::Source;
use crate::store::Store;

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
        });
    }
    let connections = connections(&ready.project);
    Ok(install(store, recipes, &ready.defaults, connections).await?)
}

/// The connections of a project with their credentials.
fn connections(project: &Project) -> BTreeMap<String, Connection> {
    let with_token = |(name, connection): (&String, &NamedConnection)| {
        let token = token(name, &connection.app).map(|(_, token)| token);
        Some((name.clone(), connection.with_token(token)?))
    };
    project.connections.iter().filter_map(with_token).collect()
}
