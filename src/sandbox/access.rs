//! Who may come in: a request comes in; the app's refusal goes out when the token, the version, the
//! scope or the account is wrong.

use indexmap::IndexMap;

use crate::catalog::{App, Operation};

use super::Arrived;
use super::reply::Reply;
use super::tokens::{Holder, WRONG_HOLDER, bearer};
use super::validate::Sent;
use super::world::{LOCATION_ID, World};

/// Checks everything that can be known before the body is read.
pub(super) fn check(
    world: &World,
    app: &App,
    operation: &Operation,
    arrived: &Arrived,
) -> Result<(), Reply> {
    let refused = |message: &str| Err(Reply::refused(&app.app, 401, message));
    let holder = bearer(arrived).and_then(|token| world.tokens.holder(app, token));
    if holder.is_none() {
        return match app.app.as_str() {
            "stax" => refused("unauthenticated"),
            _ => refused("Invalid token: access token is invalid"),
        };
    }
    for name in app.headers.keys() {
        if arrived.header(name).is_none() {
            return refused(&format!("{} header was not found.", name.to_lowercase()));
        }
    }
    if holder == Some(Holder::Company) {
        return refused(WRONG_HOLDER);
    }
    let allowed = match (&operation.scope, world.settings.scopes.get(&app.app)) {
        (Some(wanted), Some(scopes)) => scopes.contains(wanted),
        _ => true,
    };
    if !allowed {
        return refused("The token is not authorized for this scope.");
    }
    Ok(())
}

/// Refuses a request that names another account than the token's.
pub(super) fn check_location(
    app: &App,
    path: &IndexMap<String, String>,
    sent: &Sent,
) -> Result<(), Reply> {
    let Some(field) = &app.location else { return Ok(()) };
    let named = [sent.query.get(field), sent.body.get(field)];
    let is_other = named.into_iter().flatten().any(|value| value != LOCATION_ID);
    match is_other || path.get(field).is_some_and(|value| value != LOCATION_ID) {
        true => {
            let message = "The token does not have access to this location.";
            Err(Reply::refused(&app.app, 403, message))
        }
        false => Ok(()),
    }
}
