//! How HighLevel gives tokens: a code, a refresh token or the token of a company comes in; a pair of tokens
//! goes out, or the refusal. A refresh token is good once.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::catalog::{App, Operation};

use super::Arrived;
use super::reply::Reply;
use super::world::{LOCATION_ID, World};

/// How long a token is said to be good; in seconds. It is good for as long as the sandbox runs.
const LIFE_SECONDS: u64 = 86_399;
/// So many tokens are remembered.
const MOST_KEPT: usize = 10_000;
/// The account of every pretended company.
const COMPANY_ID: &str = "sandboxCompany000001";

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// One account.
    Location,
    /// All accounts of a company: what belongs to one of them is refused to it.
    Company,
}

/// The tokens that were given.
#[derive(Default)]
pub(super) struct Tokens {
    access: IndexMap<String, Holder>,
    refresh: IndexMap<String, Refresh>,
    /// Of all that were given.
    count: u64,
}

struct Refresh {
    holder: Holder,
    is_used: bool,
}

/// What a path of the app is for.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    Token,
    LocationToken,
    InstalledLocations,
}

/// What an operation that gives tokens is for; none for every other one.
pub(super) fn endpoint(app: &App, operation: &Operation) -> Option<Endpoint> {
    let oauth = app.oauth.as_ref()?;
    let is = |wanted: Option<&str>| wanted == Some(operation.path_pattern());
    match operation.method() {
        "POST" if is(Some(&oauth.token)) => Some(Endpoint::Token),
        "POST" if is(oauth.location_token.as_deref()) => Some(Endpoint::LocationToken),
        "GET" if is(oauth.installed_locations.as_deref()) => Some(Endpoint::InstalledLocations),
        _ => None,
    }
}

/// The code that a sign-in with the browser would bring. It is good as often as one likes.
pub const CODE: &str = "sandbox-code";

impl World {
    /// The token of a company, where an app has such.
    pub fn company_token(app: &str) -> String {
        format!("{}-company", World::token(app))
    }
}

impl Tokens {
    /// Whose an access token is; none when it is not good.
    pub fn holder(&self, app: &App, token: &str) -> Option<Holder> {
        if token == World::token(&app.app) {
            return Some(Holder::Location);
        }
        let oauth = app.oauth.as_ref()?;
        if oauth.location_token.is_some() && token == World::company_token(&app.app) {
            return Some(Holder::Company);
        }
        self.access.get(token).copied()
    }

    fn new_name(&mut self, what: &str) -> String {
        self.count += 1;
        format!("sandbox-{what}-{}", self.count)
    }

    /// A pair of tokens, or one alone.
    fn give(&mut self, app: &App, holder: Holder, renews: bool, scope: &str) -> Value {
        let access = self.new_name("access");
        keep(&mut self.access, access.clone(), holder);
        let types = app.oauth.as_ref().and_then(|oauth| oauth.user_types.as_ref());
        let word = types.map(|types| match holder {
            Holder::Location => types.location.clone(),
            Holder::Company => types.company.clone(),
        });
        let mut answer = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS,
            "scope": scope,
            "userType": word,
            "companyId": COMPANY_ID,
        });
        if holder == Holder::Location {
            answer["locationId"] = LOCATION_ID.into();
        }
        if renews {
            let refresh = self.new_name("refresh");
            keep(&mut self.refresh, refresh.clone(), Refresh { holder, is_used: false });
            answer["refresh_token"] = refresh.into();
        }
        answer
    }
}

/// Keeps one more; the oldest makes room.
fn keep<T>(kept: &mut IndexMap<String, T>, name: String, value: T) {
    if kept.len() == MOST_KEPT {
        kept.shift_remove_index(0);
    }
    kept.insert(name, value);
}

/// Answers a request for a token.
pub(super) fn answer(world: &mut World, app: &App, endpoint: Endpoint, sent: &Arrived) -> Reply {
    let fields = fields(sent);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    match endpoint {
        Endpoint::Token => token(world, app, &field),
        Endpoint::LocationToken => match company(world, app, sent) {
            Some(refusal) => refusal,
            None if field("locationId") != LOCATION_ID => {
                Reply::refused(&app.app, 400, "Location not found")
            }
            None => {
                let scope = scope(world, app);
                Reply::new(201, world.tokens.give(app, Holder::Location, false, &scope))
            }
        },
        Endpoint::InstalledLocations => company(world, app, sent).unwrap_or_else(|| {
            let location = json!({ "_id": LOCATION_ID, "name": "Sandbox", "address": "1 Test Way",
                "isInstalled": true });
            Reply::new(200, json!({ "count": 1, "locations": [location] }))
        }),
    }
}

fn token<'a>(world: &mut World, app: &App, field: &dyn Fn(&str) -> &'a str) -> Reply {
    let invalid =
        |why: &str| Reply::new(400, json!({ "error": "invalid_grant", "error_description": why }));
    let missing = |name: &str| {
        let message = format!("{name} should not be empty");
        Reply::new(400, json!({ "error": "invalid_request", "error_description": message }))
    };
    for name in ["client_id", "client_secret"] {
        if field(name).is_empty() {
            return missing(name);
        }
    }
    let scope = scope(world, app);
    match field("grant_type") {
        "authorization_code" if field("code") == CODE => {
            let is_company = app
                .oauth
                .as_ref()
                .and_then(|oauth| oauth.user_types.as_ref())
                .is_some_and(|types| types.company == field("user_type"));
            let holder = if is_company { Holder::Company } else { Holder::Location };
            Reply::new(200, world.tokens.give(app, holder, true, &scope))
        }
        "authorization_code" => Reply::new(
            401,
            json!({ "error": "UnAuthorized!", "error_description": "Authorization code not found" }),
        ),
        "refresh_token" => {
            let once = world.settings.single_use_refresh;
            match world.tokens.refresh.get_mut(field("refresh_token")) {
                Some(refresh) if !(once && refresh.is_used) => {
                    refresh.is_used = true;
                    let holder = refresh.holder;
                    Reply::new(200, world.tokens.give(app, holder, true, &scope))
                }
                _ => invalid("Invalid grant: refresh token is invalid"),
            }
        }
        "" => missing("grant_type"),
        _ => Reply::new(400, json!({ "error": "unsupported_grant_type" })),
    }
}

/// Refuses everybody but a company.
fn company(world: &World, app: &App, sent: &Arrived) -> Option<Reply> {
    let token = bearer(sent).and_then(|token| world.tokens.holder(app, token));
    match token {
        Some(Holder::Company) => None,
        Some(Holder::Location) => Some(Reply::refused(&app.app, 401, WRONG_HOLDER)),
        None => Some(Reply::refused(&app.app, 401, "Invalid token: access token is invalid")),
    }
}

/// How HighLevel says that a token is of the wrong kind.
pub(super) const WRONG_HOLDER: &str = "This authClass type is not allowed to access this scope.";

/// The token that a request comes with.
pub(super) fn bearer(sent: &Arrived) -> Option<&str> {
    sent.header("authorization")?.strip_prefix("Bearer ").map(str::trim)
}

/// What a new token may do, where somebody has said so.
fn scope(world: &World, app: &App) -> String {
    let scopes = world.settings.scopes.get(&app.app).cloned().unwrap_or_else(|| {
        let entries = world.catalog.operation_entries().iter().filter(|e| e.app == app.app);
        let operations = entries.filter_map(|entry| world.catalog.operation(&entry.id).ok());
        let mut scopes: Vec<String> = operations.filter_map(|o| o.scope.clone()).collect();
        scopes.extend(app.oauth.iter().flat_map(|oauth| oauth.company_scopes.clone()));
        scopes.sort();
        scopes.dedup();
        scopes
    });
    let separator = app.oauth.as_ref().map_or(" ", |oauth| oauth.scope_separator.as_str());
    scopes.join(separator)
}

/// The fields of a body, as a form or as JSON.
fn fields(sent: &Arrived) -> HashMap<String, String> {
    if let Ok(Value::Object(object)) = serde_json::from_slice(&sent.body) {
        let texts = object.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        });
        return texts.collect();
    }
    url::form_urlencoded::parse(&sent.body).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Answer;

    fn ask(world: &mut World, token: Option<&str>, path: &str, form: &str) -> (u16, Value) {
        let authorization = token.map(|t| ("Authorization".to_owned(), format!("Bearer {t}")));
        let version = ("Version".to_owned(), "2021-07-28".to_owned());
        let (method, path) = path.split_once(' ').unwrap();
        let answer = world.answer(&Arrived {
            app: "highlevel".to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: authorization.into_iter().chain([version]).collect(),
            body: form.as_bytes().to_vec(),
            ..Arrived::default()
        });
        match answer {
            Answer::Reply { status, body, .. } => (status, serde_json::from_slice(&body).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn refresh(world: &mut World, token: &Value) -> (u16, Value) {
        let token = token.as_str().unwrap();
        let form =
            format!("client_id=a&client_secret=b&grant_type=refresh_token&refresh_token={token}");
        ask(world, None, "POST /oauth/token", &form)
    }

    const FORM: &str =
        "client_id=a&client_secret=b&grant_type=authorization_code&code=sandbox-code";

    #[test]
    fn a_refresh_token_is_good_once() {
        let mut world = World::for_test();
        let (status, first) = ask(&mut world, None, "POST /oauth/token", FORM);
        assert_eq!((status, &first["locationId"]), (200, &json!(LOCATION_ID)), "{first}");
        assert!(first["scope"].as_str().unwrap().contains("contacts.write"));
        let (status, second) = refresh(&mut world, &first["refresh_token"]);
        assert_eq!(status, 200);
        let (status, answer) = refresh(&mut world, &first["refresh_token"]);
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
        let access = second["access_token"].as_str().unwrap();
        // It is let in, and the account is missing.
        assert_eq!(ask(&mut world, Some(access), "GET /contacts/", "").0, 422);
        let settings = super::super::Settings { single_use_refresh: false, ..Default::default() };
        world.set_settings(settings);
        assert_eq!(refresh(&mut world, &first["refresh_token"]).0, 200);
        let wrong = FORM.replace("sandbox-code", "other");
        assert_eq!(ask(&mut world, None, "POST /oauth/token", &wrong).0, 401);
    }

    #[test]
    fn a_company_asks_for_the_token_of_its_account() {
        let mut world = World::for_test();
        let company = World::company_token("highlevel");
        let (status, answer) = ask(&mut world, Some(&company), "GET /contacts/x", "");
        assert_eq!((status, &answer["message"]), (401, &json!(WRONG_HOLDER)));
        let form = format!("companyId=c&locationId={LOCATION_ID}");
        let call = "POST /oauth/locationToken";
        let (status, answer) = ask(&mut world, Some(&company), call, &form);
        assert_eq!(status, 201);
        let token = answer["access_token"].as_str().unwrap().to_owned();
        // It is let in, and there is no such contact.
        assert_eq!(ask(&mut world, Some(&token), "GET /contacts/x", "").0, 400);
        assert_eq!(ask(&mut world, Some(&token), call, &form).0, 401);
        assert_eq!(ask(&mut world, None, call, &form).0, 401);
        assert_eq!(ask(&mut world, Some(&company), call, "locationId=other").0, 400);
        let (_, answer) = ask(&mut world, Some(&company), "GET /oauth/installedLocations", "");
        assert_eq!(answer["locations"][0]["_id"], LOCATION_ID);
    }
}
