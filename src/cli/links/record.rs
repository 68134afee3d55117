//! Records as people name them on the command line, and in which accounts they are.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::cli::exit::{CommandError, Result};
use crate::cli::installed::connections;
use crate::cli::project::load_project;
use crate::cli::store::StorePlace;
use crate::connection::Connection;
use crate::diagnostic::nearest;
use crate::project::PROJECT_FILE;
use crate::store::LinkAccounts;
use crate::value::{RecordKey, app_of};

/// A kind of record that there is.
pub fn kind(written: &str) -> std::result::Result<String, String> {
    let kinds = Catalog::embedded().kinds();
    if kinds.iter().any(|known| known == written) {
        return Ok(written.to_owned());
    }
    Err(match nearest(written, kinds.iter().map(String::as_str)) {
        Some(near) => format!("`{written}` is no kind of record; did you mean `{near}`?"),
        None => format!(
            "`{written}` is no kind of record; write it like stax.customer or highlevel.contact"
        ),
    })
}

/// A kind and an id, two by two.
pub fn records(written: &[String]) -> Result<Vec<RecordKey>> {
    let (pairs, rest) = written.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(CommandError::usage(
            format!("`{}` stands without an id", rest[0]),
            "name each record by its kind and its id, such as stax.customer 5932",
        ));
    }
    let mut records = Vec::with_capacity(pairs.len());
    for [kind, id] in pairs {
        let kind = self::kind(kind).map_err(|why| {
            CommandError::usage(why, "`linecook links list` shows links that are there")
        })?;
        records.push(RecordKey::new(kind, id.trim()));
    }
    Ok(records)
}

/// The accounts of records: the connection that is named by `--connection APP=NAME`, else the only one of the
/// app in the project. An app with several has to be decided; without a project nothing is known.
pub fn accounts<'k>(
    place: &StorePlace,
    chosen: &[String],
    kinds: impl IntoIterator<Item = &'k str>,
) -> Result<LinkAccounts> {
    let project = place.project.as_deref().and_then(|path| load_project(path).ready);
    let all: BTreeMap<String, Connection> =
        project.map(|ready| connections(&ready.project)).unwrap_or_default();
    let mut accounts =
        LinkAccounts::only(all.iter().map(|(name, c)| (c.app.as_str(), name.as_str())));
    for pair in chosen {
        let Some((app, name)) = pair.split_once('=') else {
            return Err(CommandError::usage(
                format!("`{pair}` does not say which app it is for"),
                "write it like --connection highlevel=main",
            ));
        };
        if all.get(name).is_none_or(|connection| connection.app != app) {
            return Err(CommandError::usage(
                format!("{PROJECT_FILE} has no connection `{name}` to {app}"),
                of_app(&all, app),
            ));
        }
        accounts.0.insert(app.to_owned(), name.to_owned());
    }
    for app in kinds.into_iter().map(app_of) {
        if !accounts.0.contains_key(app) && all.values().any(|c| c.app == app) {
            return Err(CommandError::usage(
                format!("there are several connections to {app}, and the record is in one of them"),
                format!("say which one with --connection {app}=NAME; {}", of_app(&all, app)),
            ));
        }
    }
    Ok(accounts)
}

fn of_app(all: &BTreeMap<String, Connection>, app: &str) -> String {
    let names: Vec<&str> =
        all.iter().filter(|(_, c)| c.app == app).map(|(name, _)| name.as_str()).collect();
    match names.is_empty() {
        true => format!("write it under `connections:` in {PROJECT_FILE}"),
        false => format!("it has {}", names.join(", ")),
    }
}
