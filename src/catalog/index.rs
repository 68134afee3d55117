//! The first line of the compiled catalog: who is there, and where each stands.

use serde::{Deserialize, Serialize};

use super::App;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub apps: Vec<App>,
    pub operations: Vec<IndexEntry>,
    pub events: Vec<IndexEntry>,
    /// `app.Name` of every shared shape, and the byte behind the index at which its line begins.
    pub shapes: Vec<(String, usize)>,
}

/// What is known of an operation or event without decoding it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexEntry {
    /// `highlevel.contacts.create-task`, `stax.customer_created`
    pub id: String,
    pub app: String,
    pub title: String,
    /// `highlevel.create-task`, where no other resource of the app has the same id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// `POST /contacts/:contactId/tasks`; empty for an event.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// What the app itself calls an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// The kind of record it works on or is about, such as `contact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// What people call the things an operation works on: `tasks`; empty for an event.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub records: String,
    /// Whether the body or payload is documented.
    pub documented: bool,
    /// The byte behind the index at which its line begins.
    pub(super) start: usize,
    /// Which of the catalog's texts it stands in.
    #[serde(skip)]
    pub(super) part: usize,
}

/// Which of the two kinds an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Operation,
    Event,
}

impl IndexEntry {
    pub fn kind(&self) -> EntryKind {
        if self.call.is_empty() { EntryKind::Event } else { EntryKind::Operation }
    }

    /// The name a person should write.
    pub fn name(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.id)
    }
}
