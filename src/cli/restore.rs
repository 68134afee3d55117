//! `linecook restore`: a backup in the place of a store that nobody runs.

use std::path::PathBuf;

use serde_json::json;

use super::confirm::ConfirmArgs;
use super::exit::{CommandError, Exit, Result};
use super::options::Format;
use super::print;
use super::store::StoreArgs;
use crate::report::minute;
use crate::store::{Store, backup_facts, restore};

#[derive(clap::Args)]
pub struct Args {
    /// A file that `linecook backup` wrote
    file: PathBuf,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let place = args.store.place()?;
    let facts = backup_facts(&args.file)?;
    if Store::is_run(&place.path) {
        return Err(CommandError::usage(
            format!("a service runs the store {}", place.path.display()),
            "stop it first, restore, then start it again",
        ));
    }
    let until = match facts.last_event_at {
        Some(at) => format!(
            "its last event arrived {} ({})",
            minute(at, &place.defaults.timezone),
            place.defaults.zone_name
        ),
        None => "no event is in it".to_owned(),
    };
    // Going back in time is not free: what was done since then is not known any more.
    let unfinished = match facts.unfinished_runs {
        0 => String::new(),
        n => format!(
            "; {n} of them had not ended and go on from where they stood, so that what they have done \
             since then may be done again"
        ),
    };
    let what = format!(
        "this puts {} in the place of {}: {} runs, {until}, and what came later is not in \
         it{unfinished}",
        args.file.display(),
        place.path.display(),
        facts.runs
    );
    if !args.confirm.confirm(what)? {
        print::talk("nothing was done");
        return Ok(Exit::Good);
    }
    let kept = restore(&args.file, &place.path)?;
    match args.format {
        Format::Text => {
            let (file, store) = (args.file.display(), place.path.display());
            print::line(format_args!("{store} is now as it was in {file}"));
            if let Some(kept) = &kept {
                print::line(format_args!("what was there before is kept as {}", kept.display()));
            }
        }
        Format::Json => print::line(json!({
            "format_version": 1, "store": place.path.display().to_string(),
            "kept": kept.map(|kept| kept.display().to_string()), "runs": facts.runs,
        })),
    }
    Ok(Exit::Good)
}
