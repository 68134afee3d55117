//! The connections of a project: how each stands, in words and as JSON. Nothing secret comes in.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::plural;
use super::runs::minute;

/// One connection with everything that is known of it.
#[derive(Clone, Debug)]
pub struct ConnectionSummary {
    pub name: String,
    /// As the catalog names it, and as people do.
    pub app: String,
    pub title: String,
    pub location: Option<String>,
    /// How it proves who it is; none without a credential of its own.
    pub way: Option<&'static str>,
    pub state: ConnectionState,
    /// Not in `linecook.yaml`: nothing uses it.
    pub is_left_over: bool,
    /// None where nobody knows.
    pub scopes: Option<Vec<String>>,
    pub is_sandbox: Option<bool>,
    pub since: Option<Timestamp>,
    /// Since when it should have been replaced.
    pub replace_since: Option<Timestamp>,
    pub last_use: Option<Timestamp>,
    /// The installations that use it; none as long as the project has errors.
    pub recipes: Option<Vec<String>>,
}

/// How a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// It has a credential, which ends at that time and is renewed before.
    Fine {
        renewed_before: Option<Timestamp>,
    },
    /// Its credential is of no use any more.
    Lost {
        at: Timestamp,
        why: String,
    },
    NoCredential,
    /// Its token comes from this variable.
    FromEnvironment(String),
    /// The app cannot be called.
    OnlyTells,
}

/// Connections as a list shows them.
pub struct ConnectionList<'a> {
    pub connections: &'a [ConnectionSummary],
    pub zone: &'a TimeZone,
}

impl ConnectionState {
    /// For programs.
    fn word(&self) -> &'static str {
        match self {
            ConnectionState::Fine { .. } => "fine",
            ConnectionState::Lost { .. } => "lost",
            ConnectionState::NoCredential => "no-credential",
            ConnectionState::FromEnvironment(_) => "from-environment",
            ConnectionState::OnlyTells => "only-tells",
        }
    }
}

impl ConnectionSummary {
    /// What to do, where something is wrong.
    pub fn to_do(&self) -> Option<String> {
        let (name, app) = (&self.name, &self.app);
        if self.is_left_over {
            let to_do = format!("add it to linecook.yaml, or `linecook connections revoke {name}`");
            return Some(to_do);
        }
        match &self.state {
            ConnectionState::Lost { .. } | ConnectionState::NoCredential => {
                Some(format!("`linecook connect {app} --name {name}`"))
            }
            _ if self.replace_since.is_some() => {
                Some(format!("`linecook connections rotate {name}`"))
            }
            _ => None,
        }
    }

    fn state_words(&self, zone: &TimeZone) -> String {
        let state = match &self.state {
            ConnectionState::Fine { renewed_before: None } => "fine".green().to_string(),
            ConnectionState::Fine { renewed_before: Some(at) } => {
                let fine = "fine".green();
                format!("{fine}; the token of now ends {} and is renewed before", minute(*at, zone))
            }
            ConnectionState::Lost { at, why } => {
                format!("{} {}: {why}", "lost".red(), minute(*at, zone))
            }
            ConnectionState::NoCredential => "no credential".red().to_string(),
            ConnectionState::FromEnvironment(variable) => {
                format!("from the environment: {variable}")
            }
            ConnectionState::OnlyTells => "its events are posted here, it is not called".to_owned(),
        };
        let mut words = state;
        if self.is_left_over {
            words.push_str("; not in linecook.yaml");
        }
        if let Some(since) = self.replace_since {
            let _ = write!(words, "; to be replaced since {}", minute(since, zone));
        }
        words
    }

    fn text(&self, zone: &TimeZone) -> String {
        let mut out = format!("{}  {}", self.name.bold(), self.title);
        if let Some(location) = &self.location {
            let _ = write!(out, ", account {location}");
        }
        match self.is_sandbox {
            Some(true) => out.push_str(" (sandbox)"),
            Some(false) => out.push_str(" (real account)"),
            None => {}
        }
        out.push('\n');
        let mut line = |about: &str, what: &str| {
            let _ = writeln!(out, "  {about:<8} {what}");
        };
        line("state", &self.state_words(zone));
        if let Some(way) = self.way {
            let since =
                self.since.map_or_else(String::new, |at| format!(", since {}", minute(at, zone)));
            line("how", &format!("{way}{since}"));
        }
        if let Some(scopes) = &self.scopes {
            line("scopes", &scopes.join(", "));
        }
        let used = self.last_use.map_or_else(|| "not yet".to_owned(), |at| minute(at, zone));
        if self.state != ConnectionState::OnlyTells {
            line("used", &used);
        }
        match self.recipes.as_deref() {
            None => {}
            Some([]) => line("recipes", "none"),
            Some(recipes) => line("recipes", &recipes.join(", ")),
        }
        if let Some(to_do) = self.to_do() {
            line("→", &to_do);
        }
        out
    }

    fn json(&self) -> Value {
        let (renewed_before, lost, variable) = match &self.state {
            ConnectionState::Fine { renewed_before } => (*renewed_before, None, None),
            ConnectionState::Lost { at, why } => {
                (None, Some(json!({ "at": at, "why": why })), None)
            }
            ConnectionState::FromEnvironment(variable) => (None, None, Some(variable)),
            ConnectionState::NoCredential | ConnectionState::OnlyTells => (None, None, None),
        };
        json!({
            "name": self.name,
            "app": self.app,
            "location_id": self.location,
            "way": self.way,
            "state": self.state.word(),
            "expires_at": renewed_before,
            "lost": lost,
            "variable": variable,
            "in_project": !self.is_left_over,
            "scopes": self.scopes,
            "is_sandbox": self.is_sandbox,
            "since": self.since,
            "replace_since": self.replace_since,
            "last_use": self.last_use,
            "recipes": self.recipes,
            "to_do": self.to_do(),
        })
    }
}

impl ConnectionList<'_> {
    /// As a person reads it.
    pub fn text(&self) -> String {
        let blocks: Vec<String> = self.connections.iter().map(|c| c.text(self.zone)).collect();
        let mut out = blocks.join("\n");
        let _ = writeln!(out, "\n{}", plural(self.connections.len(), "connection"));
        if self.connections.iter().any(|c| c.recipes.is_none()) {
            let _ = writeln!(
                out,
                "linecook.yaml or a recipe has errors, so nobody knows which recipes use them: `linecook check`"
            );
        }
        out
    }

    /// For other programs.
    pub fn json(&self) -> Value {
        json!({
            "format_version": 1,
            "connections": self.connections.iter().map(ConnectionSummary::json).collect::<Vec<_>>(),
        })
    }
}
