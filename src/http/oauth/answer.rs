//! The answers of an app that gives tokens, as they come.

use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A good answer; the newer form of the same names has capitals.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(alias = "accessToken")]
    pub access_token: AccessToken,
    #[serde(default = "bearer", alias = "tokenType")]
    pub token_type: BasicTokenType,
    #[serde(default, alias = "expiresIn", deserialize_with = "seconds")]
    pub expires_in: Option<Duration>,
    #[serde(default, alias = "refreshToken")]
    pub refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "scope")]
    pub scope: Option<Vec<String>>,
    #[serde(default, rename = "userType", alias = "user_type")]
    pub user_type: Option<String>,
    #[serde(default, rename = "locationId", alias = "location_id")]
    pub location_id: Option<String>,
    #[serde(default, rename = "companyId", alias = "company_id")]
    pub company_id: Option<String>,
    #[serde(default, rename = "approvedLocations", deserialize_with = "list")]
    pub approved_locations: Vec<String>,
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// The crate asks that answers can be written; this one never is.
impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// A number of seconds, also a broken one or a text; none where it makes no sense.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let sensible = seconds.filter(|seconds| *seconds > 0.0);
    Ok(sensible.and_then(|seconds| Duration::try_from_secs_f64(seconds.min(1e9)).ok()))
}

/// One text, or a list.
fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(vec![text]),
        Value::Array(several) => {
            Some(several.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => None,
    })
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub locations: Vec<PageLocation>,
    #[serde(default)]
    pub count: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct PageLocation {
    #[serde(rename = "_id", alias = "locationId", alias = "id")]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub address: String,
    #[serde(default, rename = "isInstalled")]
    pub is_installed: Option<bool>,
}
