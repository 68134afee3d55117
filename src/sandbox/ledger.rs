//! What was asked and how it ended: one entry for every request, in order.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::Arrived;
use super::matching::Match;

/// One request. Headers are left out, so that no credential is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerEntry {
    pub app: String,
    /// `highlevel.create-task`, where the request is one that the catalog knows.
    pub operation: Option<String>,
    /// `POST /contacts/:contactId/tasks`; method and path as they came where nothing is known.
    pub call: String,
    pub method: String,
    /// The path parameters, decoded.
    pub path: IndexMap<String, String>,
    pub query: Vec<(String, String)>,
    /// Null when there was none; a text when it was not JSON.
    pub body: Value,
    /// None when no answer was sent.
    pub status: Option<u16>,
    /// Whether the operation is one that changes something.
    pub changes: bool,
    /// Whether it did change something: false for what was refused.
    pub took_place: bool,
}

/// The requests, in order.
#[derive(Default)]
pub(super) struct Ledger {
    entries: Vec<LedgerEntry>,
    /// Of all requests, those that are not kept any more among them.
    count: u64,
    most: Option<usize>,
}

impl Ledger {
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn keep(&mut self, most: usize) {
        self.most = Some(most);
    }

    pub fn push(&mut self, entry: LedgerEntry) {
        self.count += 1;
        self.entries.push(entry);
        // Moving all of them for every one that comes would cost too much.
        let Some(most) = self.most else { return };
        if self.entries.len() > most + most / 8 {
            let old = self.entries.len() - most;
            self.entries.drain(..old);
        }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.count = 0;
    }
}

/// No more of an unknown path or a body that is not JSON is kept; in characters.
const MOST_KEPT: usize = 500;

impl LedgerEntry {
    pub(super) fn new(arrived: &Arrived, found: Option<&Match>) -> LedgerEntry {
        let call = match found {
            Some(found) => found.entry.call.clone(),
            None => cut(&format!("{} {}", arrived.method, arrived.path)),
        };
        LedgerEntry {
            app: arrived.app.clone(),
            operation: found.map(|f| f.entry.name().to_owned()),
            call,
            method: arrived.method.clone(),
            path: found.map(|f| f.path.clone()).unwrap_or_default(),
            query: arrived.query.clone(),
            body: body_value(&arrived.body),
            status: None,
            changes: false,
            took_place: false,
        }
    }
}

fn body_value(bytes: &[u8]) -> Value {
    if bytes.is_empty() || bytes.len() > super::MAX_BODY {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(cut(&String::from_utf8_lossy(bytes))))
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_and_all_are_counted() {
        let mut ledger = Ledger::default();
        ledger.keep(100);
        for number in 0..1_000 {
            let arrived = Arrived { path: format!("/{number}"), ..Arrived::default() };
            ledger.push(LedgerEntry::new(&arrived, None));
            assert!(ledger.entries().len() <= 112);
        }
        assert_eq!(ledger.count(), 1_000);
        let kept = ledger.entries();
        assert!(kept.len() >= 100);
        assert_eq!(kept.last().unwrap().call, " /999");
    }
}
