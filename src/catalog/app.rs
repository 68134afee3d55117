//! An app: where it is and how it speaks.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::WebhookWays;
use crate::connection::host_of;

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
    /// Other fields that name it, where fields beside them have these values: `altId` where `altType` is
    /// `location`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub location_too: IndexMap<String, IndexMap<String, String>>,
    #[serde(default)]
    pub event_by: EventBy,
    /// How its webhooks are signed, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// How its marketplace apps get tokens, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuth>,
    /// What is to be known of operations that take no other credentials than these, by the names that
    /// imported documents give to them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub credentials: IndexMap<String, String>,
    /// How it is seen whether a credential is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// How its webhooks come to be sent to us.
    #[serde(default, skip_serializing_if = "WebhookWays::is_unsaid")]
    pub webhooks: WebhookWays,
    /// The zone of dates that come without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub errors: Errors,
    /// What an account names by itself, such as `custom_fields` and `users`: the operations that list it.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub pull: IndexMap<String, Pull>,
    /// Which of its records are people, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How many refused requests the app bears before it blocks the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<Limit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl App {
    /// The app's own servers: tokens may be sent there, and people agree there.
    pub fn hosts(&self) -> Vec<String> {
        let oauth = self.oauth.iter();
        let pages =
            oauth.flat_map(|o| o.white_label_authorize_url.iter().chain([&o.authorize_url]));
        self.base_url.iter().chain(pages).filter_map(|address| host_of(address)).collect()
    }

    /// Whether nobody but other tools posts its events: it has no server of its own.
    pub fn is_told_by_others(&self) -> bool {
        self.event_by.url && self.base_url.is_none()
    }

    /// Whether its events come from outside, by webhook.
    pub fn tells_from_outside(&self) -> bool {
        let by = &self.event_by;
        by.body.is_some() || by.header.is_some() || by.url
    }
}

/// How a webhook says which event it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// How a marketplace app gets tokens: OAuth 2.0, with what is the app's own. Paths are counted from the
/// base URL of the app or the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// Where a person agrees.
    pub authorize_url: String,
    /// The same without the app's own name on it, for agencies that sell it as theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub white_label_authorize_url: Option<String>,
    /// The path that gives tokens.
    pub token: String,
    /// The path that gives the token of one account for that of its company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_token: Option<String>,
    /// The path that lists the accounts of a company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_locations: Option<String>,
    /// The path at which the app is taken out of an account, with `{app}` for the id of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<String>,
    /// What a company's token needs besides, to ask for tokens of its accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub company_scopes: Vec<String>,
    /// Whether the app is known to take PKCE.
    #[serde(default)]
    pub pkce: bool,
    /// What stands between scopes.
    #[serde(default = "blank")]
    pub scope_separator: String,
    /// How a request and an answer say whose token it is, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_types: Option<UserTypes>,
    /// What an error answer says when a credential is of no use any more, in small letters.
    pub refused: Vec<String>,
    /// What an error answer says when it will be of use again, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_active: Vec<String>,
}

fn blank() -> String {
    " ".to_owned()
}

/// The words for whose token it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTypes {
    /// That of one account.
    pub location: String,
    /// That of a company, which may only ask for tokens of its accounts.
    pub company: String,
}

/// A call that changes nothing, and what the app's answers to it say of the credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What is read, counted from the base URL. The account is sent along where the app has such.
    pub path: String,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub query: IndexMap<String, String>,
    /// The scope that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What a refusal says when the credential is good and only lacks the scope, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks_scope: Vec<String>,
    /// What a refusal says when the credential is of another account, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_account: Vec<String>,
}

/// The records that are people, and how calls name them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// `contact`
    pub kind: String,
    /// Fields of calls with the id of one, or with a list of ids.
    pub named_by: Vec<String>,
    /// Fields of a new one by which the same person is recognised, the first that is there.
    pub known_by: Vec<String>,
}

/// The operation that lists one part of what an account names by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    pub list: String,
    /// Its fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
}

/// Where an error answer keeps its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// A dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How it says that a call has no such field, with `{}` for the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_field: Option<String>,
}

/// So many requests in so many seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub requests: u64,
    pub per_seconds: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}
