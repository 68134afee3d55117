//! Who we are when we call: a [`Connection`] is one account of one app; its [`Secret`] cannot be printed.

mod address;
mod credentials;
mod facts;
mod forms;
mod redactor;
mod secret;

pub use address::server_address;
pub use credentials::{Credentials, Expired, FixedTokens, NoToken, Soon, Token};
pub use facts::{Facts, Lost, Way};
pub use redactor::Redactor;
pub use secret::Secret;

/// One account of one app. Its token is added to a call by whatever sends it: see [`Credentials`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub app: String,
    /// Where calls go: scheme, host and port, without a trailing slash.
    pub base_url: String,
    /// The account within the app, where there is one.
    pub location_id: Option<String>,
}

impl Connection {
    /// What `usual: connection.<name>` of the catalog stands for.
    pub fn fact(&self, name: &str) -> Option<&str> {
        match name {
            "location_id" => self.location_id.as_deref(),
            _ => None,
        }
    }
}
