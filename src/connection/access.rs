//! What a connection may do: what its credential may do in the app, and what recipes may do with it. The
//! rule itself is beside the operations, in `catalog`.

use std::collections::BTreeSet;

/// What a connection may do. By default nothing is forbidden that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub scopes: Scopes,
    /// What recipes may do with it; everything without it.
    pub allow: Option<Vec<Allowed>>,
}

/// What a credential may do in its app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scopes {
    /// Nobody knows, and the app alone decides.
    #[default]
    Unknown,
    /// The app said so when it gave the credential.
    Granted(BTreeSet<String>),
    /// The project file says so: the app does not tell.
    Written(BTreeSet<String>),
}

impl Scopes {
    /// All of them, where they are known.
    pub fn known(&self) -> Option<&BTreeSet<String>> {
        match self {
            Scopes::Unknown => None,
            Scopes::Granted(scopes) | Scopes::Written(scopes) => Some(scopes),
        }
    }

    /// Whether it is known that this one is not among them.
    pub fn lack(&self, scope: &str) -> bool {
        self.known().is_some_and(|known| !known.contains(scope))
    }
}

/// One line of `allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `*`
    Everything,
    /// `*.read`, `tasks.write`, `tasks.*`
    Records {
        /// What the operations work on: `tasks`; everything without it.
        records: Option<String>,
        /// Reading or changing; both without it.
        deed: Option<Deed>,
    },
    /// One operation, by its long id: `highlevel.contacts.create-task`.
    Operation(String),
}

/// The two things that can be done with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Read,
    Write,
}

impl Deed {
    /// As it stands in `allow`.
    pub fn word(self) -> &'static str {
        match self {
            Deed::Read => "read",
            Deed::Write => "write",
        }
    }
}
