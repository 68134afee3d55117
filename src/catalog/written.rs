//! An app of one's own as its author writes it, in one file of a project: the types give the JSON Schema that
//! such a file is held to.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventBy, Limit};

/// An app that linecook does not ship: where it is, what it can do and what it tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenApp {
    /// The JSON Schema that editors follow.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Its name in recipes, in small letters; that of the file without it.
    pub app: Option<String>,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for, in one sentence.
    pub about: Option<String>,
    /// The address that all paths are counted from; none for an app that only tells.
    pub base_url: Option<String>,
    /// Headers that are sent with every call, besides the token.
    pub headers: IndexMap<String, String>,
    /// The field that names the account, where there is one.
    pub location: Option<String>,
    /// How a webhook says which event it is; by its address without it.
    pub event_by: Option<EventBy>,
    /// The time zone of dates that come without one.
    pub time_zone: Option<String>,
    /// Where an error answer keeps its text.
    pub errors: Option<WrittenErrors>,
    /// How much may be sent.
    pub limits: Vec<Limit>,
    /// A call that changes nothing, by which `linecook connections test` sees whether a token is good.
    pub proof: Option<WrittenProof>,
    /// What its operations are about, in the singular; the name of the app without it.
    pub resource: Option<String>,
    /// What people call the things its operations work on, for `allow` of a connection.
    pub records: Option<String>,
    /// Shapes that are used more than once; their names start with a capital.
    pub types: IndexMap<String, IndexMap<String, WrittenField>>,
    /// What it can do, by an id such as create-order.
    pub operations: IndexMap<String, WrittenOperation>,
    /// What it tells, by a name in the past tense such as order_paid.
    pub events: IndexMap<String, WrittenEvent>,
}

/// Where an error answer keeps its text.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenErrors {
    /// A path such as $.message
    pub message: Option<String>,
    /// How it says that there is no such field, with {} for its name.
    pub unknown_field: Option<String>,
}

/// A call that changes nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct WrittenProof {
    /// What is read, such as /me
    pub path: String,
    pub query: IndexMap<String, String>,
}

/// One thing that the app can do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["call"]))]
pub struct WrittenOperation {
    /// Method and path, with : in front of what a recipe fills in: GET /orders/:id
    pub call: String,
    /// What it does, in a few words; made from its id without it.
    pub title: Option<String>,
    /// Other ids of it.
    pub aliases: Vec<String>,
    /// Headers in place of the app's own.
    pub headers: IndexMap<String, String>,
    /// What people call the things it works on.
    pub records: Option<String>,
    /// The scope that a token needs for it.
    pub scope: Option<String>,
    /// What it does; from the method without it.
    pub effect: Option<super::Effect>,
    /// What may be done when nobody knows whether it happened; from the method without it, with care.
    pub in_doubt: Option<super::InDoubt>,
    /// What to use instead.
    pub deprecated: Option<String>,
    /// Why a recipe cannot use it.
    pub unsupported: Option<String>,
    /// The fields in its path; texts without it.
    pub path: IndexMap<String, WrittenField>,
    /// The fields behind the question mark.
    pub query: IndexMap<String, WrittenField>,
    /// The fields of its body; `unknown` for any object.
    pub body: IndexMap<String, WrittenField>,
    /// What the items are, where the body is a list.
    pub body_list: Option<WrittenField>,
    /// At least one of these fields must be there.
    pub one_of: Vec<String>,
    /// The fields of its answer; `unknown` without it.
    pub response: IndexMap<String, WrittenField>,
    /// What recipes need of the answer: a name and a path such as $.order.id
    pub results: Value,
    /// How a list call answers.
    pub list: Value,
    /// How a record that is there already is looked for.
    pub lookup: Value,
    /// Which record it works on.
    pub record: Value,
    pub idempotency: Value,
    pub marker: Value,
    pub probe: Value,
    pub newness: Value,
    /// One whole use: `with` and `response`; made from the fields without it.
    pub example: Value,
    /// What people should know, one sentence each.
    pub notes: Vec<String>,
}

/// One thing that the app tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenEvent {
    /// What happened, in a few words; made from its name without it.
    pub title: Option<String>,
    /// What the app calls it, where it says so.
    pub wire: Option<String>,
    pub scope: Option<String>,
    /// A condition over `event`, where the app sends several of ours under one name.
    pub when: Option<String>,
    /// The record that it is about: kind and id.
    pub record: Value,
    /// The record that this one belongs to.
    pub about_record: Value,
    /// The fields that it carries, the name of a type, or `unknown`.
    pub payload: IndexMap<String, WrittenField>,
    /// The operation that reads the record again.
    pub read_again: Option<String>,
    /// The operation that lists such records, and the field with the time by which new ones are told apart.
    pub list: Option<String>,
    pub list_time: Option<String>,
    /// One whole payload; made from the fields without it.
    pub example: Value,
    pub notes: Vec<String>,
}

/// What a field holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenField {
    /// string, number, integer, boolean, list, object, any, or the name of a type of this file.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub required: bool,
    /// The app takes null, which blanks it.
    pub nullable: bool,
    /// Whether the app sends it.
    pub presence: Option<super::Presence>,
    /// How its text is written; values convert to it by themselves.
    pub format: Option<super::Format>,
    /// The only values that it takes.
    #[serde(rename = "enum")]
    pub options: Vec<Value>,
    pub max_length: Option<u64>,
    pub min_length: Option<u64>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub pattern: Option<String>,
    /// What the items of a list are.
    pub of: Option<Box<WrittenField>>,
    /// What an object holds.
    pub fields: Option<IndexMap<String, WrittenField>>,
    /// Other fields than these are taken too.
    pub open: bool,
    /// Sent when a recipe leaves it out.
    pub usual: Value,
    pub by_name: Value,
    /// What it is, in one short sentence.
    pub about: Option<String>,
}

/// The file with its short forms spelled out, so that it can be held to the schema. Everything stays where it
/// is written.
pub fn spelled_out(file: &Value) -> Value {
    let mut file = file.clone();
    let inner = |file: &mut Value, key: &str, change: &dyn Fn(&mut Value)| {
        let all = file.get_mut(key).and_then(Value::as_object_mut);
        all.into_iter().flat_map(|map| map.values_mut()).for_each(change);
    };
    inner(&mut file, "types", &|fields| spell_fields(fields));
    inner(&mut file, "operations", &|operation| {
        for key in ["path", "query", "body", "response"] {
            spell_part(operation, key);
        }
        operation.get_mut("body_list").into_iter().for_each(spell_field);
    });
    inner(&mut file, "events", &|event| spell_part(event, "payload"));
    file
}

/// A word in the place of fields is `unknown` or the name of a type.
fn spell_part(entry: &mut Value, key: &str) {
    match entry.get_mut(key) {
        Some(Value::String(_)) => {
            entry.as_object_mut().map(|entry| entry.shift_remove(key));
        }
        Some(fields) => spell_fields(fields),
        None => {}
    }
}

fn spell_fields(fields: &mut Value) {
    fields.as_object_mut().into_iter().flat_map(|map| map.values_mut()).for_each(spell_field);
}

fn spell_field(field: &mut Value) {
    if let Value::String(name) = field {
        *field = serde_json::json!({ "type": name });
    }
    field.get_mut("of").into_iter().for_each(spell_field);
    field.get_mut("fields").into_iter().for_each(spell_fields);
}
