//! `linecook events list`: the newest events first.

use super::summarised;
use crate::catalog::Catalog;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::{Format, width};
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::cli::stored_event::{EventNumber, Wanted, find};
use crate::diagnostic::nearest;
use crate::report::EventList;
use crate::store::DeliveryFilter;

#[derive(clap::Args)]
pub struct Args {
    /// Only events of this app: stax, highlevel or bridge
    #[arg(long)]
    app: Option<String>,
    /// Only this event, such as stax.customer_created
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only events whose record has this in it, such as the id of a customer
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// Only events since then: 2h, 3d, 2026-03-02 or 2026-03-02T09:00
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Only events before this one
    #[arg(long, value_name = "EVENT")]
    before: Option<EventNumber>,
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
    let wanted = args.event.as_deref().map(Wanted::named).transpose()?;
    known_app(args.app.as_deref())?;
    let store = place.open()?;
    let limit = args.limit.max(1);
    let filter = DeliveryFilter {
        app: args.app.clone(),
        record: args.key.clone(),
        since: place.time("--since", args.since.as_deref())?,
        before: args.before.map(|event| event.0),
        limit: limit.saturating_add(1),
        ..DeliveryFilter::default()
    };
    let mut found = find(&store, filter, wanted.as_ref()).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut events = Vec::with_capacity(found.len());
    for delivery in found {
        events.push(summarised(&store, delivery, 100).await?);
    }
    let list = EventList { events: &events, has_more, zone: &place.defaults.timezone };
    let is_filtered = args.app.is_some()
        || args.event.is_some()
        || args.key.is_some()
        || args.since.is_some()
        || args.before.is_some();
    match (args.format, events.is_empty(), is_filtered) {
        (Format::Json, ..) => print::line(list.json()),
        (_, false, _) => print::text(list.text(width())),
        (_, true, true) => print::line("no event fits; `linecook events list` shows all"),
        (_, true, false) => print::line("no event has arrived yet"),
    }
    Ok(Exit::Good)
}

fn known_app(app: Option<&str>) -> Result<()> {
    let catalog = Catalog::embedded();
    let Some(app) = app.filter(|app| catalog.app(app).is_none()) else { return Ok(()) };
    let apps: Vec<&str> = catalog.apps().iter().map(|a| a.app.as_str()).collect();
    let help = match nearest(app, apps.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", apps.join(", ")),
    };
    Err(CommandError::usage(format!("there is no app `{app}`"), help))
}
