//! The credentials of a project: the environment's first, then the vault's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::environment::token;
use super::exit::{CommandError, Result};
use super::installed::connections;
use super::project::ReadyProject;
use super::store::vault_of;
use crate::connection::{Connection, Credentials, Expired, Facts, Secret, Soon, Token};
use crate::http::VaultCredentials;
use crate::project::{Project, token_variable};
use crate::vault::{Vault, VaultError};

/// The credentials of a project.
pub struct ProjectCredentials {
    /// By name of the connection. They go before the vault's.
    fixed: RwLock<BTreeMap<String, Secret>>,
    vault: Option<VaultCredentials>,
}

impl ProjectCredentials {
    /// Some tokens that are given, by name of the connection, and nothing else.
    pub fn given(fixed: BTreeMap<String, Secret>) -> ProjectCredentials {
        ProjectCredentials { fixed: RwLock::new(fixed), vault: None }
    }

    /// The same, and the vault beside a store for the connections without one.
    pub fn with_vault(
        self,
        store: &Path,
        connections: BTreeMap<String, Connection>,
    ) -> ProjectCredentials {
        let vault = VaultCredentials::new(vault_of(store));
        vault.know(connections);
        ProjectCredentials { vault: Some(vault), ..self }
    }

    /// Those of a project, as far as there are any.
    pub fn as_they_are(ready: &ReadyProject) -> ProjectCredentials {
        let project = &ready.project;
        ProjectCredentials::given(of_environment(project))
            .with_vault(&ready.store, connections(project))
    }

    /// Those of a project, whose vault can be read if it is needed.
    pub async fn of(ready: &ReadyProject) -> Result<Arc<ProjectCredentials>> {
        let this = ProjectCredentials::as_they_are(ready);
        let missing = Missing::find(ready)?;
        if !missing.has_none() {
            return Err(missing.error());
        }
        if let Some(vault) = this.vault.as_ref().filter(|_| this.needs_vault(ready)) {
            vault.open().await?;
        }
        Ok(Arc::new(this))
    }

    /// The project is another one now.
    pub fn know(&self, project: &Project) {
        *self.fixed.write().unwrap_or_else(PoisonError::into_inner) = of_environment(project);
        if let Some(vault) = &self.vault {
            vault.know(connections(project));
        }
    }

    fn needs_vault(&self, ready: &ReadyProject) -> bool {
        let fixed = self.fixed.read().unwrap_or_else(PoisonError::into_inner);
        called(ready).iter().any(|(name, _)| !fixed.contains_key(name))
    }

    fn fixed(&self, connection: &str) -> Option<Secret> {
        self.fixed.read().unwrap_or_else(PoisonError::into_inner).get(connection).cloned()
    }
}

impl Credentials for ProjectCredentials {
    fn token<'a>(&'a self, connection: &'a str) -> Token<'a> {
        match (self.fixed(connection), &self.vault) {
            (None, Some(vault)) => vault.token(connection),
            (fixed, _) => Box::pin(std::future::ready(Ok(fixed))),
        }
    }

    fn refused<'a>(&'a self, connection: &'a str, used: &'a Secret) -> Token<'a> {
        match (self.fixed(connection), &self.vault) {
            (None, Some(vault)) => vault.refused(connection, used),
            _ => Box::pin(std::future::ready(Ok(None))),
        }
    }

    fn accepted(&self, connection: &str, used: &Secret) {
        if let Some(vault) = &self.vault {
            vault.accepted(connection, used);
        }
    }

    fn expired(&self) -> Soon<'_, Vec<Expired>> {
        Box::pin(async {
            let Some(vault) = &self.vault else { return Vec::new() };
            let mut expired = vault.expired().await;
            expired.retain(|one| self.fixed(&one.connection).is_none());
            expired
        })
    }

    fn settled(&self) -> Soon<'_, ()> {
        match &self.vault {
            Some(vault) => vault.settled(),
            None => Box::pin(std::future::ready(())),
        }
    }
}

fn of_environment(project: &Project) -> BTreeMap<String, Secret> {
    let called = project.connections.iter().filter(|(_, c)| c.base_url.is_some());
    called.filter_map(|(name, c)| Some((name.clone(), token(name, &c.app)?.1))).collect()
}

/// The connections that recipes call through, with their apps.
fn called(ready: &ReadyProject) -> Vec<(String, String)> {
    let mut called = Vec::new();
    for installation in ready.installations.iter().filter(|i| i.enabled) {
        for app in installation.plan.recipe.apps() {
            let Some(name) = installation.connections.get(app) else { continue };
            let pair = (name.clone(), app.to_owned());
            if !called.contains(&pair) {
                called.push(pair);
            }
        }
    }
    called
}

/// What is known of the connections in the vault beside a store. No key is needed.
pub fn facts(store: &Path) -> std::result::Result<BTreeMap<String, Facts>, VaultError> {
    let open = Vault::look(&Vault::path_of(store))?;
    Ok(open.map(|open| open.connections).unwrap_or_default())
}

/// Connections that recipes call through, and that nobody has a token for: name and app.
pub struct Missing(pub Vec<(String, String)>);

impl Missing {
    pub fn find(ready: &ReadyProject) -> Result<Missing> {
        let facts = facts(&ready.store)?;
        let mut missing = called(ready);
        missing.retain(|(name, app)| token(name, app).is_none() && !facts.contains_key(name));
        Ok(Missing(missing))
    }

    pub fn has_none(&self) -> bool {
        self.0.is_empty()
    }

    fn error(&self) -> CommandError {
        let lines = self.0.iter().map(|(name, app)| {
            format!("the connection `{name}` to {app}: {}", how_to_connect(name, app))
        });
        CommandError::usage(
            format!("there is no token for\n  {}", lines.collect::<Vec<_>>().join("\n  ")),
            "tokens come from the vault or from the environment, never from a file of the project",
        )
    }
}

/// How a connection gets a token.
pub fn how_to_connect(name: &str, app: &str) -> String {
    format!("`linecook connect {app} --name {name}`, or set {}", token_variable(name))
}
