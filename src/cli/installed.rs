//! What a project installs → [`Installed`], with the plans kept in the store.

use std::collections::BTreeMap;
use std::path::Path;

use super::exit::{CommandError, Result};
use super::project::{ReadyProject, load_project};
use crate::connection::Secret;
use crate::project::{PROJECT_FILE, token_variable};
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
async fn install_project(store: &Store, ready: &ReadyProject) -> Result<Installed> {
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
    let mut connections = BTreeMap::new();
    for (name, connection) in &ready.project.connections {
        let token = token(name, &connection.app).map(|(_, secret)| secret);
        if let Some(connection) = connection.with_token(token) {
            connections.insert(name.clone(), connection);
        }
    }
    Ok(install(store, recipes, &ready.defaults, connections).await?)
}

/// The token of a connection, and the variable of the environment that holds it: its own, else that of
/// its app.
pub fn token(connection: &str, app: &str) -> Option<(String, Secret)> {
    [token_variable(connection), token_variable(app)].into_iter().find_map(|name| {
        let text = std::env::var(&name).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| (name, Secret::new(text)))
    })
}
