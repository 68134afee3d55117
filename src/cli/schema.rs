//! `linecook schema`: the JSON Schema of recipes and of project files.

use super::exit::{Exit, Result};
use super::print;
use crate::catalog::Catalog;
use crate::{project, recipe};

#[derive(clap::Args)]
pub struct Args {
    /// That of project files (linecook.yaml) instead of recipes
    #[arg(long)]
    project: bool,
}

pub fn run(args: &Args) -> Result {
    let schema = match args.project {
        true => project::editor_schema(Catalog::embedded()),
        false => recipe::editor_schema(Catalog::embedded()),
    };
    print::line(serde_json::to_string_pretty(&schema).expect("a schema is plain JSON"));
    Ok(Exit::Good)
}
