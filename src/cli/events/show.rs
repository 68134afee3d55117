//! `linecook events show`: one event with its data.

use super::summarised;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::cli::stored_event::{EventNumber, known};

#[derive(clap::Args)]
pub struct Args {
    /// The event, such as event-7
    event: EventNumber,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let store = place.open()?;
        let delivery = known(&store, args.event).await?;
        let event = summarised(&store, delivery, 1_000).await?;
        let defaults = &place.defaults;
        match args.format {
            Format::Text => print::text(event.text(&defaults.timezone, &defaults.zone_name)),
            Format::Json => print::line(event.whole_json()),
        }
        Ok(Exit::Good)
    })
}
