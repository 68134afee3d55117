//! What we have written ourselves: an event that only tells of that is an echo, and starts nothing; and one
//! that follows on what we wrote is a link in a chain, which must not go round and round.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::value::RecordKey;

/// An event so long after a write tells of something else.
const ECHOES_FOR: Duration = Duration::from_secs(3_600);
/// An event so long after a write does not follow on it.
const FOLLOWS_FOR: Duration = Duration::from_secs(600);
/// How many records are remembered.
const MOST: usize = 100_000;
/// So many writes that each follow on the one before are a circle.
pub const LONGEST_CHAIN: u32 = 10;

/// Fields that say when something was and what the app keeps for itself: they differ without a change.
const SAY_NOTHING: [&str; 12] = [
    "id",
    "type",
    "locationId",
    "companyId",
    "webhookId",
    "timestamp",
    "dateAdded",
    "dateUpdated",
    "created_at",
    "updated_at",
    "lastActivity",
    "lastSessionActivityAt",
];

/// The records that we have written lately. Clones are the same memory.
#[derive(Clone, Default)]
pub struct OwnWrites {
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    records: HashMap<RecordKey, Written>,
    /// In the order of the writes, for forgetting.
    order: VecDeque<(Instant, RecordKey)>,
}

struct Written {
    at: Instant,
    /// As it was then; none when it was deleted.
    state: Option<Map<String, Value>>,
    /// How many of our writes led to this one, each by an event that followed on the one before.
    chain: u32,
}

impl OwnWrites {
    /// Remembers a record as we have left it. What `state` does not say stays as it was.
    pub fn wrote(&self, record: &RecordKey, state: &Map<String, Value>, chain: u32) {
        self.note(record, chain, |before| {
            let mut after = before.unwrap_or_default();
            after.extend(state.iter().map(|(name, value)| (name.clone(), value.clone())));
            Some(after)
        });
    }

    pub fn deleted(&self, record: &RecordKey, chain: u32) {
        self.note(record, chain, |_| None);
    }

    fn note(
        &self,
        record: &RecordKey,
        chain: u32,
        change: impl FnOnce(Option<Map<String, Value>>) -> Option<Map<String, Value>>,
    ) {
        let now = Instant::now();
        let mut memory = self.lock();
        let before = memory.records.remove(record).and_then(|written| written.state);
        memory.records.insert(record.clone(), Written { at: now, state: change(before), chain });
        memory.order.push_back((now, record.clone()));
        memory.forget(now);
    }

    /// Whether an event tells only what we have written: every field that it has is as we left it.
    /// `is_deletion` says that it tells of a record that is gone.
    pub fn is_echo(
        &self,
        record: &RecordKey,
        payload: &Map<String, Value>,
        is_deletion: bool,
    ) -> bool {
        let memory = self.lock();
        let Some(written) = memory.records.get(record).filter(|w| w.is_within(ECHOES_FOR)) else {
            return false;
        };
        let Some(state) = &written.state else { return is_deletion };
        if is_deletion {
            return false;
        }
        let mut tells = payload
            .iter()
            .filter(|(name, value)| !SAY_NOTHING.contains(&name.as_str()) && !is_blank(value))
            .peekable();
        tells.peek().is_some()
            && tells.all(|(name, value)| state.get(name).is_some_and(|held| same(held, value)))
    }

    /// How many of our writes led to an event on a record, one after the other.
    pub fn chain(&self, record: &RecordKey) -> u32 {
        let memory = self.lock();
        let written = memory.records.get(record).filter(|written| written.is_within(FOLLOWS_FOR));
        written.map_or(0, |written| written.chain + 1)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn forget(&mut self, now: Instant) {
        while let Some((at, key)) = self.order.front() {
            let is_old = now.duration_since(*at) > ECHOES_FOR;
            if !is_old && self.order.len() <= MOST {
                return;
            }
            // It may have been written again since.
            if self.records.get(key).is_some_and(|written| written.at == *at) {
                self.records.remove(key);
            }
            self.order.pop_front();
        }
    }
}

impl Written {
    fn is_within(&self, length: Duration) -> bool {
        self.at.elapsed() <= length
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether two values mean the same: texts without regard to case, lists to order, numbers to their form.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.trim().to_lowercase() == b.trim().to_lowercase(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().all(|item| b.iter().any(|other| same(item, other)))
        }
        (Value::Object(a), Value::Object(b)) => b.iter().all(|(name, value)| {
            is_blank(value) || a.get(name).is_some_and(|held| same(held, value))
        }),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_we_wrote_is_an_echo() {
        let writes = OwnWrites::default();
        let contact = json!({ "id": "k1", "email": "ada@example.com", "tags": ["a", "b"], "city": "Orlando",
            "dateUpdated": "2026-03-02T10:00:00Z" });
        let k1 = RecordKey::new("highlevel.contact", "k1");
        writes.wrote(&k1, &map(contact), 0);
        let is_echo = |payload: Value| writes.is_echo(&k1, &map(payload), false);
        let echo = json!({ "type": "ContactUpdate", "id": "k1", "email": "Ada@Example.com", "tags": ["b", "a"],
            "phone": null, "dateUpdated": "2026-03-02T10:00:01Z" });
        assert!(is_echo(echo.clone()));
        assert!(!is_echo(json!({ "id": "k1", "city": "Tampa" })), "somebody moved");
        let more = json!({ "id": "k1", "email": "ada@example.com", "phone": "+14075550100" });
        assert!(!is_echo(more), "a field that we do not know may be new");
        assert!(!is_echo(json!({ "id": "k1" })), "it tells nothing that could be compared");
        assert!(!writes.is_echo(&k1, &Map::new(), true));
        tokio::time::advance(Duration::from_secs(3_601)).await;
        assert!(!is_echo(echo), "long afterwards it tells of something else");
        writes.deleted(&k1, 0);
        assert!(writes.is_echo(&k1, &Map::new(), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_chain_grows_with_each_write_that_follows_and_ends_with_time() {
        let writes = OwnWrites::default();
        let c1 = RecordKey::new("stax.customer", "c1");
        assert_eq!(writes.chain(&c1), 0);
        let mut chain = 0;
        for _ in 0..3 {
            writes.wrote(&c1, &Map::new(), chain);
            chain = writes.chain(&c1);
        }
        assert_eq!(chain, 3);
        tokio::time::advance(Duration::from_secs(601)).await;
        assert_eq!(writes.chain(&c1), 0);
    }
}
