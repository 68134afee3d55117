//! `linecook check`: every problem of every file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::{Exit, Result};
use super::load::{Against, load_all, recipe_paths};
use super::options::colour;
use super::own_apps;
use super::print;
use super::project::{ReadyProject, load_project};
use crate::diagnostic::Severity;
use crate::project::PROJECT_FILE;
use crate::report::{ConnectionScopes, FileDiagnostics, summary};

#[derive(clap::Args)]
pub struct Args {
    /// Recipe files, folders with recipes, or a linecook.yaml; without any the linecook.yaml of this
    /// folder with all its recipes, else the folder `recipes`
    paths: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Let warnings fail too
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

pub fn run(args: &Args) -> Result {
    let Checked { files, projects, scopes } = checked(&args.paths)?;
    let is_app = |file: &&FileDiagnostics| own_apps::is_about_app(Path::new(file.source.name()));
    match args.format {
        Format::Text => {
            for file in &files {
                print::text(file.text(colour()));
            }
            print::line(summary(&files, projects, files.iter().filter(is_app).count()));
            scopes.iter().for_each(|connection| print::line(connection.in_words()));
        }
        Format::Json => {
            let all: Vec<_> = files.iter().flat_map(FileDiagnostics::json).collect();
            let scopes: Vec<_> = scopes.iter().map(ConnectionScopes::json).collect();
            print::line(serde_json::json!({
                "format_version": 1, "files": files.len(), "diagnostics": all,
                "connections": scopes,
            }));
        }
        Format::Github => files.iter().for_each(|file| print::text(file.github())),
    }
    let worst = |severity| files.iter().any(|f| f.count(severity) > 0);
    match worst(Severity::Error) || (args.deny_warnings && worst(Severity::Warning)) {
        true => Ok(Exit::Problems),
        false => Ok(Exit::Good),
    }
}

/// What a check has found.
struct Checked {
    /// What is to say about every file.
    files: Vec<FileDiagnostics>,
    /// How many of them are project files.
    projects: usize,
    /// What the connections of all these projects have to have.
    scopes: Vec<ConnectionScopes>,
}

fn checked(paths: &[PathBuf]) -> Result<Checked> {
    let mut projects = Vec::new();
    let mut recipes = Vec::new();
    let here = PathBuf::from(PROJECT_FILE);
    if paths.is_empty() && here.is_file() {
        projects.push(here);
    } else if paths.is_empty() {
        recipes = recipe_paths(&[])?;
    }
    for path in paths {
        if path.file_name().is_some_and(|name| name == PROJECT_FILE) {
            projects.push(path.clone());
            continue;
        }
        let inside = path.join(PROJECT_FILE);
        let is_project = path.is_dir() && inside.is_file();
        if is_project {
            projects.push(inside);
        }
        match recipe_paths(std::slice::from_ref(path)) {
            Ok(found) => recipes.extend(found),
            // The recipes of a project may be anywhere.
            Err(_) if is_project => {}
            Err(error) => return Err(error),
        }
    }
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut scopes = Vec::new();
    let mut count = 0;
    for path in projects {
        if seen.contains(&whole(&path)) {
            continue;
        }
        count += 1;
        let loaded = load_project(&path);
        scopes.extend(loaded.ready.iter().flat_map(ReadyProject::scopes));
        for file in loaded.diagnostics {
            if seen.insert(whole(Path::new(file.source.name()))) {
                files.push(file.without_spare());
            }
        }
    }
    recipes.retain(|path| !seen.contains(&whole(path)));
    let loaded = load_all(&recipes, Against::Accounts, |loaded| {
        (loaded.near, loaded.diagnostics.without_spare())
    });
    for (near, file) in loaded {
        // What a recipe takes from its project may be wrong there.
        for problems in &near.problems {
            let name = Path::new(problems.source.name());
            if seen.insert(whole(name)) {
                count += usize::from(near.path.as_deref() == Some(name));
                files.push(problems.clone());
            }
        }
        files.push(file);
    }
    Ok(Checked { files, projects: count, scopes })
}

/// One name for one file, however it is named.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
