//! A look into the accounts of a project, beside the service or without one: nothing is written.

use std::sync::Arc;

use super::credentials::ProjectCredentials;
use super::exit::{CommandError, Result};
use super::installed::install_project;
use super::project::ReadyProject;
use super::serve::limits;
use crate::http::{Guard, HttpCaller};
use crate::server::{Gates, Installed, Way};
use crate::store::{Options, Store, StoreErrorKind};

/// What is looked with.
pub struct Looking {
    pub way: Way,
    pub installed: Installed,
    pub credentials: Arc<ProjectCredentials>,
}

pub async fn looking(ready: &ReadyProject) -> Result<Looking> {
    let store = match Store::open(&ready.store, Options::default()) {
        Err(error) if error.kind == StoreErrorKind::Taken => {
            Store::beside(&ready.store, Options::default())?
        }
        other => other?,
    };
    let installed = install_project(&store, ready).await?;
    let credentials = ProjectCredentials::of(ready).await?;
    let caller =
        HttpCaller::new(ready.project.request_timeout, credentials.clone()).map_err(|e| {
            CommandError::environment(format!("no calls can be made: {e}"), "check the network")
        })?;
    let caller = caller.guarded(Guard::new(installed.by_every_name()));
    let gates = Gates::default();
    gates.open(&store, &installed.connections, |name| limits(&ready.project, name)).await?;
    Ok(Looking { way: Way { store, caller, gates }, installed, credentials })
}
