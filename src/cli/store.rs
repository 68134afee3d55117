//! Which store a command looks into, and times as people write them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::exit::{CommandError, Result};
use super::project::{project_file_of, store_of};
use crate::project::{PROJECT_FILE, USUAL_STORE};
use crate::store::{Options, Store, StoreError, StoreErrorKind};
use crate::value::{Defaults, Moment, duration};
use crate::vault::{KeyPlaces, Vault};

#[derive(clap::Args)]
pub struct StoreArgs {
    /// The file in which events and runs are kept; without it that of the linecook.yaml in this folder or
    /// in one above
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

/// A store that commands look into, and the project it belongs to.
pub struct StorePlace {
    pub path: PathBuf,
    /// The project file, where there is one.
    pub project: Option<PathBuf>,
    /// Times are shown in the zone of the project.
    pub defaults: Arc<Defaults>,
}

impl StoreArgs {
    /// The store that is named, else the one of the project around this folder.
    pub fn place(&self) -> Result<StorePlace> {
        self.place_for(Path::new(PROJECT_FILE))
    }

    /// The store that is named, else the one of the project that a recipe belongs to.
    pub fn place_for(&self, recipe: &Path) -> Result<StorePlace> {
        let Some(project) = project_file_of(recipe) else {
            let path = self.store.clone().unwrap_or_else(|| USUAL_STORE.into());
            return Ok(StorePlace { path, project: None, defaults: Arc::default() });
        };
        match (store_of(&project), &self.store) {
            (Some((path, defaults)), named) => Ok(StorePlace {
                path: named.clone().unwrap_or(path),
                project: Some(project),
                defaults,
            }),
            (None, Some(named)) => Ok(StorePlace {
                path: named.clone(),
                project: Some(project),
                defaults: Arc::default(),
            }),
            (None, None) => Err(CommandError::usage(
                format!("{} cannot be read, so nobody knows where the store is", project.display()),
                "`linecook check` says what is wrong with it; or name the store with --store",
            )),
        }
    }
}

impl StorePlace {
    /// Opens the store to look into it, whether a service runs it or not.
    pub fn open(&self) -> Result<Store> {
        Ok(Store::beside(&self.path, Options::default())?)
    }

    /// A time that somebody writes: `2h` ago, or a day or time in the project's zone.
    pub fn time(&self, option: &str, written: Option<&str>) -> Result<Option<Timestamp>> {
        let Some(written) = written else { return Ok(None) };
        if let Some(length) = duration::parse(written) {
            let time = Timestamp::now().checked_sub(length).unwrap_or(Timestamp::MIN);
            return Ok(Some(time));
        }
        match Moment::parse(written, &self.defaults.timezone) {
            Ok(moment) => Ok(Some(moment.timestamp())),
            Err(_) => Err(CommandError::usage(
                format!("`{written}` is no time"),
                format!(
                    "write {option} 2h, {option} 3d, {option} 2026-03-02 or {option} 2026-03-02T09:00"
                ),
            )),
        }
    }
}

/// The vault of a store, with the keys of this user.
pub fn vault_of(store: &Path) -> Vault {
    Vault::new(Vault::path_of(store), KeyPlaces::of_this_user())
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> CommandError {
        match error.kind {
            StoreErrorKind::Missing => CommandError::usage(&error.message, &error.help),
            _ => CommandError::environment(&error.message, &error.help),
        }
    }
}
