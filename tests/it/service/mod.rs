//! The service as its neighbours see it: webhooks go in, calls come out at the sandbox.

mod accounts;
mod access;
mod delivery;
mod disk;
mod doors;
mod drift;
mod echoes;
mod engines;
mod failing_disk;
mod forgeries;
mod hooks;
mod links;
mod people;
mod soak;
mod stages;
mod turns;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use linecook::cli::load;
use linecook::connection::{Connection, Credentials, FixedTokens, Secret};
use linecook::execute;
use linecook::plan;
use linecook::project::Limits;
use linecook::sandbox::{Sandbox, World};
use linecook::server::{self, Gates, Installing, Running, SigningKeys, Verifier};
use linecook::store::{self, Deliveries, DeliveryFilter, RunId, RunState, Runs, Store, StoreError};
use linecook::value::Defaults;
use serde_json::Value;

use disk::Disk;

/// A service with one recipe, a sandbox behind it, and a store of its own.
pub struct Kitchen {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    pub running: Running,
    pub client: reqwest::Client,
}

/// What the harness starts.
pub struct Menu<'a> {
    pub recipes: &'a [(&'a str, &'a str)],
    pub parallel: usize,
    pub keys: BTreeMap<String, SigningKeys>,
    pub request_timeout: Duration,
    /// What the store is on; the usual disk without it.
    pub disk: Option<&'static Disk>,
    /// What calls are made with; the sandbox's own tokens without it.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// Recipes are live from the start.
    pub live_at_once: bool,
    /// What each recipe may do in 24 hours.
    pub limits: Limits,
    /// Makes each connection what it is in this test.
    pub change: fn(&mut Connection),
}

impl<'a> Menu<'a> {
    pub fn of(recipes: &'a [(&'a str, &'a str)]) -> Menu<'a> {
        Menu {
            recipes,
            parallel: 16,
            keys: BTreeMap::new(),
            request_timeout: Duration::from_secs(10),
            disk: None,
            credentials: None,
            live_at_once: true,
            limits: Limits::default(),
            change: |_| {},
        }
    }
}

impl Kitchen {
    pub async fn open(menu: Menu<'_>) -> Kitchen {
        let sandbox = sandbox().await;
        let folder = tempfile::tempdir().unwrap();
        let running = start(&sandbox, folder.path(), &menu).await;
        Kitchen { sandbox, folder, running, client: client() }
    }

    /// Stops the service, and starts it again on the same store.
    pub async fn reopen(self, menu: Menu<'_>) -> Kitchen {
        self.reopen_after(menu, |_| {}).await
    }

    /// Stops the service, does something in the folder that it leaves, and starts it again there.
    pub async fn reopen_after(self, menu: Menu<'_>, between: impl FnOnce(&Path)) -> Kitchen {
        let Kitchen { sandbox, folder, running, client } = self;
        stop(running, Duration::from_secs(10)).await;
        between(folder.path());
        let running = start(&sandbox, folder.path(), &menu).await;
        Kitchen { sandbox, folder, running, client }
    }

    pub fn store(&self) -> &Store {
        self.running.service.store()
    }

    /// The address of a connection's hook.
    pub fn hook(&self, connection: &str, event: &str) -> String {
        let secrets = self.running.service.hooks().secrets(connection);
        let secret = secrets[0].secret.expose();
        format!("http://{}/hooks/{connection}/{secret}/{event}", self.running.address)
    }

    /// Posts an event; gives the status and the answer.
    pub async fn post(&self, url: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(url).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// Comes back when nothing runs or is about to.
    pub async fn quiet(&self) {
        self.until(|counts| {
            counts.iter().all(|(state, _)| !matches!(state, RunState::Open | RunState::Waiting))
        })
        .await;
    }

    /// Comes back when a run stands so.
    pub async fn stands(&self, run: RunId, state: RunState) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let row = self.store().run(run).await.unwrap();
            if row.as_ref().is_some_and(|row| row.state == state) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "it should be {}: {row:?}", state.word());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Comes back when linecook has told of so many things.
    pub async fn has_told(&self, count: usize) {
        let filter =
            DeliveryFilter { app: Some("linecook".to_owned()), limit: 1_000, ..Default::default() };
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while self.store().deliveries(filter.clone()).await.unwrap().len() < count {
            assert!(std::time::Instant::now() < deadline, "it has not told of {count} things");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until(&self, wanted: impl Fn(&[(RunState, u64)]) -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let counts = self.store().counts().await.unwrap();
            if wanted(&counts) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "the runs stand still: {counts:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The calls that changed something, by what was called.
    pub fn changes(&self) -> Vec<String> {
        let world = self.sandbox.world();
        let took_place = world.ledger().iter().filter(|e| e.changes && e.took_place);
        took_place.map(|e| e.call.clone()).collect()
    }
}

/// Stops a service, and comes back when nobody has its store open any more.
pub async fn stop(running: Running, grace: Duration) {
    let mut lock = running.service.store().path().as_os_str().to_owned();
    lock.push(".lock");
    running.stop(grace).await;
    let lock = std::fs::File::open(lock).unwrap();
    // The last connections of clients go away on their own.
    while lock.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A sandbox that takes as many requests as come.
pub async fn sandbox() -> Sandbox {
    let mut world = World::new(linecook::catalog::Catalog::embedded());
    world.set_rate_limit(false);
    Sandbox::start(world).await.unwrap()
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn start(sandbox: &Sandbox, folder: &Path, menu: &Menu<'_>) -> Running {
    try_start(sandbox, folder, menu).await.unwrap()
}

/// The plan of a recipe, from its text.
pub fn plan_of(text: &str) -> plan::Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.yaml");
    std::fs::write(&path, text).unwrap();
    let loaded = load(&path);
    let found = loaded.diagnostics.text(false);
    plan::recipe(loaded.checked.unwrap_or_else(|| panic!("{found}")))
}

/// Starts a service; what a person would read when it does not start.
pub async fn try_start(
    sandbox: &Sandbox,
    folder: &Path,
    menu: &Menu<'_>,
) -> Result<Running, String> {
    let vfs = menu.disk.map(|disk| disk.name.clone());
    let said = |e: StoreError| format!("{e}: {}", e.help);
    let store = Store::open(&folder.join("linecook.db"), store::Options { vfs }).map_err(said)?;
    let mut recipes = Vec::new();
    for (name, text) in menu.recipes {
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, text).unwrap();
        let loaded = load(&path);
        let found = loaded.diagnostics.text(false);
        let plan = plan::recipe(loaded.checked.unwrap_or_else(|| panic!("{found}")));
        let settings = execute::settings(&plan, &Default::default(), &Default::default()).unwrap();
        recipes.push(Installing {
            name: (*name).to_owned(),
            recipe: path.display().to_string(),
            source: (*text).to_owned(),
            plan,
            settings,
            connections: [("highlevel", "main"), ("stax", "stax")]
                .map(|(app, name)| (app.to_owned(), name.to_owned()))
                .into(),
            pin: (*text).to_owned(),
            limits: menu.limits,
            sync_every: None,
        });
    }
    let connection = |app: &str| Connection {
        app: app.to_owned(),
        base_url: sandbox.base_url(app),
        location_id: (app == "highlevel").then(|| World::location_id().to_owned()),
        access: Default::default(),
        rotation: None,
    };
    let token = |app: &str| Secret::new(World::token(app));
    let tokens = FixedTokens(BTreeMap::from([
        ("main".to_owned(), token("highlevel")),
        ("stax".to_owned(), token("stax")),
    ]));
    let mut connections = BTreeMap::from([
        ("main".to_owned(), connection("highlevel")),
        ("stax".to_owned(), connection("stax")),
    ]);
    connections.values_mut().for_each(menu.change);
    let defaults = Defaults::default();
    let installed = server::install(&store, recipes, &defaults, connections).await;
    let mut installed = installed.map_err(said)?;
    installed.live_at_once = menu.live_at_once;
    let options = server::Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        parallel: menu.parallel,
        request_timeout: menu.request_timeout,
        verifier: Verifier::new(menu.keys.clone()),
        keep: Default::default(),
        notify: Default::default(),
        public_url: Some("http://127.0.0.1".into()),
        vault: crate::cases::vault(folder),
        redactor: Default::default(),
        credentials: menu.credentials.clone().unwrap_or_else(|| Arc::new(tokens)),
    };
    let started = server::start(options, store, installed, Gates::default()).await;
    started.map_err(|e| format!("{}: {}", e.message, e.help))
}
