//! `linecook recipes`: where each recipe of the project stands.

use jiff::Timestamp;

use super::exit::{Exit, Result};
use super::options::{Format, width};
use super::print;
use super::project::{ReadyProject, load_project};
use super::project_file::OpenProject;
use super::runtime::runtime;
use super::serve::good;
use crate::execute::{Allowance, Used};
use crate::project::Installation;
use crate::report::{RecipeList, RecipeSummary};
use crate::server::{Stage, done_lately};
use crate::store::{Options, StageRow, Store};

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let Some(ready) = good(load_project(&project.path)) else { return Ok(Exit::Problems) };
    let recipes = runtime()?.block_on(summaries(&ready))?;
    let list = RecipeList { recipes: &recipes, zone: &ready.defaults.timezone };
    match args.format {
        Format::Text => print::text(list.text(width())),
        Format::Json => print::line(list.json()),
    }
    Ok(Exit::Good)
}

/// Where the recipes of a project stand, in the order of the file.
pub async fn summaries(ready: &ReadyProject) -> Result<Vec<RecipeSummary>> {
    // Before anything ran there is no store.
    let store = match ready.store.exists() {
        true => Some(Store::beside(&ready.store, Options::default())?),
        false => None,
    };
    let (rows, waiting) = match &store {
        Some(store) => (store.stages().await?, store.paused_runs().await?),
        None => Default::default(),
    };
    let mut summaries = Vec::new();
    for (installation, loaded) in ready.project.installations.iter().zip(&ready.installations) {
        let name = &installation.name;
        let row = rows.iter().find(|row| row.installation == *name);
        let live_at = row.and_then(|row| row.live_at);
        let used = match &store {
            Some(store) if !installation.limits.is_none() => {
                done_lately(store, name, live_at).await?.used(Timestamp::now())
            }
            _ => Allowance::default().used(Timestamp::now()),
        };
        let waiting = waiting.iter().find(|(of, _)| of == name).map_or(0, |(_, count)| *count);
        let (stage, why) = stage(ready, &loaded.pin, installation, row);
        summaries.push(RecipeSummary {
            name: name.clone(),
            file: installation.recipe.clone(),
            stage,
            why,
            live_at,
            waiting,
            limits: limits(installation, used),
        });
    }
    Ok(summaries)
}

fn stage(
    ready: &ReadyProject,
    pin: &str,
    installation: &Installation,
    row: Option<&StageRow>,
) -> (&'static str, Option<String>) {
    if !installation.enabled {
        return ("off", Some("switched off by `enabled: false`".to_owned()));
    }
    let stage = Stage::of(pin, row, ready.project.live_at_once);
    let why = match &stage {
        Stage::Paused(pause) => Some(pause.why.clone()),
        _ => None,
    };
    (stage.word(), why)
}

fn limits(installation: &Installation, used: Used) -> Vec<(&'static str, u64, u64)> {
    let limits = installation.limits;
    let all = [
        ("contacts", used.contacts, limits.contacts),
        ("tags_removed", used.tags_removed, limits.tags_removed),
        ("calls", used.calls, limits.calls),
    ];
    all.into_iter().filter_map(|(key, used, limit)| Some((key, used, limit?))).collect()
}
