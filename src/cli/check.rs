//! `linecook check`: every problem of every file.

use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{Exit, Result};
use super::load::{load_all, recipe_paths};
use super::options::colour;
use super::print;
use crate::diagnostic::Severity;
use crate::report::{FileDiagnostics, summary};

#[derive(clap::Args)]
pub struct Args {
    /// Recipe files, or folders with recipes; the folder `recipes` without any
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
    let files = load_all(&recipe_paths(&args.paths)?, |loaded| loaded.diagnostics.without_spare());
    match args.format {
        Format::Text => {
            for file in &files {
                print::text(file.text(colour()));
            }
            print::line(summary(&files));
        }
        Format::Json => {
            let all: Vec<_> = files.iter().flat_map(FileDiagnostics::json).collect();
            print::line(
                serde_json::json!({ "format_version": 1, "files": files.len(), "diagnostics": all }),
            );
        }
        Format::Github => files.iter().for_each(|file| print::text(file.github())),
    }
    let worst = |severity| files.iter().any(|f| f.count(severity) > 0);
    match worst(Severity::Error) || (args.deny_warnings && worst(Severity::Warning)) {
        true => Ok(Exit::Problems),
        false => Ok(Exit::Good),
    }
}
