//! Files and folders → recipes, read and checked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{CommandError, Result};
use super::own_apps::is_apps_folder;
use super::project::{Near, project_file_of};
use crate::catalog::Catalog;
use crate::check::{self, Checked, ReadFile};
use crate::diagnostic::{self, Sink};
use crate::parse;
use crate::project::PROJECT_FILE;
use crate::recipe::RecipeFile;
use crate::report::FileDiagnostics;
use crate::snapshot::Snapshots;
use crate::source::Source;

/// One recipe file: what is wrong with it, and the recipe as far as it could be read.
pub struct Loaded {
    pub path: PathBuf,
    /// What its project gives to it.
    pub near: Arc<Near>,
    pub diagnostics: FileDiagnostics,
    pub file: Option<RecipeFile>,
    /// Only when there is no error.
    pub checked: Option<Checked>,
    /// What is known of the accounts that it works with in its project; none where it stands alone.
    pub snapshots: Snapshots,
}

/// What a recipe is checked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The accounts of its project, as they were when somebody looked.
    Accounts,
    /// These, with what its examples say is there: so they run anywhere.
    Examples,
}

/// Reads and checks one file, with what its project gives to it. Whatever is wrong with it is among its
/// diagnostics.
pub fn load(path: &Path) -> Loaded {
    load_with(path, Arc::new(Near::of(path)), Against::Accounts)
}

/// The same for a recipe whose project has been read already.
pub fn load_with(path: &Path, near: Arc<Near>, against: Against) -> Loaded {
    let snapshots = near.snapshots_for(path);
    match Source::read(path) {
        Ok(source) => {
            load_source(path, source, near, against, &|name: &str| read_beside(path, name))
        }
        Err(error) => {
            let mut sink = Sink::default();
            sink.say(diagnostic::unreadable_file(&error.to_string()));
            let source = Source::new(path.display().to_string(), "");
            let found = sink.into_sorted(&source, None);
            let diagnostics = FileDiagnostics { source, document: None, found };
            let (path, file, checked) = (path.to_owned(), None, None);
            Loaded { path, near, diagnostics, file, checked, snapshots }
        }
    }
}

/// The same for the text of a recipe that may not be on the disk yet; `path` is where it belongs, and
/// `read_file` reads what it names.
pub fn load_source(
    path: &Path,
    source: Source,
    near: Arc<Near>,
    against: Against,
    read_file: ReadFile<'_>,
) -> Loaded {
    let mut sink = Sink::default();
    let snapshots = near.snapshots_for(path);
    let file = parse::recipe(source.clone(), &mut sink);
    let checked = file.as_ref().and_then(|file| {
        let catalog = Catalog::embedded();
        let mut surroundings = near.surroundings.clone();
        surroundings.snapshots = match against {
            Against::Accounts => snapshots.clone(),
            Against::Examples => snapshots.with_given(&check::given(&file.recipe, catalog)),
        };
        check::recipe(file, catalog, &surroundings, read_file, &mut sink)
    });
    let document = file.as_ref().map(|file| file.document.clone());
    let found = sink.into_sorted(&source, document.as_ref());
    let diagnostics = FileDiagnostics { source, document, found };
    Loaded { path: path.to_owned(), near, diagnostics, file, checked, snapshots }
}

/// The text of a file that a recipe names, counted from the recipe's folder.
pub fn read_beside(recipe: &Path, name: &str) -> std::result::Result<String, String> {
    let path = recipe.parent().unwrap_or(Path::new("")).join(name);
    Source::read(&path).map(|source| source.text().to_owned()).map_err(|e| e.to_string())
}

/// The recipe files that paths mean: files as named, folders with everything in them that ends in
/// `.yaml` or `.yml`. Without a path: the folder `recipes` where there is one, else this folder.
pub fn recipe_paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let usual = if Path::new("recipes").is_dir() { "recipes" } else { "." };
    let usual = [PathBuf::from(usual)];
    let paths = if paths.is_empty() { &usual[..] } else { paths };
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            collect(path, &mut found, 0);
            if found.len() == before {
                return Err(CommandError::usage(
                    format!("there is no recipe in the folder {}", path.display()),
                    "name a folder with .yaml files, or a file",
                ));
            }
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            // A folder that leads back into itself ends here.
            if !hidden && depth < 16 && !is_apps_folder(&path) {
                collect(&path, found, depth + 1);
            }
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml")
            && path.file_name().is_some_and(|n| n != PROJECT_FILE)
        {
            found.push(path);
        }
    }
}

/// Loads many files, on as many cores as there are, and keeps of each what `keep` makes of it.
pub fn load_all<T: Send>(
    paths: &[PathBuf],
    against: Against,
    keep: impl Fn(Loaded) -> T + Sync,
) -> Vec<T> {
    // A project is read once for all its recipes.
    let mut folders: HashMap<Option<&Path>, Arc<Near>> = HashMap::new();
    let mut projects: HashMap<PathBuf, Arc<Near>> = HashMap::new();
    for path in paths {
        folders.entry(path.parent()).or_insert_with(|| match project_file_of(path) {
            None => Arc::default(),
            Some(file) => {
                let read = || Arc::new(Near::read(&file));
                projects.entry(file.clone()).or_insert_with(read).clone()
            }
        });
    }
    on_all_cores(paths, |path| keep(load_with(path, folders[&path.parent()].clone(), against)))
}

/// Does something with each of many, on as many cores as there are; the order stays.
pub fn on_all_cores<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let workers = cores.min(items.len().max(1));
    if workers == 1 || items.len() < 4 {
        return items.iter().map(work).collect();
    }
    let share = items.len().div_ceil(workers);
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}
