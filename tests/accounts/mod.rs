//! An app of the tests' own that people connect to: a page on which they agree, tokens for codes, and calls
//! that take the right token alone.

mod terminal;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};

pub use terminal::Terminal;

pub const CLIENT_ID: &str = "app1-abcd";
pub const CLIENT_SECRET: &str = "client-secret-1";

type Pairs = HashMap<String, String>;

/// The app, on a port of this machine.
pub struct Accounts {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

/// What it knows and how it behaves.
pub struct Inner {
    pub client_secret: String,
    pub wants_pkce: bool,
    /// The account that people choose on the page; none when they choose the whole company.
    pub chosen: Option<String>,
    /// The scopes that are granted, where that is not what was asked for.
    pub granted: Option<Vec<String>>,
    /// Whether a token comes with one that renews it.
    pub renews: bool,
    /// What every call is answered with, where that is not what it asks for.
    pub status: Option<u16>,
    /// What `GET /self` answers.
    pub about: Value,
    /// Where browsers are sent back to; anything else is refused.
    pub redirect: Option<String>,
    /// The accounts of the company that the app is installed for.
    pub locations: Vec<(String, String)>,
    /// Tokens that are good, with what they are for.
    pub tokens: BTreeMap<String, Good>,
    /// Method and path of every call.
    pub calls: Vec<String>,
    codes: HashMap<String, Pairs>,
    made: u32,
}

/// What a token may do.
#[derive(Clone)]
pub struct Good {
    /// None for that of a company.
    pub location: Option<String>,
    pub scopes: Vec<String>,
}

impl Accounts {
    pub async fn open() -> Accounts {
        let inner = Arc::new(Mutex::new(Inner {
            client_secret: CLIENT_SECRET.to_owned(),
            wants_pkce: false,
            chosen: Some("loc1".to_owned()),
            granted: None,
            renews: true,
            status: None,
            about: json!({ "user": { "name": "Ada" } }),
            redirect: None,
            locations: Vec::new(),
            tokens: BTreeMap::new(),
            calls: Vec::new(),
            codes: HashMap::new(),
            made: 0,
        }));
        let router = Router::new()
            .route("/choose", get(choose))
            .route("/agree", post(agree))
            .route("/oauth/token", post(token))
            .route("/oauth/locationToken", post(location_token))
            .route("/oauth/installedLocations", get(installed_locations))
            .route("/contacts/", get(contacts))
            .route("/self", get(about))
            .route("/marketplace/app/{app}/installations", delete(uninstall))
            .with_state(inner.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Accounts { address, inner }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// A token that is good for an account.
    pub fn give(&self, token: &str, location: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let good = Good { location: Some(location.to_owned()), scopes };
        self.lock().tokens.insert(token.to_owned(), good);
    }
}

type Shared = State<Arc<Mutex<Inner>>>;

impl Inner {
    fn new_name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}", self.made)
    }

    fn note(&mut self, call: &str) -> Result<(), Box<Response>> {
        self.calls.push(call.to_owned());
        match self.status {
            None => Ok(()),
            Some(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                Err(Box::new((status, Json(json!({ "message": "out of order" }))).into_response()))
            }
        }
    }

    /// A good token, and one that renews it.
    fn granted(&mut self, good: Good, more: Value) -> Response {
        let access = self.new_name("access-token");
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": 86_399,
            "scope": good.scopes.join(" "),
        });
        if self.renews {
            answer["refresh_token"] = self.new_name("refresh-token").into();
        }
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tokens.insert(access, good);
        Json(answer).into_response()
    }

    fn good(&self, headers: &HeaderMap) -> Result<Good, Box<Response>> {
        let value = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| self.tokens.get(token)).cloned().ok_or_else(|| {
            // A careless app repeats what it was sent.
            Box::new(refused(401, &format!("Invalid JWT {}", token.unwrap_or_default())))
        })
    }
}

fn refused(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let body = json!({ "statusCode": status.as_u16(), "message": message });
    (status, Json(body)).into_response()
}

/// The page on which people agree.
async fn choose(
    State(inner): Shared,
    Query(query): Query<Pairs>,
    RawQuery(raw): RawQuery,
) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("GET /choose") {
        return *answer;
    }
    let wrong = query.get("client_id").map(String::as_str) != Some(CLIENT_ID)
        || query.get("response_type").map(String::as_str) != Some("code")
        || inner.redirect.as_ref().is_some_and(|good| query.get("redirect_uri") != Some(good))
        || (inner.wants_pkce && query.get("code_challenge_method").is_none_or(|m| m != "S256"));
    if wrong {
        return refused(400, "this app is not registered like that");
    }
    let action = format!("/agree?{}", raw.unwrap_or_default()).replace('&', "&amp;");
    Html(format!(
        "<!doctype html><title>Agree</title><h1>linecook wants: {}</h1>
         <form method=post action=\"{action}\">
         <button id=allow name=agree value=yes>Allow</button>
         <button id=deny name=agree value=no>Deny</button></form>",
        query.get("scope").map_or("nothing", String::as_str)
    ))
    .into_response()
}

async fn agree(
    State(inner): Shared,
    Query(query): Query<Pairs>,
    Form(form): Form<Pairs>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("POST /agree") {
        return *answer;
    }
    let mut back = url::Url::parse(&query["redirect_uri"]).unwrap();
    if form.get("agree").map(String::as_str) == Some("yes") {
        let code = inner.new_name("code");
        back.query_pairs_mut().append_pair("code", &code);
        inner.codes.insert(code, query.clone());
    } else {
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The person said <no>");
    }
    back.query_pairs_mut().append_pair("state", &query["state"]);
    (StatusCode::FOUND, [("location", back.to_string())]).into_response()
}

async fn token(State(inner): Shared, Form(form): Form<Pairs>) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("POST /oauth/token") {
        return *answer;
    }
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("client_id") != CLIENT_ID || field("client_secret") != inner.client_secret {
        return refused(401, &format!("invalid client {}", field("client_secret")));
    }
    let Some(asked) = inner.codes.remove(field("code")) else {
        return refused(401, "Authorization code not found");
    };
    if asked["redirect_uri"] != field("redirect_uri") {
        return refused(400, "invalid grant: redirect_uri");
    }
    if let Some(challenge) = asked.get("code_challenge") {
        use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
        let verifier = PkceCodeVerifier::new(field("code_verifier").to_owned());
        if PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str() != challenge {
            return refused(400, "invalid grant: code_verifier");
        }
    }
    let asked = asked.get("scope").cloned().unwrap_or_default();
    let asked = || asked.split(' ').map(str::to_owned).collect();
    let scopes = inner.granted.clone().unwrap_or_else(asked);
    match inner.chosen.clone() {
        Some(location) => {
            let more =
                json!({ "userType": "Location", "locationId": location, "companyId": "co1" });
            inner.granted(Good { location: Some(location), scopes }, more)
        }
        None => {
            let more = json!({ "userType": "Company", "companyId": "co1" });
            inner.granted(Good { location: None, scopes }, more)
        }
    }
}

async fn location_token(
    State(inner): Shared,
    headers: HeaderMap,
    Form(form): Form<Pairs>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("POST /oauth/locationToken") {
        return *answer;
    }
    let good = match inner.good(&headers) {
        Ok(good) => good,
        Err(answer) => return *answer,
    };
    if good.location.is_some() || !good.scopes.iter().any(|scope| scope == "oauth.write") {
        return refused(401, "The token is not authorized for this scope.");
    }
    let location = form["locationId"].clone();
    if !inner.locations.iter().any(|(id, _)| *id == location) {
        return refused(400, "Location not found");
    }
    let more = json!({ "locationId": location, "userType": "Location" });
    inner.granted(Good { location: Some(location), ..good }, more)
}

async fn installed_locations(State(inner): Shared, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("GET /oauth/installedLocations") {
        return *answer;
    }
    match inner.good(&headers) {
        Ok(good) if good.scopes.iter().any(|scope| scope == "oauth.readonly") => {}
        Ok(_) => return refused(401, "The token is not authorized for this scope."),
        Err(answer) => return *answer,
    }
    let locations = inner.locations.iter().map(|(id, name)| {
        json!({ "_id": id, "name": name, "address": "1 Main St", "isInstalled": true })
    });
    let locations: Vec<Value> = locations.collect();
    Json(json!({ "count": locations.len(), "locations": locations })).into_response()
}

async fn contacts(
    State(inner): Shared,
    headers: HeaderMap,
    Query(query): Query<Pairs>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("GET /contacts/") {
        return *answer;
    }
    if !headers.contains_key("version") {
        return refused(401, "version header was not found.");
    }
    let good = match inner.good(&headers) {
        Ok(good) => good,
        Err(answer) => return *answer,
    };
    if !good.scopes.iter().any(|scope| scope == "contacts.readonly") {
        return refused(401, "The token is not authorized for this scope.");
    }
    if query.get("locationId") != good.location.as_ref() {
        return refused(403, "The token does not have access to this location.");
    }
    Json(json!({ "contacts": [] })).into_response()
}

async fn about(State(inner): Shared, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Err(answer) = inner.note("GET /self") {
        return *answer;
    }
    match inner.good(&headers) {
        Ok(_) => Json(inner.about.clone()).into_response(),
        Err(answer) => *answer,
    }
}

async fn uninstall(
    State(inner): Shared,
    Path(app): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    let call = format!("DELETE /marketplace/app/{app}/installations");
    if let Err(answer) = inner.note(&call) {
        return *answer;
    }
    match inner.good(&headers) {
        Ok(good) if body["locationId"].as_str() != good.location.as_deref() => {
            return refused(400, "another location");
        }
        Ok(good) if good.scopes.iter().any(|scope| scope == "oauth.write") => {}
        Ok(_) => return refused(401, "The token is not authorized for this scope."),
        Err(answer) => return *answer,
    }
    inner.tokens.retain(|_, good| good.location.as_deref() != body["locationId"].as_str());
    Json(json!({ "success": true })).into_response()
}
