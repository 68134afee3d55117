//! Examples that nobody wrote: an operation or event without one comes in; it goes out with one made from
//! its fields, always the same.

use serde_json::{Map, Value, json};

use super::{EventType, Field, Fields, Format, Operation, Slot};
use crate::value::Kind;

/// How deep a made answer goes.
const MAX_DEPTH: usize = 4;
/// How many values a made answer holds at most.
const MAX_VALUES: usize = 300;

/// Gives an operation an example where it has none: what it must be sent, and an answer.
pub(super) fn complete(operation: &mut Operation) {
    if !operation.example.with.is_empty() || !operation.example.response.is_null() {
        return;
    }
    let mut maker = Maker { left: MAX_VALUES };
    let mut with = Map::new();
    let twice = |name: &str| operation.field(name).is_err();
    for (slot, name, field) in operation.fields() {
        let is_needed =
            slot == Slot::Path || field.required || operation.one_of.first() == Some(name);
        if is_needed && field.usual.is_none() {
            let key = if twice(name) { format!("{}.{name}", slot.name()) } else { name.clone() };
            with.insert(key, maker.needed(name, field, 0));
        }
    }
    if let Some(item) = &operation.body_list {
        with.insert("body".into(), json!([maker.needed("item", item, 0)]));
    }
    let response = operation.response.as_ref().map(|field| maker.told("answer", field, 0));
    operation.example.with = with;
    operation.example.response = response.unwrap_or_default();
}

/// Gives an event an example where it has none and its payload is known. `says` is the field of it in which
/// the app says which event it is.
pub(super) fn complete_event(event: &mut EventType, says: Option<&str>) {
    let Some(fields) = event.payload.fields.as_ref().filter(|_| event.example.is_null()) else {
        return;
    };
    let says = says.filter(|name| fields.contains_key(*name)).map(str::to_owned);
    event.example = Maker { left: MAX_VALUES }.told("event", &event.payload, 0);
    if let (Some(name), Some(wire)) = (says, &event.wire) {
        event.example[name] = wire.as_str().into();
    }
}

impl Field {
    /// A value that looks like what belongs into a field of that name; always the same.
    pub fn sample(&self, name: &str) -> Value {
        Maker { left: MAX_VALUES }.needed(name, self, 0)
    }
}

struct Maker {
    left: usize,
}

impl Maker {
    /// What has to be there.
    fn needed(&mut self, name: &str, field: &Field, depth: usize) -> Value {
        self.value(name, field, depth, |inner| inner.required)
    }

    /// Whatever may be there.
    fn told(&mut self, name: &str, field: &Field, depth: usize) -> Value {
        // A text that nobody can make up from its pattern is left out.
        self.value(name, field, depth, |inner| inner.pattern.is_none())
    }

    fn value(
        &mut self,
        name: &str,
        field: &Field,
        depth: usize,
        wanted: fn(&Field) -> bool,
    ) -> Value {
        self.left = self.left.saturating_sub(1);
        if let Some(first) = field.options.first() {
            return first.clone();
        }
        match field.kind {
            Kind::Any => words(name).into(),
            Kind::String | Kind::Moment => text(name, field).into(),
            Kind::Boolean => true.into(),
            Kind::Integer => (number(field).ceil() as i64).into(),
            Kind::Number => match number(field) {
                whole if whole.fract() == 0.0 => (whole as i64).into(),
                number => number.into(),
            },
            Kind::List => match &field.of {
                Some(of) if depth < MAX_DEPTH => json!([self.value(name, of, depth + 1, wanted)]),
                _ => json!([]),
            },
            Kind::Object => match &field.fields {
                Some(fields) => self.object(fields, depth, wanted),
                None => json!({}),
            },
        }
    }

    fn object(&mut self, fields: &Fields, depth: usize, wanted: fn(&Field) -> bool) -> Value {
        let mut out = Map::new();
        for (name, field) in fields.iter().filter(|(_, field)| wanted(field)) {
            let is_deep = depth >= MAX_DEPTH && matches!(field.kind, Kind::Object | Kind::List);
            if !field.required && (is_deep || self.left == 0) {
                continue;
            }
            // What must be there must be there, but not without an end.
            let value = match depth < 3 * MAX_DEPTH {
                true => self.value(name, field, depth + 1, wanted),
                false => continue,
            };
            out.insert(name.clone(), value);
        }
        Value::Object(out)
    }
}

fn number(field: &Field) -> f64 {
    let least = field.minimum.unwrap_or(1.0);
    let wanted = if least > 1.0 { least } else { 1.0 };
    field.maximum.map_or(wanted, |most| wanted.min(most))
}

fn text(name: &str, field: &Field) -> String {
    let text = match field.format {
        Some(Format::PhoneE164) => "+14075550100",
        Some(Format::PhoneDigits) => "4075550100",
        Some(Format::Email) => "ada@example.com",
        Some(Format::DateTime) => "2026-03-02T09:00:00Z",
        Some(Format::DateTimeSpace) => "2026-03-02 09:00:00",
        Some(Format::Date) => "2026-03-02",
        Some(Format::Country2) => "US",
        Some(Format::Country3) => "USA",
        Some(Format::State2) => "FL",
        Some(Format::Url) => "https://example.com/page",
        Some(Format::Uuid) => "59327746-fbca-4fb6-adf0-e88c99245548",
        None => &by_name(name),
    };
    let mut text = text.to_owned();
    if let Some(most) = field.max_length.filter(|&most| text.chars().count() > most) {
        text = text.chars().take(most).collect();
    }
    while field.min_length.is_some_and(|least| text.chars().count() < least.min(500)) {
        text.push('x');
    }
    text
}

/// A text that looks like what belongs there, as far as a name says.
fn by_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let known = [
        ("timezone", "America/New_York"),
        ("time_zone", "America/New_York"),
        ("currency", "USD"),
        ("country", "US"),
        ("email", "ada@example.com"),
        ("phone", "+14075550100"),
        ("url", "https://example.com/page"),
        ("website", "https://example.com"),
    ];
    let found = known.iter().find(|(part, _)| lower.ends_with(part));
    found.map_or_else(|| words(name), |(_, text)| (*text).to_owned())
}

/// `firstName` → `first name`: enough to see what belongs there.
fn words(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && out.ends_with(|c: char| c.is_lowercase()) {
            out.push(' ');
        }
        match letter {
            '_' | '-' | '[' | ']' if out.ends_with(' ') || out.is_empty() => {}
            '_' | '-' | '[' | ']' => out.push(' '),
            letter => out.extend(letter.to_lowercase()),
        }
    }
    let out = out.trim_end().to_owned();
    if out.is_empty() { "text".to_owned() } else { out }
}
