//! The records that the pretended apps hold: by kind such as `stax.customer` and by id, in the order
//! in which they came. Also their ids and time stamps, which are the same in every run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) type Record = Map<String, Value>;

/// All records of all apps.
#[derive(Clone, Default)]
pub(super) struct Records {
    kinds: HashMap<String, Kind>,
    counts: HashMap<String, u64>,
    /// None while nobody wants to know them.
    changes: Option<Vec<Change>>,
}

/// A record that became another one.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub kind: String,
    /// None when it is new.
    pub before: Option<Record>,
    /// None when it is gone.
    pub after: Option<Record>,
}

/// The records of one kind, by the number of their arrival.
#[derive(Clone, Default)]
struct Kind {
    records: BTreeMap<u64, Record>,
    numbers: HashMap<String, u64>,
    arrivals: u64,
    /// By field, made when records are first looked up by it.
    indexes: RefCell<HashMap<String, Index>>,
}

/// Which records have what in one field.
#[derive(Clone)]
struct Index {
    form: Form,
    by_value: HashMap<String, BTreeSet<u64>>,
    /// Those without the field.
    without: BTreeSet<u64>,
}

/// The form in which two values of a field are compared.
pub(super) type Form = fn(&str) -> String;

impl Index {
    /// The values under which a record is found.
    fn values(&self, value: &Value) -> Vec<String> {
        match value {
            Value::Array(items) => items.iter().flat_map(|item| self.values(item)).collect(),
            other => vec![(self.form)(&plain(other))],
        }
    }

    fn add(&mut self, number: u64, field: Option<&Value>) {
        let Some(value) = field else {
            self.without.insert(number);
            return;
        };
        for value in self.values(value) {
            self.by_value.entry(value).or_default().insert(number);
        }
    }

    fn remove(&mut self, number: u64, field: Option<&Value>) {
        let Some(value) = field else {
            self.without.remove(&number);
            return;
        };
        for value in self.values(value) {
            if let Some(numbers) = self.by_value.get_mut(&value) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_value.remove(&value);
                }
            }
        }
    }
}

impl Kind {
    fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(self.numbers.get(id)?)
    }

    /// Gives the record that was there.
    fn insert(&mut self, record: Record) -> Option<Record> {
        let id = text_of(&record, "id");
        let number = match self.numbers.get(&id) {
            Some(number) => *number,
            None => {
                self.arrivals += 1;
                self.numbers.insert(id, self.arrivals);
                self.arrivals
            }
        };
        for (field, index) in self.indexes.get_mut() {
            if let Some(before) = self.records.get(&number) {
                // To bring a phone number into the form in which it is looked up takes long.
                if before.get(field) == record.get(field) {
                    continue;
                }
                index.remove(number, before.get(field));
            }
            index.add(number, record.get(field));
        }
        self.records.insert(number, record)
    }

    fn remove(&mut self, id: &str) -> Option<Record> {
        let number = self.numbers.remove(id)?;
        let record = self.records.remove(&number)?;
        for (field, index) in self.indexes.get_mut() {
            index.remove(number, record.get(field));
        }
        Some(record)
    }

    /// The records whose field may be `wanted`, and those without the field where they are asked for.
    fn with(&self, field: &str, wanted: &str, form: Form, or_without: bool) -> Vec<&Record> {
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(field.to_owned()).or_insert_with(|| {
            let mut index = Index { form, by_value: HashMap::new(), without: BTreeSet::new() };
            self.records.iter().for_each(|(number, record)| index.add(*number, record.get(field)));
            index
        });
        let mut numbers = index.by_value.get(&form(wanted)).cloned().unwrap_or_default();
        if or_without {
            numbers.extend(&index.without);
        }
        numbers.iter().map(|number| &self.records[number]).collect()
    }
}

impl Records {
    pub fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Record> {
        self.kinds.get(kind).into_iter().flat_map(|kind| kind.records.values())
    }

    /// Those whose `field`, or one of the items in it, is `wanted` in this form, in order. A field is always
    /// looked up in the same form.
    pub fn with(&self, kind: &str, field: &str, wanted: &str, form: Form) -> Vec<&Record> {
        self.kinds.get(kind).map_or_else(Vec::new, |k| k.with(field, wanted, form, false))
    }

    /// Those, and the ones without the field.
    pub fn with_or_without(
        &self,
        kind: &str,
        field: &str,
        wanted: &str,
        form: Form,
    ) -> Vec<&Record> {
        self.kinds.get(kind).map_or_else(Vec::new, |k| k.with(field, wanted, form, true))
    }

    pub fn find(&self, kind: &str, id: &str) -> Option<&Record> {
        self.kinds.get(kind)?.get(id)
    }

    /// Changes one record; none when it is not there. Its `id` stays.
    pub fn change<T>(
        &mut self,
        kind: &str,
        id: &str,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Option<T> {
        let mut record = self.find(kind, id)?.clone();
        let result = change(&mut record);
        self.insert(kind, record);
        Some(result)
    }

    /// Keeps a record under its `id`; one that is there already is replaced.
    pub fn insert(&mut self, kind: &str, record: Record) {
        let after = self.changes.is_some().then(|| record.clone());
        let before = match self.kinds.get_mut(kind) {
            Some(kind) => kind.insert(record),
            None => self.kinds.entry(kind.to_owned()).or_default().insert(record),
        };
        if let Some(changes) = &mut self.changes {
            changes.push(Change { kind: kind.to_owned(), before, after });
        }
    }

    pub fn remove(&mut self, kind: &str, id: &str) -> Option<Record> {
        let removed = self.kinds.get_mut(kind)?.remove(id)?;
        if let Some(changes) = &mut self.changes {
            let before = Some(removed.clone());
            changes.push(Change { kind: kind.to_owned(), before, after: None });
        }
        Some(removed)
    }

    /// Notes the changes from now on, or does not.
    pub fn watch(&mut self, on: bool) {
        self.changes = on.then(Vec::new);
    }

    /// What has changed since they are watched.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Removes every record whose `field` is the id `value`: what hung on one that is gone. Whether an app
    /// tells of those too is not known, so they are no changes.
    pub fn remove_where(&mut self, kind: &str, field: &str, value: &str) {
        let found = self.with(kind, field, value, folded);
        let found = found.into_iter().filter(|record| text_of(record, field) == value);
        let ids: Vec<String> = found.map(|record| text_of(record, "id")).collect();
        let Some(kind) = self.kinds.get_mut(kind) else { return };
        ids.iter().for_each(|id| drop(kind.remove(id)));
    }

    /// An id that no record of this kind has: of the form the app uses, and the same in every run.
    pub fn new_id(&mut self, kind: &str) -> String {
        let count = self.counts.entry(kind.to_owned()).or_default();
        loop {
            *count += 1;
            let id = shaped_id(kind, *count);
            if self.kinds.get(kind).is_none_or(|records| !records.numbers.contains_key(&id)) {
                return id;
            }
        }
    }
}

/// A form in which equal texts, numbers and truths are equal: `ada@example.com`, `5`, `1` for true.
pub(super) fn folded(text: &str) -> String {
    match text.trim().to_lowercase() {
        text if text == "true" => "1".to_owned(),
        text if text == "false" => "0".to_owned(),
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => number.to_string(),
            _ => text,
        },
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
