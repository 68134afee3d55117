//! One entry under `steps`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BareExpression, CustomFieldsWord, ForEach, Hold, OnConflict, Patch, Retry};

/// One step: exactly one of `call`, `set`, `wait`, `hold`, `use`, `stop` and `do`, or a `link` or
/// `unlink` alone, and what stands around it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// The name under which later steps find its results: `steps.<id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Do it once for every item of a list; templates see `item` and `item_index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// Do it only when this holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<BareExpression>,
    /// The operation to call, such as `POST /contacts/upsert` or `highlevel.upsert-contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Names for values: later steps read them as `steps.<id>.<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Map<String, Value>>,
    /// Wait for a length of time (`2h`, `3d`) or until a moment, such as `"{{ event.due_at }}"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// Ask a person, and go on with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Another recipe as a step: its file, counted from the folder of this one. `with` fills in its
    /// settings.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// End the run here, and say why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// A group: several steps under one condition or in one loop.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub group: Option<Vec<Step>>,
    /// Remember that two records are the same one here and there, such as `{ stax.customer: "{{ event.id }}",
    /// highlevel.contact: "{{ steps.contact.contact_id }}" }`: `linked('highlevel.contact')` finds it again.
    /// Beside a `call` when that went well, else as a step of its own. `as: name` keeps several apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Map<String, Value>>,
    /// Forget a link: of two records, or with one named all links of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlink: Option<Map<String, Value>>,
    /// The fields of the call: path, query and body side by side. Beside `use`: the settings of the
    /// other recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Map<String, Value>>,
    /// In a list call: read page by page and take the first entry whose fields match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub find: Option<Map<String, Value>>,
    /// How much of a list to read; the first page without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<PagesWord>,
    /// In a create: look first, and use the record that is there instead of making a second one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless_exists: Option<Map<String, Value>>,
    /// More results, by JSONPath over the answer.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub save: IndexMap<String, String>,
    /// Yes, replace all tags by the list in `with`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replace_tags: bool,
    /// Read the record first and send only the fields that differ, or nothing. With `fill` only the
    /// fields that are empty there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch>,
    /// With `patch`: whether the custom fields that are not named stay (the usual way) or go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<CustomFieldsWord>,
    /// Change the record only if it is still as this run first saw it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unless_changed: bool,
    /// With `unless_changed`: what to do when somebody else was faster; `retry` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
    /// Before a person is created or updated by e-mail and phone, look whether the two belong to the
    /// same one; yes without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_identity: Option<bool>,
    /// Read the record afterwards and tell which fields the app dropped or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    /// How long and how often it is tried again; a day without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// When it fails for good: stop the run (the usual way) or go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnProblem>,
    /// When the record is not there: stop the run (the usual way) or go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_not_found: Option<OnProblem>,
}

/// What to do when something goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnProblem {
    /// The run ends as failed.
    #[default]
    Stop,
    /// The step's results are empty and the run goes on.
    Continue,
}

/// How much of a list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PagesWord {
    /// Every page.
    All,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Call,
    Set,
    Wait,
    Hold,
    Use,
    Stop,
    Do,
    Link,
    Unlink,
}

impl Verb {
    pub const ALL: [Verb; 9] = [
        Verb::Call,
        Verb::Set,
        Verb::Wait,
        Verb::Hold,
        Verb::Use,
        Verb::Stop,
        Verb::Do,
        Verb::Link,
        Verb::Unlink,
    ];

    /// As a recipe writes it.
    pub fn key(self) -> &'static str {
        match self {
            Verb::Call => "call",
            Verb::Set => "set",
            Verb::Wait => "wait",
            Verb::Hold => "hold",
            Verb::Use => "use",
            Verb::Stop => "stop",
            Verb::Do => "do",
            Verb::Link => "link",
            Verb::Unlink => "unlink",
        }
    }
}

impl Step {
    /// The verbs that are written; a good step has one. What is linked beside a call belongs to the call.
    pub fn verbs(&self) -> Vec<Verb> {
        let is_call = self.call.is_some();
        let written = [
            self.call.is_some(),
            self.set.is_some(),
            self.wait.is_some(),
            self.hold.is_some(),
            self.used.is_some(),
            self.stop.is_some(),
            self.group.is_some(),
            self.link.is_some() && !is_call,
            self.unlink.is_some() && !is_call,
        ];
        Verb::ALL.into_iter().zip(written).filter(|(_, is)| *is).map(|(verb, _)| verb).collect()
    }
}
