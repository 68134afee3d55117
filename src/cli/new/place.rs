//! Where a new recipe is kept: never in the place of a file that is there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::exit::{CommandError, Result};
use super::super::init::write_new;
use super::super::project::project_file_of;
use crate::project::PROJECT_FILE;
use crate::value::text::slug;

/// The folder of the project around this one, with the file; none where there is no project.
pub fn project() -> Option<PathBuf> {
    project_file_of(Path::new(PROJECT_FILE))
}

/// The folder in which recipes are kept.
pub fn folder() -> PathBuf {
    let of_project = project().and_then(|file| Some(file.parent()?.join("recipes")));
    of_project.unwrap_or_else(|| match Path::new("recipes").is_dir() {
        true => PathBuf::from("recipes"),
        false => PathBuf::new(),
    })
}

/// The file that a person names.
pub fn named(file: &Path) -> Result<PathBuf> {
    let file = match file.extension() {
        Some(_) => file.to_owned(),
        None => file.with_extension("yaml"),
    };
    let is_yaml = file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if !is_yaml || file.file_name().is_some_and(|name| name == PROJECT_FILE) {
        return Err(CommandError::usage(
            format!("{} is no name for a recipe", file.display()),
            "let it end in .yaml",
        ));
    }
    match std::fs::symlink_metadata(&file) {
        Ok(_) => Err(is_there(&file)),
        Err(_) => Ok(file),
    }
}

/// A file that is not there yet, named after what the recipe does.
pub fn made_up(words: &str) -> PathBuf {
    let (folder, name) = (folder(), slug(words));
    let mut path = folder.join(format!("{name}.yaml"));
    let mut number = 2;
    while std::fs::symlink_metadata(&path).is_ok() {
        path = folder.join(format!("{name}-{number}.yaml"));
        number += 1;
    }
    path
}

/// The way from a recipe to the schema that editors follow.
pub fn schema_for(recipe: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let root = project().and_then(|file| absolute(&file));
    let root = root.as_deref().and_then(Path::parent).map(Path::to_owned);
    let root = root.or_else(|| std::env::current_dir().ok());
    let folder = absolute(recipe).and_then(|path| path.parent().map(Path::to_owned));
    let up = match (root, folder) {
        (Some(root), Some(folder)) => {
            folder.strip_prefix(&root).ok().map(|inside| inside.components().count())
        }
        _ => None,
    };
    format!("{}schemas/recipe.schema.json", "../".repeat(up.unwrap_or(1)))
}

/// Writes a file that is not there yet.
pub fn save(path: &Path, text: &str) -> Result<()> {
    write_new(path, text).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => CommandError::environment(
            format!("{} cannot be written: {e}", path.display()),
            "name a file in a folder that you may write to",
        ),
    })
}

pub fn is_there(path: &Path) -> CommandError {
    CommandError::usage(
        format!("{} is there already, and stays as it is", path.display()),
        "name another file: `linecook new FILE …`",
    )
}
