//! The project file as its author wrote it. The same types read the file and give the JSON Schema.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A project: which recipes are installed, with which accounts and settings, and how the service runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["recipes"]))]
pub struct WrittenProject {
    /// The JSON Schema that editors follow.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The time zone of dates that have none of their own, such as America/New_York; UTC without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The country of phone numbers that have no country code, such as US; US without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where webhooks arrive from outside, such as https://hooks.example.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The address on this machine that `linecook serve` listens on; 127.0.0.1:8377 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The file that everything is stored in, counted from the project file; linecook.db without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Servers other than the apps' own that connections may name, such as api.example.com.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Accounts by a name of your choice. No secrets in here: `linecook connect` gets a token, or it stands
    /// in the environment variable LINECOOK_<NAME>_TOKEN.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub connections: IndexMap<String, WrittenConnection>,
    /// The recipes that run. One recipe may be installed many times.
    pub recipes: Vec<WrittenInstallation>,
    /// What each recipe may do in 24 hours before it is paused, unless it says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<WrittenLimits>,
    /// Recipes are live as soon as they are installed or changed, because somebody else reviews them, such as
    /// a pull request; without it a recipe begins in the sandbox, and `linecook go-live` makes it live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_at_once: Option<bool>,
    /// What a connection (or an app) may send, where that differs from what linecook knows.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub quotas: IndexMap<String, WrittenQuota>,
    /// How long to wait for one answer; 30s without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<String>,
    /// How many runs go on at once; 64 without it.
    #[schemars(range(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// Before a person is created or updated by e-mail and phone, look whether the two belong to the same
    /// one; yes without it. A step may say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_identity: Option<bool>,
    /// Read back what steps have written, and tell what the app dropped or changed; no without it. A step
    /// may say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    /// How long what has happened is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<WrittenKeep>,
    /// What holds for the webhooks of an app: the public keys that they are signed with, and how often they
    /// are sent again; by app.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub webhooks: IndexMap<String, WrittenWebhooks>,
    /// Who is told when a run fails or waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<WrittenNotify>,
    /// Filters of your own by name, written as templates over `value`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub filters: IndexMap<String, String>,
}

/// One account of one app.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["app"]))]
pub struct WrittenConnection {
    /// The app, such as stax or highlevel.
    pub app: String,
    /// The id of the account within the app; HighLevel needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// Another server than the app's own, for trying things out. `hosts` has to name it, unless it is this
    /// machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Another page than the app's own on which people agree, such as that of a white-label agency. `hosts`
    /// has to name its server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// What recipes may do with it, such as contacts.read, tasks.* or highlevel.create-task; everything
    /// without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// What its token may do, such as contacts.readonly, where the app does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// How often its credential is to be replaced, such as 90d; linecook reminds then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_every: Option<String>,
}

/// A recipe that runs, with its accounts and settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["recipe"]))]
pub struct WrittenInstallation {
    /// The recipe's file, counted from the project file.
    pub recipe: String,
    /// The name of this installation; the name of the file without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which connection to use for an app; an app with only one connection needs no line.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub connections: IndexMap<String, String>,
    /// What the recipe asks for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// How often both sides are compared as `linecook sync --apply` does it, such as 1d; never without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_every: Option<String>,
    /// What it may do in 24 hours before it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<WrittenLimits>,
    /// Write false to switch it off for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What a recipe may do in 24 hours. What is not named has no limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenLimits {
    /// How many people it may change: contacts of HighLevel, customers of Stax.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u64>,
    /// How many tags it may take away; 0 forbids it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags_removed: Option<u64>,
    /// How many calls it may make, those that only read too.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
}

/// What a connection may send.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenQuota {
    /// So many calls …
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// … in this time, such as 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// So many calls in 24 hours.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u64>,
    /// So many calls may fail …
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// … in this time, such as 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures_per: Option<String>,
}

/// How long what has happened is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenKeep {
    /// The data of events and calls; 30d without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payloads: Option<String>,
    /// What each run did; 90d without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
}

/// What holds for the webhooks of an app.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenWebhooks {
    /// Public keys (Ed25519), as the app publishes them. While the app changes its key, write both.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// A public key (RSA) for the app's older signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_key: Option<String>,
    /// How often the app sends a webhook again that was not taken. Stax lets partners say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub retries: Option<u32>,
    /// How long the app waits before it sends one again, in whole minutes: 5m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_every: Option<String>,
    /// The status with which the app takes a webhook for delivered; 202 without it, which is what linecook
    /// answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 299))]
    pub retry_code: Option<u16>,
}

/// Who is told when a run fails or waits for a person.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenNotify {
    /// An address that JSON is posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// By e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<WrittenEmail>,
    /// What happens within this time comes in one message; 15m without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
}

/// How e-mail is sent. The password comes from the environment variable LINECOOK_SMTP_PASSWORD.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["to", "from", "smtp"]))]
pub struct WrittenEmail {
    /// Who gets it.
    pub to: Vec<String>,
    /// Who it comes from.
    pub from: String,
    /// The mail server with its port, such as smtp.example.com:587.
    pub smtp: String,
    /// The name to sign in with, where the mail server wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
