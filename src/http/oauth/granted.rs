//! What an app gives: tokens, and the accounts that they are good for.

use jiff::Timestamp;

use crate::connection::Secret;
use crate::vault::{LocationToken, OAuthGrant};

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// One account's.
    Location,
    /// A company's, which may only ask for tokens of its accounts.
    Company,
}

/// What the app has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub access: Secret,
    /// When it was asked for.
    pub got_at: Timestamp,
    pub expires_at: Timestamp,
    pub refresh: Option<Secret>,
    /// None where the app does not say.
    pub scopes: Option<Vec<String>>,
    pub user: Option<User>,
    pub location_id: Option<String>,
    pub company_id: Option<String>,
    /// The accounts that a company's token may ask tokens for, where the app says.
    pub approved_locations: Vec<String>,
}

/// An account that the marketplace app is installed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledLocation {
    pub id: String,
    pub name: String,
    pub address: String,
    /// None where the app does not say.
    pub is_installed: Option<bool>,
}

impl Granted {
    /// As the vault keeps it; `before` is the refresh token so far, which stays where there is no new one.
    /// None when there is none at all.
    pub fn into_grant(self, client: &str, before: Option<&Secret>) -> Option<OAuthGrant> {
        Some(OAuthGrant {
            client: client.to_owned(),
            refresh: self.refresh.or_else(|| before.cloned())?,
            access: self.access,
            got_at: self.got_at,
            expires_at: self.expires_at,
            location: None,
        })
    }

    /// As the vault keeps the token of one account of a company.
    pub fn into_location_token(self) -> LocationToken {
        LocationToken { access: self.access, got_at: self.got_at, expires_at: self.expires_at }
    }
}
