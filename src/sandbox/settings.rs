//! What can be switched while the apps are there: a patch comes in, the settings that hold from now on
//! stay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The scopes of every app's token; an app that is not here has all.
pub type Scopes = BTreeMap<String, Vec<String>>;

/// The longest that an answer may be kept back; in milliseconds.
pub const MOST_LATENCY_MS: u64 = 600_000;

/// How the pretended apps behave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Whether too many requests are refused with 429.
    pub rate_limit: bool,
    /// Whether HighLevel takes a second contact with the same e-mail address or phone.
    pub allow_duplicates: bool,
    /// Whether a list of custom fields stands for all that a contact has; else those that it does not
    /// name stay. Which of the two HighLevel does is not verified.
    pub replace_custom_fields: bool,
    /// How long every answer is kept back; in milliseconds.
    pub latency_ms: u64,
    /// So many of a hundred webhooks are never sent.
    pub drop_webhooks_percent: u8,
    /// Whether a refresh token is good once.
    pub single_use_refresh: bool,
    /// What the token of an app may do.
    pub scopes: Scopes,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            rate_limit: true,
            allow_duplicates: false,
            replace_custom_fields: false,
            latency_ms: 0,
            drop_webhooks_percent: 0,
            single_use_refresh: true,
            scopes: Scopes::new(),
        }
    }
}

/// What somebody wants to be otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Patch {
    rate_limit: Option<bool>,
    allow_duplicates: Option<bool>,
    replace_custom_fields: Option<bool>,
    latency_ms: Option<u64>,
    drop_webhooks_percent: Option<u8>,
    single_use_refresh: Option<bool>,
    /// An app with null may do everything again.
    scopes: Option<BTreeMap<String, Option<Vec<String>>>>,
}

impl Settings {
    /// The settings with what the patch names.
    ///
    /// # Errors
    /// A number is out of its range: a sentence, and what to send instead.
    pub(super) fn patched(&self, patch: Patch) -> Result<Settings, (String, String)> {
        if patch.latency_ms.is_some_and(|latency| latency > MOST_LATENCY_MS) {
            let problem = "an answer is kept back for 10 minutes at most".to_owned();
            return Err((problem, format!("send `latency_ms` from 0 to {MOST_LATENCY_MS}")));
        }
        if patch.drop_webhooks_percent.is_some_and(|percent| percent > 100) {
            let problem = "no more than all webhooks can be dropped".to_owned();
            return Err((problem, "send `drop_webhooks_percent` from 0 to 100".to_owned()));
        }
        let mut scopes = self.scopes.clone();
        for (app, some) in patch.scopes.unwrap_or_default() {
            match some {
                Some(some) => scopes.insert(app, some),
                None => scopes.remove(&app),
            };
        }
        Ok(Settings {
            rate_limit: patch.rate_limit.unwrap_or(self.rate_limit),
            allow_duplicates: patch.allow_duplicates.unwrap_or(self.allow_duplicates),
            replace_custom_fields: patch
                .replace_custom_fields
                .unwrap_or(self.replace_custom_fields),
            latency_ms: patch.latency_ms.unwrap_or(self.latency_ms),
            drop_webhooks_percent: patch
                .drop_webhooks_percent
                .unwrap_or(self.drop_webhooks_percent),
            single_use_refresh: patch.single_use_refresh.unwrap_or(self.single_use_refresh),
            scopes,
        })
    }
}
