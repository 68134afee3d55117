//! Where each recipe stands: in the sandbox, live, in review or paused. What is installed and what the store
//! says comes in; whether a run may go on, and each call of it, goes out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::installed::Installed;
use crate::call::Response;
use crate::catalog::Catalog;
use crate::execute::{Allowance, Permit, Used};
use crate::journal::{Entry, PlannedCall};
use crate::store::{Pause, StageRow, Store, StoreError};

/// How far back what has been done counts.
const WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// Where a recipe stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has never gone live: nothing is sent.
    Sandbox,
    Live,
    /// It has changed since it went live: its runs wait.
    Review,
    /// Its runs wait.
    Paused(Pause),
}

impl Stage {
    pub fn word(&self) -> &'static str {
        match self {
            Stage::Sandbox => "sandbox",
            Stage::Live => "live",
            Stage::Review => "review",
            Stage::Paused(_) => "paused",
        }
    }

    /// Of an installation by its pin, and what the store says of it.
    pub fn of(pin: &str, row: Option<&StageRow>, live_at_once: bool) -> Stage {
        if let Some(pause) = row.and_then(|row| row.pause.clone()) {
            return Stage::Paused(pause);
        }
        match row.and_then(|row| row.pin.as_deref()) {
            _ if live_at_once => Stage::Live,
            Some(live) if live.is_empty() || live == pin => Stage::Live,
            Some(_) => Stage::Review,
            None => Stage::Sandbox,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Sandbox => f.write_str("in the sandbox: it has never gone live"),
            Stage::Live => f.write_str("live"),
            Stage::Review => f.write_str("in review: it has changed since it went live"),
            Stage::Paused(pause) => write!(f, "paused: {}", pause.why),
        }
    }
}

/// What runs of an installation have done in the last 24 hours, since it went live.
pub async fn done_lately(
    store: &Store,
    installation: &str,
    live_at: Option<Timestamp>,
) -> Result<Allowance, StoreError> {
    let since = Timestamp::now() - WINDOW;
    let since = live_at.map_or(since, |live| live.max(since));
    let nothing = (Allowance::default(), HashMap::new());
    let (done, _) = store
        .each_entry_since(installation, since, nothing, |(done, sent), run, at, entry| {
            let catalog = Catalog::embedded();
            match entry {
                Entry::Intent { key, call } => {
                    let _ = done.take(catalog, &call, at);
                    sent.insert((run, key), call);
                }
                Entry::Answered { key, answer, .. } => {
                    if let (Some(call), Ok(response)) = (sent.remove(&(run, key)), answer) {
                        done.learn(catalog, &call, &response);
                    }
                }
                _ => {}
            }
        })
        .await?;
    Ok(done)
}

/// The stages of everything that is installed. Clones are the same.
#[derive(Clone, Default)]
pub struct Stages {
    all: Arc<Mutex<HashMap<String, Arc<Standing>>>>,
}

struct Standing {
    /// Those that have ever been live.
    live_plans: Vec<i64>,
    inner: Mutex<Inner>,
}

struct Inner {
    stage: Stage,
    live_at: Option<Timestamp>,
    allowance: Option<Allowance>,
}

impl Standing {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a run of it stands: what is in review does not concern one with a plan that was live before.
    fn stage_of(&self, plan: i64) -> Stage {
        match &self.inner().stage {
            Stage::Review if self.live_plans.contains(&plan) => Stage::Live,
            // Its plan was installed before, and nobody has let it go live.
            Stage::Live if !self.live_plans.contains(&plan) => Stage::Review,
            stage => stage.clone(),
        }
    }
}

impl Stages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Standing>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns where everything stands now. What has been done lately is counted anew only where that is
    /// not known yet.
    pub async fn read(&self, store: &Store, installed: &Installed) -> Result<(), StoreError> {
        let rows = store.stages().await?;
        let mut all = HashMap::new();
        for installation in &installed.installations {
            let name = &installation.name;
            let row = rows.iter().find(|row| row.installation == *name);
            if row.is_some_and(|row| row.pin.as_deref() == Some("")) {
                store.pin(name, &installation.pin).await?;
            }
            let stage = Stage::of(&installation.pin, row, installed.live_at_once);
            let live_at = row.and_then(|row| row.live_at);
            let before = self.all().get(name).cloned();
            let counted = before.and_then(|entry| {
                let inner = entry.inner();
                // With each going live counting begins anew: a person has looked.
                inner.allowance.clone().filter(|_| inner.live_at == live_at)
            });
            let limits = installation.limits;
            let allowance = match counted {
                _ if limits.is_none() => None,
                Some(counted) => Some(counted.limited(limits)),
                None => Some(done_lately(store, name, live_at).await?.limited(limits)),
            };
            let now_live = (stage == Stage::Live).then_some(installation.plan);
            let live_plans = store.plan_is_live(name, now_live).await?;
            let inner = Mutex::new(Inner { stage, live_at, allowance });
            all.insert(name.clone(), Arc::new(Standing { live_plans, inner }));
        }
        *self.all() = all;
        Ok(())
    }

    /// Where a run stands. What is not installed any more goes on with what it has.
    pub fn of_run(&self, installation: &str, plan: i64) -> Stage {
        let entry = self.all().get(installation).cloned();
        entry.map_or(Stage::Live, |entry| entry.stage_of(plan))
    }

    pub fn of(&self, installation: &str) -> Option<Stage> {
        Some(self.all().get(installation)?.inner().stage.clone())
    }

    /// What has been done lately, where there are limits.
    pub fn used(&self, installation: &str) -> Option<Used> {
        let entry = self.all().get(installation).cloned()?;
        let used = entry.inner().allowance.as_mut()?.used(Timestamp::now());
        Some(used)
    }

    /// Who is asked before each call of a run.
    pub fn permit(&self, installation: &str, plan: i64) -> Arc<dyn Permit> {
        Arc::new(RunPermit { stages: self.clone(), installation: installation.to_owned(), plan })
    }
}

struct RunPermit {
    stages: Stages,
    installation: String,
    plan: i64,
}

impl RunPermit {
    /// Looked up each time: a recipe that is installed anew counts on in a new place.
    fn entry(&self) -> Option<Arc<Standing>> {
        self.stages.all().get(&self.installation).cloned()
    }
}

impl Permit for RunPermit {
    fn ask(&self, call: &PlannedCall) -> Result<(), String> {
        let Some(entry) = self.entry() else { return Ok(()) };
        match entry.stage_of(self.plan) {
            Stage::Live => {}
            stage => return Err(format!("its recipe is {stage}")),
        }
        let now = Timestamp::now();
        let mut inner = entry.inner();
        let Some(allowance) = &mut inner.allowance else { return Ok(()) };
        allowance.take(Catalog::embedded(), call, now).map_err(|exceeded| {
            let why = format!("{exceeded} (`limits: {}` in linecook.yaml)", exceeded.key());
            let pause = Pause { at: now, why, by_limit: true };
            inner.stage = Stage::Paused(pause);
            format!("its recipe is {}", inner.stage)
        })
    }

    fn answered(&self, call: &PlannedCall, response: &Response) {
        if let Some(entry) = self.entry()
            && let Some(allowance) = &mut entry.inner().allowance
        {
            allowance.learn(Catalog::embedded(), call, response);
        }
    }
}
