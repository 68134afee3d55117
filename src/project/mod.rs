//! The project: what `linecook.yaml` says comes in as its author wrote it; as a [`Project`] everything in
//! it is read once, with real types. Runs, their order and links belong to a project.

mod edit;
mod schema;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::connection::{Access, Allowed, Connection, Facts, Rotation, Scopes, Way};
use crate::snapshot::Snapshots;
use crate::source::{Document, Route, Source};
use crate::template::OwnFilters;
use crate::value::Defaults;

pub use edit::{
    LOCATION_TO_FILL_IN, connection_lines, installation_lines, with_connection, with_installation,
    with_location, with_name,
};
pub use schema::{app_schema, editor_schema, shape_schema};
pub use written::{
    WrittenConnection, WrittenEmail, WrittenInstallation, WrittenKeep, WrittenLimits,
    WrittenNotify, WrittenProject, WrittenQuota, WrittenWebhooks,
};

/// The name of the project file.
pub const PROJECT_FILE: &str = "linecook.yaml";
/// The file that everything is stored in when nobody says otherwise, beside the project file.
pub const USUAL_STORE: &str = "linecook.db";

/// A project file with the text it came from.
#[derive(Clone, Debug)]
pub struct ProjectFile {
    /// Secrets that should not be in it are masked.
    pub source: Source,
    pub document: Document,
    pub written: WrittenProject,
    /// Places whose shape is wrong and has been reported.
    pub broken: Vec<Route>,
}

impl ProjectFile {
    /// Whether something at, above or inside `route` was left out because its shape is wrong.
    pub fn is_touched(&self, route: &Route) -> bool {
        self.broken.iter().any(|b| route.is_within(b) || b.is_within(route))
    }

    /// A scalar exactly as it is written in the file: `1.10` and not 1.1.
    pub fn as_written(&self, route: &Route) -> &str {
        self.source.slice(&self.document.value_span(route)).trim()
    }
}

/// What every recipe of a project takes from it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub defaults: Arc<Defaults>,
    pub filters: Arc<OwnFilters>,
    /// What the accounts of its connections name by themselves, as far as anybody has looked.
    pub snapshots: Snapshots,
}

/// A project that has been checked: made by `check::project`.
#[derive(Clone, Debug)]
pub struct Project {
    pub surroundings: Surroundings,
    /// Where webhooks arrive from outside, without a trailing slash; none arrive without it.
    pub public_url: Option<String>,
    /// The address that the service listens on.
    pub listen: SocketAddr,
    /// The file that everything is stored in, counted from the project file's folder.
    pub store: PathBuf,
    /// By name, in the order of the file.
    pub connections: IndexMap<String, NamedConnection>,
    /// In the order of the file; their names are unique.
    pub installations: Vec<Installation>,
    /// Recipes are live as soon as they are installed or changed.
    pub live_at_once: bool,
    /// By the name of a connection or of an app; see [`Project::quota`].
    pub quotas: IndexMap<String, Quota>,
    /// How long to wait for one answer.
    pub request_timeout: Duration,
    /// How many runs go on at once.
    pub parallel: usize,
    /// Not said: yes.
    pub check_identity: Option<bool>,
    /// Not said: no.
    pub verify: Option<bool>,
    pub keep: Keep,
    /// By app.
    pub webhooks: BTreeMap<String, WebhookSettings>,
    pub notify: Notify,
}

impl Project {
    /// What is said of a connection's quota: under its own name, else under its app's; the catalog's
    /// limits hold for what is not said.
    pub fn quota(&self, connection: &str) -> Option<&Quota> {
        let app = || self.connections.get(connection).map(|c| c.app.as_str());
        self.quotas.get(connection).or_else(|| self.quotas.get(app()?))
    }
}

/// One account of one app, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedConnection {
    pub app: String,
    /// Where calls go: the server that is named, else the app's own; none for an app that only tells.
    pub base_url: Option<String>,
    /// The account within the app, where there is one.
    pub location_id: Option<String>,
    /// Where people agree, where that is another page than the app's own.
    pub authorize_url: Option<String>,
    /// What recipes may do with it; everything without it.
    pub allow: Option<Vec<Allowed>>,
    /// What its token may do, as the file says.
    pub scopes: Option<BTreeSet<String>>,
    /// How often its credential is to be replaced.
    pub rotate_every: Option<Duration>,
    /// What the vault knows of its credential. None when there is none in it, or another one is used.
    pub facts: Option<Facts>,
}

impl NamedConnection {
    /// The connection to call with; none for an app that cannot be called.
    pub fn to_call(&self) -> Option<Connection> {
        Some(Connection {
            app: self.app.clone(),
            base_url: self.base_url.clone()?,
            location_id: self.location_id.clone(),
            access: self.access(),
            rotation: self.rotation(),
        })
    }

    /// What it may do. What the app has said of its scopes goes before what the file says.
    pub fn access(&self) -> Access {
        let granted = self.facts.as_ref().and_then(|facts| facts.scopes.as_ref());
        let scopes = match (granted, &self.scopes) {
            (Some(granted), _) => Scopes::Granted(granted.iter().cloned().collect()),
            (None, Some(written)) => Scopes::Written(written.clone()),
            (None, None) => Scopes::Unknown,
        };
        Access { scopes, allow: self.allow.clone() }
    }

    /// When its credential is to be replaced; none when nobody wants that, or knows how old it is.
    pub fn rotation(&self) -> Option<Rotation> {
        let since = self.facts.as_ref()?.since;
        Some(Rotation { since, every: self.rotate_every? })
    }

    /// How it proves who it is, where that is known.
    pub fn way(&self) -> Option<Way> {
        self.facts.as_ref().map(|facts| facts.way)
    }
}

/// The environment variable that holds the token of a connection: `my-shop` → `LINECOOK_MY_SHOP_TOKEN`.
pub fn token_variable(connection: &str) -> String {
    format!("LINECOOK_{}_TOKEN", connection.to_uppercase().replace('-', "_"))
}

/// The environment variable that holds the password of the mail server.
pub const SMTP_PASSWORD_VARIABLE: &str = "LINECOOK_SMTP_PASSWORD";

/// A recipe that runs, with its accounts and settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Installation {
    pub name: String,
    /// The recipe's file, as written: counted from the project file's folder.
    pub recipe: String,
    /// App → connection, for every app that the recipe calls, and for the apps whose events start it
    /// where one connection is meant: without one the events of all connections of the app do.
    pub connections: BTreeMap<String, String>,
    /// All settings, with the recipe's defaults.
    pub settings: Map<String, Value>,
    /// How often both sides are compared, and what differs is repaired.
    pub sync_every: Option<Duration>,
    pub limits: Limits,
    pub enabled: bool,
}

/// What a recipe may do in any 24 hours; what is not said has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// People that are changed.
    pub contacts: Option<u64>,
    pub tags_removed: Option<u64>,
    /// Calls, those that only read too.
    pub calls: Option<u64>,
}

impl Limits {
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }
}

/// So many of something in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub count: u64,
    pub per: Duration,
}

/// What a connection may send. What is not said is as the catalog says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub requests: Option<Window>,
    /// Calls in 24 hours.
    pub per_day: Option<u64>,
    /// Calls that may fail.
    pub failures: Option<Window>,
}

/// How long what has happened is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The data of events and calls.
    pub payloads: Duration,
    /// What each run did.
    pub runs: Duration,
}

/// What holds for the webhooks of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The public keys that they are signed with: Ed25519, all valid at once.
    pub ed25519: Vec<[u8; 32]>,
    /// RSA, as PKCS #1 DER; older signatures are refused without it.
    pub rsa: Option<Vec<u8>>,
    /// How often the app sends one again, where it lets us say so.
    pub retries: Option<u32>,
    pub retry_every: Option<Duration>,
    /// The status that the app waits for.
    pub retry_code: Option<u16>,
}

/// Who is told when a run fails or waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    pub webhook: Option<String>,
    pub email: Option<Email>,
    /// What happens within this time comes in one message.
    pub every: Duration,
}

/// How e-mail is sent; the password comes from [`SMTP_PASSWORD_VARIABLE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub to: Vec<String>,
    pub from: String,
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
}
