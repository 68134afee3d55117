//! What is installed: recipes with their settings and connections, and which event starts which.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalog::{App, Catalog, EventType};
use crate::connection::Connection;
use crate::execute::{Care, OwnWrites, Setup, TriggerEvent};
use crate::plan::{Accounts, Plan, with_custom_fields};
use crate::project::Limits;
use crate::store::{Fingerprint, LinkAccounts, Start};
use crate::template::{Scope, Template};
use crate::value::{Defaults, RecordKey};

/// What is stored with a run says which form it has.
const VERSION: u32 = 1;

/// A plan with everything it was installed with: what a started run keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub version: u32,
    pub plan: Plan,
    pub settings: Map<String, Value>,
    pub timezone: String,
    pub country: String,
    /// App → name of the connection.
    pub connections: BTreeMap<String, String>,
    /// `timezone` and `country`, read once.
    #[serde(skip)]
    defaults: OnceLock<Arc<Defaults>>,
}

impl Kept {
    pub fn new(
        plan: Plan,
        settings: Map<String, Value>,
        defaults: &Defaults,
        connections: BTreeMap<String, String>,
    ) -> Kept {
        Kept {
            version: VERSION,
            plan,
            settings,
            timezone: defaults.zone_name.clone(),
            country: defaults.country.clone(),
            connections,
            defaults: OnceLock::new(),
        }
    }

    pub fn defaults(&self) -> Arc<Defaults> {
        let read = || Defaults::new(&self.timezone, &self.country).unwrap_or_default();
        self.defaults.get_or_init(|| Arc::new(read())).clone()
    }

    /// The connections as they are now.
    pub fn accounts(&self, installed: &Installed) -> Result<Arc<Accounts>, String> {
        let mut accounts = Accounts::default();
        for (app, name) in &self.connections {
            let connection = installed.connections.get(installed.name_now(name));
            let connection = connection.filter(|c| c.app == *app);
            let connection = connection.ok_or_else(|| {
                format!("linecook.yaml has no connection `{name}` to {app} any more")
            })?;
            accounts.add(connection.clone());
        }
        Ok(Arc::new(accounts))
    }

    /// What a run needs, with the connections as they are now.
    pub fn setup(
        &self,
        run_id: String,
        accounts: Arc<Accounts>,
        care: Care,
        settle_after: Duration,
    ) -> Setup {
        Setup {
            catalog: Catalog::embedded(),
            run_id,
            settings: self.settings.clone(),
            accounts,
            detail: crate::plan::Detail::ToSend,
            defaults: self.defaults(),
            locks: Default::default(),
            own_writes: Default::default(),
            chain: 0,
            care,
            settle_after,
        }
    }
}

/// A recipe that is installed.
#[derive(Debug)]
pub struct Installation {
    pub name: String,
    /// The recipe's file.
    pub recipe: String,
    pub plan: i64,
    pub kept: Arc<Kept>,
    /// How often both sides are compared, and what differs is repaired.
    pub sync_every: Option<Duration>,
    /// Tells its content, with its settings and accounts, from every other.
    pub pin: String,
    /// What it may do in 24 hours.
    pub limits: Limits,
}

/// Everything that is installed now.
#[derive(Default)]
pub struct Installed {
    pub installations: Vec<Arc<Installation>>,
    /// By name.
    pub connections: BTreeMap<String, Connection>,
    /// What holds for steps that do not say it themselves.
    pub care: Care,
    /// Recipes are live as soon as they are installed or changed.
    pub live_at_once: bool,
    /// Names that connections had before → the names now: runs that have started know the old ones.
    pub renamed: BTreeMap<String, String>,
    triggers: HashMap<(String, String), Vec<Trigger>>,
}

/// One event of one installation.
struct Trigger {
    installation: Arc<Installation>,
    event: Arc<EventType>,
    /// The event's built-in condition.
    holds: Option<Template>,
    order: Option<Template>,
    defaults: Arc<Defaults>,
}

/// Something that happened, before anybody knows what it starts.
pub struct Happening<'a> {
    /// The connection it came through; for an app without connections the app's name.
    pub connection: &'a str,
    pub app: &'a App,
    /// What the app calls it, or its name.
    pub event: &'a str,
    pub payload: &'a Map<String, Value>,
}

impl Installed {
    pub fn new(
        installations: Vec<Installation>,
        connections: BTreeMap<String, Connection>,
    ) -> Installed {
        let installations: Vec<_> = installations.into_iter().map(Arc::new).collect();
        let mut triggers: HashMap<(String, String), Vec<Trigger>> = HashMap::new();
        for installation in &installations {
            let trigger = &installation.kept.plan.recipe.trigger;
            for event in &trigger.events {
                let names = event.wire.iter().chain(std::iter::once(&event.id));
                let mut names: Vec<String> = names.cloned().collect();
                names.dedup();
                for name in names {
                    let when = event.when.as_deref();
                    let holds = when.and_then(|when| Template::expression(when).ok());
                    triggers.entry((event.app.clone(), name)).or_default().push(Trigger {
                        installation: installation.clone(),
                        event: event.clone(),
                        holds,
                        order: trigger.one_at_a_time_per.as_ref().map(|(_, t)| t.clone()),
                        defaults: installation.kept.defaults(),
                    });
                }
            }
        }
        Installed {
            installations,
            connections,
            care: Care::default(),
            live_at_once: false,
            renamed: BTreeMap::new(),
            triggers,
        }
    }

    /// What a connection is called now.
    pub fn name_now<'a>(&'a self, connection: &'a str) -> &'a str {
        match self.renamed.get(connection) {
            Some(name) if !self.connections.contains_key(connection) => name,
            _ => connection,
        }
    }

    /// The same for each app's connection.
    pub fn names_now(&self, connections: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let now = |(app, name): (&String, &String)| (app.clone(), self.name_now(name).to_owned());
        connections.iter().map(now).collect()
    }

    /// In which accounts a run finds the records of its links: those that its recipe is installed with, the
    /// one that its event came through, and where an app has only one that one.
    pub fn accounts_of(
        &self,
        connections: &BTreeMap<String, String>,
        (app, through): (&str, &str),
    ) -> LinkAccounts {
        let all = self.connections.iter();
        let LinkAccounts(mut accounts) = LinkAccounts::only(
            all.map(|(name, connection)| (connection.app.as_str(), name.as_str())),
        );
        accounts.insert(app.to_owned(), self.name_now(through).to_owned());
        accounts.extend(connections.clone());
        LinkAccounts(accounts)
    }

    /// The connections by every name that they have and had.
    pub fn by_every_name(&self) -> BTreeMap<String, Connection> {
        let before = |(old, name): (&String, &String)| {
            Some((old.clone(), self.connections.get(name)?.clone()))
        };
        let mut all: BTreeMap<_, _> = self.renamed.iter().filter_map(before).collect();
        all.extend(self.connections.clone());
        all
    }

    pub fn installation(&self, name: &str) -> Option<&Arc<Installation>> {
        self.installations.iter().find(|i| i.name == name)
    }

    /// Whether an event starts anything at all.
    pub fn listens(&self, app: &str, event: &str) -> bool {
        self.triggers.contains_key(&(app.to_owned(), event.to_owned()))
    }

    /// Whether something that happened tells only what we have written ourselves.
    pub fn is_echo(
        &self,
        writes: &OwnWrites,
        app: &App,
        event: &str,
        payload: &Map<String, Value>,
    ) -> bool {
        let key = (app.app.clone(), event.to_owned());
        let mut triggers = self.triggers.get(&key).into_iter().flatten();
        let Some(event) = triggers.next().map(|trigger| &trigger.event) else { return false };
        let is_deletion = event.id.ends_with("_deleted");
        let record = event.record_of(payload);
        record.is_some_and(|record| writes.is_echo(&record, payload, is_deletion))
    }

    /// The runs that something starts, and the record it is about. `only` names the one installation that
    /// it is for.
    pub fn starts(
        &self,
        happening: &Happening<'_>,
        trigger: &TriggerFacts<'_>,
        priority: u8,
        only: Option<&str>,
    ) -> (Vec<Start>, Option<String>) {
        let key = (happening.app.app.clone(), happening.event.to_owned());
        let Some(triggers) = self.triggers.get(&key) else { return (Vec::new(), None) };
        let mut starts = Vec::new();
        let mut record = None;
        for one in triggers {
            if only.is_some_and(|name| name != one.installation.name) {
                continue;
            }
            let kept = &one.installation.kept;
            let through = kept.connections.get(&happening.app.app);
            if through.is_some_and(|name| name != happening.connection) {
                continue;
            }
            let is_about = one.event.record_of(happening.payload);
            record = record.or_else(|| is_about.as_ref().map(RecordKey::to_string));
            let start = one.start(happening, trigger, is_about, priority);
            starts.extend(start);
        }
        (starts, record)
    }
}

/// What is known of an arrival besides its payload.
pub struct TriggerFacts<'a> {
    pub received_at: jiff::Timestamp,
    /// Tells this arrival from every other.
    pub unique: &'a [u8],
}

impl Trigger {
    fn start(
        &self,
        happening: &Happening<'_>,
        trigger: &TriggerFacts<'_>,
        is_about: Option<RecordKey>,
        priority: u8,
    ) -> Option<Start> {
        if let Some(holds) = &self.holds {
            let mut scope = Scope::new(self.defaults.clone());
            scope.set_event(Value::Object(happening.payload.clone()));
            if !holds.holds(&scope).unwrap_or(false) {
                return None;
            }
        }
        let app = happening.app.app.as_str();
        let ordered_by = match &self.order {
            Some(order) => self.order_key(order, happening, trigger),
            None => None,
        };
        let id = ordered_by.or_else(|| is_about.as_ref().map(|record| record.id.clone()));
        let lane = match &id {
            Some(id) => Fingerprint::of(&[app.as_bytes(), id.as_bytes()]),
            // Nothing that it would have to wait for.
            None => Fingerprint::of(&[trigger.unique, self.installation.name.as_bytes()]),
        };
        Some(Start {
            plan: self.installation.plan,
            event: self.event.name(),
            lane: lane.number(),
            record: is_about.map(|record| record.to_string()),
            priority,
        })
    }

    fn order_key(
        &self,
        order: &Template,
        happening: &Happening<'_>,
        trigger: &TriggerFacts<'_>,
    ) -> Option<String> {
        let mut scope = Scope::new(self.defaults.clone());
        scope.set_own(self.installation.kept.plan.recipe.filters.clone());
        let mut payload = happening.payload.clone();
        if let Some(known) = &self.installation.kept.plan.recipe.trigger.custom_fields {
            with_custom_fields(&mut payload, &self.event.payload, known);
        }
        scope.set_event(Value::Object(payload));
        let facts = TriggerEvent {
            id: String::new(),
            received_at: trigger.received_at,
            event: self.event.clone(),
            payload: Map::new(),
        };
        scope.set("trigger", &facts.facts());
        scope.set("settings", &Value::Object(self.installation.kept.settings.clone()));
        let value = order.render(&scope).ok()?.value()?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}
