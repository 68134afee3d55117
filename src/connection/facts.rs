//! What is known of a connection's credentials, without anything secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a connection's credentials. Anybody may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub app: String,
    pub way: Way,
    /// The account within the app, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// The company that the marketplace app is installed for, where that is more than the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// What the credential may do; none where the app does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Whether it is an account for trying things out; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_sandbox: Option<bool>,
    /// When the token of now ends; it is renewed before. None for one that does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When a person put this credential in.
    pub since: Timestamp,
    /// Why it is of no use any more, until a person connects again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
}

/// How a connection proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    ApiKey,
    /// A private integration token.
    PrivateToken,
    /// OAuth 2.0.
    MarketplaceApp,
}

impl Way {
    pub fn words(self) -> &'static str {
        match self {
            Way::ApiKey => "API key",
            Way::PrivateToken => "private integration token",
            Way::MarketplaceApp => "marketplace app",
        }
    }
}

/// Since when a credential is of no use, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    pub at: Timestamp,
    /// A sentence for people.
    pub why: String,
}
