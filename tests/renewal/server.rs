//! A token server as HighLevel has one: refresh tokens are good once, access tokens end. It counts, and
//! does badly what it is told to do badly.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use linecook::connection::{Connection, Facts, Secret, Way};
use linecook::vault::{Client, Contents, Grant, OAuthGrant, Stored};
use serde_json::{Value, json};

/// The only account.
pub const LOCATION: &str = "location-1";
pub const COMPANY: &str = "company-1";
const CLIENT_ID: &str = "test-app-1";
const CLIENT_SECRET: &str = "test-client-secret-1";

/// What the next request for a token meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// The connection breaks before anything happens.
    Breaks,
    /// 503.
    Ill,
    /// The account is not active.
    Sleeps,
    /// The refresh token is used, and what comes back cannot be read.
    Mumbles,
    /// An error that nobody knows, with what was sent in it.
    Babbles,
}

/// A server in this process. Clones are the same.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    state: Arc<Mutex<Counts>>,
}

/// What is done once, with the name of a process.
type Once = Box<dyn FnOnce(&str) + Send>;

#[derive(Default)]
pub struct Counts {
    life: Duration,
    given: usize,
    /// Access token → until when, and of whom.
    access: HashMap<String, Access>,
    /// Refresh token → its access token.
    refresh: HashMap<String, String>,
    used: HashSet<String>,
    /// Tokens that are taken without having been given by this server.
    pub taken: HashSet<String>,
    pub moods: VecDeque<Mood>,
    /// Called with the name of the process that a new pair is about to go to, once.
    pub before_answering: Option<Once>,
    pub refreshes: usize,
    /// Access tokens that calls were made with, and that were renewed towards their end.
    pub expiries: usize,
    pub invalid_grants: usize,
    /// All requests for tokens.
    pub asked: usize,
    pub location_tokens: usize,
    /// How the calls went.
    pub good_calls: usize,
    pub refused_calls: usize,
}

struct Access {
    ends: Instant,
    is_company: bool,
    is_used: bool,
}

impl Server {
    /// `life` is how long access tokens live.
    pub async fn start(life: Duration) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(Counts { life, ..Counts::default() }));
        let server = Server { address, state };
        let routes = Router::new()
            .route("/{process}/oauth/token", post(token))
            .route("/{process}/oauth/locationToken", post(location_token))
            .route("/{process}/oauth/installedLocations", get(installed_locations))
            .route("/{process}/thing", get(thing))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        server
    }

    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.state.lock().unwrap()
    }

    /// No access token of now is taken any more.
    pub fn end_all(&self) {
        self.counts().access.clear();
    }

    /// Where the process of this name calls.
    pub fn base_url(&self, process: &str) -> String {
        format!("http://{}/{process}", self.address)
    }

    /// The connection `main` of the process of this name.
    pub fn connection(&self, process: &str) -> Connection {
        Connection {
            app: "highlevel".into(),
            base_url: self.base_url(process),
            location_id: Some(LOCATION.into()),
            access: Default::default(),
            rotation: None,
        }
    }

    pub fn client(&self) -> Client {
        Client {
            client_id: CLIENT_ID.into(),
            client_secret: Secret::new(CLIENT_SECRET),
            redirect_uri: "http://127.0.0.1:8378/callback".into(),
            pkce: false,
        }
    }

    /// What a person gets who connects.
    pub fn connect(&self, is_company: bool) -> Stored {
        let mut counts = self.counts();
        let got_at = jiff::Timestamp::now();
        let (access, refresh) = counts.pair(is_company);
        let expires_at = got_at + counts.life;
        let grant = OAuthGrant {
            client: "highlevel".into(),
            access: Secret::new(access),
            got_at,
            expires_at,
            refresh: Secret::new(refresh),
            location: None,
        };
        let facts = Facts {
            app: "highlevel".into(),
            way: Way::MarketplaceApp,
            location_id: Some(LOCATION.into()),
            company_id: is_company.then(|| COMPANY.into()),
            scopes: None,
            is_sandbox: None,
            expires_at: Some(expires_at),
            since: got_at,
            lost: None,
        };
        Stored { facts, grant: Grant::OAuth(grant), previous: None }
    }

    /// Puts the connection `main` into a vault, as if a person had connected.
    pub fn connect_into(&self, contents: &mut Contents) {
        contents.clients.insert("highlevel".into(), self.client());
        contents.connections.insert("main".into(), self.connect(false));
    }
}

impl Counts {
    fn pair(&mut self, is_company: bool) -> (String, String) {
        let access = self.access_token(is_company);
        let refresh = format!("test-refresh-{}", self.given);
        self.refresh.insert(refresh.clone(), access.clone());
        (access, refresh)
    }

    fn access_token(&mut self, is_company: bool) -> String {
        self.given += 1;
        let access = format!("test-access-{}", self.given);
        let ends = Instant::now() + self.life;
        self.access.insert(access.clone(), Access { ends, is_company, is_used: false });
        access
    }

    fn whose(&mut self, headers: &HeaderMap) -> Option<&Access> {
        let access = self.access.get_mut(bearer(headers)?)?;
        access.is_used = true;
        Some(access).filter(|access| Instant::now() < access.ends).map(|access| &*access)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}

fn says(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

fn form(body: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn token(
    State(server): State<Server>,
    Path(process): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form = form(&body);
    let of = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!headers.contains_key("version") && !headers.contains_key("authorization"));
    let mut counts = server.counts();
    counts.asked += 1;
    let mood = counts.moods.pop_front();
    match mood {
        Some(Mood::Breaks) => {
            drop(counts);
            // The connection ends with the task that serves it.
            std::panic::resume_unwind(Box::new("as it should"));
        }
        Some(Mood::Ill) => return says(503, json!({ "message": "not now" })),
        Some(Mood::Sleeps) => return says(400, json!({ "message": "Location is not active" })),
        Some(Mood::Babbles) => {
            return says(
                418,
                json!({ "message": [format!("what is {body}"), of("refresh_token")] }),
            );
        }
        Some(Mood::Mumbles) | None => {}
    }
    if of("client_id") != CLIENT_ID || of("client_secret") != CLIENT_SECRET {
        let error = json!({ "error": "invalid_client", "error_description": "Bad credentials" });
        return says(401, error);
    }
    if of("grant_type") == "authorization_code" {
        if of("code") != "test-code-1" || of("redirect_uri") != server.client().redirect_uri {
            let description = "Authorization code not found";
            return says(
                401,
                json!({ "error": "UnAuthorized!", "error_description": description }),
            );
        }
    } else {
        let refresh = of("refresh_token").to_owned();
        let access = counts.refresh.remove(&refresh);
        let (Some(access), true) = (access, counts.used.insert(refresh)) else {
            counts.invalid_grants += 1;
            return says(400, json!({ "message": "Invalid grant: refresh token is invalid" }));
        };
        counts.refreshes += 1;
        let is_late = |ends: Instant| ends < Instant::now() + counts.life / 2;
        let was_due = counts.access.get(&access).is_some_and(|a| a.is_used && is_late(a.ends));
        counts.expiries += usize::from(was_due);
    }
    let is_company = of("user_type") == "Company";
    let (access, refresh) = counts.pair(is_company);
    if mood == Some(Mood::Mumbles) {
        return (StatusCode::OK, "<html>").into_response();
    }
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": counts.life.as_secs_f64(),
        "refresh_token": refresh,
        "scope": "contacts.readonly contacts.write",
        "userType": of("user_type"),
        "companyId": COMPANY,
        "userId": "user-1",
    });
    if !is_company {
        answer["locationId"] = LOCATION.into();
    }
    if let Some(act) = counts.before_answering.take() {
        drop(counts);
        act(&process);
    }
    says(200, answer)
}

async fn location_token(
    State(server): State<Server>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form = form(&body);
    assert_eq!(headers["version"], "2021-07-28");
    let mut counts = server.counts();
    if !counts.whose(&headers).is_some_and(|access| access.is_company) {
        return says(401, json!({ "message": "Invalid JWT" }));
    }
    if form["companyId"] != COMPANY || form["locationId"] != LOCATION {
        return says(400, json!({ "message": "no such location" }));
    }
    counts.location_tokens += 1;
    let access = counts.access_token(false);
    let answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": counts.life.as_secs_f64(),
        "scope": "contacts.readonly",
        "locationId": LOCATION,
    });
    says(201, answer)
}

async fn installed_locations(
    State(server): State<Server>,
    headers: HeaderMap,
    axum::extract::Query(query): axum::extract::Query<HashMap<String, String>>,
) -> Response {
    assert_eq!((query["companyId"].as_str(), query["appId"].as_str()), (COMPANY, "test-app"));
    if !server.counts().whose(&headers).is_some_and(|access| access.is_company) {
        return says(401, json!({ "message": "Invalid JWT" }));
    }
    let skip: usize = query["skip"].parse().unwrap();
    let one = |n: usize| json!({ "_id": format!("location-{n}"), "name": "A", "address": "B", "isInstalled": n != 3 });
    let page: Vec<Value> = (1..=45).skip(skip).take(20).map(one).collect();
    says(200, json!({ "locations": page, "count": 45 }))
}

async fn thing(State(server): State<Server>, headers: HeaderMap) -> Response {
    let mut counts = server.counts();
    let is_taken = bearer(&headers).is_some_and(|token| counts.taken.contains(token));
    if !is_taken && counts.whose(&headers).is_none_or(|access| access.is_company) {
        counts.refused_calls += 1;
        let token = bearer(&headers).unwrap_or_default().to_owned();
        return says(401, json!({ "message": format!("Invalid JWT {token}") }));
    }
    counts.good_calls += 1;
    says(200, json!({ "you": bearer(&headers) }))
}
