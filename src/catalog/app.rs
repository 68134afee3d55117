//! An app: where it is and how it speaks.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// An API we know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub app: String,
    pub title: String,
    #[serde(default)]
    pub about: String,
    /// Its events come from linecook itself, and nobody can post them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// Where calls go; none for an app that only sends events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Sent with every call.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// The field of a payload that names the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default)]
    pub event_by: EventBy,
    /// How its webhooks are signed, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// How its webhooks come to be sent to us.
    #[serde(default, skip_serializing_if = "WebhookWays::is_unsaid")]
    pub webhooks: WebhookWays,
    /// The zone of dates that come without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub errors: Errors,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How many refused requests the app bears before it blocks the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<Limit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl App {
    /// Whether its events come from outside, by webhook.
    pub fn tells_from_outside(&self) -> bool {
        let by = &self.event_by;
        by.body.is_some() || by.header.is_some() || by.url
    }
}

/// How a webhook says which event it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventBy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    #[serde(default)]
    pub url: bool,
}

/// How webhooks are signed: over the bytes of the body, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The header with the Ed25519 signature.
    pub header: String,
    /// Ed25519 public keys, SPKI in base64; a project may name others.
    pub keys: Vec<String>,
    /// The header with the older RSA signature (PKCS #1 v1.5, SHA-256); it counts only where a project
    /// names a key for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsa_header: Option<String>,
}

/// How an app's webhooks come to be sent to us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookWays {
    /// Where its API registers them: by the level of the key, the usual one first.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub registered: IndexMap<String, Registration>,
    /// Where a person enters the one address of signed webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// Where a person enters the address of each event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<String>,
}

impl WebhookWays {
    fn is_unsaid(&self) -> bool {
        *self == WebhookWays::default()
    }
}

/// The operations that register webhooks, one for each event. An item of the list has `id`, `event` and
/// `url`; the operation that removes one has a single path field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub add: String,
    /// The fields of `add`.
    pub event: String,
    pub address: String,
    pub list: String,
    pub remove: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetryFields>,
}

/// The fields that say how often a message is sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryFields {
    /// The object that they are in.
    #[serde(rename = "in")]
    pub within: String,
    pub code: String,
    pub every_minutes: String,
    pub count: String,
}

/// Where an error answer keeps its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// A dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// So many requests in so many seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub requests: u64,
    pub per_seconds: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}
