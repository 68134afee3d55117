//! `linecook webhooks remove`: what leads here goes away at the apps; nobody else's is touched.

use std::collections::BTreeSet;

use serde_json::json;

use super::LevelArgs;
use super::compare::State;
use super::list::{apps_by_hand, events};
use super::source::Source;
use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::report::plural;

#[derive(clap::Args)]
pub struct Args {
    /// Only for this connection
    connection: Option<String>,
    /// Only what no recipe needs
    #[arg(long)]
    unneeded: bool,
    #[command(flatten)]
    level: LevelArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let Some(ready) = super::project()? else { return Ok(Exit::Problems) };
    let public_url = super::public_url(&ready)?;
    if let Some(connection) = &args.connection {
        super::known(&ready, connection)?;
    }
    runtime()?.block_on(async {
        let source = Source::open(&ready, args.level.partner).await?;
        let mut works = Vec::new();
        let mut know = Vec::new();
        for connection in source.connections(args.connection.as_deref()) {
            let asked = source.ask(&connection, public_url).await?;
            let comparison = match &asked.answer {
                Ok(comparison) => comparison,
                Err(e) => return Err(CommandError::environment(&e.message, &e.help)),
            };
            let hooks = match args.unneeded {
                true => comparison.unneeded.clone(),
                false => comparison.ours.clone(),
            };
            if !hooks.is_empty() {
                let words = events(hooks.iter().map(|hook| hook.event.as_str()));
                know.push(format!("remove at {}, through `{connection}`: {words}", asked.title));
            }
            works.push((asked, hooks));
        }
        let count: usize = works.iter().map(|(_, hooks)| hooks.len()).sum();
        if !args.unneeded && count > 0 {
            know.push("Their recipes are not started by webhooks any more.".to_owned());
        }
        let what = format!("removes {}", plural(count, "webhook"));
        if count > 0 && !args.confirm.confirm(what, &know)? {
            print::talk("nothing was done");
            return Ok(Exit::Good);
        }
        let (mut removed, mut problem) = (0, None);
        for (asked, hooks) in works {
            let mut gone = BTreeSet::new();
            for hook in hooks {
                match asked.registrar.remove(&hook.id).await {
                    Ok(()) => {
                        removed += 1;
                        gone.insert(hook.id);
                    }
                    Err(e) => {
                        let message = format!("{} is still there: {}", hook.event, e.message);
                        problem = Some(CommandError::environment(message, e.help));
                        break;
                    }
                }
            }
            let Ok(comparison) = &asked.answer else { continue };
            let stays = |wire: &str| {
                comparison.ours.iter().any(|hook| hook.event == wire && !gone.contains(&hook.id))
            };
            let states = asked.needed.iter().zip(&comparison.states);
            let there = states.filter(|(n, state)| **state == State::Registered && stays(&n.wire));
            let there = there.map(|(n, _)| n.wire.clone()).collect();
            source.note(&asked.connection, there).await?;
        }
        source.settled().await;
        match args.format {
            Format::Json => print::line(json!({
                "format_version": 1, "removed": removed,
                "problem": problem.as_ref().map(CommandError::plain),
            })),
            Format::Text if removed == 0 && problem.is_none() => {
                print::line("There is nothing to remove.");
            }
            Format::Text => print::line(format_args!("removed {}", plural(removed, "webhook"))),
        }
        if args.format == Format::Text && !args.unneeded {
            for app in apps_by_hand(&source.needed) {
                print::line(format_args!(
                    "{}: nothing was registered from here; remove the addresses there",
                    app.title
                ));
            }
        }
        match problem {
            Some(problem) => {
                print::talk(problem.text());
                Ok(Exit::Problems)
            }
            None => Ok(Exit::Good),
        }
    })
}
