//! Which event and which operation: by name, or picked from all that there are.

use std::sync::Arc;

use super::super::ask;
use super::super::exit::{CommandError, Result};
use crate::catalog::{Catalog, EventType, IndexEntry, NotFound, Operation};

/// The event that starts the recipe.
pub fn event(named: Option<&str>, asks: bool) -> Result<Arc<EventType>> {
    let catalog = Catalog::embedded();
    let otherwise = "say --on EVENT; `linecook catalog list --events` shows them";
    let name = match named {
        Some(name) => name.to_owned(),
        None if asks => {
            let mut entries: Vec<&IndexEntry> = catalog.event_entries().iter().collect();
            // What is known best comes first.
            let known = |entry: &IndexEntry| entry.documented && entry.wire.is_some();
            entries
                .sort_by_key(|entry| (entry.app == "linecook", !known(entry), !entry.documented));
            let lines: Vec<String> = entries.iter().map(|entry| line(catalog, entry)).collect();
            let at = ask::search("What starts it (type a word)", &lines, otherwise)?;
            entries[at].id.clone()
        }
        None => {
            return Err(CommandError::usage("nobody has said what starts the recipe", otherwise));
        }
    };
    catalog.event(&name).map_err(|found| {
        let near = match found {
            NotFound::Wire(names) => names.into_iter().next(),
            NotFound::Unknown { near } => near,
            NotFound::Ambiguous(names) => names.into_iter().next(),
        };
        unknown(&format!("there is no event `{name}`"), near, otherwise)
    })
}

/// What the recipe calls.
pub fn operation(named: Option<&str>, asks: bool) -> Result<Arc<Operation>> {
    let catalog = Catalog::embedded();
    let otherwise = "say --call OPERATION; `linecook catalog list --operations` shows them";
    let name = match named {
        Some(name) => name.to_owned(),
        None if asks => {
            let entries = catalog.operation_entries().iter();
            // What only reads does nothing by itself.
            let mut entries: Vec<&IndexEntry> = entries
                .filter(|entry| !entry.call.starts_with("GET ") && !entry.deprecated)
                .collect();
            // What people have written about comes first: it has a short name of its own.
            entries.sort_by_key(|entry| (!entry.documented, entry.record.is_none()));
            let lines: Vec<String> = entries.iter().map(|entry| line(catalog, entry)).collect();
            let at = ask::search("What does it do (type a word)", &lines, otherwise)?;
            entries[at].id.clone()
        }
        None => return Err(CommandError::usage("nobody has said what the recipe does", otherwise)),
    };
    let operation = catalog.operation(&name).map_err(|found| match found {
        NotFound::Ambiguous(names) => CommandError::usage(
            format!("`{name}` means several operations"),
            format!("say which one: {}", names.join(", ")),
        ),
        NotFound::Unknown { near } => {
            unknown(&format!("there is no operation `{name}`"), near, otherwise)
        }
        NotFound::Wire(names) => {
            let near = names.into_iter().next();
            unknown(&format!("there is no operation `{name}`"), near, otherwise)
        }
    })?;
    match &operation.unsupported {
        Some(why) => Err(CommandError::usage(
            format!("no recipe can use `{}`: {why}", operation.name()),
            "name another operation",
        )),
        None => Ok(operation),
    }
}

/// `HighLevel   Create a task for a contact   highlevel.create-task`
fn line(catalog: &Catalog, entry: &IndexEntry) -> String {
    let app = catalog.app(&entry.app).map_or(entry.app.as_str(), |app| app.title.as_str());
    format!("{app}: {}   {}", entry.title, entry.name())
}

fn unknown(what: &str, near: Option<String>, otherwise: &str) -> CommandError {
    match near {
        Some(near) => CommandError::usage(what, format!("did you mean `{near}`?")),
        None => CommandError::usage(what, otherwise),
    }
}
