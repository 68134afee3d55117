//! A recipe that has been checked: every operation found, every template compiled, every literal in
//! the form that is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checked_trigger::{CheckedTrigger, TriggerKind};
use crate::catalog::{ByName, Field, Operation, Slot};
use crate::recipe::{CustomFieldsWord, OnConflict, OnProblem, Patch};
use crate::snapshot::Pick;
use crate::source::Route;
use crate::template::{OwnFilters, Template};
use crate::value::app_of;

/// The proof that a recipe is good: made only by [`super::recipe`].
#[derive(Clone, Debug)]
pub struct Checked(pub(crate) CheckedRecipe);

/// What a checked recipe consists of. Serialisable: a started run keeps its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedRecipe {
    pub name: String,
    pub trigger: CheckedTrigger,
    pub settings: IndexMap<String, CheckedSetting>,
    pub steps: Vec<CheckedStep>,
    /// The project's own filters that it uses.
    #[serde(default, skip_serializing_if = "is_without_filters")]
    pub filters: Arc<OwnFilters>,
}

fn is_without_filters(filters: &Arc<OwnFilters>) -> bool {
    filters.is_empty()
}

impl CheckedRecipe {
    /// The apps that it calls.
    pub fn apps(&self) -> BTreeSet<&str> {
        fn collect<'a>(steps: &'a [CheckedStep], apps: &mut BTreeSet<&'a str>) {
            for step in steps {
                match &step.action {
                    Action::Call(call) => drop(apps.insert(call.operation.app.as_str())),
                    _ => collect(step.inner(), apps),
                }
            }
        }
        let mut apps = BTreeSet::new();
        collect(&self.steps, &mut apps);
        if let TriggerKind::Poll(poll) = &self.trigger.kind {
            apps.insert(poll.call.operation.app.as_str());
        }
        apps
    }

    /// The apps whose records it links or asks for, without those that it calls.
    pub fn linked_apps(&self) -> BTreeSet<String> {
        fn of_template(template: &Template, apps: &mut BTreeSet<String>) {
            for kind in template.linked_kinds() {
                apps.insert(app_of(kind).to_owned());
            }
        }
        fn collect(steps: &[CheckedStep], apps: &mut BTreeSet<String>) {
            for step in steps {
                let links = match &step.action {
                    Action::Call(call) => &call.links[..],
                    Action::Link(link) => std::slice::from_ref(&**link),
                    _ => &[],
                };
                for record in links.iter().flat_map(|link| &link.records) {
                    apps.insert(app_of(&record.kind).to_owned());
                }
                let when = step.when.iter().map(|(_, when)| when);
                let templates = step.templates().into_iter().chain(when);
                let templates = templates.chain(links.iter().flat_map(CheckedLink::templates));
                templates.for_each(|template| of_template(template, apps));
                if let Some(Each::Expression(_, template)) = &step.for_each {
                    of_template(template, apps);
                }
                collect(step.inner(), apps);
            }
        }
        let mut apps = BTreeSet::new();
        collect(&self.steps, &mut apps);
        self.trigger.when.iter().for_each(|(_, when)| of_template(when, &mut apps));
        let called = self.apps();
        apps.retain(|app| !called.contains(app.as_str()));
        apps
    }
}

/// Where something is written, for everything that is told after the check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub route: Route,
    /// From 1.
    pub line: usize,
    /// The recipe in `use` that it is written in. Then `route` and `line` are those of the `use`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Box<Inside>>,
}

/// A place in a recipe that another one uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// As the using recipe would name it.
    pub file: Arc<str>,
    /// From 1.
    pub line: usize,
}

impl Place {
    /// `line 12`, or `line 3 of contact.yaml`.
    pub fn in_words(&self) -> String {
        match &self.inside {
            Some(inside) => format!("line {} of {}", inside.line, inside.file),
            None => format!("line {}", self.line),
        }
    }
}

/// A setting with its type and what it is when nobody fills it in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedSetting {
    pub field: Field,
    pub ask: Option<String>,
    pub default: Option<Value>,
    /// It is picked from the account by its name or its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedStep {
    /// The author's id, or one made from the step's place (`step-3`). Inside a recipe in `use` with the
    /// id of that step before it: `outer/inner`.
    pub id: String,
    pub place: Place,
    pub for_each: Option<Each>,
    pub when: Option<(Place, Template)>,
    pub action: Action,
}

impl CheckedStep {
    /// Its id among the steps of its own file.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// The steps inside it, of its own file and of one that it uses.
    pub fn inner(&self) -> &[CheckedStep] {
        match &self.action {
            Action::Group(steps) => steps,
            Action::Use(used) => &used.steps,
            _ => &[],
        }
    }

    /// The templates that are filled in when it is done: without its `when` and `for_each`, without those of
    /// the steps inside it, and without what is only filled in behind its call.
    pub fn templates(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        match &self.action {
            Action::Call(call) => call.templates(&mut found),
            Action::Set(values) => found.extend(values.iter().flat_map(|(_, m)| m.templates())),
            Action::Stop(text)
            | Action::Hold(CheckedHold { text, .. })
            | Action::Wait(CheckedWait::Until(text)) => found.extend(text.templates()),
            Action::Use(used) => {
                let mappings = used.settings.iter().flat_map(|setting| &setting.mapping);
                found.extend(mappings.flat_map(Mapping::templates));
            }
            Action::Link(link) => found.extend(link.templates()),
            Action::Wait(CheckedWait::For(_)) | Action::Group(_) => {}
        }
        found
    }
}

impl CheckedCall {
    fn templates<'a>(&'a self, found: &mut Vec<&'a Template>) {
        let conditions = match &self.search {
            Some(Search::Find(c) | Search::UnlessExists { conditions: c, .. }) => &c[..],
            _ => &[],
        };
        let tags = self.tags.iter().flat_map(|tags| tags.add.iter().chain(&tags.remove));
        let inputs = self.inputs.iter().map(|input| &input.mapping);
        let mappings = inputs.chain(&self.body).chain(conditions.iter().map(|(_, m)| m));
        let mappings = mappings.chain(tags.map(|(_, tags)| tags));
        found.extend(mappings.flat_map(Mapping::templates));
    }
}

impl CheckedLink {
    pub fn templates(&self) -> Vec<&Template> {
        self.records.iter().flat_map(|record| record.id.templates()).collect()
    }
}

/// What a loop goes over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Each {
    Expression(Place, Template),
    List(Vec<Mapping>),
}

/// What a step does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Action {
    Call(Box<CheckedCall>),
    Set(Vec<(String, Mapping)>),
    Wait(CheckedWait),
    Hold(CheckedHold),
    Use(Box<CheckedUse>),
    Stop(Mapping),
    Group(Vec<CheckedStep>),
    /// `link` or `unlink` as a step of its own.
    Link(Box<CheckedLink>),
}

/// Two records that belong together from now on, or no longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedLink {
    pub place: Place,
    /// They are unlinked.
    pub ends: bool,
    /// Two; one where all links of a record end.
    pub records: Vec<LinkedRecord>,
    /// `as`; nothing for the usual link.
    pub name: String,
}

/// One of the records of a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkedRecord {
    /// App and kind, such as `stax.customer`.
    pub kind: String,
    pub id: Mapping,
}

/// How long to wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckedWait {
    For(Duration),
    /// Gives a moment, or a length of time as a text.
    Until(Mapping),
}

/// A question to a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedHold {
    pub text: Mapping,
    /// At least one.
    pub choices: Vec<String>,
    /// The choice that ends the run.
    pub stops: Option<String>,
}

/// Another recipe as a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedUse {
    /// As the recipe itself would name it.
    pub file: String,
    /// What the other recipe is called.
    pub name: String,
    pub settings: Vec<UsedSetting>,
    /// Its trigger's `when`.
    pub when: Option<(Place, Template)>,
    pub steps: Vec<CheckedStep>,
}

/// A setting of another recipe, filled in by `with`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UsedSetting {
    pub name: String,
    pub field: Field,
    pub mapping: Option<Mapping>,
    pub default: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
}

/// An operation with its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedCall {
    /// Where the operation is named.
    pub place: Place,
    pub operation: Arc<Operation>,
    /// The list operation that shows whether the call has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Arc<Operation>>,
    pub inputs: Vec<Input>,
    /// The whole body, for an operation whose body is a list.
    pub body: Option<Mapping>,
    pub tags: Option<TagChange>,
    pub search: Option<Search>,
    #[serde(default)]
    pub safe: SafeWrite,
    /// `name → JSONPath`
    pub save: Vec<(String, String)>,
    pub retry: RetryPolicy,
    pub on_error: OnProblem,
    pub on_not_found: OnProblem,
    /// What is linked and unlinked when it went well, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<CheckedLink>,
}

/// How carefully a record is changed: what is looked at before and afterwards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SafeWrite {
    /// Reads the record by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Arc<Operation>>,
    /// Finds the record by what is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finds: Option<Finds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<CheckedPatch>,
    /// The record is changed only if it is as it was first seen; else this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless_changed: Option<OnConflict>,
    /// Whether `finds` is asked by each field, and all have to lead to the same record. Not said: as the
    /// project says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_identity: Option<bool>,
    /// Whether the record is read afterwards. Not said: as the project says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
}

/// A search that finds the record that a call is about to make or to change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finds {
    pub list: Arc<Operation>,
    /// Fields of the call → fields of the search, one search for each.
    pub by: Vec<(String, String)>,
}

/// What a patch sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedPatch {
    pub mode: Patch,
    pub custom_fields: CustomFieldsWord,
}

impl Default for CheckedPatch {
    fn default() -> CheckedPatch {
        CheckedPatch { mode: Patch::Differs, custom_fields: CustomFieldsWord::Merge }
    }
}

/// One field of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    pub slot: Slot,
    pub name: String,
    pub mapping: Mapping,
}

/// Tags to add and to remove, beside the call itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TagChange {
    pub add: Option<(Arc<Operation>, Mapping)>,
    pub remove: Option<(Arc<Operation>, Mapping)>,
    /// The path field or named result with the id of the record.
    pub record: String,
}

/// How a step looks through a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Search {
    /// `find` in a list call.
    Find(Vec<(String, Mapping)>),
    /// `pages: all` in a list call.
    AllPages,
    /// `unless_exists` in a create: the list operation that looks.
    UnlessExists { list: Arc<Operation>, conditions: Vec<(String, Mapping)> },
}

/// How long and how often a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// How long to go on trying; zero for once only.
    pub total: Duration,
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub at_most: Duration,
}

impl Default for RetryPolicy {
    /// A day.
    fn default() -> RetryPolicy {
        RetryPolicy {
            total: Duration::from_secs(24 * 60 * 60),
            first: Duration::from_secs(2),
            at_most: Duration::from_secs(15 * 60),
        }
    }
}

impl RetryPolicy {
    /// Tried once.
    pub fn off() -> RetryPolicy {
        RetryPolicy { total: Duration::ZERO, ..RetryPolicy::default() }
    }
}

/// A value as written: literals and templates, nested as in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mapping {
    pub place: Place,
    pub content: Content,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Content {
    Literal(Value),
    Template(Template),
    List(Vec<Mapping>),
    Object(Vec<(String, Mapping)>),
    ByName(NamedFields),
}

/// Fields that an account adds, by the names that people see; sent as a list of ids with values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedFields {
    pub app: String,
    /// How the list is written.
    pub by_name: ByName,
    pub entries: Vec<NamedField>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedField {
    /// As the recipe writes it.
    pub name: String,
    pub which: Which,
    /// What it holds.
    pub field: Field,
    pub mapping: Mapping,
}

/// Which field it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one with this id in the account that the recipe was checked with.
    Id(String),
    /// The one that a setting picks; none when it picks none.
    Picked(Template),
}

/// The custom fields of the event that a recipe reads by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventFields {
    /// App and kind of record, of events that carry ids.
    pub objects: Vec<(String, String)>,
    /// The names that are written out in the recipe.
    pub read: BTreeSet<String>,
    /// By name. One field may have several: what it is called, and what the recipe calls it.
    pub names: Vec<NamedId>,
}

/// A name and the id of what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedId {
    pub id: String,
    pub name: String,
}

impl Mapping {
    /// Every template in it.
    pub fn templates(&self) -> Vec<&Template> {
        match &self.content {
            Content::Literal(_) => Vec::new(),
            Content::Template(template) => vec![template],
            Content::List(items) => items.iter().flat_map(Mapping::templates).collect(),
            Content::Object(entries) => entries.iter().flat_map(|(_, m)| m.templates()).collect(),
            Content::ByName(named) => {
                named.entries.iter().flat_map(NamedField::templates).collect()
            }
        }
    }
}

impl NamedField {
    fn templates(&self) -> Vec<&Template> {
        let mut templates = self.mapping.templates();
        if let Which::Picked(template) = &self.which {
            templates.push(template);
        }
        templates
    }
}
