//! One thing an app can do.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field::value_at;
use super::{App, Field, Fields, Marker, Newness, Probe, Record};

/// One thing an app can do, with everything that is known of it. Source: `schemas/catalog/`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    pub app: String,
    pub resource: String,
    /// What people call the things it works on: `tasks`. By this word `allow` of a connection names them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub records: String,
    /// Unique within the resource: `create-task`.
    pub id: String,
    pub title: String,
    /// `POST /contacts/:contactId/tasks`
    pub call: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Sent with this call instead of the app's own of the same name: another version of the API.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// What a token must be allowed for it. No scope includes another: HighLevel's own documents name
    /// exactly one for each operation, and none of them says that `contacts.write` may read too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The app's documents are silent about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope_inferred: bool,
    pub effect: Effect,
    pub in_doubt: InDoubt,
    /// What to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// Why a recipe cannot use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
    #[serde(default, skip_serializing_if = "no_fields")]
    pub path: Fields,
    #[serde(default, skip_serializing_if = "no_fields")]
    pub query: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Fields>,
    /// The app does not document the body: any object is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body_unknown: bool,
    /// What the items are, when the body is a bare list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_list: Option<Field>,
    /// At least one of these body fields must be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// Fields that people expect and the API refuses: what to use instead.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub refused: IndexMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagsShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk: Option<BulkShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removes_tags: Option<RemovesTags>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Field>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub response_unknown: bool,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub results: IndexMap<String, NamedResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Lookup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newness: Option<Newness>,
    #[serde(default)]
    pub example: Example,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

fn is_unsaid(field: &Field) -> bool {
    *field == Field::default()
}

fn no_fields(fields: &Fields) -> bool {
    fields.is_empty()
}

/// What a call does to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Read,
    Create,
    Update,
    Delete,
    /// Does something that is not a record: sends, charges, starts.
    Action,
}

impl Effect {
    /// Whether it changes something in the app.
    pub fn changes(self) -> bool {
        self != Effect::Read
    }
}

/// What may be done when nobody knows whether a call got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InDoubt {
    /// Sending it again changes nothing more.
    Idempotent,
    /// Look for the record first.
    Probe,
    /// Look for a reference that the engine wrote into it.
    Marker,
    /// The app recognises a repeated call by a key.
    Key,
    /// Never sent again by itself: a person decides.
    Unprotected,
}

/// Where a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    Path,
    Query,
    Body,
}

impl Slot {
    pub fn name(self) -> &'static str {
        match self {
            Slot::Path => "path",
            Slot::Query => "query",
            Slot::Body => "body",
        }
    }
}

/// A tags field that stands for the whole list, and the operations that add and remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagsShape {
    pub field: String,
    pub add: String,
    pub remove: String,
    /// The path field or named result with the id of the tagged record.
    pub contact: String,
    #[serde(default)]
    pub full_list: FullList,
}

/// It takes tags away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovesTags {
    /// The body field with the tags.
    pub field: String,
    /// Only where the path says so.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub with: IndexMap<String, String>,
}

/// The operation that does the same for many records with one call, and how its answer speaks of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkShape {
    /// An operation of the same app, with the same body fields besides these.
    pub operation: String,
    /// Fields that are always sent so.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub with: IndexMap<String, Value>,
    /// Its body field with the ids of the records.
    pub ids: String,
    /// The most records in one call.
    pub most: usize,
    /// The list in its answer with one entry for each record: a dotted path from `$`.
    pub answers: String,
    /// The field of an entry with the id of the record.
    pub id: String,
    /// What an entry says when it went well.
    pub good: IndexMap<String, Value>,
    /// The list that the single call would have answered.
    pub list: BulkList,
}

/// How a list stands after a change, as far as a bulk answer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkList {
    /// The field of the single answer.
    pub field: String,
    /// The fields of an entry: what was there, came and went.
    pub before: String,
    pub added: String,
    pub removed: String,
}

/// What a full list of tags does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FullList {
    /// Wipes all others.
    #[default]
    Replaces,
    /// There are no others.
    Allowed,
}

/// Something a recipe needs from an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedResult {
    /// A dotted path from `$`.
    pub path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What stands there, as the answer says; filled in when the operation is read.
    #[serde(default, skip_serializing_if = "is_unsaid")]
    pub field: Field,
}

/// How a list call answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListShape {
    /// A dotted path from `$`. A single object there counts as a list of one.
    pub items: String,
    /// What recipes need from one item.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub results: IndexMap<String, NamedResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    /// The query that asks for the newest first.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub newest: IndexMap<String, String>,
    /// What one item is, as the answer says; filled in when the operation is read.
    #[serde(default, skip_serializing_if = "is_unsaid")]
    pub of: Field,
}

/// Numbered pages, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The field with the number of the page.
    pub page: String,
    /// The field with the size of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The largest page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// Where the answer says which page is the last: a dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Where the answer says how many there are in all: a dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// Where the two fields go.
    #[serde(rename = "in", default = "in_query")]
    pub slot: Slot,
}

fn in_query() -> Slot {
    Slot::Query
}

/// How a record is looked for that is already there: by `unless_exists`, and when the call may already
/// have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// A list operation of the same app.
    pub operation: String,
    /// Its fields ← fields of the create.
    #[serde(default)]
    pub with: IndexMap<String, String>,
    /// Its query fields ← fields of the condition, for what it can search by itself.
    #[serde(default)]
    pub query: IndexMap<String, String>,
}

/// Where the key goes by which the app recognises a repeated call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    #[serde(rename = "in")]
    pub slot: Slot,
    pub field: String,
}

/// One whole use: fields as a recipe writes them, and an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    #[serde(default)]
    pub with: serde_json::Map<String, Value>,
    #[serde(default)]
    pub response: Value,
}

impl Operation {
    /// `highlevel.create-task`: the name to show. The long one is [`Operation::long_id`].
    pub fn name(&self) -> String {
        format!("{}.{}", self.app, self.id)
    }

    pub fn long_id(&self) -> String {
        format!("{}.{}.{}", self.app, self.resource, self.id)
    }

    pub fn method(&self) -> &str {
        self.call.split_once(' ').map_or("GET", |(method, _)| method)
    }

    pub fn path_pattern(&self) -> &str {
        self.call.split_once(' ').map_or("/", |(_, path)| path)
    }

    /// The headers of a call: the app's, with its own in their place and behind them.
    pub fn headers(&self, app: &App) -> Vec<(String, String)> {
        let own = |name: &String| self.headers.get(name).cloned();
        let usual = app.headers.iter();
        let usual = usual.map(|(name, value)| (name.clone(), own(name).unwrap_or(value.clone())));
        let more = self.headers.iter().filter(|(name, _)| !app.headers.contains_key(*name));
        usual.chain(more.map(|(name, value)| (name.clone(), value.clone()))).collect()
    }

    /// Whether it changes something in the app.
    pub fn changes(&self) -> bool {
        self.effect.changes()
    }

    /// The field of that name and where it goes. `path.x`, `query.x` and `body.x` say which of
    /// several is meant.
    pub fn field(&self, name: &str) -> Result<(Slot, &str, &Field), FieldError> {
        let slots = [
            (Slot::Path, Some(&self.path)),
            (Slot::Query, Some(&self.query)),
            (Slot::Body, self.body.as_ref()),
        ];
        if let Some((prefix, inner)) = name.split_once('.')
            && let Some((slot, fields)) = slots.iter().find(|(slot, _)| slot.name() == prefix)
        {
            let found = fields.and_then(|f| f.get_key_value(inner));
            return found.map(|(k, f)| (*slot, k.as_str(), f)).ok_or(FieldError::Unknown);
        }
        let mut found = slots
            .iter()
            .filter_map(|(slot, fields)| Some((*slot, fields.as_ref()?.get_key_value(name)?)));
        match (found.next(), found.next()) {
            (None, _) => Err(FieldError::Unknown),
            (Some((slot, (key, field))), None) => Ok((slot, key, field)),
            (Some((first, _)), Some((second, _))) => Err(FieldError::Several(first, second)),
        }
    }

    /// All fields a recipe can write, by slot.
    pub fn fields(&self) -> impl Iterator<Item = (Slot, &String, &Field)> {
        let path = self.path.iter().map(|(name, field)| (Slot::Path, name, field));
        let query = self.query.iter().map(|(name, field)| (Slot::Query, name, field));
        let body = self.body.iter().flat_map(|b| b.iter());
        path.chain(query).chain(body.map(|(name, field)| (Slot::Body, name, field)))
    }

    /// Gives every named result the type that the answer says; returns what the answer does not have.
    pub(super) fn fill_results(&mut self) -> Vec<String> {
        let response = self.response.clone().unwrap_or_default();
        let unknown = self.response_unknown;
        let mut missing = Vec::new();
        let mut fill = |results: &mut IndexMap<String, NamedResult>, of: &Field| {
            for (name, result) in results.iter_mut() {
                match of.at_path(&result.path) {
                    Some(field) => {
                        let nullable = of.may_end_at_null(&result.path);
                        result.field = Field { usual: None, nullable, ..field.clone() };
                    }
                    None if unknown => {}
                    None => missing.push(format!("`{name}`: the answer has no `{}`", result.path)),
                }
            }
        };
        fill(&mut self.results, &response);
        if let Some(ListShape { items, results, of, .. }) = &mut self.list {
            match response.at_path(items) {
                Some(list) => {
                    *of = list.of.as_deref().cloned().unwrap_or_else(|| list.clone());
                    fill(results, of);
                }
                None if unknown => {}
                None => missing.push(format!("the answer has no `{items}`")),
            }
        }
        missing
    }

    /// What the record in its answer is.
    pub fn record_field(&self) -> Option<Field> {
        let at = self.record.as_ref()?.at.as_deref().unwrap_or("$");
        self.response.as_ref()?.at_path(at).cloned()
    }

    /// The record in an answer.
    pub fn read_record<'a>(&self, response: &'a Value) -> Option<&'a Value> {
        let at = self.record.as_ref()?.at.as_deref().unwrap_or("$");
        value_at(response, at).filter(|record| record.is_object())
    }

    /// The named results of an answer.
    pub fn read_results(&self, response: &Value) -> serde_json::Map<String, Value> {
        read(&self.results, response)
    }
}

impl ListShape {
    /// The items of an answer.
    pub fn read_items<'a>(&self, response: &'a Value) -> Vec<&'a Value> {
        match value_at(response, &self.items) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one],
        }
    }

    /// Whether the answer shows one record only, whatever else there is like it.
    pub fn shows_one(&self, response: &Value) -> bool {
        value_at(response, &self.items).is_some_and(|items| !items.is_array())
    }

    /// Whether page `number` is the last: as the answer says, else because it is not full. `size` is how many
    /// were asked for, where that is known.
    pub fn is_last_page(&self, response: &Value, number: u64, size: Option<u64>) -> bool {
        let Some(pages) = &self.pages else { return true };
        let items = self.read_items(response).len() as u64;
        let at = |path: &Option<String>| value_at(response, path.as_deref()?)?.as_u64();
        if items == 0 {
            return true;
        }
        if let Some(last) = at(&pages.last) {
            return number >= last;
        }
        let size = size.or(pages.most);
        if let (Some(total), Some(size)) = (at(&pages.total), size) {
            // A page may hold fewer than were asked for.
            return (number - 1).saturating_mul(size) + items >= total;
        }
        size.is_some_and(|size| items < size)
    }

    /// The named results of one item.
    pub fn read_results(&self, item: &Value) -> serde_json::Map<String, Value> {
        read(&self.results, item)
    }
}

fn read(results: &IndexMap<String, NamedResult>, value: &Value) -> serde_json::Map<String, Value> {
    let found = |result: &NamedResult| value_at(value, &result.path).cloned().unwrap_or_default();
    results.iter().map(|(name, result)| (name.clone(), found(result))).collect()
}

/// Why a name does not lead to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    Unknown,
    Several(Slot, Slot),
}
