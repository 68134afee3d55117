//! A recipe that linecook brings along, with settings of one's own, in the project.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::ask;
use super::super::exit::{CommandError, Exit, Result};
use super::super::load::{Against, load_source, read_beside};
use super::super::options::colour;
use super::super::project::Near;
use super::super::{print, shipped};
use super::{Args, install, place, settings};
use crate::diagnostic::nearest;
use crate::plan;
use crate::source::Source;

pub fn run(args: &Args, name: &str) -> Result {
    let name = which(args, name)?;
    let file = format!("{name}.yaml");
    let path = match &args.file {
        Some(file) if file.extension().is_none() => file.with_extension("yaml"),
        Some(file) => file.clone(),
        None => place::folder().join(&file),
    };
    let files = files(&path, &file);
    let near = Arc::new(Near::of(&path));
    if near.say_problems() {
        return Ok(Exit::Problems);
    }
    // Who has changed the recipe means that one no more.
    let text = &files[0].1;
    match std::fs::read_to_string(&path) {
        Ok(there) if there != *text => return Err(place::is_there(&path)),
        _ => {}
    }
    let source = Source::new(path.display().to_string(), text.as_str());
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let read_file = |name: &str| {
        let ours = files.iter().find(|(file, _)| *file == folder.join(name));
        // What is there already stays as it is.
        read_beside(&path, name).or_else(|why| ours.map(|(_, text)| text.clone()).ok_or(why))
    };
    let loaded = load_source(&path, source, near.clone(), Against::Accounts, &read_file);
    let (Some(checked), Some(recipe)) = (loaded.checked, loaded.file) else {
        print::text(loaded.diagnostics.text(colour()));
        print::talk("The recipe does not fit your project: nothing was written.");
        return Ok(Exit::Problems);
    };
    let plan = plan::recipe(checked);
    if args.asks() {
        print::talk(&recipe.recipe.name);
        recipe.recipe.about.iter().for_each(print::talk);
    }
    let settings = settings::fill(args, &recipe.recipe, &plan, &near, &path)?;
    let installing = install::prepare(args, &plan, &path, settings)?;
    for (path, text) in &files {
        match path.exists() {
            true => {
                print::line(format_args!("{} is there already and stays as it is", path.display()))
            }
            false => {
                place::save(path, text)?;
                print::line(format_args!("wrote {}", path.display()));
            }
        }
    }
    installing.install_and_say_more(&path)
}

/// The name of the recipe that is meant.
fn which(args: &Args, name: &str) -> Result<String> {
    let named = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = named.trim_end_matches(".yaml").trim_end_matches(".yml");
    if shipped::names().any(|known| known == named) {
        return Ok(named.to_owned());
    }
    if named.is_empty() && args.asks() {
        let names: Vec<&str> = shipped::names().collect();
        let line = |name: &&str| {
            let recipe = shipped::recipe(&format!("{name}.yaml")).map(|file| file.recipe.name);
            format!("{}   {name}", recipe.unwrap_or_default())
        };
        let lines: Vec<String> = names.iter().map(line).collect();
        let at = ask::search("Which recipe (type a word)", &lines, "say --from RECIPE")?;
        return Ok(names[at].to_owned());
    }
    let all: Vec<&str> = shipped::names().collect();
    Err(match (named.is_empty(), nearest(named, all.iter().copied())) {
        (true, _) => CommandError::usage(
            "nobody has said which recipe",
            format!("say --from with one of these: {}", all.join(", ")),
        ),
        (false, Some(near)) => CommandError::usage(
            format!("linecook brings no recipe `{named}` along"),
            format!("did you mean `{near}`?"),
        ),
        (false, None) => CommandError::usage(
            format!("linecook brings no recipe `{named}` along"),
            format!("there are {}", all.join(", ")),
        ),
    })
}

/// The files of a recipe that belongs to `path`, each with its text; the recipe first.
fn files(path: &Path, file: &str) -> Vec<(PathBuf, String)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let schema = place::schema_for(path);
    let all = shipped::with_all_it_names(file).into_iter();
    all.map(|(name, text)| {
        let place = if name == file { path.to_owned() } else { folder.join(&name) };
        (place, text.replacen("../schemas/recipe.schema.json", &schema, 1))
    })
    .collect()
}
