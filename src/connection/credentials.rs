//! Where credentials come from.

use super::Secret;

/// Gives the credentials of connections.
pub trait Credentials: Send + Sync {
    /// The token of a connection to an app; none when nobody knows it.
    fn token(&self, connection: &str, app: &str) -> Option<Secret>;
}
