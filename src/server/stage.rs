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
use crate::execute::{Allowance, Permit};
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

/// One installation, for as long as the program runs: who holds it learns of every change.
struct Standing {
    inner: Mutex<Inner>,
}

struct Inner {
    stage: Stage,
    live_at: Option<Timestamp>,
    /// The plans that have ever been live.
    live_plans: Vec<i64>,
    /// Where there are limits.
    allowance: Option<Allowance>,
}

impl Standing {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Where a run stands: what is in review does not concern one with a plan that was live before.
    fn stage_of(&self, plan: i64) -> Stage {
        match &self.stage {
            Stage::Review if self.live_plans.contains(&plan) => Stage::Live,
            // Its plan was installed before, and nobody has let it go live.
            Stage::Live if !self.live_plans.contains(&plan) => Stage::Review,
            stage => stage.clone(),
        }
    }

    /// A pause by a limit that the store does not know of yet.
    fn is_just_paused(&self, row: Option<&StageRow>) -> bool {
        let is_noted = row.is_some_and(|row| row.pause.is_some() || row.live_at != self.live_at);
        matches!(&self.stage, Stage::Paused(pause) if pause.by_limit) && !is_noted
    }
}

impl Stages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Standing>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self, installation: &str) -> Option<Arc<Standing>> {
        self.all().get(installation).cloned()
    }

    /// Learns where everything stands now. What has been done lately is counted anew only where that is
    /// not known yet.
    pub async fn read(&self, store: &Store, installed: &Installed) -> Result<(), StoreError> {
        let rows = store.stages().await?;
        for installation in &installed.installations {
            let (name, limits) = (&installation.name, installation.limits);
            let row = rows.iter().find(|row| row.installation == *name);
            if row.is_some_and(|row| row.pin.as_deref() == Some("")) {
                store.pin(name, &installation.pin).await?;
            }
            let stage = Stage::of(&installation.pin, row, installed.live_at_once);
            let live_at = row.and_then(|row| row.live_at);
            let now_live = (stage == Stage::Live).then_some(installation.plan);
            let live_plans = store.plan_is_live(name, now_live).await?;
            let there = self.standing(name);
            let is_counted = there.as_ref().is_some_and(|there| {
                let inner = there.inner();
                // With each going live counting begins anew: a person has looked.
                inner.allowance.is_some() && inner.live_at == live_at
            });
            let counted = match limits.is_none() || is_counted {
                true => None,
                false => Some(done_lately(store, name, live_at).await?),
            };
            let Some(there) = there else {
                let mut inner = Inner { stage, live_at, live_plans, allowance: counted };
                if let Some(allowance) = &mut inner.allowance {
                    allowance.limit(limits);
                }
                self.all().insert(name.clone(), Arc::new(Standing { inner: Mutex::new(inner) }));
                continue;
            };
            let mut inner = there.inner();
            if !inner.is_just_paused(row) {
                inner.stage = stage;
            }
            inner.live_at = live_at;
            inner.live_plans = live_plans;
            inner.allowance = counted.or(inner.allowance.take()).filter(|_| !limits.is_none());
            if let Some(allowance) = &mut inner.allowance {
                allowance.limit(limits);
            }
        }
        self.all().retain(|name, _| installed.installation(name).is_some());
        Ok(())
    }

    /// Where a run stands. What is not installed any more goes on with what it has.
    pub fn of_run(&self, installation: &str, plan: i64) -> Stage {
        self.standing(installation).map_or(Stage::Live, |there| there.inner().stage_of(plan))
    }

    pub fn of(&self, installation: &str) -> Option<Stage> {
        Some(self.standing(installation)?.inner().stage.clone())
    }

    /// Who is asked before each call of a run; none for what is not installed any more.
    pub fn permit(&self, installation: &str, plan: i64) -> Option<Arc<dyn Permit>> {
        let standing = self.standing(installation)?;
        Some(Arc::new(RunPermit { standing, plan }))
    }
}

struct RunPermit {
    standing: Arc<Standing>,
    plan: i64,
}

impl Permit for RunPermit {
    fn ask(&self, call: &PlannedCall) -> Result<(), String> {
        let mut inner = self.standing.inner();
        match inner.stage_of(self.plan) {
            Stage::Live => {}
            stage => return Err(format!("its recipe is {stage}")),
        }
        let now = Timestamp::now();
        let Some(allowance) = &mut inner.allowance else { return Ok(()) };
        allowance.take(Catalog::embedded(), call, now).map_err(|exceeded| {
            let why = format!("{exceeded} (`limits: {}` in linecook.yaml)", exceeded.key());
            let pause = Pause { at: now, why, by_limit: true };
            inner.stage = Stage::Paused(pause);
            format!("its recipe is {}", inner.stage)
        })
    }

    fn answered(&self, call: &PlannedCall, response: &Response) {
        if let Some(allowance) = &mut self.standing.inner().allowance {
            allowance.learn(Catalog::embedded(), call, response);
        }
    }
}
