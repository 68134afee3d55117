//! `linecook sync`: records that are already there go through a recipe, as if they had just happened.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::credentials::ProjectCredentials;
use super::exit::{CommandError, Exit, Result};
use super::installed::installation_named;
use super::looking::{Looking, looking};
use super::options::Format;
use super::print;
use super::project::{ReadyProject, load_project, project_file_of};
use super::request::ask;
use super::runtime::runtime;
use super::serve::{good, limits, start};
use super::store::StorePlace;
use crate::connection::Credentials;
use crate::execute::gate::Limits;
use crate::project::PROJECT_FILE;
use crate::server::{
    DriftReport, Estimate, Installation, ListError, Progress, SyncState, drift, estimate, progress,
};
use crate::store::{Options, RequestBody, Runs, Store, StoreErrorKind};
use crate::value::duration;

/// How often it is looked how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const DAY: Duration = Duration::from_secs(24 * 3_600);

#[derive(clap::Args)]
pub struct Args {
    /// The recipe, as linecook.yaml names it
    recipe: String,
    /// Do it; without this only the cost is shown
    #[arg(long)]
    apply: bool,
    /// Stop a sync that is under way; --apply goes on with it later
    #[arg(long, conflicts_with = "apply")]
    stop: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let path = std::path::Path::new(PROJECT_FILE);
    if !path.exists() {
        return Err(CommandError::usage(
            format!("there is no {PROJECT_FILE} here"),
            "go to the folder of your project, or start one with `linecook init`",
        ));
    }
    let Some(ready) = good(load_project(path)) else { return Ok(Exit::Problems) };
    let installation = installation_named(&ready, &args.recipe)?;
    let place = StorePlace {
        path: ready.store.clone(),
        project: Some(path.to_owned()),
        defaults: ready.defaults.clone(),
    };
    runtime()?.block_on(async {
        if args.stop {
            let request = RequestBody::StopSync { installation: installation.clone() };
            return ask(&place, &[request]).await?.print(&[installation], None, args.format);
        }
        if args.apply {
            return apply(&ready, &place, &installation, args.format).await;
        }
        show(&ready, &installation, args.format).await
    })
}

/// What a sync of the recipe in this file would change.
pub fn plan(recipe: &Path, format: Format) -> Result {
    let Some(path) = project_file_of(recipe) else {
        return Err(CommandError::usage(
            format!(
                "{} belongs to no project, so nobody knows which accounts are meant",
                recipe.display()
            ),
            format!("install it in a {PROJECT_FILE}; `linecook init` writes one"),
        ));
    };
    let Some(ready) = good(load_project(&path)) else { return Ok(Exit::Problems) };
    let whole = |path: &Path| path.canonicalize().ok();
    let mut of_file = ready
        .project
        .installations
        .iter()
        .zip(&ready.installations)
        .filter(|(_, loaded)| loaded.enabled && whole(&loaded.recipe_path) == whole(recipe));
    let Some((found, _)) = of_file.next() else {
        return Err(CommandError::usage(
            format!("{} does not install {}", path.display(), recipe.display()),
            "add it under `recipes:`",
        ));
    };
    let name = found.name.clone();
    runtime()?.block_on(show(&ready, &name, format))
}

/// What it would cost, and what it would change.
async fn show(ready: &ReadyProject, name: &str, format: Format) -> Result {
    let Looking { way, installed, credentials } = looking(ready).await?;
    let Some(installation) = installed.installation(name).cloned() else {
        return Err(CommandError::usage(format!("`{name}` is not installed"), "see linecook.yaml"));
    };
    let cannot_list = |e: ListError| {
        CommandError::environment(
            format!("the records cannot be listed: {e}"),
            "check the connection with `linecook doctor`",
        )
    };
    let found = estimate(&way, &installed, &installation).await.map_err(cannot_list)?;
    if format == Format::Text {
        print::text(in_words(ready, &installation, &found));
    }
    let bar = progress_bar(format);
    let tell = |seen: u64, total: Option<u64>| {
        bar.set_length(total.unwrap_or(seen).max(seen));
        bar.set_position(seen);
    };
    let report = drift(&way, &installed, &installation, tell).await;
    bar.finish_and_clear();
    credentials.settled().await;
    let report = report.map_err(cannot_list)?;
    match format {
        Format::Text => print::text(drift_in_words(&installation.name, &report)),
        Format::Json => {
            let mut json = as_json(ready, &found);
            json["drift"] = json!(report);
            print::line(json);
        }
    }
    Ok(Exit::Good)
}

/// What differs between the two sides.
fn drift_in_words(name: &str, report: &DriftReport) -> String {
    let mut text = format!(
        "{} records of `{}` were compared through {name}:\n  {} are as wished\n",
        grouped(report.records),
        report.list,
        grouped(report.agree),
    );
    if report.differ > 0 {
        let fields = report.fields.iter().map(|(field, n)| format!("{field} in {}", grouped(*n)));
        let fields: Vec<String> = fields.collect();
        let fields =
            if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
        text.push_str(&format!("  {} differ{fields}\n", grouped(report.differ)));
    }
    if report.unclear > 0 {
        text.push_str(&format!("  {} need a person, or are wrong\n", grouped(report.unclear)));
    }
    for (call, times) in &report.writes {
        text.push_str(&format!("  `{call}` would be called {} times\n", grouped(*times)));
    }
    if !report.first.is_empty() {
        text.push_str("The first of them:\n");
    }
    for (record, what) in &report.first {
        text.push_str(&format!("  {record}: {what}\n"));
    }
    text.push_str(match report.differ + report.unclear {
        0 => "Both sides agree: there is nothing to do.\n",
        _ => "Nothing was written. `linecook sync … --apply` repairs what differs, and nothing else.\n",
    });
    text
}

fn progress_bar(format: Format) -> ProgressBar {
    let bar = match format {
        Format::Text => ProgressBar::new(0),
        Format::Json => ProgressBar::hidden(),
    };
    let style = "{bar:30} {pos}/{len} records, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
    bar
}

/// Calls, time and share of a day's quota of one connection.
struct Cost {
    connection: String,
    calls: u64,
    takes: Option<Duration>,
    share_of_day: Option<f64>,
}

fn costs(ready: &ReadyProject, found: &Estimate) -> Vec<Cost> {
    let records = found.records.unwrap_or(found.looked_at as u64);
    let cost = |(connection, each): (&String, &f64)| {
        let calls = (each * records as f64).ceil() as u64;
        let known = limits(&ready.project, connection).or_else(|| {
            let app = &ready.project.connections.get(connection)?.app;
            crate::catalog::Catalog::embedded().app(app).map(Limits::of)
        });
        let windows = known.map(|l| l.windows).unwrap_or_default();
        let seconds = windows
            .iter()
            .filter(|w| w.per < DAY)
            .map(|w| calls as f64 / w.requests.max(1) as f64 * w.per.as_secs_f64());
        let takes = seconds.fold(None, |most: Option<f64>, s| Some(most.map_or(s, |m| m.max(s))));
        let day = windows.iter().find(|w| w.per >= DAY);
        Cost {
            connection: connection.clone(),
            calls,
            takes: takes.map(Duration::from_secs_f64),
            share_of_day: day.map(|w| calls as f64 / w.requests.max(1) as f64 * 100.0),
        }
    };
    found.calls_per_record.iter().map(cost).collect()
}

fn in_words(ready: &ReadyProject, installation: &Installation, found: &Estimate) -> String {
    let mut text = match found.records {
        Some(records) => format!("{} records in `{}`", grouped(records), found.list),
        None => format!(
            "`{}` does not say how many records it has; the figures are for {}",
            found.list, found.looked_at
        ),
    };
    text.push_str(&format!(" would go through {}.\n", installation.name));
    let costs = costs(ready, found);
    for cost in &costs {
        text.push_str(&format!("  {}: {} calls", cost.connection, grouped(cost.calls)));
        if let Some(takes) = cost.takes {
            let seconds = takes.as_secs().max(1);
            let rounded = if seconds > 120 { seconds.div_ceil(60) * 60 } else { seconds };
            let words = duration::in_words(Duration::from_secs(rounded));
            text.push_str(&format!(", about {words}"));
        }
        if let Some(share) = cost.share_of_day {
            text.push_str(&format!(", {} of a day's quota", percent(share)));
        }
        text.push('\n');
    }
    if costs.is_empty() {
        text.push_str("  no calls\n");
    }
    if found.looked_at > 0 {
        text.push_str(&format!(
            "The calls of one record were counted by trying {} without sending anything.\n",
            crate::report::plural(found.looked_at, "record")
        ));
    }
    text
}

fn as_json(ready: &ReadyProject, found: &Estimate) -> Value {
    let costs = costs(ready, found);
    let costs = costs.iter().map(|cost| {
        json!({
            "connection": cost.connection,
            "calls": cost.calls,
            "seconds": cost.takes.map(|t| t.as_secs()),
            "percent_of_day": cost.share_of_day,
        })
    });
    json!({
        "format_version": 1,
        "list": found.list,
        "records": found.records,
        "looked_at": found.looked_at,
        "costs": costs.collect::<Vec<_>>(),
    })
}

/// Does it: with the service that runs, else with one that runs for as long as this takes.
async fn apply(ready: &ReadyProject, place: &StorePlace, name: &str, format: Format) -> Result {
    let request = RequestBody::Sync { installation: name.to_owned() };
    let own = match Store::open(&place.path, Options::default()) {
        Err(error) if error.kind == StoreErrorKind::Taken => None,
        Err(error) => return Err(error.into()),
        Ok(store) => {
            drop(store);
            let credentials = ProjectCredentials::of(ready).await?;
            Some(start(ready, ([127, 0, 0, 1], 0).into(), credentials).await?)
        }
    };
    let asked = ask(place, &[request]).await?;
    if !asked.is_done() {
        return asked.print(&[name.to_owned()], None, format);
    }
    let store = match &own {
        Some(running) => running.service.store().clone(),
        None => place.open()?,
    };
    let ended = tokio::select! {
        ended = follow(&store, name, format) => Some(ended?),
        _ = tokio::signal::ctrl_c() => None,
    };
    match &ended {
        Some(ended) => print::line(ending(ended, name, format)),
        None if own.is_some() => {
            print::talk(
                "\nstopped; `linecook sync --apply` or `linecook serve` goes on where it stands",
            );
        }
        None => print::talk(format_args!(
            "\nthe service goes on with it; `linecook sync {name} --stop` stops it"
        )),
    }
    drop(store);
    if let Some(running) = own {
        running.stop(ready.project.request_timeout + Duration::from_secs(5)).await;
    }
    Ok(match ended {
        Some(Progress { state: SyncState::Done, .. }) => Exit::Good,
        _ => Exit::Problems,
    })
}

/// Shows how far it has come, until it is over.
async fn follow(store: &Store, name: &str, format: Format) -> Result<Progress> {
    let bar = progress_bar(format);
    loop {
        let Some(now) = progress(store, name).await? else {
            return Err(CommandError::environment("the sync is gone", "start it again"));
        };
        let under_way = store.count_open_of(1).await?;
        let total = now.total.unwrap_or(now.taken).max(now.taken);
        bar.set_length(total);
        bar.set_position(now.taken.saturating_sub(under_way));
        if now.state != SyncState::Running && (under_way == 0 || now.state != SyncState::Done) {
            bar.finish_and_clear();
            return Ok(now);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn ending(ended: &Progress, name: &str, format: Format) -> String {
    if format == Format::Json {
        return json!({
            "format_version": 1, "state": ended.state, "records": ended.taken, "agree": ended.agree,
            "problem": ended.problem,
        })
        .to_string();
    }
    let records = grouped(ended.taken);
    match ended.state {
        SyncState::Done => format!(
            "done: {records} records were compared, {} were as wished, {} went through {name}; `linecook runs list --recipe {name}` shows how",
            grouped(ended.agree),
            grouped(ended.taken.saturating_sub(ended.agree)),
        ),
        SyncState::Failed => format!(
            "failed after {records} records: {}; --apply goes on where it stands",
            ended.problem.as_deref().unwrap_or("nobody knows why")
        ),
        SyncState::Stopped | SyncState::Running => {
            format!("stopped after {records} records; --apply goes on where it stands")
        }
    }
}

/// `4200` → `4,200`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(share: f64) -> String {
    match share {
        share if share < 0.1 => "less than 0.1 %".to_owned(),
        share if share < 10.0 => format!("{share:.1} %"),
        share => format!("{share:.0} %"),
    }
}
