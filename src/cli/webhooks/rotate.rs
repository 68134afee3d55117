//! `linecook webhooks rotate`: new addresses for a connection, while the old ones stay good for a while.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::LevelArgs;
use super::add::Work;
use super::source::Source;
use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::cli::store::vault_of;
use crate::report::minute;
use crate::value::duration;

#[derive(clap::Args)]
pub struct Args {
    /// The connection, or an app that only tells, such as bridge
    connection: String,
    /// How long the old addresses stay good; 0s ends them at once
    #[arg(long, value_name = "LENGTH", default_value = "7d", value_parser = length)]
    keep: Duration,
    #[command(flatten)]
    level: LevelArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn length(text: &str) -> std::result::Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write it like 2h, 7d or 0s".to_owned())
}

pub fn run(args: &Args) -> Result {
    let Some(ready) = super::project()? else { return Ok(Exit::Problems) };
    let connection = &args.connection;
    super::known(&ready, connection)?;
    let until = Timestamp::now().checked_add(args.keep).unwrap_or(Timestamp::MAX);
    let shown = minute(until, &ready.defaults.timezone);
    let old = match args.keep.is_zero() {
        true => "those of before end at once".to_owned(),
        false => format!("those of before stay good until {shown}"),
    };
    if !args.confirm.confirm(format!("makes new addresses for `{connection}`; {old}"), &[])? {
        print::talk("nothing was done");
        return Ok(Exit::Good);
    }
    runtime()?.block_on(async {
        // What an older store holds is one of those that stay good.
        drop(Source::open(&ready, args.level.partner).await?);
        let (vault, name) = (vault_of(&ready.store), connection.clone());
        let change = move || {
            vault.change(|contents| {
                contents.replace_hook(&name, until);
                contents.drop_old_hooks(Timestamp::now());
            })
        };
        tokio::task::spawn_blocking(change).await.expect("writing a file does not panic")?;
        let source = Source::open(&ready, args.level.partner).await?;
        let registers = !source.connections(Some(connection)).is_empty();
        let mut done = None;
        let mut problem = None;
        match (registers, ready.project.public_url.as_deref()) {
            (false, _) => {}
            (true, None) => {
                let message = "the new addresses are not registered: `public_url` is not set";
                let help = "add it to linecook.yaml, then run `linecook webhooks add`";
                problem = Some(CommandError::usage(message, help));
            }
            (true, Some(public_url)) => {
                let asked = source.ask(connection, public_url).await?;
                match Work::new(asked) {
                    Ok(work) => {
                        let result = work.done(&source, public_url).await?;
                        problem = result.problem.clone();
                        done = Some(result);
                    }
                    Err(why) => problem = Some(why),
                }
            }
        }
        source.settled().await;
        match args.format {
            Format::Json => print::line(json!({
                "format_version": 1, "connection": connection, "old_good_until": until.to_string(),
                "source": done.as_ref().map(|done| done.json()),
                "problem": problem.as_ref().map(|problem| problem.plain()),
            })),
            Format::Text => {
                print::line(format_args!("`{connection}` has new addresses; {old}"));
                if let Some(done) = &done {
                    print::line(done.words());
                }
                if !registers {
                    print::line("`linecook webhooks list` shows what to enter where");
                }
            }
        }
        match &problem {
            None => Ok(Exit::Good),
            Some(problem) => {
                print::talk(problem.text());
                if ready.project.public_url.is_some() {
                    print::talk(format_args!(
                        "The new addresses are not all registered; {old}. `linecook webhooks add {connection}` tries again."
                    ));
                }
                Ok(Exit::Problems)
            }
        }
    })
}
