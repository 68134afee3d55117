//! What we have written ourselves: an event that only tells of that is an echo, and starts nothing; and one
//! that follows on what we wrote is a link in a chain, which must not go round and round.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
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

/// The records that we have written lately. Clones are the same memory. Only fingerprints are kept: a service
/// that writes a lot needs little room for them, and nobody's data stays.
#[derive(Clone, Default)]
pub struct OwnWrites {
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    /// By the fingerprint of the record's key.
    records: HashMap<u64, Written>,
    /// In the order of the writes, for forgetting.
    order: VecDeque<(Instant, u64)>,
}

struct Written {
    at: Instant,
    /// As it was then; none when it was deleted.
    state: Option<State>,
    /// How many of our writes led to this one, each by an event that followed on the one before.
    chain: u32,
}

/// From where the paths of fields are counted.
const ROOT: u64 = 0;

/// Fields and what they mean, both as fingerprints, in order. Fields of objects stand by themselves.
#[derive(Default)]
struct State(Vec<(u64, u64)>);

impl OwnWrites {
    /// Remembers a record as we have left it. What `state` does not say stays as it was.
    pub fn wrote(&self, record: &RecordKey, state: &Map<String, Value>, chain: u32) {
        // Before anybody has to wait for it.
        let state = State::of(state);
        self.note(record, chain, |before| Some(before.unwrap_or_default().then(state)));
    }

    pub fn deleted(&self, record: &RecordKey, chain: u32) {
        self.note(record, chain, |_| None);
    }

    fn note(
        &self,
        record: &RecordKey,
        chain: u32,
        change: impl FnOnce(Option<State>) -> Option<State>,
    ) {
        let (now, key) = (Instant::now(), fingerprint(record));
        let mut memory = self.lock();
        let before = memory.records.remove(&key).and_then(|written| written.state);
        memory.records.insert(key, Written { at: now, state: change(before), chain });
        memory.order.push_back((now, key));
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
        let written = memory.records.get(&fingerprint(record));
        let Some(written) = written.filter(|w| w.is_within(ECHOES_FOR)) else { return false };
        let Some(state) = &written.state else { return is_deletion };
        if is_deletion {
            return false;
        }
        let mut tells = payload
            .iter()
            .filter(|(name, value)| !SAY_NOTHING.contains(&name.as_str()) && !is_blank(value))
            .peekable();
        tells.peek().is_some() && tells.all(|(name, value)| state.has(name, value))
    }

    /// How many of our writes led to an event on a record, one after the other.
    pub fn chain(&self, record: &RecordKey) -> u32 {
        let memory = self.lock();
        let written = memory.records.get(&fingerprint(record));
        let written = written.filter(|written| written.is_within(FOLLOWS_FOR));
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

impl State {
    fn of(fields: &Map<String, Value>) -> State {
        let mut all = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            each_field(ROOT, name, value, &mut |path, meaning| all.push((path, meaning)));
        }
        all.sort_unstable();
        all.shrink_to_fit();
        State(all)
    }

    /// What holds after both: what `later` does not say stays.
    fn then(self, later: State) -> State {
        if self.0.is_empty() {
            return later;
        }
        let is_new = |(path, _): &(u64, u64)| later.0.binary_search_by_key(path, |l| l.0).is_err();
        let mut all: Vec<_> = self.0.into_iter().filter(is_new).collect();
        all.extend(later.0);
        all.sort_unstable();
        State(all)
    }

    /// Whether it says the same of a field; blank fields inside of it say nothing.
    fn has(&self, name: &str, value: &Value) -> bool {
        let mut has_all = true;
        each_field(ROOT, name, value, &mut |path, meaning| {
            let at = self.0.binary_search_by_key(&path, |(path, _)| *path);
            has_all &= at.is_ok_and(|at| self.0[at].1 == meaning);
        });
        has_all
    }
}

fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A field, or the filled fields inside of it where it is an object, by the fingerprints of path and value.
fn each_field(path: u64, name: &str, value: &Value, tell: &mut impl FnMut(u64, u64)) {
    let path = fingerprint(&(path, name));
    match value {
        Value::Object(inner) => {
            let filled = inner.iter().filter(|(_, value)| !is_blank(value));
            filled.for_each(|(name, value)| each_field(path, name, value, tell));
        }
        value => tell(path, meaning(value)),
    }
}

/// The same for values that mean the same: texts without regard to case, lists to order, numbers to their
/// form, objects to what is blank in them.
fn meaning(value: &Value) -> u64 {
    match value {
        Value::String(text) => fingerprint(&(1, text.trim().to_lowercase())),
        Value::Number(number) => fingerprint(&(2, number.as_f64().map(f64::to_bits))),
        Value::Array(items) => {
            let sum = items.iter().fold(0_u64, |sum, item| sum.wrapping_add(meaning(item)));
            fingerprint(&(3, items.len(), sum))
        }
        Value::Object(fields) => {
            let filled = fields.iter().filter(|(_, value)| !is_blank(value));
            let each = filled.map(|(name, value)| fingerprint(&(name, meaning(value))));
            fingerprint(&(4, each.fold(0_u64, u64::wrapping_add)))
        }
        Value::Bool(truth) => fingerprint(&(5, truth)),
        Value::Null => 0,
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
