//! The service that people leave running: webhooks, schedules and polls come in; runs that end whatever
//! happens in between go out.

mod acts;
mod bundle;
mod chores;
mod dispatch;
mod gates;
mod hooks;
mod installed;
mod list;
mod listen;
mod metrics;
mod notify;
mod own_events;
mod receive;
mod registrar;
mod rehearsal;
mod run_journal;
mod runner;
mod sandboxed;
mod signature;
mod stage;
mod sync;
mod timers;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::catalog::{App, Catalog};
use crate::connection::{Connection, Credentials, Expired, Redactor};
use crate::execute::gate::Limits;
use crate::http::{Guard, HttpCaller};
use crate::plan::Plan;
use crate::store::{
    Accepted, Arrival, Deliveries, Ended, NewPlan, RunState, Runs, Store, StoreError,
};
use crate::value::Defaults;
use crate::vault::Vault;

pub use acts::{ActError, Done, act, serve_requests};
pub use chores::Keep;
pub use gates::Gates;
pub use hooks::{Hooks, HooksError, hook_secrets, names as hook_names};
pub use installed::{Happening, Installation, Installed, Kept, TriggerFacts};
pub use list::{ListError, Way, call as list_call};
pub(crate) use listen::listen;
pub use notify::{Email, Notify};
pub use registrar::{RegisteredHook, Registrar, RegistrarError, Retries};
pub use rehearsal::Rehearsal;
pub use signature::{PublicKey, SigningKeys, Verifier};

pub use stage::{Stage, Stages, done_lately};
pub use sync::{DriftReport, Estimate, Mirror, Progress, SyncState, drift, estimate, progress};

use dispatch::{Dispatcher, Handle, Order};
use runner::Runner;

/// What may have happened is looked for so long after the last moment it could have been answered.
const SETTLE_MARGIN: Duration = Duration::from_secs(1);
/// A stop waits so long for a token that is being renewed: as long as that may last.
const SETTLE_AT_MOST: Duration = Duration::from_secs(35);

/// With so many open runs no more events are taken.
const MOST_OPEN_RUNS: i64 = 5_000_000;

/// How the service is started.
pub struct Options {
    pub listen: SocketAddr,
    /// How many runs run at once.
    pub parallel: usize,
    /// The longest that one call may last.
    pub request_timeout: Duration,
    pub verifier: Verifier,
    pub keep: Keep,
    pub notify: Notify,
    /// Where webhooks arrive from outside; none do without it.
    pub public_url: Option<String>,
    /// Where the secrets of webhook addresses are.
    pub vault: Vault,
    /// Hides what is secret in all that comes in; it learns what the service knows.
    pub redactor: Redactor,
    /// What calls are made with.
    pub credentials: Arc<dyn Credentials>,
}

/// A recipe to be installed.
pub struct Installing {
    pub name: String,
    /// The recipe's file.
    pub recipe: String,
    /// The recipe's text.
    pub source: String,
    pub plan: Plan,
    pub settings: Map<String, Value>,
    /// App → name of the connection.
    pub connections: BTreeMap<String, String>,
    /// How often both sides are compared, and what differs is repaired.
    pub sync_every: Option<Duration>,
    /// Tells its content, with its settings and accounts, from every other.
    pub pin: String,
    /// What it may do in 24 hours.
    pub limits: crate::project::Limits,
}

/// The service, as its doors and its clocks see it.
pub struct Service {
    runner: Arc<Runner>,
    dispatch: Handle,
    verifier: Verifier,
    hooks: Hooks,
    /// Counted now and then, and guessed in between.
    open_runs: AtomicI64,
    notifies: bool,
    /// Where webhooks arrive from outside; none do without it.
    public_url: Option<String>,
    ready: AtomicBool,
    /// Rings when a sync is to begin.
    sync: tokio::sync::Notify,
    /// Rings when what is installed has changed.
    reinstalled: tokio::sync::Notify,
    recorder: PrometheusHandle,
    credentials: Arc<dyn Credentials>,
    /// Stands before every call.
    guard: Guard,
    /// What has been told of them.
    expired: Mutex<Vec<Expired>>,
    told_stages: Mutex<HashMap<String, Stage>>,
}

/// A service that runs.
pub struct Running {
    pub service: Arc<Service>,
    /// Where it listens.
    pub address: SocketAddr,
    stop_listening: oneshot::Sender<Duration>,
    stop_working: oneshot::Sender<Duration>,
    stop_chores: watch::Sender<bool>,
    listening: JoinHandle<()>,
    working: JoinHandle<()>,
    chores: JoinSet<()>,
}

/// Why the service does not start.
#[derive(Debug)]
pub struct StartError {
    pub message: String,
    pub help: String,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> StartError {
        StartError { message: error.message, help: error.help }
    }
}

impl From<HooksError> for StartError {
    fn from(error: HooksError) -> StartError {
        StartError { message: error.message, help: error.help }
    }
}

/// Keeps the plans of recipes and gives what is installed.
pub async fn install(
    store: &Store,
    recipes: Vec<Installing>,
    defaults: &Defaults,
    connections: BTreeMap<String, Connection>,
) -> Result<Installed, StoreError> {
    let mut installations = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let kept = Kept::new(recipe.plan, recipe.settings, defaults, recipe.connections);
        let body = serde_json::to_string(&kept).expect("a plan is plain data");
        let new = NewPlan {
            installation: recipe.name.clone(),
            recipe: recipe.recipe.clone(),
            source: recipe.source,
            body,
        };
        let plan = store.keep_plan(new).await?;
        let kept = Arc::new(kept);
        installations.push(Installation {
            name: recipe.name,
            recipe: recipe.recipe,
            plan,
            kept,
            sync_every: recipe.sync_every,
            pin: recipe.pin,
            limits: recipe.limits,
        });
    }
    Ok(Installed::new(installations, connections))
}

/// Starts the service.
pub async fn start(
    options: Options,
    store: Store,
    installed: Installed,
    gates: Gates,
) -> Result<Running, StartError> {
    let listener = TcpListener::bind(options.listen).await.map_err(|e| StartError {
        message: format!("the service cannot listen on {}: {e}", options.listen),
        help: "stop what listens there, or name another address (`listen:` in linecook.yaml)"
            .to_owned(),
    })?;
    let address = listener.local_addr().map_err(|e| StartError {
        message: format!("the service does not know where it listens: {e}"),
        help: "name another address (`listen:` in linecook.yaml)".to_owned(),
    })?;
    let credentials = options.credentials;
    let caller =
        HttpCaller::new(options.request_timeout, credentials.clone()).map_err(|e| StartError {
            message: format!("no calls can be made: {e}"),
            help: "check the network".to_owned(),
        })?;
    let guard = Guard::new(installed.by_every_name());
    let caller = caller.hiding(options.redactor.clone()).guarded(guard.clone());
    let hooks = Hooks::open(options.vault, options.redactor, &store, &installed).await?;
    let fresh_behind = store.last_run().await?;
    let open = store.count_open().await?;
    let installed = Arc::new(installed);
    let runner = Arc::new(Runner::new(
        store,
        caller,
        gates,
        installed,
        fresh_behind,
        options.request_timeout + SETTLE_MARGIN,
    ));
    runner.restage().await?;
    let open_runs = AtomicI64::new(i64::try_from(open).unwrap_or(i64::MAX));
    let bell = Arc::new(tokio::sync::Notify::new());
    let rings = bell.clone();
    let watch = Box::new(move |ended: &Ended, _| {
        metrics::ended(ended.state.word());
        if matches!(ended.state, RunState::Failed | RunState::Held | RunState::Paused) {
            rings.notify_one();
        }
    });
    let (dispatcher, dispatch) = Dispatcher::new(runner.clone(), options.parallel, watch);
    let handle = metrics::begin();
    let service = Arc::new(Service {
        runner,
        dispatch,
        verifier: options.verifier,
        hooks,
        open_runs,

        public_url: options.public_url,
        notifies: !options.notify.is_silent(),
        ready: AtomicBool::new(true),
        sync: tokio::sync::Notify::new(),
        reinstalled: tokio::sync::Notify::new(),
        recorder: handle,
        credentials,
        guard,
        expired: Mutex::default(),
        told_stages: Mutex::default(),
    });
    let (stop_working, working_stops) = oneshot::channel();
    let (stop_listening, listening_stops) = oneshot::channel();
    let working = tokio::spawn(dispatcher.work(working_stops));
    let router = receive::router(service.clone());
    let listening = tokio::spawn(listen::listen(listener, router, listening_stops));
    let (stop_chores, stops) = watch::channel(false);
    let mut chores = JoinSet::new();
    chores.spawn(chores::tell(service.clone(), bell, options.notify, stops.clone()));
    chores.spawn(chores::follow_requests(service.clone(), stops.clone()));
    chores.spawn(sync::run(service.clone(), stops.clone()));
    chores.spawn(timers::run(service.clone(), stops.clone()));
    chores.spawn(chores::count(service.clone(), stops.clone()));
    chores.spawn(chores::follow_vault(service.clone(), stops.clone()));
    chores.spawn(chores::remind(service.clone(), stops.clone()));
    chores.spawn(chores::sweep(service.clone(), options.keep, stops));
    Ok(Running {
        service,
        address,
        stop_listening,
        stop_working,
        stop_chores,
        listening,
        working,
        chores,
    })
}

impl Running {
    /// Takes nothing more, lets what runs come to a place where it can go on later, and ends.
    pub async fn stop(self, grace: Duration) {
        self.service.ready.store(false, Ordering::Relaxed);
        let _ = self.stop_listening.send(grace);
        let _ = self.stop_working.send(grace);
        let _ = self.stop_chores.send(true);
        let _ = self.listening.await;
        let _ = self.working.await;
        self.chores.join_all().await;
        // A token that was just given is stored.
        let _ = tokio::time::timeout(SETTLE_AT_MOST, self.service.credentials.settled()).await;
    }
}

impl Service {
    pub fn store(&self) -> &Store {
        &self.runner.store
    }

    pub fn installed(&self) -> Arc<Installed> {
        self.runner.installed()
    }

    /// From now on this is what is installed. Runs that have started keep what they have.
    pub async fn reinstall(
        &self,
        installed: Installed,
        limits: impl Fn(&str) -> Option<Limits>,
    ) -> Result<(), StartError> {
        self.hooks.ensure(self.store(), &installed).await?;
        self.runner.gates.open(self.store(), &installed.connections, limits).await?;
        self.guard.set(installed.by_every_name());
        // First where its recipes stand: an event that arrives now runs only as it may.
        self.runner.stages.read(self.store(), &installed).await?;
        self.runner.install(Arc::new(installed));
        self.open_paused().await?;
        self.reinstalled.notify_waiters();
        Ok(())
    }

    /// Learns where the recipes stand now, and lets what waits for a live one go on.
    pub async fn restage(&self) -> Result<(), StoreError> {
        for run in self.runner.restage().await? {
            self.dispatch.order(Order::Reopened(run));
        }
        Ok(())
    }

    /// Lets what waits for a live recipe go on.
    async fn open_paused(&self) -> Result<(), StoreError> {
        for run in self.runner.open_paused().await? {
            self.dispatch.order(Order::Reopened(run));
        }
        Ok(())
    }

    /// Where the recipes stand.
    pub fn stages(&self) -> &Stages {
        &self.runner.stages
    }

    /// Says in the log which recipes do not run, and why.
    pub fn say_stages(&self) {
        for installation in &self.installed().installations {
            let name = &installation.name;
            match self.stages().of(name) {
                None | Some(Stage::Live) => {}
                Some(stage @ Stage::Sandbox) => {
                    tracing::info!(recipe = %name, "{stage}, so nothing is sent: `linecook go-live {name}`");
                }
                Some(stage) => {
                    tracing::warn!(recipe = %name, "{stage}; its events wait: `linecook go-live {name}`");
                }
            }
        }
    }

    /// From now on the connections may do no more than these may; what is installed stays.
    pub fn narrow(&self, connections: &BTreeMap<String, Connection>) {
        self.guard.narrow(connections);
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn waiting_writes(&self) -> usize {
        self.store().waiting_writes()
    }

    fn is_full(&self) -> bool {
        self.open_runs.load(Ordering::Relaxed) >= MOST_OPEN_RUNS
    }

    /// The way out for lists.
    fn way(&self) -> list::Way {
        list::Way {
            store: self.store().clone(),
            caller: self.runner.caller.clone(),
            gates: self.runner.gates.clone(),
        }
    }

    fn notifies(&self) -> bool {
        self.notifies
    }

    fn set_open_runs(&self, open: u64) {
        self.open_runs.store(i64::try_from(open).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    fn is_ready(&self) -> Result<(), &'static str> {
        match self.ready.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err("stopping"),
        }
    }

    /// Whether something that happened tells only what we have written ourselves: it starts nothing.
    fn is_echo(&self, app: &App, event: &str, payload: &Map<String, Value>) -> bool {
        self.installed().is_echo(&self.runner.own_writes, app, event, payload)
    }

    async fn metrics(&self) -> Result<String, StoreError> {
        let counts = self.store().counts().await?;
        for (state, count) in counts {
            ::metrics::gauge!("linecook_runs", "state" => state.word()).set(count as f64);
        }
        ::metrics::gauge!("linecook_runs_running").set(self.dispatch.running() as f64);
        let oldest = self.store().oldest_open().await?;
        let age = oldest.map_or(0.0, |since| {
            jiff::Timestamp::now().duration_since(since).as_secs_f64().max(0.0)
        });
        ::metrics::gauge!("linecook_queue_age_seconds").set(age);
        metrics::quotas(&self.runner.gates);
        Ok(self.recorder.render())
    }

    /// The app of a connection; an app without connections stands for itself.
    fn app_of(&self, connection: &str) -> Option<&'static App> {
        let installed = self.installed();
        let name = installed.connections.get(connection).map(|c| c.app.clone());
        let catalog = Catalog::embedded();
        match name {
            Some(app) => catalog.app(&app),
            None => catalog.app(connection).filter(|app| app.base_url.is_none() && !app.own),
        }
    }

    /// The secrets of webhook addresses.
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Stores several arrivals; gives whether any of them is new.
    pub async fn accept_all(&self, arrivals: Vec<Arrival>) -> Result<bool, StoreError> {
        let accepted = self.store().accept_all(arrivals).await?;
        let new = accepted.iter().any(|one| *one != Accepted::Again);
        if new {
            self.dispatch.arrived();
        }
        Ok(new)
    }

    /// Stores an arrival; its runs start when their turn comes.
    pub async fn accept(&self, arrival: Arrival) -> Result<Accepted, StoreError> {
        let accepted = self.store().accept(arrival).await?;
        if let Accepted::New { runs, .. } = &accepted
            && !runs.is_empty()
        {
            self.open_runs.fetch_add(runs.len() as i64, Ordering::Relaxed);
            self.dispatch.arrived();
        }
        Ok(accepted)
    }
}
