//! Where credentials come from: a name of a connection comes in; a token goes out, or why there is none.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::Secret;

/// What asking for a token gives: none when nobody knows one.
pub type Token<'a> = Pin<Box<dyn Future<Output = Result<Option<Secret>, NoToken>> + Send + 'a>>;

/// Gives the credentials of connections. Held as `Arc<dyn Credentials>` by whatever sends calls.
pub trait Credentials: Send + Sync {
    /// The token to call with now, by name of the connection. It is asked for before every call, so it
    /// costs nothing while there is nothing to renew.
    fn token<'a>(&'a self, connection: &'a str) -> Token<'a>;

    /// The app has answered 401 to `used`: a newer token, when there is one now.
    fn refused<'a>(&'a self, connection: &'a str, used: &'a Secret) -> Token<'a>;

    /// The app has taken a call with `used`. Returns at once.
    fn accepted(&self, _connection: &str, _used: &Secret) {}
}

/// Why there is no token now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoToken {
    /// Whether there may be one later without a person doing anything.
    pub may_pass: bool,
    pub message: String,
    /// The one thing to do.
    pub help: String,
}

/// Tokens that stay as they are, by name of the connection.
#[derive(Clone, Debug, Default)]
pub struct FixedTokens(pub BTreeMap<String, Secret>);

impl Credentials for FixedTokens {
    fn token<'a>(&'a self, connection: &'a str) -> Token<'a> {
        Box::pin(std::future::ready(Ok(self.0.get(connection).cloned())))
    }

    fn refused<'a>(&'a self, _: &'a str, _: &'a Secret) -> Token<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
