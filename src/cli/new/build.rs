//! A recipe from an event and an operation.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::ask;
use super::super::exit::{Exit, Result};
use super::super::options::colour;
use super::super::print;
use super::super::project::Near;
use super::prove::{Proof, prove};
use super::{Args, choose, fields, given, install, place, settings};
use crate::catalog::Catalog;
use crate::suggest::Draft;

pub fn run(args: &Args) -> Result {
    let named = args.file.as_deref().map(place::named).transpose()?;
    let event = choose::event(args.on.as_deref(), args.asks())?;
    let operation = choose::operation(args.call.as_deref(), args.asks())?;
    let path = named.clone().unwrap_or_else(|| {
        place::made_up(&format!("{} {}", event.id.replace('_', " "), operation.id))
    });
    let near = Arc::new(Near::of(&path));
    if near.say_problems() {
        return Ok(Exit::Problems);
    }
    if let Some(instead) = &operation.deprecated {
        print::talk(format_args!("{} is going away: {instead}", operation.name()));
    }
    let mut draft = Draft::new(Catalog::embedded(), event, operation);
    draft.schema = place::schema_for(&path);
    given::apply(args, &mut draft)?;
    let mut first = Vec::new();
    let (text, dry_run, recipe, plan) = loop {
        if args.asks() {
            fields::ask_all(&mut draft, &first)?;
        }
        let missing = draft.missing();
        if !missing.is_empty() {
            return Err(given::lacks(&draft, &missing));
        }
        match prove(&mut draft, &path, &near)? {
            Proof::Good { text, dry_run, recipe, plan } => break (text, dry_run, recipe, plan),
            Proof::Wrong(diagnostics, fields) => {
                print::text(diagnostics.text(colour()));
                first = fields;
            }
            Proof::Fails { dry_run, field } => {
                print::text(dry_run);
                first = field.into_iter().collect();
            }
        }
        first.retain(|key| draft.fields.iter().any(|field| field.key == *key));
        // What we had proposed may have turned out to be nothing.
        let missing = draft.missing();
        match (args.asks(), missing.is_empty()) {
            (true, _) => print::talk("Let us mend that."),
            (false, true) => {
                print::talk("Nothing was written: the file would not be right.");
                return Ok(Exit::Problems);
            }
            (false, false) => return Err(given::lacks(&draft, &missing)),
        }
    };
    print::text(&dry_run);
    let path = match named {
        Some(path) => path,
        None if args.asks() => where_to(path)?,
        None => path,
    };
    // What a recipe asks for may be answered later by who is not asked now.
    let is_answered = args.asks() || plan.recipe.settings.values().all(|s| s.default.is_some());
    let installing = match is_answered && place::project().is_some() {
        true => {
            let settings = settings::fill(args, &recipe, &plan, &near, &path)?;
            Some(install::prepare(args, &plan, &path, settings)?)
        }
        false => None,
    };
    place::save(&path, &text)?;
    print::line(format_args!("\nwrote {}", path.display()));
    match installing {
        Some(installing) => installing.install_and_say_more(&path),
        None => {
            install::say_next(&path, None);
            install::say_how(&path);
            Ok(Exit::Good)
        }
    }
}

/// Asks for the file until one is named that is not there.
fn where_to(usual: PathBuf) -> Result<PathBuf> {
    loop {
        let usual = usual.display().to_string();
        let typed = ask::line_or("Save as", &usual, "name the file: `linecook new FILE …`")?;
        match place::named(PathBuf::from(typed).as_path()) {
            Ok(path) => return Ok(path),
            Err(error) => print::talk(error.text()),
        }
    }
}
