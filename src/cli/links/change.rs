//! `linecook links set` and `remove`: what people link by hand.

use super::record::{accounts, records};
use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::request::{Asked, ask};
use crate::cli::runtime::runtime;
use crate::cli::store::{StoreArgs, StorePlace};
use crate::journal::{Link, LinkChange};
use crate::report::plural;
use crate::store::{LinkAccounts, LinkFilter, Options, RequestBody, Store, StoreErrorKind};
use crate::value::RecordKey;

#[derive(clap::Args)]
pub struct SetArgs {
    /// The two records: stax.customer 5932 highlevel.contact cA7kQ2
    #[arg(value_names = ["KIND", "ID", "KIND", "ID"], num_args = 4, required = true)]
    records: Vec<String>,
    /// What the link is called, where a recipe says `as:`
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// In which account the record is, where linecook.yaml has several of an app
    #[arg(long = "connection", value_name = "APP=NAME")]
    connection: Vec<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
pub struct RemoveArgs {
    /// One record, or the two of one link: stax.customer 5932 highlevel.contact cA7kQ2
    #[arg(value_names = ["KIND", "ID"], num_args = 2..=4, required = true)]
    records: Vec<String>,
    /// Only the link that is called so
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// In which account the record is, where linecook.yaml has several of an app
    #[arg(long = "connection", value_name = "APP=NAME")]
    connection: Vec<String>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn set(args: &SetArgs) -> Result {
    let records = records(&args.records)?;
    let link = link(&records, args.name.as_deref().unwrap_or_default())?;
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let kinds = records.iter().map(|record| record.kind.as_str());
        let accounts = accounts(&place, &args.connection, kinds)?;
        let asked = ask_for(&place, vec![LinkChange::Link(link.clone())], accounts).await?;
        asked.print(&[link.to_string()], None, args.format)
    })
}

pub fn remove(args: &RemoveArgs) -> Result {
    let records = records(&args.records)?;
    runtime()?.block_on(async {
        let place = args.store.place()?;
        let kinds = records.iter().map(|record| record.kind.as_str());
        let accounts = accounts(&place, &args.connection, kinds)?;
        let store = place.open()?;
        let filter = LinkFilter {
            kind: Some(records[0].kind.clone()),
            id: Some(records[0].id.clone()),
            name: args.name.clone(),
            limit: usize::MAX,
        };
        let fits = |link: &Link| match records.get(1) {
            Some(other) => link.other(&records[0]) == Some(other),
            None => true,
        };
        let mut found: Vec<Link> = store.links(filter).await?.into_iter().map(|s| s.link).collect();
        found.retain(fits);
        drop(store);
        if found.is_empty() {
            match args.format {
                Format::Text => print::line("no such link is there, so there is nothing to do"),
                Format::Json => print::line(Asked::nothing()),
            }
            return Ok(Exit::Good);
        }
        let shown: Vec<String> = found.iter().map(Link::to_string).collect();
        let what = match &shown[..] {
            [one] => format!("removes the link of {one}"),
            several => format!("removes {}", plural(several.len(), "link")),
        };
        let know: Vec<String> = if shown.len() > 1 { shown.clone() } else { Vec::new() };
        if !args.confirm.confirm(what, &know)? {
            print::talk("nothing was done");
            return Ok(Exit::Good);
        }
        let changes = found.into_iter().map(LinkChange::Unlink).collect();
        let asked = ask_for(&place, changes, accounts).await?;
        asked.print(&[shown.join(", ")], None, args.format)
    })
}

/// Two records of two kinds that are joined.
pub fn link(records: &[RecordKey], name: &str) -> Result<Link> {
    let [one, other] = records else {
        return Err(CommandError::usage(
            "a link joins two records",
            "name both, such as stax.customer 5932 highlevel.contact cA7kQ2",
        ));
    };
    if one.kind == other.kind {
        return Err(CommandError::usage(
            format!("both records are a {}", one.kind),
            "a link joins records of two kinds",
        ));
    }
    if let Some(empty) = records.iter().find(|record| record.id.is_empty()) {
        return Err(CommandError::usage(
            format!("the id of the {} is empty", empty.kind),
            "write the id as the app shows it",
        ));
    }
    Ok(Link::new(one.clone(), other.clone(), name.trim()))
}

/// Has links changed: by the service that runs the store, else here. Makes the store where there is none.
pub async fn ask_for(
    place: &StorePlace,
    changes: Vec<LinkChange>,
    accounts: LinkAccounts,
) -> Result<Asked> {
    if !place.path.exists() && place.project.is_some() {
        match Store::open(&place.path, Options::default()) {
            Ok(made) => drop(made),
            Err(error) if error.kind == StoreErrorKind::Taken => {}
            Err(error) => return Err(error.into()),
        }
    }
    ask(place, &[RequestBody::Links { changes, accounts }]).await
}
