//! The quotas of all connections, as one run sees them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::call::{CallError, Response};
use crate::catalog::Catalog;
use crate::connection::Connection;
use crate::execute::Quota;
use crate::execute::gate::{Breaker, Gate, GateState, Limits, Pass, Priority, Spent};
use crate::store::{Store, StoreError};

/// So far back requests count: the longest window of an app is a day.
const DAY_SECONDS: i64 = 24 * 3_600;
/// A run waits so long for room where it stands; with more to wait it comes back later.
const PATIENCE: Duration = Duration::from_secs(60);

/// The gates of all connections, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Gates {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    gates: BTreeMap<String, (Limits, Gate)>,
    /// By host: an outage is one for all connections to it.
    breakers: HashMap<String, Breaker>,
}

impl Gates {
    /// Makes the gates of connections, with what each has spent lately. Those that have not changed stay.
    pub async fn open(
        &self,
        store: &Store,
        connections: &BTreeMap<String, Connection>,
        limits: impl Fn(&str) -> Option<Limits>,
    ) -> Result<(), StoreError> {
        let now = Timestamp::now().as_second();
        for (name, connection) in connections {
            let catalog = || Catalog::embedded().app(&connection.app).map(Limits::of);
            let Some(limits) = limits(name).or_else(catalog) else { continue };
            let is_known = self.lock().gates.get(name).is_some_and(|(known, _)| *known == limits);
            if is_known {
                continue;
            }
            let spent = store.spent(name, now - DAY_SECONDS).await?;
            let spent: Vec<Spent> = spent
                .into_iter()
                .map(|s| Spent {
                    ago: Duration::from_secs((now - s.second - 1).max(0).unsigned_abs()),
                    requests: s.requests,
                    failures: s.failures,
                })
                .collect();
            let mut inner = self.lock();
            let host = url::Url::parse(&connection.base_url).ok();
            let host = host.map(|url| url.authority().to_owned()).unwrap_or_default();
            let breaker =
                inner.breakers.entry(host).or_insert_with(|| Breaker::new(fastrand::u64(..)));
            let gate = Gate::new(&limits, breaker.clone(), &spent);
            inner.gates.insert(name.clone(), (limits, gate));
        }
        self.lock().gates.retain(|name, _| connections.contains_key(name));
        Ok(())
    }

    /// The gates that one run passes through: app → connection comes in.
    pub fn of_run(&self, connections: &BTreeMap<String, String>, priority: u8) -> RunGates {
        let inner = self.lock();
        let gate =
            |(app, name): (&String, &String)| Some((app.clone(), inner.gates.get(name)?.1.clone()));
        let gates = connections.iter().filter_map(gate).collect();
        let priority = if priority == 0 { Priority::Live } else { Priority::Sync };
        RunGates { gates, priority }
    }

    /// How each connection stands.
    pub fn states(&self) -> Vec<(String, GateState)> {
        let inner = self.lock();
        inner.gates.iter().map(|(name, (_, gate))| (name.clone(), gate.state())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gates that one run passes through.
pub struct RunGates {
    /// By app.
    gates: BTreeMap<String, Gate>,
    priority: Priority,
}

impl Quota for RunGates {
    /// None where nothing is limited.
    type Pass = Option<Pass>;

    async fn enter(&self, app: &str, attempt: u32) -> Result<Option<Pass>, Timestamp> {
        let Some(gate) = self.gates.get(app) else { return Ok(None) };
        let priority = match self.priority {
            Priority::Live if attempt > 1 => Priority::Retry,
            other => other,
        };
        match gate.enter(priority, PATIENCE).await {
            Ok(pass) => Ok(Some(pass)),
            Err(closed) => {
                Err(Timestamp::now().checked_add(closed.after).unwrap_or(Timestamp::MAX))
            }
        }
    }

    fn answered(&self, pass: Option<Pass>, answer: &Result<Response, CallError>) {
        if let Some(pass) = pass {
            pass.answered(answer);
        }
    }

    fn unused(&self, pass: Option<Pass>) {
        if let Some(pass) = pass {
            pass.unused();
        }
    }
}
