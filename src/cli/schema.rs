//! `linecook schema`: the JSON Schema of recipes, of project files and of apps.

use super::exit::{Exit, Result};
use super::print;
use crate::catalog::Catalog;
use crate::{project, recipe};

#[derive(clap::Args)]
pub struct Args {
    /// That of project files (linecook.yaml) instead of recipes
    #[arg(long)]
    project: bool,
    /// That of an app of your own (apps/….yaml)
    #[arg(long, conflicts_with = "project")]
    app: bool,
}

pub fn run(args: &Args) -> Result {
    super::own_apps::learn_here();
    let schema = match args.project {
        _ if args.app => project::app_schema(),
        true => project::editor_schema(Catalog::embedded()),
        false => recipe::editor_schema(Catalog::embedded()),
    };
    print::line(serde_json::to_string_pretty(&schema).expect("a schema is plain JSON"));
    Ok(Exit::Good)
}
