//! What the vault keeps: credentials by connection, the marketplace apps we are registered as, and the
//! secrets of webhook addresses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hooks::HookSecret;
use crate::connection::{Facts, Secret};

/// Everything in the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// By name of the connection.
    pub connections: BTreeMap<String, Stored>,
    /// Marketplace apps that we are registered as, by app.
    pub clients: BTreeMap<String, Client>,
    /// The secret parts of webhook addresses, by connection; the newest first, all of them good.
    pub hooks: BTreeMap<String, Vec<HookSecret>>,
    /// Names that connections had before → the name now: addresses and runs that know the old one go on.
    pub renamed: BTreeMap<String, String>,
}

impl Contents {
    /// Everything in it that nobody may see.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let grants = self.connections.values().flat_map(|stored| {
            std::iter::once(&stored.grant).chain(stored.previous.iter().map(|p| &p.grant))
        });
        let grants = grants.flat_map(|grant| match grant {
            Grant::Token(token) => vec![token],
            Grant::OAuth(grant) => {
                let location = grant.location.iter().map(|location| &location.access);
                [&grant.access, &grant.refresh].into_iter().chain(location).collect()
            }
        });
        let clients = self.clients.values().map(|client| &client.client_secret);
        let hooks = self.hooks.values().flatten().map(|hook| &hook.secret);
        grants.chain(clients).chain(hooks)
    }
}

/// One connection's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub facts: Facts,
    pub grant: Grant,
    /// What was good before, until the new one has proven itself.
    pub previous: Option<Previous>,
}

/// Credentials that have been replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    pub facts: Facts,
    pub grant: Grant,
    pub replaced_at: Timestamp,
}

/// What a connection was given to call with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Grant {
    /// An API key or a private integration token: good until a person changes it.
    Token(#[serde(with = "sealed")] Secret),
    OAuth(OAuthGrant),
}

/// What OAuth 2.0 gives: a token that ends, and another that gets the next one, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthGrant {
    /// Which of [`Contents::clients`] it was given to.
    pub client: String,
    #[serde(with = "sealed")]
    pub access: Secret,
    /// When `access` was asked for: how long it lives says how early it is renewed.
    pub got_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(with = "sealed")]
    pub refresh: Secret,
    /// The token of the account, where `access` is that of its company and may only ask for tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationToken>,
}

/// A token of one account, got with that of its company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationToken {
    #[serde(with = "sealed")]
    pub access: Secret,
    pub got_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Grant {
    /// The token to call with, as it is now.
    pub fn token(&self) -> &Secret {
        match self {
            Grant::Token(token) => token,
            Grant::OAuth(OAuthGrant { location: Some(location), .. }) => &location.access,
            Grant::OAuth(grant) => &grant.access,
        }
    }

    /// When that token ends.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Grant::Token(_) => None,
            Grant::OAuth(OAuthGrant { location: Some(location), .. }) => Some(location.expires_at),
            Grant::OAuth(grant) => Some(grant.expires_at),
        }
    }
}

/// A marketplace app that we are registered as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub client_id: String,
    #[serde(with = "sealed")]
    pub client_secret: Secret,
    /// Exactly as it is registered with the app.
    pub redirect_uri: String,
    /// Whether the app takes PKCE.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pkce: bool,
}

/// Writes secrets, into the sealed part of the vault and nowhere else.
pub(super) mod sealed {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::connection::Secret;

    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}
