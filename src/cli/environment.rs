//! Credentials from the environment.

use crate::connection::{Redactor, Secret};
use crate::project::token_variable;

/// The token of a connection, and the variable that holds it: `LINECOOK_<CONNECTION>_TOKEN`, else
/// `LINECOOK_<APP>_TOKEN`.
pub fn token(connection: &str, app: &str) -> Option<(String, Secret)> {
    [token_variable(connection), token_variable(app)].into_iter().find_map(|name| {
        let text = std::env::var(&name).ok()?;
        let text = text.trim();
        let secret = (!text.is_empty()).then(|| Secret::new(text))?;
        Redactor::process().learn(&secret);
        Some((name, secret))
    })
}
