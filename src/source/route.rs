//! A place in a document, independent of how the text is laid out: a JSON Pointer (RFC 6901).

use std::fmt;

use serde::{Deserialize, Serialize};

/// `/steps/0/with/email`. The empty route is the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Route(String);

impl Route {
    /// The whole document.
    pub fn root() -> Route {
        Route::default()
    }

    /// The entry `key` of this mapping.
    pub fn key(&self, key: &str) -> Route {
        let mut text = String::with_capacity(self.0.len() + key.len() + 1);
        text.push_str(&self.0);
        text.push('/');
        for c in key.chars() {
            match c {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                c => text.push(c),
            }
        }
        Route(text)
    }

    /// The item at `index` of this list.
    pub fn item(&self, index: usize) -> Route {
        Route(format!("{}/{index}", self.0))
    }

    /// The place that lies at `inner`, counted from here.
    pub fn join(&self, inner: &Route) -> Route {
        Route(format!("{}{}", self.0, inner.0))
    }

    /// The mapping or list that holds this place; `None` for the root.
    pub fn parent(&self) -> Option<Route> {
        self.0.rfind('/').map(|at| Route(self.0[..at].to_owned()))
    }

    /// The last part: a key or an index as text.
    pub fn last(&self) -> Option<String> {
        self.0.rsplit_once('/').map(|(_, last)| last.replace("~1", "/").replace("~0", "~"))
    }

    /// As a JSON Pointer, for `serde_json::Value::pointer`.
    pub fn pointer(&self) -> &str {
        &self.0
    }

    /// Whether this place is `other` or lies inside it.
    pub fn is_within(&self, other: &Route) -> bool {
        self.0 == other.0
            || (self.0.starts_with(&other.0) && self.0.as_bytes().get(other.0.len()) == Some(&b'/'))
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
