//! `linecook go-live`: a recipe is looked at from all sides; when nothing is wrong it changes the real
//! accounts from now on.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::confirm::ConfirmArgs;
use super::connections::test_connections;
use super::exit::{Exit, Result};
use super::installed::{connections, installation_named};
use super::load::{Against, load_with};
use super::looking::{Looking, looking};
use super::options::Format;
use super::print;
use super::project::{Near, ReadyProject, load_project};
use super::project_file::OpenProject;
use super::request::ask;
use super::runtime::runtime;
use super::serve::good;
use super::store::StorePlace;
use super::stored_event::{Wanted, find};
use super::test::examples;
use crate::catalog::Catalog;
use crate::connection::Credentials;
use crate::execute::{Allowance, Exceeded, TriggerEvent, Used};
use crate::journal::{History, Outcome};
use crate::project::{Installation, Limits};
use crate::report::{Finding, findings_json, findings_text, plural, totals};
use crate::server::{Mirror, Rehearsal};
use crate::store::{Delivery, DeliveryFilter, RequestBody};

#[derive(clap::Args)]
pub struct Args {
    /// The recipe, as linecook.yaml names it
    recipe: String,
    /// How many of the latest events to look at: what would be done with them now
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    events: usize,
    /// Only look, and leave the recipe as it is
    #[arg(long)]
    look: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let Some(ready) = good(load_project(&project.path)) else { return Ok(Exit::Problems) };
    let name = installation_named(&ready, &args.recipe)?;
    let place = StorePlace {
        path: ready.store.clone(),
        project: Some(project.path.clone()),
        defaults: ready.defaults.clone(),
    };
    runtime()?.block_on(go_live(args, &ready, &place, &name))
}

async fn go_live(args: &Args, ready: &ReadyProject, place: &StorePlace, name: &str) -> Result {
    let seen = look(args, ready, name).await?;
    let is_wrong = seen.findings.iter().any(Finding::is_wrong);
    if args.format == Format::Text {
        print::text(seen.text(name));
    }
    let goes = !is_wrong && !args.look;
    let is_live = goes && {
        let what = format!("lets {name} go live: from now on its events change the real accounts");
        match args.confirm.confirm(what, &[])? {
            true => true,
            false => {
                print::talk("nothing was done");
                return Ok(Exit::Good);
            }
        }
    };
    if !is_live {
        match args.format {
            Format::Json => print::line(seen.json(name, false)),
            Format::Text if is_wrong => print::talk(format_args!("{name} stays as it is")),
            Format::Text => {}
        }
        return Ok(if is_wrong { Exit::Problems } else { Exit::Good });
    }
    // What was looked at, whatever has become of the file since.
    let loaded = ready.installations.iter().find(|loaded| loaded.name == name);
    let pin = loaded.map(|loaded| loaded.pin.clone()).unwrap_or_default();
    let request = RequestBody::GoLive { installation: name.to_owned(), pin };
    let asked = ask(place, &[request]).await?;
    if args.format == Format::Json && asked.is_done() {
        print::line(seen.json(name, true));
        return Ok(Exit::Good);
    }
    let goes_on = "no service runs here now: its events come in when `linecook serve` runs";
    asked.print(&[name.to_owned()], Some(goes_on), args.format)
}

/// What was seen of a recipe.
struct Seen {
    findings: Vec<Finding>,
    events: Vec<SeenEvent>,
    would: Used,
}

/// What would be done with one event.
struct SeenEvent {
    number: i64,
    event: String,
    outcome: Outcome,
    /// Those that change something, in order.
    calls: Vec<String>,
}

async fn look(args: &Args, ready: &ReadyProject, name: &str) -> Result<Seen> {
    let at = ready.project.installations.iter().position(|i| i.name == name);
    let at = at.expect("an installation that was found is there");
    let (written, loaded) = (&ready.project.installations[at], &ready.installations[at]);
    let mut findings = vec![Finding::fine("recipe", "checks clean")];
    findings.push(tested(ready, &loaded.recipe_path).await);
    let mut called = connections(&ready.project);
    called.retain(|name, _| written.connections.values().any(|used| used == name));
    let tested = test_connections(ready, called).await?;
    findings.extend(tested.iter().map(|tested| tested.finding()));
    findings.extend(scopes(ready, written));
    let events = match findings.iter().any(Finding::is_wrong) {
        // There is nothing to look with, or nothing to look at.
        true => Vec::new(),
        false => look_at_events(args, ready, name).await?,
    };
    let mut would = Allowance::default();
    let (mut exceeded, mut seen) = (None, Vec::new());
    let mut allowance = Allowance::new(written.limits);
    for Looked { delivery, event, outcome, history } in events {
        for made in history.calls() {
            let catalog = Catalog::embedded();
            if let Err(limit) = allowance.take(catalog, made.call, delivery.received_at) {
                exceeded = exceeded.or(Some((delivery.id, limit)));
            }
            let _ = would.take(catalog, made.call, Timestamp::UNIX_EPOCH);
            if let Some(Ok(response)) = made.answer {
                allowance.learn(catalog, made.call, response);
                would.learn(catalog, made.call, response);
            }
        }
        let changes = history.calls().into_iter().filter(|made| made.call.effect.changes());
        let calls = changes.map(|made| made.call.planned.request.call.clone()).collect();
        seen.push(SeenEvent { number: delivery.id, event, outcome, calls });
    }
    let would = would.used(Timestamp::UNIX_EPOCH);
    if !findings.iter().any(Finding::is_wrong) {
        findings.push(about_events(&seen, would));
        findings.push(about_limits(written, exceeded));
    }
    Ok(Seen { findings, events: seen, would })
}

/// Whether its examples pass.
async fn tested(ready: &ReadyProject, recipe: &std::path::Path) -> Finding {
    let loaded = load_with(recipe, Arc::new(Near::of(recipe)), Against::Examples);
    let tested = [examples(loaded, &ready.defaults).await];
    let to_do = format!("`linecook test {}` shows them", recipe.display());
    match (&tested[0].unusable, totals(&tested)) {
        (Some(why), _) => Finding::wrong("examples", format!("cannot be run: {why}"), to_do),
        (None, (0, 0)) => Finding::perhaps(
            "examples",
            "there are none, so nothing shows that it does what it should",
            "write one under `examples:`; `linecook record` makes one of a past run",
        ),
        (None, (passed, 0)) => {
            let verb = if passed == 1 { "passes" } else { "pass" };
            Finding::fine("examples", format!("{} {verb}", plural(passed, "example")))
        }
        (None, (_, failed)) => {
            let verb = if failed == 1 { "fails" } else { "fail" };
            Finding::wrong("examples", format!("{} {verb}", plural(failed, "example")), to_do)
        }
    }
}

/// Whether the connections may do what it needs. Where that is known, `check` has looked already.
fn scopes(ready: &ReadyProject, installation: &Installation) -> Vec<Finding> {
    let used: Vec<&String> = installation.connections.values().collect();
    let all = ready.scopes().into_iter().filter(|scopes| used.contains(&&scopes.connection));
    all.map(|scopes| {
        let needed = scopes.needed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let about = format!("scopes of {}", scopes.connection);
        match scopes.known {
            Some(_) => Finding::fine(about, format!("has all it needs: {needed}")),
            None => Finding::perhaps(
                about,
                format!("nobody knows which it has; it needs {needed}"),
                format!(
                    "compare them in the app; with `scopes:` of {} in linecook.yaml `check` does",
                    scopes.connection
                ),
            ),
        }
    })
    .collect()
}

/// One event, and what would be done with it.
struct Looked {
    delivery: Delivery,
    event: String,
    outcome: Outcome,
    history: History,
}

/// What would be done now with the latest events, the oldest first: the accounts are asked, and nothing is
/// written.
async fn look_at_events(args: &Args, ready: &ReadyProject, name: &str) -> Result<Vec<Looked>> {
    let Looking { way, installed, credentials } = looking(ready).await?;
    let Some(installation) = installed.installation(name).cloned() else { return Ok(Vec::new()) };
    let wanted = Wanted::of(&installation.kept.plan.recipe.trigger.events);
    let filter = DeliveryFilter { limit: args.events, ..DeliveryFilter::default() };
    let mut deliveries = find(&way.store, filter, Some(&wanted)).await?;
    deliveries.reverse();
    let mut looked = Vec::new();
    for delivery in deliveries {
        let Some((event, payload)) = wanted.which(&delivery) else { continue };
        let through = (event.app.as_str(), delivery.connection.as_str());
        let own = installation.kept.connections.get(&event.app);
        if own.is_some_and(|own| own != installed.name_now(&delivery.connection)) {
            continue;
        }
        let mirror = Arc::new(Mirror::default());
        let rehearsal = Rehearsal::new(&way, &installed, &installation, through, mirror);
        let trigger = TriggerEvent {
            id: format!("event-{}", delivery.id),
            received_at: delivery.received_at,
            event: event.clone(),
            payload,
        };
        let (outcome, history) = match rehearsal {
            Ok(rehearsal) => rehearsal.of(&trigger).await?,
            Err(why) => (Outcome::Suspended { why }, History::default()),
        };
        looked.push(Looked { delivery, event: event.name(), outcome, history });
    }
    credentials.settled().await;
    Ok(looked)
}

fn about_events(events: &[SeenEvent], would: Used) -> Finding {
    let failing =
        |seen: &&SeenEvent| matches!(seen.outcome, Outcome::Failed(_) | Outcome::Suspended { .. });
    match (events.len(), events.iter().find(failing)) {
        (0, _) => Finding::perhaps(
            "events",
            "none of its events has arrived yet, so nobody has seen what it would do with real ones",
            "let `linecook serve` run until one comes: a recipe in the sandbox sends nothing",
        ),
        (_, Some(bad)) => Finding::wrong(
            "events",
            format!("event-{} would fail: {}", bad.number, failure(&bad.outcome)),
            format!("`linecook events show event-{}` shows it", bad.number),
        ),
        (count, None) => Finding::fine(
            "events",
            format!(
                "the latest {}: {}, {}, {}",
                plural(count, "event"),
                plural(would.contacts as usize, "contact") + " changed",
                plural(would.tags_removed as usize, "tag") + " taken away",
                plural(would.calls as usize, "call"),
            ),
        ),
    }
}

fn failure(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(error) => &error.message,
        Outcome::Suspended { why } => why,
        other => other.word(),
    }
}

fn about_limits(installation: &Installation, exceeded: Option<(i64, Exceeded)>) -> Finding {
    let Limits { contacts, tags_removed, calls } = installation.limits;
    let limits = [("contacts", contacts), ("tags_removed", tags_removed), ("calls", calls)];
    let words = limits.iter().filter_map(|(name, limit)| Some(format!("{name} {}", (*limit)?)));
    let words = words.collect::<Vec<_>>().join(", ");
    match (exceeded, words.is_empty()) {
        (Some((event, limit)), _) => Finding::wrong(
            "limits",
            format!("with event-{event} {limit}"),
            format!(
                "let it do less, or raise `limits: {}` of {} in linecook.yaml",
                limit.key(),
                installation.name
            ),
        ),
        (None, true) => Finding::perhaps(
            "limits",
            "it has none: nothing stops it when it does more than you expect",
            "write some in linecook.yaml, such as `limits: { contacts: 200, tags_removed: 50, calls: 2000 }`",
        ),
        (None, false) => Finding::fine("limits", format!("within them: {words} in 24 hours")),
    }
}

impl SeenEvent {
    fn words(&self) -> String {
        match (&self.outcome, self.calls.is_empty()) {
            (Outcome::Failed(_) | Outcome::Suspended { .. }, _) => {
                format!("would fail: {}", failure(&self.outcome))
            }
            (Outcome::Stopped { reason, .. }, true) => format!("would stop: {reason}"),
            (Outcome::Held { question, .. }, true) => format!("would ask: {}", question.text),
            (_, true) => "would change nothing".to_owned(),
            (_, false) => self.calls.join(", "),
        }
    }
}

impl Seen {
    fn text(&self, name: &str) -> String {
        let mut text = String::new();
        if !self.events.is_empty() {
            text.push_str(&format!("What {name} would do now with the events that came last:\n"));
            for seen in &self.events {
                text.push_str(&format!(
                    "  event-{}  {}  {}\n",
                    seen.number,
                    seen.event,
                    seen.words()
                ));
            }
            text.push('\n');
        }
        text + &findings_text(&self.findings)
    }

    fn json(&self, name: &str, is_live: bool) -> Value {
        let events = self.events.iter().map(|seen| {
            json!({
                "event": format!("event-{}", seen.number),
                "name": seen.event,
                "outcome": seen.outcome.word(),
                "calls": seen.calls,
            })
        });
        let mut json = findings_json(&self.findings);
        json["recipe"] = name.into();
        json["live"] = is_live.into();
        json["events"] = events.collect();
        json["would"] = json!({
            "contacts": self.would.contacts,
            "tags_removed": self.would.tags_removed,
            "calls": self.would.calls,
        });
        json
    }
}
