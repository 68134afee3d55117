//! `linecook backup`: a whole copy of the store, whether a service runs it or not.

use std::path::PathBuf;

use serde_json::json;

use super::exit::{CommandError, Exit, Result};
use super::options::Format;
use super::print;
use super::runtime::runtime;
use super::store::StoreArgs;
use crate::report::bytes;
use crate::store::backup_facts;
use crate::value::text::shell_word;

#[derive(clap::Args)]
pub struct Args {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let file = &args.file;
        if file.exists() {
            return Err(CommandError::usage(
                format!("{} is there already", file.display()),
                "name a file that is not there yet; nothing is ever overwritten",
            ));
        }
        let size_bytes = place.open()?.backup(file).await?;
        // A backup that cannot be read is worse than none.
        let facts = backup_facts(file)?;
        match args.format {
            Format::Text => {
                print::line(format_args!(
                    "wrote {}: {}, {} runs, whole",
                    file.display(),
                    bytes(size_bytes),
                    facts.runs
                ));
                let word = shell_word(&file.display().to_string());
                print::line(format_args!("to go back to it: linecook restore {word}"));
            }
            Format::Json => print::line(json!({
                "format_version": 1, "file": file.display().to_string(),
                "size_bytes": size_bytes, "runs": facts.runs,
            })),
        }
        Ok(Exit::Good)
    })
}
