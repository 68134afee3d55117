//! `linecook explain`: a recipe in plain sentences, or as a picture.

use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{CommandError, Exit, Result};
use super::load::load;
use super::options::colour;
use super::print;
use crate::catalog::Catalog;
use crate::report::{Flow, explain};

#[derive(clap::Args)]
pub struct Args {
    /// The recipe
    recipe: PathBuf,
    /// Write a picture of its steps to this file: .svg, or .mmd for Mermaid
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Mermaid,
}

pub fn run(args: &Args) -> Result {
    let loaded = load(&args.recipe);
    let Some(checked) = &loaded.checked else {
        print::text(loaded.diagnostics.text(colour()));
        return Ok(Exit::Problems);
    };
    let catalog = Catalog::embedded();
    let recipe = &checked.0;
    let flow = Flow::of(recipe, catalog);
    if let Some(path) = &args.picture {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let picture = match ending {
            "svg" => flow.svg(),
            "mmd" | "mermaid" => flow.mermaid(),
            _ => {
                return Err(CommandError::usage(
                    format!("{} is no kind of picture that linecook draws", path.display()),
                    "let its name end in .svg, or in .mmd for Mermaid",
                ));
            }
        };
        std::fs::write(path, picture).map_err(|e| {
            CommandError::environment(
                format!("{} cannot be written: {e}", path.display()),
                "name a file in a folder that is there and yours",
            )
        })?;
        print::line(format_args!("{} shows the steps", path.display()));
        return Ok(Exit::Good);
    }
    let about = loaded.file.as_ref().and_then(|file| file.recipe.about.as_deref());
    match args.format {
        Format::Text => print::text(explain(recipe, about, catalog).text()),
        Format::Json => print::line(explain(recipe, about, catalog).json()),
        Format::Mermaid => print::text(flow.mermaid()),
    }
    Ok(Exit::Good)
}
