//! Lists: the records of one kind come in; those that the query asks for go out, sorted, in pages and
//! in the envelope of the catalog's example.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::catalog::{ListShape, Slot};

use super::generic::{belongs_to, not_found, put_at, shown, snake_case};
use super::records::{Record, folded, is_blank, plain};
use super::reply::Reply;
use super::stax;
use super::world::{Call, World};

/// Answers a list call.
pub(super) fn answer(world: &World, call: &Call) -> Reply {
    let Some(list) = &call.operation.list else { return Reply::new(200, Value::Null) };
    let found = match stax::related(world, call) {
        Some(Some(children)) => children,
        Some(None) => return not_found(call),
        None => select(world, call),
    };
    let total = found.len();
    let page = Page::of(call, list, total);
    let shown: Vec<Value> =
        found.into_iter().skip(page.skip).take(page.size).map(Value::Object).collect();
    let mut body = call.operation.example.response.clone();
    page.describe(world, call, shown.len(), &mut body);
    put_at(&mut body, &list.items, Value::Array(shown));
    Reply::new(200, body)
}

/// Everything that the query asks for, in order.
fn select(world: &World, call: &Call) -> Vec<Record> {
    let mut some = candidates(world, call);
    // Stax shows the newest first.
    if call.operation.app == "stax" {
        some.reverse();
    }
    let mut found: Vec<Record> = some
        .into_iter()
        .filter(|record| is_wanted_state(call, record))
        .filter(|record| call.parent().is_none_or(|(name, id)| belongs_to(record, name, id)))
        .map(|record| shown(world, &call.operation.app, record.clone()))
        .filter(|record| call.query.iter().all(|(name, value)| fits(record, name, value)))
        .collect();
    if let Some(field) = call.text("sort").map(str::to_owned) {
        let down = call.text("order").is_some_and(|order| order.eq_ignore_ascii_case("desc"));
        found.sort_by(|a, b| {
            let order = compare(a.get(&field), b.get(&field));
            if down { order.reverse() } else { order }
        });
    }
    found
}

/// Every record that may be asked for, looked up by one field where the call names one.
fn candidates<'a>(world: &'a World, call: &Call) -> Vec<&'a Record> {
    let kind = call.kind();
    if let Some((name, id)) = call.parent() {
        let by = |name: &str| world.records.with(&kind, name, id, folded);
        let found = by(name);
        return if found.is_empty() { by(&snake_case(name)) } else { found };
    }
    let says_what = |name: &str| !SAYS_HOW.contains(&name);
    let by = call.query.iter().find(|(name, value)| !value.is_array() && says_what(name));
    match by {
        Some((name, value)) => world.records.with_or_without(&kind, name, &plain(value), folded),
        None => world.records.all(&kind).collect(),
    }
}

/// Query fields that say nothing of what is in a field of their name.
const SAYS_HOW: [&str; 14] = [
    "model",
    "page",
    "per_page",
    "limit",
    "skip",
    "sort",
    "order",
    "timezone",
    "status",
    "startDate",
    "endDate",
    "minTotal",
    "maxTotal",
    "keywords[]",
];

/// Deleted records are shown to those who ask for them only.
fn is_wanted_state(call: &Call, record: &Record) -> bool {
    let deleted = !is_blank(record.get("deleted_at"));
    match call.text("status") {
        Some("all") => true,
        Some("deleted") => deleted,
        _ => !deleted,
    }
}

/// Whether a record is what one query field asks for. A field that says nothing of records fits all.
fn fits(record: &Record, name: &str, wanted: &Value) -> bool {
    let stamp = || {
        let stamp = ["batched_at", "created_at"].iter().find_map(|f| record.get(*f)?.as_str());
        stamp.unwrap_or_default().replace('T', " ")
    };
    let text = plain(wanted);
    match name {
        "page" | "per_page" | "limit" | "skip" | "sort" | "order" | "timezone" => true,
        "status" if matches!(text.as_str(), "all" | "deleted") => true,
        "model" if text == "all" => true,
        "startDate" => stamp().get(..10) >= text.get(..10),
        "endDate" => stamp().get(..10) <= text.get(..10),
        "minTotal" | "maxTotal" => {
            let (Some(total), Some(limit)) = (number(record.get("total")), number(Some(wanted)))
            else {
                return false;
            };
            if name == "minTotal" { total >= limit } else { total <= limit }
        }
        "keywords[]" => {
            let words: Vec<String> = match wanted {
                Value::Array(words) => words.iter().map(plain).collect(),
                _ => vec![text],
            };
            words.iter().all(|word| mentions(record, word))
        }
        _ => {
            let customer = record.get("customer").and_then(Value::as_object);
            let held = record.get(name).or_else(|| customer?.get(name));
            let held = held.or_else(|| record.get(other_name(name)?));
            held.is_none_or(|held| equals(held, &text))
        }
    }
}

/// How an item calls what the query for items calls otherwise.
fn other_name(name: &str) -> Option<&'static str> {
    match name {
        "name" => Some("item"),
        "description" => Some("details"),
        _ => None,
    }
}

fn equals(held: &Value, wanted: &str) -> bool {
    match held {
        Value::Array(items) => items.iter().any(|item| equals(item, wanted)),
        Value::Bool(b) => matches!((b, wanted), (true, "true" | "1") | (false, "false" | "0")),
        Value::Number(n) => n.as_f64() == wanted.parse().ok(),
        other => plain(other).eq_ignore_ascii_case(wanted),
    }
}

fn mentions(record: &Record, word: &str) -> bool {
    let word = word.to_lowercase();
    record.values().filter_map(Value::as_str).any(|text| text.to_lowercase().contains(&word))
}

fn number(value: Option<&Value>) -> Option<f64> {
    value?.as_f64().or_else(|| value?.as_str()?.parse().ok())
}

/// Numbers by size, everything else by its text.
pub(super) fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.map(plain).unwrap_or_default().cmp(&b.map(plain).unwrap_or_default()),
    }
}

/// The part of a list that is shown.
struct Page {
    number: usize,
    size: usize,
    skip: usize,
    total: usize,
}

impl Page {
    fn of(call: &Call, list: &ListShape, total: usize) -> Page {
        let whole = Page { number: 1, size: total.max(1), skip: 0, total };
        let Some(pages) = list.pages.as_ref().filter(|pages| pages.slot == Slot::Query) else {
            return whole;
        };
        let asked = |name: &str| call.number(name).filter(|n| *n >= 1.0).map(|n| n as usize);
        let usual = number(call.operation.example.response.get("per_page")).map(|n| n as usize);
        let most = pages.most.map_or(usize::MAX, |most| most.max(1) as usize);
        let size = pages.size.as_deref().and_then(asked).or(usual).unwrap_or(50).clamp(1, most);
        let number = asked(&pages.page).unwrap_or(1);
        Page { number, size, skip: (number - 1).saturating_mul(size), total }
    }

    /// Fills in what the envelope says of the pages, as far as it says anything.
    fn describe(&self, world: &World, call: &Call, shown: usize, body: &mut Value) {
        let last = self.total.div_ceil(self.size).max(1);
        let base = world.catalog.app(&call.operation.app).and_then(|app| app.base_url.as_deref());
        let link = |number: usize| {
            let path = call.operation.path_pattern();
            json!(format!("{}{path}?page={number}", base.unwrap_or_default()))
        };
        let none = Value::Null;
        let Some(envelope) = body.as_object_mut() else { return };
        for (name, value) in envelope.iter_mut() {
            *value = match name.as_str() {
                "total" | "count" => json!(self.total),
                "per_page" if value.is_string() => json!(self.size.to_string()),
                "per_page" => json!(self.size),
                "current_page" => json!(self.number),
                "last_page" => json!(last),
                "from" if shown > 0 => json!(self.skip + 1),
                "to" if shown > 0 => json!(self.skip + shown),
                "next_page_url" if self.number < last => link(self.number + 1),
                "prev_page_url" if self.number > 1 => link(self.number - 1),
                "from" | "to" | "next_page_url" | "prev_page_url" => none.clone(),
                _ => continue,
            };
        }
    }
}
