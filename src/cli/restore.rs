//! `linecook restore`: a backup in the place of a store that nobody runs.

use std::path::PathBuf;

use serde_json::json;

use super::confirm::ConfirmArgs;
use super::exit::{CommandError, Exit, Result};
use super::options::Format;
use super::print;
use super::store::StoreArgs;
use crate::report::{minute, plural};
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
    let runs = |count: u64| plural(usize::try_from(count).unwrap_or(usize::MAX), "run");
    let mut know = vec![match facts.last_event_at {
        Some(at) => format!(
            "The backup holds {}; its last event arrived {} ({}). What came later is not in it.",
            runs(facts.runs),
            minute(at, &place.defaults.timezone),
            place.defaults.zone_name
        ),
        None => "The backup is empty: no event is in it.".to_owned(),
    }];
    // Going back in time is not free: what was done since then is not known any more.
    if facts.unfinished_runs > 0 {
        know.push(format!(
            "Not yet ended in it: {}. What such a run has done since then it may do again.",
            runs(facts.unfinished_runs)
        ));
    }
    let (file, store) = (args.file.display(), place.path.display());
    let what = format_args!("puts {file} in the place of {store}");
    if !args.confirm.confirm(what, &know)? {
        print::talk("nothing was done");
        return Ok(Exit::Good);
    }
    let kept = restore(&args.file, &place.path)?;
    match args.format {
        Format::Text => {
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
