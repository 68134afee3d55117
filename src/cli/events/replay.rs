//! `linecook events replay`: the recipes of an event, once more.

use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::request::ask;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::cli::stored_event::{EventNumber, known};
use crate::store::RequestBody;

#[derive(clap::Args)]
pub struct Args {
    /// The event, such as event-7
    event: EventNumber,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let event = args.event;
        known(&place.open()?, event).await?;
        let know = "What the recipes make without looking first (with `unless_exists` or an upsert) will be \
                    there twice.";
        let what = format_args!("starts the recipes of {event} once more, from their first step");
        if !args.confirm.confirm(what, &[know.to_owned()])? {
            print::talk("nothing was done");
            return Ok(Exit::Good);
        }
        let asked = ask(&place, &[RequestBody::Replay { delivery: event.0 }]).await?;
        let goes_on = "no service runs here now: they go on when `linecook serve` runs";
        asked.print(&[event.to_string()], Some(goes_on), args.format)
    })
}
