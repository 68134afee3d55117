//! Where credentials come from: a name of a connection comes in; a token goes out, or why there is none.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

use super::Secret;

/// An answer that may take a while.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What asking for a token gives: none when nobody knows one.
pub type Token<'a> = Soon<'a, Result<Option<Secret>, NoToken>>;

/// Gives the credentials of connections. Held as `Arc<dyn Credentials>` by whatever sends calls.
pub trait Credentials: Send + Sync {
    /// The token to call with now, by name of the connection. It is asked for before every call, so it
    /// costs nothing while there is nothing to renew.
    fn token<'a>(&'a self, connection: &'a str) -> Token<'a>;

    /// The app has answered 401 to `used`: a newer token, when there is one now.
    fn refused<'a>(&'a self, connection: &'a str, used: &'a Secret) -> Token<'a>;

    /// The app has taken a call with `used`. Returns at once.
    fn accepted(&self, _connection: &str, _used: &Secret) {}

    /// Credentials that are of no use any more, each until a person has put another one in its place.
    fn expired(&self) -> Soon<'_, Vec<Expired>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Comes back when nothing is being renewed or written. A process that ends before may lose what it
    /// was just given.
    fn settled(&self) -> Soon<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A credential that is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    pub connection: String,
    pub app: String,
    pub at: Timestamp,
    /// A sentence for people.
    pub why: String,
    /// The one thing to do.
    pub help: String,
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
