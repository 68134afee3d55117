//! The project around this folder, for commands that look at it or change it even while it has errors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::exit::{CommandError, Result};
use super::project::project_file_of;
use super::store::vault_of;
use crate::catalog::{App, Catalog};
use crate::connection::{host_of, leads_here, server_address, server_name};
use crate::diagnostic::Sink;
use crate::parse;
use crate::project::{
    LOCATION_TO_FILL_IN, PROJECT_FILE, ProjectFile, USUAL_STORE, WrittenConnection,
};
use crate::source::Source;
use crate::vault::Vault;

/// A project file as it is written.
pub struct OpenProject {
    pub path: PathBuf,
    pub file: ProjectFile,
    /// The store's file, counted from where the program runs.
    pub store: PathBuf,
}

impl OpenProject {
    /// The project in this folder or in one above.
    pub fn find() -> Result<OpenProject> {
        let Some(path) = project_file_of(Path::new(PROJECT_FILE)) else {
            return Err(CommandError::usage(
                format!("there is no {PROJECT_FILE} in this folder or above"),
                "go to the folder of your project, or start one with `linecook init`",
            ));
        };
        OpenProject::read(path)
    }

    fn read(path: PathBuf) -> Result<OpenProject> {
        let cannot = |why: &str| {
            let what = format!("{} cannot be used{why}", path.display());
            CommandError::usage(what, "`linecook check` shows what is wrong with it")
        };
        let source = Source::read(&path).map_err(|error| cannot(&format!(": {error}")))?;
        let file = parse::project(source, &mut Sink::default()).ok_or_else(|| cannot(""))?;
        let named = file.written.store.as_deref().filter(|name| !name.trim().is_empty());
        let folder = path.parent().unwrap_or(Path::new(""));
        let store = folder.join(named.unwrap_or(USUAL_STORE));
        Ok(OpenProject { file, store, path })
    }

    pub fn vault(&self) -> Vault {
        vault_of(&self.store)
    }

    /// What is written of a connection.
    pub fn connection(&self, name: &str) -> Option<&WrittenConnection> {
        self.file.written.connections.get(name)
    }

    /// The names of an app's connections.
    pub fn connections_to(&self, app: &str) -> Vec<&str> {
        let all = self.file.written.connections.iter();
        all.filter(|(_, c)| c.app == app).map(|(name, _)| name.as_str()).collect()
    }

    /// The account that a connection names, when somebody has filled it in.
    pub fn location(&self, name: &str) -> Option<&str> {
        let location = self.connection(name)?.location_id.as_deref()?.trim();
        (!location.is_empty() && location != LOCATION_TO_FILL_IN).then_some(location)
    }

    /// An address of the app's own servers, of this machine, or of one that the file names: nothing secret
    /// goes anywhere else.
    pub fn server(&self, app: &App, address: &str) -> Result<String> {
        let named = self.file.written.hosts.iter().filter_map(|host| server_name(host));
        let known: BTreeSet<String> = named.chain(app.hosts()).collect();
        let host = host_of(address);
        let may = leads_here(address) || host.as_ref().is_some_and(|host| known.contains(host));
        match server_address(address) {
            Ok(address) if may => Ok(address),
            Ok(_) => Err(CommandError::usage(
                format!(
                    "{address} is not a server of {}, so nothing secret is sent there",
                    app.title
                ),
                format!(
                    "if it is yours, name it in {PROJECT_FILE}: `hosts: [{}]`",
                    host.unwrap_or_default()
                ),
            )),
            Err(e) => Err(CommandError::usage(format!("`{address}` {}", e.problem), e.instead)),
        }
    }

    /// Replaces the text of the file with what `edit` makes of it, when that checks no worse than before.
    /// False, and the file as it was, where it cannot be changed for certain.
    pub fn edit(&mut self, edit: impl Fn(&str) -> Option<String>) -> Result<bool> {
        let Some((path, before, after)) = self.edited(edit)? else { return Ok(false) };
        replace(&path, &before, &after).map_err(|e| self.cannot_change(&e))?;
        *self = OpenProject::read(self.path.clone())?;
        Ok(true)
    }

    /// Whether [`OpenProject::edit`] would do it.
    pub fn can_edit(&self, edit: impl Fn(&str) -> Option<String>) -> Result<bool> {
        Ok(self.edited(edit)?.is_some())
    }

    /// Where the file really is, its text, and what `edit` makes of it.
    fn edited(
        &self,
        edit: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(PathBuf, String, String)>> {
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let before = std::fs::read_to_string(&path).map_err(|e| self.cannot_change(&e))?;
        // Editors of Windows put a mark in front, which is none of the text.
        let (mark, text) = match before.strip_prefix('\u{feff}') {
            Some(text) => ("\u{feff}", text),
            None => ("", before.as_str()),
        };
        let after = edit(text).map(|after| format!("{mark}{after}"));
        let after = after.filter(|after| errors(after) <= errors(&before));
        Ok(after.map(|after| (path, before, after)))
    }

    fn cannot_change(&self, error: &std::io::Error) -> CommandError {
        CommandError::environment(
            format!("{} cannot be changed: {error}", self.path.display()),
            "check that you may write to it and to its folder",
        )
    }
}

/// How many mistakes the form of a project file has.
fn errors(text: &str) -> usize {
    let mut sink = Sink::default();
    let source = Source::new(PROJECT_FILE, text);
    let file = parse::project(source.clone(), &mut sink);
    let found = sink.into_sorted(&source, file.as_ref().map(|file| &file.document));
    found.len() + usize::from(file.is_none())
}

/// Replaces a file as a whole, with the rights that it has, unless somebody else has changed it meanwhile.
fn replace(path: &Path, before: &str, after: &str) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(after.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(path)?.permissions())?;
    file.as_file().sync_all()?;
    if std::fs::read_to_string(path)? != before {
        return Err(std::io::Error::other("somebody else has changed it just now"));
    }
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// An app by the name that a person gave, which can be called.
pub fn app_to_call(name: &str) -> Result<&'static App> {
    let apps = Catalog::embedded().apps().iter().filter(|app| app.base_url.is_some());
    let known: Vec<&str> = apps.map(|app| app.app.as_str()).collect();
    match Catalog::embedded().app(name).filter(|app| app.base_url.is_some()) {
        Some(app) => Ok(app),
        None => Err(CommandError::usage(
            format!("there is no app `{name}` to connect to"),
            format!("name one of these: {}", known.join(", ")),
        )),
    }
}
