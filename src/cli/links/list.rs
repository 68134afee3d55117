//! `linecook links list`: the newest links first.

use super::record::kind;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::{Format, width};
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::StoreArgs;
use crate::report::{LinkList, LinkRow};
use crate::store::LinkFilter;

#[derive(clap::Args)]
pub struct Args {
    /// Only links with a record of this kind, such as stax.customer
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<String>,
    /// Only links of the record with this id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only links that are called so
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
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
    let filter = LinkFilter {
        kind: args.kind.clone(),
        id: args.id.clone(),
        name: args.name.clone(),
        limit: limit.saturating_add(1),
    };
    let row = |stored: crate::store::StoredLink| LinkRow {
        link: stored.link,
        connections: stored.connections,
        made_at: stored.made_at,
    };
    let mut links: Vec<LinkRow> = store.links(filter).await?.into_iter().map(row).collect();
    let has_more = links.len() > limit;
    links.truncate(limit);
    let list = LinkList { links: &links, has_more, zone: &place.defaults.timezone };
    let is_filtered = args.kind.is_some() || args.id.is_some() || args.name.is_some();
    match args.format {
        Format::Json => print::line(list.json()),
        Format::Text if !links.is_empty() => print::text(list.text(width())),
        Format::Text if is_filtered => {
            print::line("no link fits; `linecook links list` shows all");
        }
        Format::Text => print::line(
            "nothing is linked yet: a recipe links records with `link`, and you can with \
             `linecook links set`",
        ),
    }
    Ok(Exit::Good)
}
