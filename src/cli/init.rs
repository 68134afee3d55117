//! `linecook init`: the files that a project starts with.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::exit::{CommandError, Exit, Result};
use super::{print, shipped};
use crate::catalog::Catalog;
use crate::project::PROJECT_FILE;
use crate::value::text::shell_word;
use crate::{project, recipe};

#[derive(clap::Args)]
pub struct Args {
    /// Where the project starts; this folder without it
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const PROJECT: &str = include_str!("init/linecook.yaml");
const IGNORED: &str = "\
# The store of linecook: events, runs, links; and its vault: tokens.
linecook.db*
linecook.vault*
";
/// The first recipe.
const RECIPE: &str = "new-customer.yaml";

pub fn run(args: &Args) -> Result {
    let folder = &args.folder;
    let project_file = folder.join(PROJECT_FILE);
    if std::fs::symlink_metadata(&project_file).is_ok() {
        return Err(CommandError::usage(
            format!("there is a project already: {}", project_file.display()),
            "name another folder, or go on with the one that is there",
        ));
    }
    let catalog = Catalog::embedded();
    let schema = |schema: serde_json::Value| {
        format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is plain JSON"))
    };
    let recipe_schema = schema(recipe::editor_schema(catalog));
    let project_schema = schema(project::editor_schema(catalog));
    let mut files = vec![(PROJECT_FILE.to_owned(), PROJECT), (".gitignore".to_owned(), IGNORED)];
    let first = shipped::with_all_it_names(RECIPE).into_iter();
    files.extend(first.map(|(name, text)| (format!("recipes/{name}"), text)));
    files.push(("schemas/recipe.schema.json".to_owned(), &recipe_schema));
    files.push(("schemas/project.schema.json".to_owned(), &project_schema));
    for (name, text) in files {
        let path = folder.join(name);
        match write_new(&path, text) {
            Ok(()) => print::line(format_args!("wrote {}", path.display())),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                print::line(format_args!("{} is there already and stays as it is", path.display()));
            }
            Err(e) => {
                return Err(CommandError::environment(
                    format!("{} cannot be written: {e}", path.display()),
                    "name a folder that you may write to",
                ));
            }
        }
    }
    let recipe = folder.join("recipes").join(RECIPE);
    print::line(format_args!(
        "\nWhat to do next:\n  linecook check {}\n  linecook dry-run {}\n  linecook run {}\n\n\
         Then put your accounts and settings into {}.",
        shown(&project_file),
        shown(&recipe),
        shown(&recipe),
        project_file.display(),
    ));
    Ok(Exit::Good)
}

/// Writes a file that is not there yet, with the folders above it.
pub fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A path as a shell takes it.
pub fn shown(path: &Path) -> String {
    shell_word(&path.strip_prefix(".").unwrap_or(path).display().to_string())
}
