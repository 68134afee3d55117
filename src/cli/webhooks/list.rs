//! `linecook webhooks list`: every address, what it starts, and whether the app knows it. The one place
//! where addresses are shown.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::LevelArgs;
use super::compare::{Old, State};
use super::needed::Needed;
use super::source::{Asked, Source};
use crate::catalog::App;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::runtime::runtime;
use crate::report::{minute, plural};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    level: LevelArgs,
    /// Do not ask the apps what is registered
    #[arg(long)]
    offline: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let Some(ready) = super::project()? else { return Ok(Exit::Problems) };
    runtime()?.block_on(async {
        let source = Source::open(&ready, args.level.partner).await?;
        let mut asked = Vec::new();
        if let Some(public_url) = ready.project.public_url.as_deref().filter(|_| !args.offline) {
            for connection in source.connections(None) {
                asked.push(source.ask(&connection, public_url).await?);
            }
        }
        for one in &asked {
            one.note(&source).await?;
        }
        source.settled().await;
        let shown = Shown { source: &source, asked: &asked };
        match args.format {
            Format::Json => print::open(format_args!("{}\n", shown.json())),
            Format::Text => print::open(shown.text()),
        }
        Ok(Exit::Good)
    })
}

impl Asked<'_> {
    /// Notes what the app has said.
    pub async fn note(&self, source: &Source<'_>) -> Result<()> {
        let Ok(comparison) = &self.answer else { return Ok(()) };
        let states = self.needed.iter().zip(&comparison.states);
        let there = states.filter(|(_, state)| **state == State::Registered);
        let there = there.map(|(needed, _)| needed.wire.clone()).collect();
        source.note(&self.connection, there).await
    }
}

struct Shown<'a> {
    source: &'a Source<'a>,
    asked: &'a [Asked<'a>],
}

impl Shown<'_> {
    fn base(&self) -> String {
        let project = &self.source.ready.project;
        project.public_url.clone().unwrap_or_else(|| format!("http://{}", project.listen))
    }

    /// How one stands; none where nobody was asked.
    fn state(&self, needed: &Needed) -> Option<State> {
        if needed.app.webhooks.registered.is_empty() {
            return Some(State::ByHand);
        }
        let asked = self.asked.iter().find(|asked| asked.connection == needed.connection)?;
        Some(match &asked.answer {
            Err(e) => State::Unknown { why: e.message.clone(), help: e.help.clone() },
            Ok(comparison) => {
                let same = |n: &&Needed| n.wire == needed.wire;
                let at = asked.needed.iter().position(same)?;
                comparison.states[at].clone()
            }
        })
    }

    fn text(&self) -> String {
        let needed = &self.source.needed;
        if needed.is_empty() && self.asked.is_empty() {
            return "No recipe of this project is started by webhooks.\n".to_owned();
        }
        let base = self.base();
        let mut out = String::new();
        for one in needed {
            let start = if one.events.len() == 1 { "starts" } else { "start" };
            let events = one.events.join(" and ");
            let _ = writeln!(out, "{events} {start} {}", one.recipes.join(", "));
            let _ = writeln!(out, "  post to  {}", self.source.address(&base, one));
            match self.state(one) {
                Some(State::ByHand) | None => {}
                Some(state) => {
                    let words = self.words(&state);
                    let _ = writeln!(out, "  at {:<6} {words}", format!("{}:", one.app.title));
                }
            }
        }
        for asked in self.asked {
            let Ok(comparison) = &asked.answer else { continue };
            let left = comparison.unneeded.len();
            if left > 0 {
                let _ = writeln!(
                    out,
                    "\nAt {}, through `{}`, {} here that no recipe needs ({}): `linecook webhooks remove --unneeded` removes them.",
                    asked.title,
                    asked.connection,
                    match left {
                        1 => "1 webhook leads".to_owned(),
                        n => format!("{n} webhooks lead"),
                    },
                    events(comparison.unneeded.iter().map(|hook| hook.event.as_str())),
                );
            }
        }
        for app in apps_by_hand(needed) {
            self.by_hand(app, &base, &mut out);
        }
        out.push_str("\nThese addresses are secret: whoever knows one can start recipes.\n");
        if self.source.ready.project.public_url.is_none() {
            out.push_str("`public_url` is not set, so they lead to this machine only: add it to linecook.yaml.\n");
        }
        out
    }

    /// What a person enters where, for an app that registers nothing.
    fn by_hand(&self, app: &App, base: &str, out: &mut String) {
        let ways = &app.webhooks;
        let here = || self.source.needed.iter().filter(|n| n.app.app == app.app);
        if ways.signed.is_none() && ways.by_hand.is_none() {
            return;
        }
        let title = &app.title;
        let _ = writeln!(
            out,
            "\n{title} takes no addresses from here: enter them there, in one of these ways."
        );
        if let (Some(how), Some(_)) = (&ways.signed, &app.signature) {
            let mut wires: Vec<&str> = here().map(|n| n.wire.as_str()).collect();
            wires.dedup();
            let _ =
                writeln!(out, "  With a marketplace app, whose webhooks come signed:\n    {how}.");
            let _ = writeln!(out, "    address  {base}/hooks/app/{}", app.app);
            let _ = writeln!(out, "    events   {}", wires.join(", "));
        }
        if let Some(how) = &ways.by_hand {
            let _ =
                writeln!(out, "  Without one:\n    {how}. The address of each event stands above.");
        }
    }

    fn words(&self, state: &State) -> String {
        let add = "`linecook webhooks add`";
        let zone = &self.source.ready.defaults.timezone;
        match state {
            State::Registered => "registered".to_owned(),
            State::Missing => format!("missing; {add} registers it"),
            State::Old(old) => {
                let until = match old {
                    Old::Good => String::new(),
                    Old::GoodUntil(until) => {
                        format!(", which is taken until {}", minute(*until, zone))
                    }
                    Old::NotTaken => ", which is not taken any more".to_owned(),
                };
                format!("registered with an old address{until}; {add} replaces it")
            }
            State::NotSent => {
                "not sent to holders of such an API key; see `linecook webhooks list --partner`"
                    .to_owned()
            }
            State::ByHand => "entered by hand".to_owned(),
            State::Unknown { why, help } => format!("not known: {why}; {help}"),
        }
    }

    fn json(&self) -> Value {
        let base = self.base();
        let webhooks = self.source.needed.iter().map(|one| {
            let state = self.state(one);
            let (word, until, why) = match &state {
                None => ("not-asked", None, None),
                Some(State::Registered) => ("registered", None, None),
                Some(State::Missing) => ("missing", None, None),
                Some(State::Old(Old::GoodUntil(until))) => ("old-address", Some(until), None),
                Some(State::Old(Old::Good)) => ("old-address", None, None),
                Some(State::Old(Old::NotTaken)) => ("not-taken", None, None),
                Some(State::NotSent) => ("not-sent", None, None),
                Some(State::ByHand) => ("by-hand", None, None),
                Some(State::Unknown { why, .. }) => ("not-known", None, Some(why)),
            };
            let signed =
                one.app.signature.as_ref().map(|_| format!("{base}/hooks/app/{}", one.app.app));
            json!({
                "connection": one.connection, "app": one.app.app, "event": one.wire,
                "names": one.events, "recipes": one.recipes,
                "address": self.source.address(&base, one), "signed_address": signed,
                "state": word, "good_until": until.map(Timestamp::to_string), "why": why,
            })
        });
        let unneeded = self.asked.iter().flat_map(|asked| {
            let hooks = asked.answer.iter().flat_map(|comparison| &comparison.unneeded);
            hooks.map(|hook| json!({ "connection": asked.connection, "event": hook.event, "id": hook.id }))
        });
        let elsewhere: usize =
            self.asked.iter().flat_map(|asked| &asked.answer).map(|c| c.strangers).sum();
        json!({
            "format_version": 1,
            "webhooks": webhooks.collect::<Vec<_>>(),
            "unneeded": unneeded.collect::<Vec<_>>(),
            "lead_elsewhere": elsewhere,
        })
    }
}

/// `create_item`, or `create_item twice`.
pub fn events<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for event in all {
        match counted.iter_mut().find(|(known, _)| *known == event) {
            Some((_, count)) => *count += 1,
            None => counted.push((event, 1)),
        }
    }
    let words = counted.iter().map(|(event, count)| match count {
        1 => (*event).to_owned(),
        n => format!("{event} {}", plural(*n, "time")),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Apps that register nothing, and of which something is needed.
pub fn apps_by_hand(needed: &[Needed]) -> Vec<&'static App> {
    let mut apps: Vec<&App> = Vec::new();
    for one in needed.iter().filter(|n| n.app.webhooks.registered.is_empty()) {
        if apps.iter().all(|app| app.app != one.app.app) {
            apps.push(one.app);
        }
    }
    apps
}
