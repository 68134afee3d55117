//! How an app's webhooks come to be sent to us.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

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
    pub(super) fn is_unsaid(&self) -> bool {
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
