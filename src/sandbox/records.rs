//! The records that the pretended apps hold: by kind such as `stax.customer` and by id, in the order
//! in which they came. Also their ids and time stamps, which are the same in every run.

use std::collections::HashMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) type Record = Map<String, Value>;

/// All records of all apps.
#[derive(Default)]
pub(super) struct Records {
    kinds: IndexMap<String, IndexMap<String, Record>>,
    counts: HashMap<String, u64>,
}

impl Records {
    pub fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Record> {
        self.kinds.get(kind).into_iter().flat_map(IndexMap::values)
    }

    pub fn find(&self, kind: &str, id: &str) -> Option<&Record> {
        self.kinds.get(kind)?.get(id)
    }

    pub fn find_mut(&mut self, kind: &str, id: &str) -> Option<&mut Record> {
        self.kinds.get_mut(kind)?.get_mut(id)
    }

    /// Keeps a record under its `id`; one that is there already is replaced.
    pub fn insert(&mut self, kind: &str, record: Record) {
        let id = text_of(&record, "id");
        self.kinds.entry(kind.to_owned()).or_default().insert(id, record);
    }

    pub fn remove(&mut self, kind: &str, id: &str) -> Option<Record> {
        self.kinds.get_mut(kind)?.shift_remove(id)
    }

    /// Removes every record whose `field` is `value`.
    pub fn remove_where(&mut self, kind: &str, field: &str, value: &str) {
        if let Some(records) = self.kinds.get_mut(kind) {
            records.retain(|_, record| text_of(record, field) != value);
        }
    }

    /// An id that no record of this kind has: of the form the app uses, and the same in every run.
    pub fn new_id(&mut self, kind: &str) -> String {
        let count = self.counts.entry(kind.to_owned()).or_default();
        loop {
            *count += 1;
            let id = shaped_id(kind, *count);
            if self.kinds.get(kind).is_none_or(|records| !records.contains_key(&id)) {
                return id;
            }
        }
    }
}

/// `contact0000000000001` for HighLevel, a UUID elsewhere.
fn shaped_id(kind: &str, count: u64) -> String {
    match kind.split_once('.') {
        Some(("highlevel", name)) => {
            let width = 20_usize.saturating_sub(name.len());
            format!("{name}{count:0width$}")
        }
        _ => {
            // FNV-1a, so that two kinds never share an id and every version makes the same ones.
            let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
            let hash = kind.bytes().fold(2_166_136_261, mix);
            format!("{hash:08x}-0000-4000-8000-{count:012x}")
        }
    }
}

/// A field as text; empty where there is none.
pub(super) fn text_of(record: &Record, field: &str) -> String {
    record.get(field).map(plain).unwrap_or_default()
}

/// A value as text: `ada@example.com`, `21.4`, `true`; empty for null.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether there is nothing in a field.
pub(super) fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// `2026-03-02T10:00:00.000Z`
pub(super) fn iso_stamp(now: Timestamp) -> String {
    format!("{now:.3}")
}

/// `2026-03-02 10:00:00`
pub(super) fn space_stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_stamps_have_the_form_of_the_app() {
        let mut records = Records::default();
        let id = records.new_id("highlevel.contact");
        assert_eq!((id.as_str(), id.len()), ("contact0000000000001", 20));
        let id = records.new_id("stax.customer");
        assert_eq!(id.len(), 36);
        assert!(id.ends_with("-0000-4000-8000-000000000001"));
        assert_ne!(id, records.new_id("stax.invoice"));
        let now: Timestamp = "2026-03-02T10:00:00.12Z".parse().unwrap();
        assert_eq!(iso_stamp(now), "2026-03-02T10:00:00.120Z");
        assert_eq!(space_stamp(now), "2026-03-02 10:00:00");
    }
}
