//! `linecook doctor`: what is fine, what is not, and what to do about it, on one page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::credentials::{facts, how_to_connect};
use super::environment::token;
use super::exit::{Exit, Result};
use super::options::Format;
use super::print;
use super::project::{LoadedProject, ReadyProject, load_project};
use super::recipes::summaries;
use super::runtime::runtime;
use super::snapshot::today;
use super::store::{StoreArgs, StorePlace, vault_of};
use super::webhooks::{needed, noted};
use crate::connection::{Facts, Rotation};
use crate::diagnostic::Severity;
use crate::project::PROJECT_FILE;
use crate::report::{
    Finding, RecipeSummary, bytes, counted, findings_json, findings_text, minute, plural,
};
use crate::store::{Health, RunState, Runs, Store, StoreError};
use crate::value::duration;

/// A run that a service leaves open for longer than this is worth a look.
const LONG: Duration = Duration::from_secs(3_600);
/// With less room on the disk something is wrong.
const LITTLE_ROOM_BYTES: u64 = 256 * 1024 * 1024;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let findings = runtime()?.block_on(examine(&args.store))?;
    match args.format {
        Format::Text => print::text(findings_text(&findings)),
        Format::Json => print::line(findings_json(&findings)),
    }
    match findings.iter().any(Finding::is_wrong) {
        true => Ok(Exit::Problems),
        false => Ok(Exit::Good),
    }
}

async fn examine(args: &StoreArgs) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let place = match args.place() {
        Ok(place) => place,
        Err(_) => {
            let what = "the project file cannot be read";
            return Ok(vec![Finding::wrong("project", what, "`linecook check` says why")]);
        }
    };
    let loaded = place.project.as_deref().map(load_project);
    findings.push(project(loaded.as_ref()));
    findings.push(time_zone(&place));
    if let Some(loaded) = &loaded {
        tokens(loaded, &mut findings);
        rotations(loaded, &mut findings);
        names(loaded, &mut findings);
    }
    let is_served = Store::is_run(&place.path);
    match look(&place).await {
        Ok(Look { health, counts }) => {
            findings.push(store(&place, &health));
            findings.extend(room(&place.path));
            findings.push(service(is_served, &counts));
            events(&place, &health, &mut findings);
            if let Some(ready) = loaded.as_ref().and_then(|loaded| loaded.ready.as_ref()) {
                findings.extend(webhooks(&place, ready).await);
                findings.extend(stages(ready).await?);
            }
            runs(&place, &health, &counts, is_served, &mut findings);
        }
        Err(error) => findings.push(Finding::wrong("store", error.message, error.help)),
    }
    Ok(findings)
}

/// What the store says.
struct Look {
    health: Health,
    counts: Vec<(RunState, u64)>,
}

impl Look {
    fn count(counts: &[(RunState, u64)], state: RunState) -> u64 {
        counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n)
    }
}

async fn look(place: &StorePlace) -> std::result::Result<Look, StoreError> {
    let store = Store::beside(&place.path, crate::store::Options::default())?;
    Ok(Look { health: store.health().await?, counts: store.counts().await? })
}

fn project(loaded: Option<&LoadedProject>) -> Finding {
    let Some(loaded) = loaded else {
        return Finding::wrong(
            "project",
            format!("there is no {PROJECT_FILE} in this folder or above"),
            "run this in the project's folder, or start a project with `linecook init`",
        );
    };
    let path = loaded.path.display();
    let Some(ready) = &loaded.ready else {
        let errors: usize = loaded.diagnostics.iter().map(|d| d.count(Severity::Error)).sum();
        let what = format!("{path} or its recipes have {}", plural(errors, "error"));
        return Finding::wrong("project", what, "`linecook check` shows them");
    };
    let on = ready.installations.iter().filter(|i| i.enabled).count();
    let off = match ready.installations.len() - on {
        0 => String::new(),
        off => format!(", {off} switched off"),
    };
    let recipes = format!("{path}, with {}{off}", plural(on, "recipe"));
    let warnings: usize = loaded.diagnostics.iter().map(|d| d.count(Severity::Warning)).sum();
    match (on, warnings) {
        (0, _) => Finding::perhaps(
            "project",
            recipes,
            format!("nothing starts: name recipes under `recipes:` in {path}"),
        ),
        (_, 0) => Finding::fine("project", recipes),
        (_, n) => Finding::perhaps(
            "project",
            format!("{recipes}; {}", plural(n, "warning")),
            "`linecook check` shows them",
        ),
    }
}

fn time_zone(place: &StorePlace) -> Finding {
    let now = minute(Timestamp::now(), &place.defaults.timezone);
    let what = format!("{}, where it is {now}", place.defaults.zone_name);
    match place.defaults.zone_name.as_str() {
        "UTC" => Finding::perhaps(
            "time zone",
            what,
            format!("`timezone: America/New_York` in {PROJECT_FILE} makes times yours"),
        ),
        _ => Finding::fine("time zone", what),
    }
}

/// Which recipes run.
async fn stages(ready: &ReadyProject) -> Result<Vec<Finding>> {
    let recipes = summaries(ready).await?;
    let named = |stage: &str| {
        let names = recipes.iter().filter(|recipe| recipe.stage == stage);
        names.map(|recipe| recipe.name.as_str()).collect::<Vec<_>>()
    };
    let mut findings = Vec::new();
    let live = named("live");
    if !live.is_empty() {
        findings.push(Finding::fine("live", live.join(", ")));
    }
    let sandboxed = named("sandbox");
    if let Some(first) = sandboxed.first() {
        findings.push(Finding::perhaps(
            "sandbox",
            format!("{}: nothing of that is sent", sandboxed.join(", ")),
            format!("`linecook go-live {first}` lets it change the real accounts"),
        ));
    }
    let stopped = |recipe: &&RecipeSummary| matches!(recipe.stage, "review" | "paused");
    for recipe in recipes.iter().filter(stopped) {
        let to_do = format!("look at it, then `linecook go-live {}`", recipe.name);
        findings.push(Finding::wrong(
            recipe.stage,
            format!("{}: {}", recipe.name, recipe.words()),
            to_do,
        ));
    }
    Ok(findings)
}

/// By the names of their variables and by what is known of them: a token is never shown.
fn tokens(loaded: &LoadedProject, findings: &mut Vec<Finding>) {
    let Some(ready) = &loaded.ready else { return };
    let in_vault = facts(&ready.store).unwrap_or_else(|problem| {
        findings.push(Finding::wrong("vault", problem.message, problem.help));
        BTreeMap::new()
    });
    let mut there = Vec::new();
    let mut of_vault = Vec::new();
    for (name, connection) in &ready.project.connections {
        if connection.base_url.is_none() {
            continue;
        }
        match (token(name, &connection.app), in_vault.get(name)) {
            (Some((variable, _)), _) => there.push(format!("{variable} for `{name}`")),
            (None, Some(Facts { lost: Some(lost), app, .. })) => findings.push(Finding::wrong(
                "tokens",
                format!("the connection `{name}` is lost: {}", lost.why),
                format!("connect again: `linecook connect {app} --name {name}`"),
            )),
            (None, Some(facts)) => {
                let renews = if facts.expires_at.is_some() { ", renews itself" } else { "" };
                of_vault.push(format!("`{name}` ({}{renews})", facts.way.words()));
            }
            (None, None) => findings.push(Finding::wrong(
                "tokens",
                format!("there is no token for the connection `{name}` ({})", connection.app),
                how_to_connect(name, &connection.app),
            )),
        }
    }
    if !of_vault.is_empty() {
        let what = format!("in the vault: {}", of_vault.join(", "));
        // The facts can be read by anybody; calls need the key too.
        findings.push(match vault_of(&ready.store).read() {
            Ok(_) => Finding::fine("tokens", what),
            Err(problem) => Finding::wrong("vault", problem.message, problem.help),
        });
    }
    if !there.is_empty() {
        findings.push(Finding::fine("tokens", there.join(", ")));
    }
}

/// Which credentials are older than they shall become.
fn rotations(loaded: &LoadedProject, findings: &mut Vec<Finding>) {
    let Some(ready) = &loaded.ready else { return };
    let now = Timestamp::now();
    let day =
        |time: Timestamp| time.to_zoned(ready.defaults.timezone.clone()).strftime("%F").to_string();
    for (name, connection) in &ready.project.connections {
        let Some(every) = connection.rotate_every else { continue };
        let shall = format!("and linecook.yaml wants another every {}", duration::in_words(every));
        findings.push(match connection.rotation() {
            None => Finding::perhaps(
                "rotation",
                format!("how old the credential of `{name}` is, nobody knows, {shall}"),
                format!(
                    "`linecook connect {} --name {name}` stores it, and notes when",
                    connection.app
                ),
            ),
            Some(rotation) if rotation.first_due() <= now => Finding::perhaps(
                "rotation",
                format!(
                    "the credential of `{name}` is there since {}, {shall}",
                    day(rotation.since)
                ),
                Rotation::help(name),
            ),
            Some(rotation) => Finding::fine(
                "rotation",
                format!("the credential of `{name}` is due on {}", day(rotation.first_due())),
            ),
        });
    }
}

/// How long ago somebody looked which names the accounts know.
fn names(loaded: &LoadedProject, findings: &mut Vec<Finding>) {
    let Some(ready) = &loaded.ready else { return };
    for name in ready.project.connections.keys() {
        let snapshots = &ready.project.surroundings.snapshots;
        let Some(snapshot) = snapshots.of_connection(name) else { continue };
        let day = snapshot.pulled_on;
        findings.push(match snapshot.is_old(today()) {
            true => Finding::perhaps(
                "names",
                format!("those in the account of `{name}` are from {day}"),
                format!("`linecook pull {name}` looks again"),
            ),
            false => {
                Finding::fine("names", format!("those in the account of `{name}`, from {day}"))
            }
        });
    }
}

fn store(place: &StorePlace, health: &Health) -> Finding {
    let path = place.path.display();
    match &health.damage {
        None => {
            let size = bytes(health.size_bytes);
            Finding::fine("store", format!("{path}, {size}, version {}, whole", health.version))
        }
        Some(damage) => Finding::wrong(
            "store",
            format!("{path} is damaged: {damage}"),
            "stop the service and put the last backup in its place: `linecook restore FILE`",
        ),
    }
}

#[cfg(unix)]
fn room(store: &Path) -> Option<Finding> {
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty());
    let disk = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    let left_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let what = format!("{} left", bytes(left_bytes));
    Some(match left_bytes < LITTLE_ROOM_BYTES {
        true => Finding::wrong("disk", what, "make room: a full disk takes no events"),
        false => Finding::fine("disk", what),
    })
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<Finding> {
    None
}

fn service(is_served: bool, counts: &[(RunState, u64)]) -> Finding {
    let start = "start it with `linecook serve`";
    let unfinished = [RunState::Open, RunState::Waiting].map(|state| Look::count(counts, state));
    match (is_served, unfinished.iter().sum::<u64>()) {
        (true, _) => Finding::fine("service", "runs"),
        (false, 0) => Finding::perhaps("service", "does not run: no event is taken", start),
        (false, n) => {
            let n = plural(usize::try_from(n).unwrap_or(usize::MAX), "run");
            Finding::wrong("service", format!("does not run, and {n} cannot go on"), start)
        }
    }
}

fn events(place: &StorePlace, health: &Health, findings: &mut Vec<Finding>) {
    findings.push(match health.last_event_at {
        Some(at) => {
            let what = format!("the last one arrived {}", minute(at, &place.defaults.timezone));
            Finding::fine("events", what)
        }
        None => Finding::perhaps(
            "events",
            "none has arrived yet",
            "`linecook webhooks list` shows where the apps have to send them",
        ),
    });
}

/// What is not registered, by what was seen when somebody looked last: nobody is asked here.
async fn webhooks(place: &StorePlace, ready: &ReadyProject) -> Vec<Finding> {
    let Ok(store) = Store::beside(&place.path, crate::store::Options::default()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut registered = 0;
    let needed = needed(ready);
    let names: BTreeSet<&String> = needed.iter().map(|one| &one.connection).collect();
    for name in names {
        let Some((public_url, events)) = noted(&store, name).await else { continue };
        if public_url != ready.project.public_url {
            findings.push(Finding::wrong(
                "webhooks",
                format!("those of `{name}` are registered with another `public_url`"),
                "`linecook webhooks add` registers the addresses of now",
            ));
            continue;
        }
        let here = needed.iter().filter(|one| one.connection == *name);
        let missing: Vec<&str> =
            here.map(|one| one.wire.as_str()).filter(|wire| !events.contains(*wire)).collect();
        match missing.is_empty() {
            true => registered += events.len(),
            false => findings.push(Finding::wrong(
                "webhooks",
                format!("`{name}` is not told of {}", missing.join(", ")),
                "`linecook webhooks add` registers what recipes need",
            )),
        }
    }
    if registered > 0 {
        findings.push(Finding::fine("webhooks", format!("{registered} registered")));
    }
    findings
}

fn runs(
    place: &StorePlace,
    health: &Health,
    counts: &[(RunState, u64)],
    is_served: bool,
    findings: &mut Vec<Finding>,
) {
    let words: Vec<_> = counts.iter().map(|(state, n)| (state.word(), *n)).collect();
    findings.push(Finding::fine("runs", counted(&words)));
    if let Some((run, since)) = health.oldest_open {
        let open_for = Duration::try_from(since.duration_until(Timestamp::now()));
        let open_for = open_for.unwrap_or_default();
        let since = minute(since, &place.defaults.timezone);
        let what = format!("{run} is open since {since}, {}", duration::in_words(open_for));
        findings.push(match is_served && open_for > LONG {
            true => Finding::wrong(
                "oldest",
                what,
                format!("`linecook runs show {run}` says where it stands"),
            ),
            false => Finding::fine("oldest", what),
        });
    }
    let what_to_do = [
        (
            RunState::Failed,
            "failed",
            "`linecook runs list --state failed` shows them: retry or cancel each",
        ),
        (
            RunState::Held,
            "wait for a person",
            "`linecook runs list --state held` shows them, `linecook runs show` what each asks",
        ),
    ];
    for (state, words, to_do) in what_to_do {
        let count = Look::count(counts, state);
        if count > 0 {
            let count = plural(usize::try_from(count).unwrap_or(usize::MAX), "run");
            findings.push(Finding::wrong(state.word(), format!("{count} {words}"), to_do));
        }
    }
}
