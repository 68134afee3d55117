//! Where an app gives tokens: a code, a refresh token or a company's token goes out; tokens come in, or
//! why there are none.

use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::catalog::{App, OAuth};
use crate::connection::{Redactor, Secret, Soon};
use crate::value::text::shortened;
use crate::vault::{Client, LocationToken, OAuthGrant};

/// How long one request may last.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// For how long a token is taken to live when the app does not say.
const USUAL_LIFE: Duration = Duration::from_secs(3_600);
/// The most pages of accounts that are read.
const MAX_PAGES: usize = 100;

/// Where an app gives tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    http: reqwest::Client,
    title: String,
    base_url: String,
    oauth: OAuth,
    /// What the app wants with every call; the path that gives tokens wants nothing.
    headers: IndexMap<String, String>,
}

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

/// Why there are no tokens. What it says holds nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// Not reached, no answer, or not now: it may go better later, after so many seconds where the app
    /// says so. The request may have taken effect all the same.
    NoAnswer { why: String, after_seconds: Option<u64> },
    /// What was sent is of no use, now or later: an invalid grant, an unknown code, a wrong client.
    Refused(String),
    /// The account sleeps; the same credentials are good again when it is active.
    NotActive(String),
    /// The answer cannot be read, or says something that nobody knows of.
    BadAnswer(String),
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OAuthError::NoAnswer { why, .. }
            | OAuthError::Refused(why)
            | OAuthError::NotActive(why)
            | OAuthError::BadAnswer(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OAuthError {}

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

impl TokenEndpoint {
    /// That of an app, at another server where a connection names one.
    ///
    /// # Errors
    /// [`OAuthError::Refused`] when the app has none, [`OAuthError::NoAnswer`] when there is no way out.
    pub fn of(app: &App, base_url: Option<&str>) -> Result<TokenEndpoint, OAuthError> {
        let (Some(oauth), Some(base_url)) = (&app.oauth, base_url.or(app.base_url.as_deref()))
        else {
            return Err(OAuthError::Refused(format!("{} has no marketplace apps", app.title)));
        };
        Ok(TokenEndpoint {
            http: super::client(TIMEOUT).map_err(|e| no_answer(e.to_string()))?,
            title: app.title.clone(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            oauth: oauth.clone(),
            headers: app.headers.clone(),
        })
    }

    /// Tokens for the code that a person brought back from agreeing, with the verifier where PKCE was used.
    pub async fn exchange_code(
        &self,
        client: &Client,
        code: &Secret,
        verifier: Option<&Secret>,
        user: User,
    ) -> Result<Granted, OAuthError> {
        let (known, got_at) = (self.client(client)?, Timestamp::now());
        let redirect = RedirectUrl::new(client.redirect_uri.clone());
        let redirect = redirect.map_err(|e| bad(format!("`redirect_uri` is no address: {e}")))?;
        let mut request = known
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_redirect_uri(std::borrow::Cow::Owned(redirect));
        if let Some(verifier) = verifier {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            request = request.set_pkce_verifier(verifier);
        }
        if let Some(word) = self.word(user) {
            request = request.add_extra_param("user_type", word);
        }
        let secrets = [code, &client.client_secret].into_iter().chain(verifier);
        let sender = Sender { endpoint: self.clone(), secrets: secrets.cloned().collect() };
        let answer = request.request_async(&sender).await;
        self.granted(answer, got_at)
    }

    /// New tokens for a refresh token, which is good once.
    pub async fn refresh(
        &self,
        client: &Client,
        refresh: &Secret,
        user: User,
    ) -> Result<Granted, OAuthError> {
        let (known, got_at) = (self.client(client)?, Timestamp::now());
        let token = RefreshToken::new(refresh.expose().to_owned());
        let mut request = known.exchange_refresh_token(&token);
        if let Some(word) = self.word(user) {
            request = request.add_extra_param("user_type", word);
        }
        let secrets = vec![refresh.clone(), client.client_secret.clone()];
        let sender = Sender { endpoint: self.clone(), secrets };
        let answer = request.request_async(&sender).await;
        self.granted(answer, got_at)
    }

    /// The token of one account for that of its company. [`OAuthError::Refused`] may also mean that the
    /// company's token has ended.
    pub async fn location_token(
        &self,
        company: &Secret,
        company_id: &str,
        location_id: &str,
    ) -> Result<Granted, OAuthError> {
        let got_at = Timestamp::now();
        let path = self.oauth.location_token.as_deref();
        let url = self.url(path.ok_or_else(|| self.no_companies())?);
        let form = [("companyId", company_id), ("locationId", location_id)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .with_headers(self.http.post(url))
            .header("content-type", "application/x-www-form-urlencoded")
            .bearer_auth(company.expose())
            .body(body);
        let body = self.answer(request, std::slice::from_ref(company)).await?;
        let answer = serde_json::from_slice::<Answer>(&body).map_err(|e| self.unreadable(&e))?;
        Ok(self.taken(answer, got_at))
    }

    /// The accounts of a company that the app of this client is installed for.
    pub async fn installed_locations(
        &self,
        company: &Secret,
        company_id: &str,
        client: &Client,
    ) -> Result<Vec<InstalledLocation>, OAuthError> {
        let path = self.oauth.installed_locations.as_deref();
        let url = self.url(path.ok_or_else(|| self.no_companies())?);
        let app_id = app_id(client);
        let mut found: Vec<InstalledLocation> = Vec::new();
        for _ in 0..MAX_PAGES {
            let skip = found.len().to_string();
            let query = [("companyId", company_id), ("appId", app_id), ("skip", &skip)];
            let url = url::Url::parse_with_params(&url, query)
                .map_err(|e| bad(format!("`{}` is no address: {e}", self.base_url)))?;
            let request = self.with_headers(self.http.get(url)).bearer_auth(company.expose());
            let body = self.answer(request, std::slice::from_ref(company)).await?;
            let page = serde_json::from_slice::<Page>(&body).map_err(|e| self.unreadable(&e))?;
            let before = found.len();
            for location in page.locations {
                if found.iter().all(|known| known.id != location.id) {
                    found.push(InstalledLocation {
                        id: location.id,
                        name: location.name,
                        address: location.address,
                        is_installed: location.is_installed,
                    });
                }
            }
            if found.len() == before || page.count.is_some_and(|all| found.len() as u64 >= all) {
                break;
            }
        }
        Ok(found)
    }

    /// Takes the app of this client out of an account. Its tokens for that account are of no use then.
    pub async fn uninstall(
        &self,
        token: &Secret,
        client: &Client,
        location_id: &str,
    ) -> Result<(), OAuthError> {
        let path = self.oauth.uninstall.as_deref();
        let path = path
            .ok_or_else(|| OAuthError::Refused(format!("{} has no call for this", self.title)))?;
        let url = self.url(&path.replace("{app}", app_id(client)));
        let body = serde_json::json!({ "locationId": location_id });
        let request =
            self.with_headers(self.http.delete(url)).bearer_auth(token.expose()).json(&body);
        self.answer(request, std::slice::from_ref(token)).await.map(|_| ())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn with_headers(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.header("accept", "application/json")
    }

    fn word(&self, user: User) -> Option<String> {
        let words = self.oauth.user_types.as_ref()?;
        Some(match user {
            User::Location => words.location.clone(),
            User::Company => words.company.clone(),
        })
    }

    fn client(&self, client: &Client) -> Result<KnownClient, OAuthError> {
        let url = TokenUrl::new(self.url(&self.oauth.token));
        let url = url.map_err(|e| bad(format!("`{}` is no address: {e}", self.base_url)))?;
        Ok(oauth2::Client::new(ClientId::new(client.client_id.clone()))
            .set_client_secret(ClientSecret::new(client.client_secret.expose().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(url))
    }

    /// The body of a good answer. What is said of any other holds none of the `secrets`.
    async fn answer(
        &self,
        request: reqwest::RequestBuilder,
        secrets: &[Secret],
    ) -> Result<Vec<u8>, OAuthError> {
        secrets.iter().for_each(|secret| Redactor::process().learn(secret));
        let title = &self.title;
        let cannot = |e: reqwest::Error| no_answer(super::call_error(&e).to_string());
        let (http, request) = request.build_split();
        let request = request.map_err(cannot)?;
        let calls_with_token = request.headers().contains_key("authorization");
        let mut answer = http.execute(request).await.map_err(cannot)?;
        let status = answer.status().as_u16();
        let after_seconds = super::wait_asked_for(status, answer.headers(), Default::default());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(cannot)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER_BYTES {
                let most = MAX_ANSWER_BYTES / (1024 * 1024);
                return Err(bad(format!("{title} answers with more than {most} MB")));
            }
        }
        let why = match words(&bytes, secrets) {
            _ if (200..300).contains(&status) => return Ok(bytes),
            words if words.is_empty() => format!("{title} answers {status}"),
            words => format!("{title} answers {status}: {words}"),
        };
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let says = |phrases: &[String]| phrases.iter().any(|phrase| text.contains(phrase.as_str()));
        Err(match status {
            408 | 425 | 429 | 500..=599 => OAuthError::NoAnswer { why, after_seconds },
            _ if says(&self.oauth.not_active) => OAuthError::NotActive(why),
            _ if says(&self.oauth.refused) => OAuthError::Refused(why),
            // A token that is not taken is told by the status alone.
            401 if calls_with_token => OAuthError::Refused(why),
            300..=399 => bad(format!("{why}, which would lead to another address")),
            _ => bad(why),
        })
    }

    fn granted(
        &self,
        answer: Result<Answer, RequestTokenError<OAuthError, BasicErrorResponse>>,
        got_at: Timestamp,
    ) -> Result<Granted, OAuthError> {
        match answer {
            Ok(answer) => Ok(self.taken(answer, got_at)),
            Err(RequestTokenError::Request(error)) => Err(error),
            Err(RequestTokenError::Parse(error, _)) => Err(self.unreadable(error.inner())),
            // The crate speaks of the form of the answer here, never of what is in it.
            Err(other) => Err(bad(format!("{}: {other}", self.title))),
        }
    }

    fn taken(&self, answer: Answer, got_at: Timestamp) -> Granted {
        let life = answer.expires_in.unwrap_or(USUAL_LIFE);
        let types = self.oauth.user_types.as_ref();
        let user = answer.user_type.as_deref().and_then(|word| match types {
            Some(types) if word == types.company => Some(User::Company),
            Some(types) if word == types.location => Some(User::Location),
            _ => None,
        });
        let separator = self.oauth.scope_separator.as_str();
        let scopes = answer.scope.map(|texts| {
            let scopes = texts.iter().flat_map(|text| text.split(separator)).map(str::trim);
            scopes.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
        });
        Granted {
            access: Secret::new(answer.access_token.into_secret()),
            got_at,
            expires_at: got_at.checked_add(life).unwrap_or(Timestamp::MAX),
            refresh: answer.refresh_token.map(|token| Secret::new(token.into_secret())),
            scopes,
            user,
            location_id: answer.location_id,
            company_id: answer.company_id,
            approved_locations: answer.approved_locations,
        }
    }

    /// Says where the answer is not as it should be, and nothing of what is in it.
    fn unreadable(&self, error: &serde_json::Error) -> OAuthError {
        let why = match error.classify() {
            serde_json::error::Category::Data => "with something that holds no token",
            _ => "with something that is not JSON",
        };
        bad(format!("{} answers {why}", self.title))
    }

    fn no_companies(&self) -> OAuthError {
        OAuthError::Refused(format!("{} gives no tokens to companies", self.title))
    }
}

/// Sends for the crate.
struct Sender {
    endpoint: TokenEndpoint,
    secrets: Vec<Secret>,
}

impl<'c> AsyncHttpClient<'c> for Sender {
    type Error = OAuthError;
    type Future = Soon<'c, Result<HttpResponse, OAuthError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async {
            let http = self.endpoint.http.clone();
            let request = reqwest::Request::try_from(request);
            let request = request.map_err(|e| no_answer(e.to_string()))?;
            let request = reqwest::RequestBuilder::from_parts(http, request);
            // Some of these servers answer 201, and the crate takes 200 alone.
            Ok(HttpResponse::new(self.endpoint.answer(request, &self.secrets).await?))
        })
    }
}

/// A client id is the id of the app, a hyphen and a few characters.
fn app_id(client: &Client) -> &str {
    let id = client.client_id.as_str();
    id.rsplit_once('-').map_or(id, |(app_id, _)| app_id)
}

fn no_answer(why: String) -> OAuthError {
    OAuthError::NoAnswer { why, after_seconds: None }
}

fn bad(why: String) -> OAuthError {
    OAuthError::BadAnswer(why)
}

/// What an error answer says, in whatever form it says it.
fn words(bytes: &[u8], secrets: &[Secret]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return String::new() };
    let said = ["message", "error", "error_description"].map(|name| match &value[name] {
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        one => one.as_str().unwrap_or_default().to_owned(),
    });
    let said: Vec<String> = said.into_iter().filter(|text| !text.is_empty()).collect();
    let redactor = Redactor::knowing(secrets);
    shortened(&redactor.text(&said.join(": ")), 300)
}

type KnownClient = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A good answer; the newer form of the same names has capitals.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(alias = "accessToken")]
    access_token: AccessToken,
    #[serde(default = "bearer", alias = "tokenType")]
    token_type: BasicTokenType,
    #[serde(default, alias = "expiresIn", deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(default, alias = "refreshToken")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "scope")]
    scope: Option<Vec<String>>,
    #[serde(default, rename = "userType", alias = "user_type")]
    user_type: Option<String>,
    #[serde(default, rename = "locationId", alias = "location_id")]
    location_id: Option<String>,
    #[serde(default, rename = "companyId", alias = "company_id")]
    company_id: Option<String>,
    #[serde(default, rename = "approvedLocations", deserialize_with = "list")]
    approved_locations: Vec<String>,
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
struct Page {
    #[serde(default)]
    locations: Vec<PageLocation>,
    #[serde(default)]
    count: Option<u64>,
}

#[derive(Deserialize)]
struct PageLocation {
    #[serde(rename = "_id", alias = "locationId", alias = "id")]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    address: String,
    #[serde(default, rename = "isInstalled")]
    is_installed: Option<bool>,
}
