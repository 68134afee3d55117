//! `linecook webhooks add`: what recipes need is registered with the apps, with the addresses of now.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::LevelArgs;
use super::compare::State;
use super::list::{apps_by_hand, events};
use super::needed::Needed;
use super::source::{Asked, Source};
use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::report::plural;
use crate::server::RegisteredHook;

#[derive(clap::Args)]
pub struct Args {
    /// Only for this connection
    connection: Option<String>,
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
        let mut problems = Vec::new();
        for connection in source.connections(args.connection.as_deref()) {
            let asked = source.ask(&connection, public_url).await?;
            match Work::new(asked) {
                Ok(work) => works.push(work),
                Err(problem) => problems.push(problem),
            }
        }
        if !works.iter().all(Work::is_done) {
            let know: Vec<String> = works.iter().flat_map(Work::lines).collect();
            if !args.confirm.confirm(what(&works), &know)? {
                print::talk("nothing was done");
                return Ok(Exit::Good);
            }
        }
        let mut results = Vec::new();
        for work in works {
            let result = work.done(&source, public_url).await?;
            problems.extend(result.problem.clone());
            results.push(result);
        }
        source.settled().await;
        match args.format {
            Format::Json => print::line(as_json(&results, &problems)),
            Format::Text => say(&source, &results, args.connection.as_deref()),
        }
        for problem in &problems {
            print::talk(problem.text());
        }
        Ok(if problems.is_empty() { Exit::Good } else { Exit::Problems })
    })
}

/// What is to be done through one connection.
pub struct Work<'a> {
    asked: Asked<'a>,
    missing: Vec<&'a Needed>,
    replaced: Vec<RegisteredHook>,
    there: BTreeSet<String>,
    not_sent: Vec<String>,
}

/// What was done.
pub struct Done {
    pub connection: String,
    pub title: &'static str,
    pub added: Vec<String>,
    /// Old ones that are gone.
    pub removed: usize,
    pub there: usize,
    pub not_sent: Vec<String>,
    pub problem: Option<CommandError>,
}

impl<'a> Work<'a> {
    /// What an app says decides what is to be done.
    pub fn new(mut asked: Asked<'a>) -> Result<Work<'a>> {
        let comparison = match &mut asked.answer {
            Ok(comparison) => std::mem::take(comparison),
            Err(e) => return Err(CommandError::environment(&e.message, &e.help)),
        };
        let mut work = Work {
            missing: Vec::new(),
            replaced: comparison.replaced,
            there: BTreeSet::new(),
            not_sent: Vec::new(),
            asked,
        };
        for (needed, state) in work.asked.needed.iter().zip(comparison.states) {
            match state {
                State::Registered => drop(work.there.insert(needed.wire.clone())),
                State::NotSent => work.not_sent.push(needed.wire.clone()),
                _ => work.missing.push(needed),
            }
        }
        Ok(work)
    }

    pub fn is_done(&self) -> bool {
        self.missing.is_empty() && self.replaced.is_empty()
    }

    /// What a person should know before.
    fn lines(&self) -> Vec<String> {
        let title = self.asked.title;
        let mut lines: Vec<String> = self
            .missing
            .iter()
            .map(|n| format!("register {} at {title}: it starts {}", n.wire, n.recipes.join(", ")))
            .collect();
        if !self.replaced.is_empty() {
            let old = events(self.replaced.iter().map(|hook| hook.event.as_str()));
            lines.push(format!("then remove old addresses at {title}: {old}"));
        }
        lines
    }

    /// Does it: all new ones first, so that nothing is missed meanwhile. It ends at the first thing that
    /// goes wrong, since the app may stop to answer whoever fails too often.
    pub async fn done(self, source: &Source<'_>, public_url: &str) -> Result<Done> {
        let Work { asked, missing, replaced, mut there, not_sent } = self;
        let registrar = &asked.registrar;
        let mut done = Done {
            connection: asked.connection.clone(),
            title: asked.title,
            added: Vec::new(),
            removed: 0,
            there: there.len(),
            not_sent,
            problem: None,
        };
        for needed in missing {
            let address = source.address(public_url, needed);
            let retries = source.retries(&needed.app.app);
            match registrar.add(&needed.wire, &address, &retries).await {
                Ok(()) => {
                    there.insert(needed.wire.clone());
                    done.added.push(needed.wire.clone());
                }
                Err(e) => {
                    let message = format!("{} is not registered: {}", needed.wire, e.message);
                    done.problem = Some(CommandError::environment(message, e.help));
                    break;
                }
            }
        }
        for old in replaced {
            if done.problem.is_some() {
                break;
            }
            match registrar.remove(&old.id).await {
                Ok(()) => done.removed += 1,
                Err(e) => {
                    let message =
                        format!("the old address of {} is still there: {}", old.event, e.message);
                    done.problem = Some(CommandError::environment(message, e.help));
                }
            }
        }
        source.note(&asked.connection, there).await?;
        Ok(done)
    }
}

fn what(works: &[Work<'_>]) -> String {
    let new: usize = works.iter().map(|work| work.missing.len()).sum();
    let old: usize = works.iter().map(|work| work.replaced.len()).sum();
    match (new, old) {
        (new, 0) => format!("registers {}", plural(new, "webhook")),
        (0, old) => format!("removes {}", plural(old, "old webhook")),
        (new, old) => {
            format!("registers {} and removes {}", plural(new, "webhook"), plural(old, "old one"))
        }
    }
}

fn say(source: &Source<'_>, results: &[Done], only: Option<&str>) {
    for done in results {
        print::line(done.words());
        if !done.not_sent.is_empty() {
            let events = done.not_sent.join(", ");
            print::line(format_args!("  not registered: {events}: {}", source.not_sent()));
        }
    }
    let is_asked_for = |needed: &&Needed| only.is_none_or(|only| only == needed.connection);
    let needed: Vec<Needed> = source.needed.iter().filter(is_asked_for).cloned().collect();
    for app in apps_by_hand(&needed) {
        print::line(format_args!(
            "{}: nothing is registered from here; `linecook webhooks list` shows what to enter where",
            app.title
        ));
    }
    if results.is_empty() && needed.is_empty() {
        print::line("No recipe of this project is started by webhooks that have to be registered.");
    }
}

impl Done {
    /// In a sentence.
    pub fn words(&self) -> String {
        let mut words = format!("{} (`{}`): ", self.title, self.connection);
        let nothing = self.added.is_empty() && self.removed == 0;
        match (nothing, self.there) {
            (true, 0) if self.problem.is_some() => words.push_str("nothing was done"),
            (true, 0) => words.push_str("no recipe needs a webhook"),
            (true, there) => {
                words.push_str(&format!("{} registered already", all_are(there)));
            }
            (false, there) => {
                let mut parts = Vec::new();
                if !self.added.is_empty() {
                    parts.push(format!("registered {}", self.added.join(", ")));
                }
                if self.removed > 0 {
                    parts.push(format!("removed {}", plural(self.removed, "old one")));
                }
                if there > 0 {
                    parts.push(format!("{} there before", all_are(there)));
                }
                words.push_str(&parts.join("; "));
            }
        }
        words
    }

    pub fn json(&self) -> Value {
        json!({
            "connection": self.connection, "registered": self.added, "removed": self.removed,
            "there_before": self.there, "not_sent": self.not_sent,
        })
    }
}

fn all_are(count: usize) -> String {
    match count {
        1 => "1 webhook was".to_owned(),
        n => format!("{n} webhooks were"),
    }
}

fn as_json(results: &[Done], problems: &[CommandError]) -> Value {
    json!({
        "format_version": 1,
        "connections": results.iter().map(Done::json).collect::<Vec<_>>(),
        "problems": problems.iter().map(|problem| problem.plain()).collect::<Vec<_>>(),
    })
}
