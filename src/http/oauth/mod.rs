//! Where an app gives tokens: a code, a refresh token or a company's token goes out; tokens come in, or
//! why there are none.

mod answer;
mod error;
mod granted;

use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, TokenUrl,
};
use serde_json::Value;

use crate::catalog::{App, OAuth};
use crate::connection::{Redactor, Secret, Soon};
use crate::value::text::shortened;
use crate::vault::Client;

pub use error::OAuthError;
pub use granted::{Granted, InstalledLocation, User};

use answer::{Answer, Page};
use error::{bad, no_answer};

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
