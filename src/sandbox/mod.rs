//! A stand-in for the apps: a request comes in, the answer that the app would give goes out, and
//! what the request changed stays. Driven by the catalog; the same world answers over HTTP
//! ([`Sandbox`]) and without a network ([`InProcess`]).

mod access;
mod complete;
mod failures;
mod generic;
mod highlevel;
mod in_process;
mod ledger;
mod listing;
mod matching;
mod meter;
mod records;
mod reply;
mod serve;
mod stax;
mod validate;
mod world;

pub use in_process::InProcess;
pub use ledger::LedgerEntry;
pub use serve::Sandbox;
pub use world::World;

/// A body may not be larger; in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// `highlevel`, `stax`
    pub app: String,
    pub method: String,
    /// Raw, that is percent-encoded, without the app and without the query.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Arrived {
    /// The first header of that name, in whatever case it is written.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What goes back over the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection breaks; what was asked has been done.
    Disconnect,
    /// Nothing ever comes; what was asked has been done.
    Silence,
}
