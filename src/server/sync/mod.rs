//! Takes records that are already there through a recipe, as if they had just happened: first what it would
//! cost, then page by page, behind everything else, from where it stood when it was stopped.

mod drift;
mod mirror;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tracing::{error, info, warn};

use drift::Drift;

use super::Service;
use super::acts::{ActError, Done, impossible};
use super::installed::{Happening, Installation, Installed, TriggerFacts};
use super::list::{self, ListError, Reader, Way};
use super::stage::Stage;
use crate::catalog::{Catalog, EventType};
use crate::check::{CheckedCall, TriggerKind};
use crate::execute::{DryEngine, Imagined, TriggerEvent, drive};
use crate::store::{Arrival, Fingerprint, Runs, Store, StoreError, StoreLinks};

pub use drift::DriftReport;
pub use mirror::Mirror;

/// So many runs of a sync wait in the store at most.
const AHEAD: u64 = 500;
/// How many records are tried to find out what one costs.
const TRIED: usize = 10;
/// When so many records have been looked at, and none was as wished, the rest is taken as it is.
const TRIED_IN_VAIN: u64 = 20;
/// How often a page that cannot be read is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// How far a sync has come. Stored under the name of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Tells this sync from those before: records that it has taken are not taken again.
    pub id: i64,
    pub state: SyncState,
    /// The page to be read next, from 1.
    pub page: u64,
    /// How many records were looked at.
    pub taken: u64,
    /// How many of them were as wished already, and started nothing.
    #[serde(default)]
    pub agree: u64,
    /// How many there are, where the app says.
    pub total: Option<u64>,
    pub problem: Option<String>,
}

/// Where a sync stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncState {
    Running,
    Stopped,
    /// All records were taken; their runs may still be under way.
    Done,
    Failed,
}

/// What a sync would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// `GET /customer`
    pub list: String,
    /// How many records there are, where the app says.
    pub records: Option<u64>,
    /// How many of them were looked at.
    pub looked_at: usize,
    /// Calls of one record, on average, by connection.
    pub calls_per_record: BTreeMap<String, f64>,
}

fn position(installation: &str) -> String {
    format!("sync {installation}")
}

/// How far the sync of an installation has come; none when there has never been one.
pub async fn progress(store: &Store, installation: &str) -> Result<Option<Progress>, StoreError> {
    let text = store.position(&position(installation)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn text(progress: &Progress) -> String {
    serde_json::to_string(progress).expect("progress is plain data")
}

async fn note(store: &Store, installation: &str, progress: &Progress) -> Result<(), StoreError> {
    store.set_position(&position(installation), &text(progress)).await
}

/// The list, its event, and the connection it is read through.
struct Source {
    call: CheckedCall,
    event: Arc<EventType>,
    connection: String,
}

fn source(installed: &Installed, installation: &Installation) -> Result<Source, String> {
    let trigger = &installation.kept.plan.recipe.trigger;
    let connection = |app: &str| {
        let chosen = installation.kept.connections.get(app).cloned();
        let mut all = installed.connections.iter().filter(|(_, c)| c.app == app);
        chosen.or_else(|| all.next().map(|(name, _)| name.clone()))
    };
    let missing = |app: &str| format!("no connection of this project leads to {app}");
    if let (TriggerKind::Poll(poll), Some(event)) = (&trigger.kind, trigger.events.first()) {
        let connection = connection(&event.app).ok_or_else(|| missing(&event.app))?;
        return Ok(Source { call: poll.call.clone(), event: event.clone(), connection });
    }
    let catalog = Catalog::embedded();
    let listed = trigger.events.iter().find_map(|event| {
        let list = event.list.as_ref()?;
        let operation = catalog.operation(&format!("{}.{list}", event.app)).ok()?;
        Some((list::call(&operation, &Map::new()), event.clone()))
    });
    let (call, event) = listed.ok_or_else(|| {
        let names: Vec<String> = trigger.events.iter().map(|e| e.name()).collect();
        format!("no list shows the records of {}", names.join(" or "))
    })?;
    let connection = connection(&event.app).ok_or_else(|| missing(&event.app))?;
    Ok(Source { call, event, connection })
}

/// Finds out what a sync would cost: reads the first page, and tries its first records without sending
/// anything.
pub async fn estimate(
    way: &Way,
    installed: &Installed,
    installation: &Installation,
) -> Result<Estimate, ListError> {
    let wrong = |message: String| ListError { message, may_pass: false };
    let source = source(installed, installation).map_err(wrong)?;
    let reader = Reader::new(way, installed, installation, &source.connection, &source.call, 1)?;
    let page = reader.page(1).await?;
    let records = match (page.total, page.is_last) {
        (Some(total), _) => Some(total),
        (None, true) => Some(page.records.len() as u64),
        (None, false) => None,
    };
    let kept = &installation.kept;
    let accounts = kept.accounts(installed).map_err(wrong)?;
    let setup = kept.setup("sync".to_owned(), accounts, installed.care, Duration::ZERO);
    let connections = installed.names_now(&kept.connections);
    let through = (source.event.app.as_str(), source.connection.as_str());
    let accounts = Arc::new(installed.accounts_of(&connections, through));
    let links = StoreLinks { store: way.store.clone(), accounts };
    let mut calls: BTreeMap<String, f64> = BTreeMap::new();
    let looked_at = page.records.len().min(TRIED);
    for record in page.records.into_iter().take(TRIED) {
        let event = TriggerEvent {
            id: "sync".to_owned(),
            received_at: Timestamp::now(),
            event: source.event.clone(),
            payload: record,
        };
        let mut engine = DryEngine::new(Catalog::embedded(), Timestamp::now())
            .with_links(Imagined::over(links.clone()));
        drive(&kept.plan, &event, &setup, &mut engine).await;
        for made in engine.into_history().calls() {
            let app = &made.call.planned.request.app;
            if let Some(name) = kept.connections.get(app) {
                *calls.entry(name.clone()).or_default() += 1.0 / looked_at as f64;
            }
        }
    }
    Ok(Estimate {
        list: source.call.operation.call.clone(),
        records,
        looked_at,
        calls_per_record: calls,
    })
}

/// Looks at all records of the recipe's list, and tells what a sync would change; nothing is written. `tell`
/// is told how many have been seen, of how many.
pub async fn drift(
    way: &Way,
    installed: &Installed,
    installation: &Arc<Installation>,
    tell: impl FnMut(u64, Option<u64>),
) -> Result<DriftReport, ListError> {
    let wrong = |message: String| ListError { message, may_pass: false };
    let source = source(installed, installation).map_err(wrong)?;
    let reader = Reader::new(way, installed, installation, &source.connection, &source.call, 1)?;
    let first = reader.page(1).await?;
    let total = first.total.unwrap_or(first.records.len() as u64);
    let mirror = Mirror::read(way, installed, installation, total).await?;
    let drift = Drift::new(way, installed, installation, &source, Arc::new(mirror))?;
    drift.all(&source, &reader, first, tell).await
}

/// Begins a sync, or goes on with one that was stopped.
pub async fn begin(store: &Store, installed: &Installed, name: &str) -> Result<Done, ActError> {
    let installation = installed.installation(name);
    let installation =
        installation.ok_or_else(|| impossible(format!("no recipe `{name}` is installed")))?;
    source(installed, installation).map_err(impossible)?;
    let rows = store.stages().await?;
    let row = rows.iter().find(|row| row.installation == name);
    match Stage::of(&installation.pin, row, installed.live_at_once) {
        Stage::Live => {}
        stage => {
            return Err(impossible(format!("{name} is {stage}; first `linecook go-live {name}`")));
        }
    }
    let before = progress(store, name).await?;
    let (now, note_text) = match before {
        Some(before) if before.state == SyncState::Running => {
            (before, format!("the sync of {name} is under way already"))
        }
        Some(before) if matches!(before.state, SyncState::Stopped | SyncState::Failed) => {
            let on = Progress { state: SyncState::Running, problem: None, ..before };
            (on, format!("the sync of {name} goes on where it stood"))
        }
        _ => {
            let id = Timestamp::now().as_millisecond();
            let state = SyncState::Running;
            let fresh =
                Progress { id, state, page: 1, taken: 0, agree: 0, total: None, problem: None };
            (fresh, format!("the sync of {name} begins"))
        }
    };
    note(store, name, &now).await?;
    Ok(Done { started: true, ..Done::note(note_text) })
}

/// Stops a sync; it can go on later.
pub async fn stop(store: &Store, name: &str) -> Result<Done, ActError> {
    match progress(store, name).await? {
        Some(now) if now.state == SyncState::Running => {
            note(store, name, &Progress { state: SyncState::Stopped, ..now }).await?;
            Ok(Done::note(format!("the sync of {name} is stopped; what was taken runs to its end")))
        }
        _ => Err(impossible(format!("no sync of {name} is under way"))),
    }
}

/// Works on every sync that is under way.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = all(&service) => {}
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = service.sync.notified() => {}
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn all(service: &Arc<Service>) {
    for installation in service.installed().installations.clone() {
        match progress(service.store(), &installation.name).await {
            Ok(Some(now)) if now.state == SyncState::Running => {
                if let Err(problem) = one(service, &installation, now).await {
                    error!("{problem}: {}", problem.help);
                }
            }
            Ok(_) => {}
            Err(problem) => error!("{problem}: {}", problem.help),
        }
    }
}

/// Takes page after page, as far as it goes now.
async fn one(
    service: &Arc<Service>,
    installation: &Arc<Installation>,
    mut now: Progress,
) -> Result<(), StoreError> {
    let store = service.store();
    let name = &installation.name;
    let fail = |now: Progress, problem: String| async move {
        let problem = Some(problem);
        note(store, name, &Progress { state: SyncState::Failed, problem, ..now }).await
    };
    let installed = service.installed();
    let source = match source(&installed, installation) {
        Ok(source) => source,
        Err(why) => return fail(now, why).await,
    };
    let (way, connection) = (service.way(), &source.connection);
    let reader = match Reader::new(&way, &installed, installation, connection, &source.call, 1) {
        Ok(reader) => reader,
        Err(problem) => return fail(now, problem.message).await,
    };
    let (mut drift, mut looked, mut agreed) = (None, 0, 0);
    loop {
        while store.count_open_of(1).await? > AHEAD {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // A recipe that is paused takes nothing more; it goes on when it is live again.
        if service.stages().of(name).is_some_and(|stage| stage != Stage::Live) {
            return Ok(());
        }
        // Somebody may have stopped it meanwhile.
        match progress(store, name).await? {
            Some(stored) if stored.state == SyncState::Running && stored.id == now.id => {}
            _ => return Ok(()),
        }
        let page = match reader.page(now.page).await {
            Ok(page) => page,
            Err(problem) if problem.may_pass => {
                warn!(recipe = %name, "the sync waits: {problem}");
                return Ok(());
            }
            Err(problem) => {
                error!(recipe = %name, "the sync failed: {problem}");
                return fail(now, problem.message).await;
            }
        };
        if drift.is_none() {
            let total = page.total.unwrap_or(page.records.len() as u64);
            match Mirror::read(&way, &installed, installation, total).await {
                Ok(mirror) => {
                    match Drift::new(&way, &installed, installation, &source, Arc::new(mirror)) {
                        Ok(made) => drift = Some(made),
                        Err(problem) => return fail(now, problem.message).await,
                    }
                }
                Err(problem) if problem.may_pass => {
                    warn!(recipe = %name, "the sync waits: {problem}");
                    return Ok(());
                }
                Err(problem) => return fail(now, problem.message).await,
            }
        }
        let mut arrivals: Vec<Arrival> = Vec::new();
        for record in &page.records {
            // Where nothing was ever as wished, nothing is gained by looking.
            let looks = agreed > 0 || looked < TRIED_IN_VAIN;
            if let Some(drift) = drift.as_ref().filter(|_| looks) {
                looked += 1;
                if drift.of(&source.event, record.clone()).await.agrees() {
                    agreed += 1;
                    continue;
                }
            }
            arrivals.push(arrival(&installed, installation, &source, record, now.id));
        }
        let before = text(&now);
        now.taken += page.records.len() as u64;
        now.agree += (page.records.len() - arrivals.len()) as u64;
        service.accept_all(arrivals).await?;
        now.total = page.total.or(now.total);
        now.page += 1;
        if page.is_last {
            now.state = SyncState::Done;
            info!(recipe = %name, records = now.taken, agree = now.agree, "the sync has seen all records");
        }
        // Stopped meanwhile: this page is read again, and its records are known then.
        let moved = store.move_position(&position(name), &before, &text(&now)).await?;
        if page.is_last || !moved {
            return Ok(());
        }
    }
}

fn arrival(
    installed: &Installed,
    installation: &Installation,
    source: &Source,
    record: &Map<String, Value>,
    sync: i64,
) -> Arrival {
    let id = record.get("id").map(Value::to_string).unwrap_or_default();
    let fingerprint = Fingerprint::of(&[
        b"sync",
        installation.name.as_bytes(),
        &sync.to_le_bytes(),
        id.as_bytes(),
    ]);
    let app = Catalog::embedded().app(&source.event.app);
    let app = app.expect("an event of the catalog belongs to an app of the catalog");
    let received_at = Timestamp::now();
    let happening =
        Happening { connection: &source.connection, app, event: &source.event.id, payload: record };
    let facts = TriggerFacts { received_at, unique: fingerprint.bytes() };
    let only = Some(installation.name.as_str());
    let (starts, about) = installed.starts(&happening, &facts, 1, only);
    Arrival {
        received_at,
        connection: source.connection.clone(),
        app: source.event.app.clone(),
        event: source.event.id.clone(),
        record: about,
        payload: Value::Object(record.clone()).to_string(),
        // Without an id nothing tells one record from another.
        fingerprint: record.contains_key("id").then_some(fingerprint),
        starts,
    }
}
