//! One run: it starts or goes on, until it ends, waits, or a person has to look.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::{Instrument, debug, error, info_span, warn};

use super::bundle::{Bundled, Bundles, Together};
use super::installed::{Installed, Kept};
use super::metrics::Counted;
use super::run_journal::RunJournal;
use super::sandboxed;
use super::stage::{Stage, Stages};
use crate::clock::SystemClock;
use crate::execute::{
    Care, DurableEngine, LONGEST_CHAIN, OwnWrites, RecordLocks, Setup, TriggerEvent, drive,
};
use crate::http::HttpCaller;
use crate::journal::{Outcome, Replay, StepError, StepErrorKind, Written};
use crate::plan::Accounts;
use crate::store::{
    Ended, LinkAccounts, Ready, Remembered, RunId, RunState, Store, StoreError, StoreErrorKind,
    StoreLinks,
};

/// A wait up to this is waited for where it stands; a longer one lets the next run start.
const PATIENCE: Duration = Duration::from_secs(5);
/// Old plans are looked up again when they run again.
const MOST_SHARED: usize = 200;
const NO_PLAN: &str = "its plan is not there any more";

/// Runs runs.
pub struct Runner {
    pub store: Store,
    pub caller: HttpCaller,
    pub gates: super::gates::Gates,
    /// Runs behind this one were made by this process: they have no journal yet.
    pub fresh_behind: RunId,
    /// Longer than a call may last: only then is it looked whether something has happened.
    settle_after: Duration,
    /// Keeps writers of the same record apart.
    locks: RecordLocks,
    /// What runs of a sync send together.
    bundles: Bundles,
    /// What has been written lately: what tells of that is an echo.
    pub own_writes: OwnWrites,
    pub stages: Stages,
    installed: Mutex<Arc<Installed>>,
    kept: Mutex<HashMap<i64, Arc<Kept>>>,
    /// By plan and by the connection that the event came through.
    shared: Mutex<HashMap<(i64, String), Arc<Shared>>>,
}

/// What all runs share that have the same plan and whose events came through the same connection.
struct Shared {
    /// App → connection, as they are called now.
    connections: Arc<BTreeMap<String, String>>,
    caller: HttpCaller,
    accounts: Arc<Accounts>,
    /// In which accounts it finds the records of its links.
    links: Arc<LinkAccounts>,
    care: Care,
}

impl Runner {
    pub fn new(
        store: Store,
        caller: HttpCaller,
        gates: super::gates::Gates,
        installed: Arc<Installed>,
        fresh_behind: RunId,
        settle_after: Duration,
    ) -> Runner {
        let (installed, kept) = (Mutex::new(installed), Mutex::default());
        Runner {
            store,
            caller,
            gates,
            fresh_behind,
            settle_after,
            installed,
            kept,
            locks: RecordLocks::default(),
            bundles: Bundles::default(),
            own_writes: OwnWrites::default(),
            stages: Stages::default(),
            shared: Mutex::default(),
        }
    }

    pub fn installed(&self) -> Arc<Installed> {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is installed from now on. Runs that have started keep what they have.
    pub fn install(&self, installed: Arc<Installed>) {
        *self.installed.lock().unwrap_or_else(PoisonError::into_inner) = installed;
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What a run shares with others; the error says which connection is missing.
    fn shared(&self, ready: &Ready, kept: &Kept) -> Result<Arc<Shared>, String> {
        let key = (ready.plan, ready.connection.clone());
        // Looked up and made under one lock: what is installed meanwhile empties it behind that.
        let mut all = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = all.get(&key) {
            return Ok(there.clone());
        }
        let installed = self.installed();
        let connections = installed.names_now(&kept.connections);
        let app = kept.plan.recipe.trigger.events.iter().find(|e| e.name() == ready.event);
        let app = app.map_or("", |event| event.app.as_str());
        let made = Arc::new(Shared {
            caller: self.caller.through(&connections),
            accounts: kept.accounts(&installed)?,
            links: Arc::new(installed.accounts_of(&connections, (app, ready.connection.as_str()))),
            connections: Arc::new(connections),
            care: installed.care,
        });
        if all.len() >= MOST_SHARED {
            all.clear();
        }
        all.insert(key, made.clone());
        Ok(made)
    }

    /// Learns where the recipes stand now, and opens what waits for one that is live.
    pub async fn restage(&self) -> Result<Vec<RunId>, StoreError> {
        let installed = self.installed();
        self.stages.read(&self.store, &installed).await?;
        self.open_paused().await
    }

    /// Opens what waits for a recipe that is live.
    pub async fn open_paused(&self) -> Result<Vec<RunId>, StoreError> {
        let mut opened = Vec::new();
        for (name, _) in self.store.paused_runs().await? {
            if let (Some(Stage::Live), Some(installation)) =
                (self.stages.of(&name), self.installed().installation(&name))
            {
                opened.extend(self.store.open_paused(&name, installation.plan).await?);
            }
        }
        Ok(opened)
    }

    /// Runs one run as far as it goes now, and notes how it stands. None when it is as it was, because the
    /// service stops or the store does not take anything.
    pub async fn run(
        &self,
        ready: Ready,
        stopping: Arc<AtomicBool>,
        reopened: bool,
    ) -> Option<Ended> {
        let id = ready.id;
        let span = info_span!("run", run = %id, event = %ready.event);
        self.guarded(ready, stopping, reopened).instrument(span).await.unwrap_or_else(|problem| {
            error!(run = %id, "{problem}");
            None
        })
    }

    /// Notes that a run failed before its first step.
    async fn does_not_start(
        &self,
        run: RunId,
        row: u32,
        why: StepError,
    ) -> Result<Option<Ended>, StoreError> {
        self.ends(run, row, Ended::of(Outcome::Failed(Box::new(why)))).await
    }

    /// Notes how a run stands without having done anything.
    async fn ends(
        &self,
        run: RunId,
        row: u32,
        ended: Option<Ended>,
    ) -> Result<Option<Ended>, StoreError> {
        let (nothing, remembered) = (Written::default(), Remembered::default());
        self.store.append(run, row, &nothing, Vec::new(), remembered, ended.clone()).await?;
        Ok(ended)
    }

    /// Notes what a run would have done.
    async fn pretends(&self, ready: Ready) -> Result<Option<Ended>, StoreError> {
        let run = ready.id;
        let kept = self.kept(ready.plan).await?;
        let kept = kept.ok_or_else(|| NO_PLAN.to_owned());
        let started = kept.and_then(|kept| Ok((self.start(&ready, &kept)?, kept)));
        let ((event, setup, shared), kept) = match started {
            Ok(started) => started,
            Err(why) => return self.does_not_start(run, 0, cannot_start(why)).await,
        };
        let links = StoreLinks { store: self.store.clone(), accounts: shared.links.clone() };
        let reason = sandboxed::reason(&kept.plan, &event, &setup, links).await;
        let outcome = Outcome::Stopped { reason, place: Default::default() };
        self.ends(run, 0, Ended::of(outcome)).await
    }

    async fn guarded(
        &self,
        ready: Ready,
        stopping: Arc<AtomicBool>,
        reopened: bool,
    ) -> Result<Option<Ended>, StoreError> {
        match self.stages.of_run(&ready.installation, ready.plan) {
            Stage::Live => {}
            Stage::Sandbox => return Box::pin(self.pretends(ready)).await,
            stage => return self.ends(ready.id, 0, Some(paused(&stage))).await,
        }
        let rows = match ready.id > self.fresh_behind && !reopened {
            true => Vec::new(),
            false => self.store.journal(ready.id).await?,
        };
        let row = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let entries = rows.into_iter().flat_map(|row| row.entries);
        let kept = self.kept(ready.plan).await?;
        let started = match (Replay::of(entries), &kept) {
            (Ok(replay), Some(kept)) => self
                .start(&ready, kept)
                .map(|(event, setup, shared)| (replay, event, setup, shared)),
            (Err(illegal), _) => Err(format!("its journal cannot be: {illegal}")),
            (_, None) => Err(NO_PLAN.to_owned()),
        };
        let (replay, event, mut setup, shared) = match started {
            Ok(started) => started,
            Err(why) => {
                return self.does_not_start(ready.id, row, cannot_start(why)).await;
            }
        };
        setup.locks = self.locks.clone();
        setup.own_writes = self.own_writes.clone();
        if let Some(record) = event.event.record_of(&event.payload) {
            setup.chain = self.own_writes.chain(&record);
        }
        if setup.chain >= LONGEST_CHAIN {
            return self.does_not_start(ready.id, row, goes_round(setup.chain)).await;
        }
        let kept = kept.expect("a run without its plan has not come this far");
        let quota = self.gates.of_run(&shared.connections, ready.priority);
        let caller = Bundled {
            caller: Counted(shared.caller.clone()),
            with: (ready.priority > 0).then(|| Together {
                bundles: self.bundles.clone(),
                accounts: shared.accounts.clone(),
                connections: shared.connections.clone(),
            }),
        };
        let journal = RunJournal {
            store: self.store.clone(),
            run: ready.id,
            row,
            connections: shared.connections.clone(),
            links: StoreLinks { store: self.store.clone(), accounts: shared.links.clone() },
            installation: ready.installation,
            plan: ready.plan,
            payload: ready.payload.unwrap_or_default(),
        };
        let permit = self.stages.permit(&journal.installation, journal.plan);
        let mut engine = DurableEngine::new(
            caller,
            SystemClock::real(),
            journal,
            quota,
            replay,
            PATIENCE,
            stopping.clone(),
        )
        .with_permit(permit);
        let outcome = drive(&kept.plan, &event, &setup, &mut engine).await;
        let (journal, mut pending) = engine.into_journal();
        match &outcome {
            Outcome::Failed(error) => {
                warn!(recipe = %kept.plan.recipe.name, step = %error.step, line = error.place.line, "failed: {}", error.message);
            }
            Outcome::Held { question, .. } => {
                warn!(recipe = %kept.plan.recipe.name, "held: {}", question.text);
            }
            Outcome::Stopped { reason, .. } => {
                debug!(recipe = %kept.plan.recipe.name, "stopped: {reason}");
            }
            other => debug!(recipe = %kept.plan.recipe.name, "{}", other.word()),
        }
        let stage = match &outcome {
            Outcome::Suspended { .. } => self.stages.of_run(&journal.installation, journal.plan),
            _ => Stage::Live,
        };
        let installation = journal.installation.clone();
        let ended = match stage {
            Stage::Live => Ended::of(outcome),
            ref stage => {
                // It has not begun: it takes the recipe that goes live next.
                if journal.row == 0 && pending.costs().is_empty() {
                    pending.clear();
                }
                Some(paused(stage))
            }
        };
        let ended = self.note(journal, pending, ended, &stopping).await;
        if let Stage::Paused(pause) = &stage
            && pause.by_limit
            && self.store.pause(&installation, pause).await?
        {
            error!(recipe = %kept.plan.recipe.name, "paused: {}", pause.why);
        }
        Ok(ended)
    }

    /// Notes how the run stands, as soon as the store takes it.
    async fn note(
        &self,
        journal: RunJournal,
        pending: Written,
        ended: Option<Ended>,
        stopping: &AtomicBool,
    ) -> Option<Ended> {
        let mut pause = Duration::from_millis(200);
        loop {
            let spent = journal.spent(&pending);
            let (run, row) = (journal.run, journal.row);
            let remembered = journal.remembered(&pending);
            match self.store.append(run, row, &pending, spent, remembered, ended.clone()).await {
                Ok(()) => return ended,
                Err(problem) => {
                    error!("{problem}: {}", problem.help);
                    // What is not noted is found out again at the next start; so is what a person did
                    // with the run meanwhile.
                    let overtaken = problem.kind == StoreErrorKind::Overtaken;
                    if overtaken || stopping.load(Ordering::Relaxed) {
                        return None;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }

    /// The event and everything else a run starts with.
    fn start(
        &self,
        ready: &Ready,
        kept: &Kept,
    ) -> Result<(TriggerEvent, Setup, Arc<Shared>), String> {
        let events = &kept.plan.recipe.trigger.events;
        let event = events
            .iter()
            .find(|e| e.name() == ready.event)
            .ok_or_else(|| format!("its recipe is not started by `{}` any more", ready.event))?;
        let text = ready.payload.as_deref().ok_or("its event is no longer kept")?;
        let payload: Map<String, Value> =
            serde_json::from_str(text).map_err(|e| format!("its event cannot be read: {e}"))?;
        let event = TriggerEvent {
            id: format!("event-{}", ready.delivery),
            received_at: ready.received_at,
            event: event.clone(),
            payload,
        };
        let shared = self.shared(ready, kept)?;
        let accounts = shared.accounts.clone();
        let setup = kept.setup(ready.id.to_string(), accounts, shared.care, self.settle_after);
        Ok((event, setup, shared))
    }

    async fn kept(&self, plan: i64) -> Result<Option<Arc<Kept>>, StoreError> {
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&plan).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let installed = self.installed();
        let kept = match installed.installations.iter().find(|i| i.plan == plan) {
            Some(installation) => Some(installation.kept.clone()),
            None => {
                let stored = self.store.plan(plan).await?;
                stored.and_then(|s| serde_json::from_str(&s.body).ok()).map(Arc::new)
            }
        };
        if let Some(kept) = &kept {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Old plans are read again when they are asked for again.
            if all.len() > 200 {
                all.clear();
            }
            all.insert(plan, kept.clone());
        }
        Ok(kept)
    }
}

/// A run that waits until its recipe is live.
fn paused(stage: &Stage) -> Ended {
    let why = format!("its recipe is {stage}");
    Ended { state: RunState::Paused, due_at: None, outcome: Outcome::Suspended { why } }
}

fn cannot_start(why: String) -> StepError {
    StepError {
        step: String::new(),
        place: Default::default(),
        kind: StepErrorKind::Data,
        field: None,
        message: format!("the run cannot start: {why}"),
        instead: "correct that, then let it go on with `linecook runs retry`".to_owned(),
        response: None,
        app: None,
    }
}

/// Recipes or tools answer each other.
fn goes_round(chain: u32) -> StepError {
    StepError {
        message: format!(
            "this goes round in circles: {chain} of our own writes led here, each started by what the one before \
             had changed"
        ),
        instead: "look which recipes or tools write the same record in turn and never agree, mend one of them, \
                  then let it go on with `linecook runs retry`"
            .to_owned(),
        ..cannot_start(String::new())
    }
}
