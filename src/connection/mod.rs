//! Who we are when we call: a [`Connection`] is one account of one app; its [`Secret`] cannot be printed.

mod access;
mod address;
mod credentials;
mod facts;
mod forms;
mod redactor;
mod rotation;
mod secret;

pub use access::{Access, Allowed, Deed, Scopes};
pub use address::{host_of, leads_here, server_address, server_name};
pub use credentials::{Credentials, Expired, FixedTokens, NoToken, Soon, Token};
pub use facts::{Facts, Lost, Way};
pub use redactor::Redactor;
pub use rotation::Rotation;
pub use secret::Secret;

/// One account of one app. Its token is added to a call by whatever sends it: see [`Credentials`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub app: String,
    /// Where calls go: scheme, host and port, without a trailing slash.
    pub base_url: String,
    /// The account within the app, where there is one.
    pub location_id: Option<String>,
    /// What it may do.
    pub access: Access,
    /// When its credential is to be replaced.
    pub rotation: Option<Rotation>,
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
