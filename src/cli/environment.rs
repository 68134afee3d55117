//! Credentials from the environment.

use crate::connection::Secret;
use crate::project::token_variable;

/// The token of a connection, and the variable that holds it: `LINECOOK_<CONNECTION>_TOKEN`, else
/// `LINECOOK_<APP>_TOKEN`.
pub fn token(connection: &str, app: &str) -> Option<(String, Secret)> {
    [token_variable(connection), token_variable(app)].into_iter().find_map(|name| {
        let text = std::env::var(&name).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| (name, Secret::new(text)))
    })
}
