//! `linecook catalog`: what the apps can do and what they tell.

mod import;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use crate::catalog::{Catalog, EntryKind, IndexEntry, NotFound, compile};
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::diagnostic::nearest;
use crate::report;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List operations and events
    List {
        /// Only this app: highlevel, stax or bridge
        #[arg(long)]
        app: Option<String>,
        /// Only what has this word in its name, address or title
        #[arg(long, value_name = "WORD")]
        search: Option<String>,
        /// Only events
        #[arg(long, conflicts_with = "operations")]
        events: bool,
        /// Only operations
        #[arg(long)]
        operations: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show one operation or event: fields, types, traps, a step to paste
    Show {
        /// Such as highlevel.create-task, "POST /contacts/upsert" or stax.customer_created
        name: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Make catalog sources from OpenAPI documents (3.0 and 3.1, JSON or YAML)
    Import(import::Args),
    /// Compile the catalog's sources into the form that the program embeds (for developers)
    Compile {
        /// The folder with the sources
        #[arg(long, default_value = "schemas/catalog")]
        from: PathBuf,
        /// The file to write
        #[arg(long, default_value = "schemas/catalog.jsonl")]
        to: PathBuf,
        /// Write nothing, and fail when the file is stale
        #[arg(long)]
        check: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result {
    crate::cli::own_apps::learn_here();
    match &args.verb {
        Verb::List { app, search, events, operations, format } => {
            list(app.as_deref(), search.as_deref(), *events, *operations, *format)
        }
        Verb::Show { name, format } => show(name, *format),
        Verb::Import(args) => import::run(args),
        Verb::Compile { from, to, check } => compile_sources(from, to, *check),
    }
}

fn list(
    app: Option<&str>,
    search: Option<&str>,
    events: bool,
    operations: bool,
    format: Format,
) -> Result {
    let catalog = Catalog::embedded();
    if let Some(name) = app.filter(|name| catalog.app(name).is_none()) {
        let apps: Vec<&str> = catalog.apps().iter().map(|a| a.app.as_str()).collect();
        let help = match nearest(name, apps.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", apps.join(", ")),
        };
        return Err(CommandError::usage(format!("there is no app `{name}`"), help));
    }
    let word = search.map(str::to_lowercase);
    let all = catalog.operation_entries().iter().chain(catalog.event_entries());
    let entries: Vec<&IndexEntry> = all
        .filter(|e| app.is_none_or(|app| e.app == app))
        .filter(|e| !events || e.kind() == EntryKind::Event)
        .filter(|e| !operations || e.kind() == EntryKind::Operation)
        .filter(|e| {
            word.as_ref().is_none_or(|word| {
                let texts = [&e.id, &e.call, &e.title];
                texts.iter().any(|text| text.to_lowercase().contains(word))
                    || e.wire.as_ref().is_some_and(|wire| wire.to_lowercase().contains(word))
            })
        })
        .collect();
    match format {
        Format::Text => {
            let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
            print::line(report::list_text(&entries, width));
        }
        Format::Json => print::line(report::list_json(&entries)),
    }
    Ok(Exit::Good)
}

fn show(name: &str, format: Format) -> Result {
    let catalog = Catalog::embedded();
    if let Ok(operation) = catalog.operation(name) {
        match format {
            Format::Text => {
                let text = report::operation_text(&operation, catalog.app(&operation.app));
                print::text(text);
            }
            Format::Json => print::line(report::operation_json(&operation)),
        }
        return Ok(Exit::Good);
    }
    match catalog.event(name) {
        Ok(event) => {
            match format {
                Format::Text => {
                    let text = report::event_text(&event, catalog.app(&event.app));
                    print::text(text);
                }
                Format::Json => print::line(report::event_json(&event)),
            }
            Ok(Exit::Good)
        }
        Err(found) => {
            let near = match (found, catalog.operation(name)) {
                (NotFound::Wire(names), _) => names.into_iter().next(),
                (_, Err(NotFound::Unknown { near: Some(near) })) => Some(near),
                (NotFound::Unknown { near }, _) => near,
                _ => None,
            };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "see all with `linecook catalog list`, or look for a word with `--search`"
                    .to_owned(),
            };
            Err(CommandError::usage(format!("there is no operation or event `{name}`"), help))
        }
    }
}

fn compile_sources(from: &Path, to: &Path, check: bool) -> Result {
    let text = match compile(from) {
        Ok(text) => text,
        Err(errors) => {
            errors.iter().for_each(print::talk);
            return Ok(Exit::Problems);
        }
    };
    if check {
        let fresh = std::fs::read_to_string(to).is_ok_and(|there| there == text);
        if !fresh {
            print::talk(format_args!("{} is stale: run `linecook catalog compile`", to.display()));
            return Ok(Exit::Problems);
        }
        return Ok(Exit::Good);
    }
    std::fs::write(to, text).map_err(|e| {
        CommandError::environment(
            format!("{} cannot be written: {e}", to.display()),
            "check the folder",
        )
    })?;
    Ok(Exit::Good)
}
