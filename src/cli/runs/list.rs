//! `linecook runs list`: the newest runs first.

use super::filter::{FilterArgs, run_id};
use super::summary;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::{Format, width};
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::report::{RunList, RunSummary};
use crate::store::{RunId, Runs};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Only runs before this one
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    before: Option<RunId>,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(list(args))
}

async fn list(args: &Args) -> Result {
    let place = args.store.place()?;
    let store = place.open()?;
    let limit = args.limit.max(1);
    let mut filter = args.filter.read(&place, limit.saturating_add(1))?;
    filter.before = args.before;
    let mut runs: Vec<RunSummary> = store.runs(filter).await?.into_iter().map(summary).collect();
    let has_more = runs.len() > limit;
    runs.truncate(limit);
    let counts = match args.filter.is_empty() {
        true => {
            let counts = store.counts().await?;
            Some(counts.into_iter().map(|(state, n)| (state.word(), n)).collect())
        }
        false => None,
    };
    let list = RunList { runs: &runs, counts, has_more, zone: &place.defaults.timezone };
    if args.format == Format::Json {
        print::line(list.json());
        return Ok(Exit::Good);
    }
    if !runs.is_empty() {
        print::text(list.text(width()));
        return Ok(Exit::Good);
    }
    match args.filter.why_nothing(&store).await? {
        Some(why) => print::line(why),
        None if args.filter.is_empty() && args.before.is_none() => {
            print::line("nothing has run yet: an event that starts a recipe makes the first run");
        }
        None => print::line("no run fits; `linecook runs list` shows all"),
    }
    Ok(Exit::Good)
}
