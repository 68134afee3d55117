//! What the connections of a project have to have and what they have, in words and as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The scopes of one connection.
#[derive(Clone, Debug)]
pub struct ConnectionScopes {
    pub connection: String,
    pub app: String,
    /// The least that the installed recipes need; not empty.
    pub needed: BTreeSet<String>,
    /// What it has; none where nobody knows.
    pub known: Option<BTreeSet<String>>,
}

impl ConnectionScopes {
    /// What it needs and is known not to have.
    pub fn missing(&self) -> BTreeSet<String> {
        let known = self.known.as_ref();
        let lacks = |scope: &&String| known.is_some_and(|known| !known.contains(*scope));
        self.needed.iter().filter(lacks).cloned().collect()
    }

    /// One sentence, without its full stop.
    pub fn in_words(&self) -> String {
        let missing = self.missing();
        let (scopes, them) = match self.needed.len() {
            1 => ("scope", "it"),
            _ => ("scopes", "them"),
        };
        let has = match &self.known {
            None => "; what it has is not known".to_owned(),
            Some(_) if missing.is_empty() => format!(", and has {them}"),
            Some(_) => format!("; it lacks {}", joined(&missing)),
        };
        format!("`{}` needs the {scopes} {}{has}", self.connection, joined(&self.needed))
    }

    pub fn json(&self) -> Value {
        json!({
            "connection": self.connection,
            "app": self.app,
            "needed_scopes": self.needed,
            "known_scopes": self.known,
            "missing_scopes": self.missing(),
        })
    }
}

/// `a`, `a and b`, `a, b and c`
fn joined(scopes: &BTreeSet<String>) -> String {
    let all: Vec<&str> = scopes.iter().map(String::as_str).collect();
    match &all[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
