//! The folder `apps` of a project: apps that linecook does not ship, each in a file or a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, CompileError, OwnApp, compile_own_file, compile_own_folder};
use crate::diagnostic::{self, Severity, Sink};
use crate::parse;
use crate::project::PROJECT_FILE;
use crate::report::FileDiagnostics;
use crate::source::{Document, Source};

/// The folder beside the project file.
pub const APPS_FOLDER: &str = "apps";

/// Whether a folder holds the apps of a project, and no recipes.
pub fn is_apps_folder(folder: &Path) -> bool {
    let beside = folder.parent().unwrap_or(Path::new("")).join(PROJECT_FILE);
    folder.file_name().is_some_and(|name| name == APPS_FOLDER) && beside.is_file()
}

/// Whether a file is about an app of a project.
pub fn is_about_app(file: &Path) -> bool {
    file.ancestors().skip(1).any(is_apps_folder)
}

/// Reads the apps of a project and makes them known. Returns what is wrong with them; those without mistakes
/// are known all the same.
pub fn learn(project: &Path) -> Vec<FileDiagnostics> {
    let folder = project.parent().unwrap_or(Path::new(""));
    let mut apps = Vec::new();
    let mut places = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in entries(&folder.join(APPS_FOLDER)) {
        let read = if path.is_dir() { read_folder(&path) } else { read_file(&path) };
        match read {
            Ok(app) if places.contains_key(&app.name) => {
                wrong.push(whole(&path, &diagnostic::app_twice(&app.name)));
            }
            Ok(app) => {
                places.insert(app.name.clone(), path);
                apps.push(app);
            }
            Err(found) => wrong.extend(found),
        }
    }
    let key = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Err(names) = Catalog::know_own(&key, apps) {
        wrong.extend(names.iter().filter_map(|name| {
            Some(whole(places.get(name)?, &diagnostic::app_of_another_project(name)))
        }));
    }
    wrong
}

/// Those of the project in this folder or in one above, for commands about the catalog. What is wrong with
/// them is said by `linecook check`.
pub fn learn_here() {
    if let Some(project) = super::project::project_file_of(Path::new(PROJECT_FILE)) {
        learn(&project);
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_file = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        !hidden && (is_file || path.join("app.yaml").is_file())
    });
    paths.sort();
    paths
}

fn read_file(path: &Path) -> Result<OwnApp, Vec<FileDiagnostics>> {
    let mut sink = Sink::default();
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => {
            return Err(vec![whole(path, &diagnostic::unreadable_file(&error.to_string()))]);
        }
    };
    let document = parse::app(&source, &mut sink);
    let mut app = None;
    if let Some(document) = document.as_ref().filter(|_| !sink.has_errors()) {
        match compile_own_file(path, document.value()) {
            Ok(compiled) => app = Some(compiled),
            Err(errors) => errors.iter().for_each(|error| {
                sink.say(diagnostic::app_mistake(
                    &error.route,
                    &error.message,
                    error.help.as_deref(),
                ));
            }),
        }
    }
    app.ok_or_else(|| {
        let mut found = sink.into_sorted(&source, document.as_ref());
        found.retain(|diagnostic| diagnostic.severity == Severity::Error);
        vec![FileDiagnostics { source, document, found }]
    })
}

fn read_folder(path: &Path) -> Result<OwnApp, Vec<FileDiagnostics>> {
    compile_own_folder(path).map_err(|errors| {
        let mut by_file: BTreeMap<PathBuf, Vec<CompileError>> = BTreeMap::new();
        errors.into_iter().for_each(|e| by_file.entry(e.file.clone()).or_default().push(e));
        by_file.into_iter().map(|(file, errors)| of_file(&file, &errors)).collect()
    })
}

fn of_file(path: &Path, errors: &[CompileError]) -> FileDiagnostics {
    let source = Source::read(path).unwrap_or_else(|_| Source::new(path.display().to_string(), ""));
    let document = Document::parse(&source).ok();
    let mut sink = Sink::default();
    for error in errors {
        sink.say(diagnostic::app_mistake(&error.route, &error.message, error.help.as_deref()));
    }
    let found = sink.into_sorted(&source, document.as_ref());
    FileDiagnostics { source, document, found }
}

/// Something about a file as a whole.
fn whole(path: &Path, diagnostic: &diagnostic::Diagnostic) -> FileDiagnostics {
    let source = Source::new(path.display().to_string(), "");
    FileDiagnostics { source, document: None, found: vec![diagnostic.clone()] }
}
