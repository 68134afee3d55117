//! A project file → the project with its recipes, read and checked. Nothing is printed here, so that the
//! service can load a project again while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::environment::token;
use super::load::{Against, load_with, on_all_cores};
use super::options::colour;
use super::pin::{contents, pin};
use super::print;
use super::snapshot::snapshots;
use crate::catalog::Catalog;
use crate::check::{self, ConnectionNeed, InstalledRecipe, Needed};
use crate::connection::{Facts, Way};
use crate::diagnostic::{self, Code, Severity, Sink};
use crate::parse;
use crate::plan::{self, Plan};
use crate::project::{
    NamedConnection, PROJECT_FILE, Project, ProjectFile, Surroundings, USUAL_STORE,
    WrittenConnection, WrittenInstallation,
};
use crate::report::{ConnectionScopes, FileDiagnostics};
use crate::snapshot::Snapshots;
use crate::source::Source;
use crate::value::Defaults;
use crate::vault::Vault;

/// A project file with its recipes.
pub struct LoadedProject {
    pub path: PathBuf,
    /// The project file's own first, then those of its apps and of each recipe that it installs, once.
    pub diagnostics: Vec<FileDiagnostics>,
    /// Only when there is no error in the project file or in a recipe. A connection may lack what a recipe
    /// needs all the same: see [`LoadedProject::has_errors`].
    pub ready: Option<ReadyProject>,
    /// The recipes without errors that it installs, each once.
    recipes: Vec<Arc<Plan>>,
}

impl LoadedProject {
    /// Whether anything is wrong with it: then it must not start.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|found| found.count(Severity::Error) > 0)
    }

    /// The least scopes that a connection has to have for what is installed, each with the recipes that need
    /// it. As long as the project file has errors nobody knows which recipe uses which connection: then for
    /// all its recipes.
    pub fn needed_scopes(
        &self,
        connection: &str,
        app: &str,
        way: Way,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut scopes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut add = |needed: &Needed, recipe: &str| {
            let Some(scope) = needed.scope().filter(|_| needed.matters_to(Some(way))) else {
                return;
            };
            if needed.app() == app {
                scopes.entry(scope.to_owned()).or_default().insert(recipe.to_owned());
            }
        };
        match &self.ready {
            Some(ready) if ready.project.connections.contains_key(connection) => {
                for need in ready.needs().iter().filter(|need| need.connection == connection) {
                    let recipe = &ready.installations[need.installation].plan.recipe;
                    add(&need.need.what, &recipe.name);
                }
            }
            _ => {
                for plan in &self.recipes {
                    plan.recipe.needs().iter().for_each(|need| add(&need.what, &plan.recipe.name));
                }
            }
        }
        scopes
    }
}

/// A project that can run.
pub struct ReadyProject {
    pub project: Project,
    /// The store's file, counted from where the program runs.
    pub store: PathBuf,
    /// In the order of the file, those that are switched off too.
    pub installations: Vec<Installation>,
    pub defaults: Arc<Defaults>,
}

impl ReadyProject {
    /// What each connection has to have and what it has, in the order of the file; none for those that
    /// need nothing.
    pub fn scopes(&self) -> Vec<ConnectionScopes> {
        let connections = &self.project.connections;
        let needs = self.needs();
        let way = |name: &str| connections.get(name).and_then(NamedConnection::way);
        let mut needed = check::needed_scopes(&needs, way);
        let of_one = |(name, connection): (&String, &NamedConnection)| {
            Some(ConnectionScopes {
                connection: name.clone(),
                app: connection.app.clone(),
                needed: needed.remove(name)?,
                known: connection.access().scopes.known().cloned(),
            })
        };
        connections.iter().filter_map(of_one).collect()
    }

    /// The installations that work through a connection or are started by its events.
    pub fn users_of(&self, connection: &str) -> Vec<String> {
        let Some(named) = self.project.connections.get(connection) else { return Vec::new() };
        let uses = |installation: &&Installation| match installation.connections.get(&named.app) {
            Some(chosen) => chosen == connection,
            // Without a choice the events of all connections of the app start it.
            None => {
                let events = &installation.plan.recipe.trigger.events;
                events.iter().any(|event| event.app == named.app)
            }
        };
        let users = self.installations.iter().filter(|i| i.enabled).filter(uses);
        users.map(|installation| installation.name.clone()).collect()
    }

    /// What its recipes need of its connections.
    pub fn needs(&self) -> Vec<ConnectionNeed<'_>> {
        let recipes: Vec<_> = self.installations.iter().map(|i| &i.plan.recipe).collect();
        check::needs(&self.project, &recipes, Catalog::embedded())
    }
}

/// A recipe that runs, with its accounts and settings.
pub struct Installation {
    pub name: String,
    /// Counted from where the program runs.
    pub recipe_path: PathBuf,
    /// Shared by all installations of the recipe, unless it names something of an account.
    pub plan: Arc<Plan>,
    /// All of them, with the recipe's defaults.
    pub settings: Map<String, Value>,
    /// App → connection; see [`crate::project::Installation::connections`].
    pub connections: BTreeMap<String, String>,
    /// Tells its content, as it was read, from every other.
    pub pin: String,
    pub enabled: bool,
}

/// Reads and checks a project file and every recipe that it installs.
pub fn load_project(path: &Path) -> LoadedProject {
    let read = read_project(path);
    let near = Arc::new(read.near);
    let Some(file) = read.file else {
        let diagnostics = near.problems_of(read.source, None, read.sink);
        return LoadedProject {
            path: path.to_owned(),
            diagnostics: near.problems.iter().cloned().chain([diagnostics]).collect(),
            ready: None,
            recipes: Vec::new(),
        };
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let names: BTreeSet<&str> = file.written.recipes.iter().map(|r| r.recipe.as_str()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let loaded =
        on_all_cores(&names, |name| load_with(&folder.join(name), near.clone(), Against::Accounts));
    let mut plans: BTreeMap<&str, Result<Option<Arc<Plan>>, String>> = BTreeMap::new();
    let mut recipe_contents: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut recipe_diagnostics = BTreeMap::new();
    for (name, loaded) in names.iter().copied().zip(loaded) {
        let unreadable = loaded.diagnostics.found.iter().find(|d| d.code == Code::UnreadableFile);
        if let Some(why) = unreadable {
            plans.insert(name, Err(why.message.clone()));
            continue;
        }
        if let Some(file) = &loaded.file {
            recipe_contents.insert(name, contents(&loaded.path, &file.recipe));
        }
        plans.insert(name, Ok(loaded.checked.map(|checked| Arc::new(plan::recipe(checked)))));
        recipe_diagnostics.insert(name, loaded.diagnostics);
    }
    let mut sink = read.sink;
    let installed = |name: &str| match plans.get(name) {
        Some(Ok(Some(plan))) => InstalledRecipe::Checked(&plan.recipe),
        Some(Err(why)) => InstalledRecipe::Missing(why.clone()),
        Some(Ok(None)) => InstalledRecipe::Wrong,
        None => InstalledRecipe::Missing("it has no name".to_owned()),
    };
    let surroundings = near.surroundings.clone();
    let catalog = Catalog::embedded();
    let facts = facts(&file, folder, &mut sink);
    let project = check::project(&file, surroundings, catalog, &facts, &installed, &mut sink);
    let ready = project.map(|project| {
        let installations = project.installations.iter().map(|i| Installation {
            name: i.name.clone(),
            recipe_path: folder.join(&i.recipe),
            plan: match plans.get(i.recipe.as_str()) {
                Some(Ok(Some(plan))) => {
                    let one =
                        |(app, name): (&String, &String)| (app.clone(), [name.clone()].into());
                    let chosen = i.connections.iter().map(one).collect();
                    let snapshots = project.surroundings.snapshots.chosen(&chosen);
                    plan::for_accounts(plan, &snapshots).map_or_else(|| plan.clone(), Arc::new)
                }
                _ => unreachable!("a checked project has only checked recipes"),
            },
            pin: {
                let contents =
                    recipe_contents.get(i.recipe.as_str()).map_or(&[][..], Vec::as_slice);
                pin(contents, &i.settings, &i.connections)
            },
            settings: i.settings.clone(),
            connections: i.connections.clone(),
            enabled: i.enabled,
        });
        ReadyProject {
            installations: installations.collect(),
            store: folder.join(&project.store),
            defaults: project.surroundings.defaults.clone(),
            project,
        }
    });
    if let Some(ready) = &ready {
        let needs = ready.needs();
        for (at, found) in check::permitted(&ready.project, &needs, catalog) {
            let recipe = ready.project.installations[at].recipe.as_str();
            if let Some(diagnostics) = recipe_diagnostics.get_mut(recipe) {
                diagnostics.add(found);
            }
        }
    }
    let mut diagnostics = vec![near.problems_of(read.source, Some(file.clone()), sink)];
    diagnostics.extend(near.problems.iter().cloned());
    // In the order in which the project names them.
    for installation in &file.written.recipes {
        diagnostics.extend(recipe_diagnostics.remove(installation.recipe.as_str()));
    }
    let recipes = plans.into_values().filter_map(|plan| plan.ok().flatten()).collect();
    LoadedProject { path: path.to_owned(), diagnostics, ready, recipes }
}

/// What is known of the credentials that are stored for a project's connections. One whose token comes from
/// the environment is not used, and says nothing.
fn facts(file: &ProjectFile, folder: &Path, sink: &mut Sink) -> BTreeMap<String, Facts> {
    let store = file.written.store.as_deref().filter(|name| !name.trim().is_empty());
    let vault = Vault::path_of(&folder.join(store.unwrap_or(USUAL_STORE)));
    let open = match Vault::look(&vault) {
        Ok(Some(open)) => open,
        Ok(None) => return BTreeMap::new(),
        Err(error) => {
            let vault = vault.display().to_string();
            sink.say(diagnostic::vault_unread(&vault, &error.message, &error.help));
            return BTreeMap::new();
        }
    };
    let known = |(name, connection): (&String, &WrittenConnection)| {
        if token(name, &connection.app).is_some() {
            return None;
        }
        let renamed = || open.connections.get(open.renamed.get(name)?);
        let facts = open.connections.get(name).or_else(renamed)?;
        Some((name.clone(), facts.clone()))
    };
    file.written.connections.iter().filter_map(known).collect()
}

/// Where a project keeps its store, counted from where the program runs, as far as its file can be read;
/// and what holds where a value says nothing.
pub fn store_of(path: &Path) -> Option<(PathBuf, Arc<Defaults>)> {
    let read = read_project(path);
    let written = read.file?.written.store.filter(|name| !name.trim().is_empty());
    let name = written.as_deref().unwrap_or(USUAL_STORE);
    let folder = path.parent().unwrap_or(Path::new(""));
    Some((folder.join(name), read.near.surroundings.defaults))
}

/// What a recipe takes from the project it belongs to.
#[derive(Default)]
pub struct Near {
    /// The project file; none for a recipe that stands alone.
    pub path: Option<PathBuf>,
    pub surroundings: Surroundings,
    /// What is wrong with its apps, and with that part of the project file.
    pub problems: Vec<FileDiagnostics>,
    /// The connections that each installation chooses, with the file of its recipe.
    choices: Vec<(PathBuf, BTreeMap<String, String>)>,
}

impl Near {
    /// What holds for a recipe: the project file in its folder or in one above, else the one in the
    /// current folder.
    pub fn of(recipe: &Path) -> Near {
        project_file_of(recipe).map_or_else(Near::default, |path| Near::read(&path))
    }

    /// What a project file gives to its recipes.
    pub fn read(path: &Path) -> Near {
        let read = read_project(path);
        let has_errors = read.sink.has_errors();
        let mut problems = read.near.problems_of(read.source, read.file, read.sink);
        problems.found.retain(|d| d.severity == Severity::Error);
        let mut near = read.near;
        near.problems.extend(has_errors.then_some(problems));
        near
    }

    /// What is known of the accounts that a recipe works with: those of the connections that its
    /// installations choose, and all that it may be installed with where they do not.
    pub fn snapshots_for(&self, recipe: &Path) -> Snapshots {
        let whole = |path: &Path| path.canonicalize().ok();
        let recipe = whole(recipe);
        let installed =
            self.choices.iter().filter(|(path, _)| recipe.is_some() && whole(path) == recipe);
        let installed: Vec<_> = installed.map(|(_, chosen)| chosen).collect();
        let apps: BTreeSet<&String> = installed.iter().flat_map(|chosen| chosen.keys()).collect();
        let of_app = |app: &&String| {
            let names = installed.iter().map(|chosen| chosen.get(*app).cloned());
            // One that does not choose may work with any.
            Some(((*app).clone(), names.collect::<Option<BTreeSet<String>>>()?))
        };
        self.surroundings.snapshots.chosen(&apps.iter().filter_map(of_app).collect())
    }

    /// Says what is wrong with the project, where something is; then nothing of it runs.
    pub fn say_problems(&self) -> bool {
        for problems in &self.problems {
            print::talk(format_args!("{}\n", problems.text(colour()).trim_end()));
        }
        if self.problems.is_empty() {
            return false;
        }
        let name = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let what = match self.problems.iter().any(|problems| problems.source.name() == name) {
            true => "The project file has errors",
            false => "An app of the project has errors",
        };
        print::talk(format_args!("{what}: nothing was run."));
        true
    }

    fn problems_of(
        &self,
        source: Source,
        file: Option<ProjectFile>,
        sink: Sink,
    ) -> FileDiagnostics {
        let (source, document) = match file {
            Some(file) => (file.source, Some(file.document)),
            None => (source, None),
        };
        let found = sink.into_sorted(&source, document.as_ref());
        FileDiagnostics { source, document, found }
    }
}

struct ReadProject {
    source: Source,
    file: Option<ProjectFile>,
    near: Near,
    sink: Sink,
}

/// The file and what its recipes take from it.
fn read_project(path: &Path) -> ReadProject {
    let mut sink = Sink::default();
    // Its apps first: everything else may speak of them.
    let problems = super::own_apps::learn(path);
    let mut near = Near { path: Some(path.to_owned()), problems, ..Near::default() };
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => {
            sink.say(diagnostic::unreadable_file(&error.to_string()));
            let source = Source::new(path.display().to_string(), "");
            return ReadProject { source, file: None, near, sink };
        }
    };
    let file = parse::project(source.clone(), &mut sink);
    if let Some(file) = &file {
        near.surroundings = check::surroundings(file, &mut sink);
        near.surroundings.snapshots = snapshots(path, file, &mut sink);
        let folder = path.parent().unwrap_or(Path::new(""));
        let choice = |written: &WrittenInstallation| {
            let chosen = written.connections.iter();
            let chosen = chosen.map(|(app, name)| (app.clone(), name.clone())).collect();
            (folder.join(&written.recipe), chosen)
        };
        near.choices = file.written.recipes.iter().map(choice).collect();
    }
    ReadProject { source, file, near, sink }
}

/// The project file that a recipe belongs to.
pub fn project_file_of(recipe: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let whole = std::path::absolute(recipe).ok()?;
    let found = whole.ancestors().skip(1).map(|folder| folder.join(PROJECT_FILE));
    let found = found.chain(here.iter().map(|here| here.join(PROJECT_FILE)));
    let found = found.into_iter().find(|path| path.is_file())?;
    // People know it by its name from here.
    let short = here.and_then(|here| found.strip_prefix(here).map(Path::to_owned).ok());
    Some(short.unwrap_or(found))
}
