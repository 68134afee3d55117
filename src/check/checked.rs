//! A recipe that has been checked: every operation found, every template compiled, every literal in
//! the form that is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{EventType, Field, Operation, Slot};
use crate::recipe::OnProblem;
use crate::source::Route;
use crate::template::{OwnFilters, Template};

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
                    Action::Group(steps) => collect(steps, apps),
                    Action::Set(_) | Action::Stop(_) => {}
                }
            }
        }
        let mut apps = BTreeSet::new();
        collect(&self.steps, &mut apps);
        apps
    }
}

/// What starts it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedTrigger {
    pub events: Vec<Arc<EventType>>,
    pub when: Option<(Place, Template)>,
    pub one_at_a_time_per: Option<(Place, Template)>,
}

/// Where something is written, for everything that is told after the check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub route: Route,
    /// From 1.
    pub line: usize,
}

/// A setting with its type and what it is when nobody fills it in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedSetting {
    pub field: Field,
    pub ask: Option<String>,
    pub default: Option<Value>,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedStep {
    /// The author's id, or one made from the step's place (`step-3`).
    pub id: String,
    pub place: Place,
    pub for_each: Option<Each>,
    pub when: Option<(Place, Template)>,
    pub action: Action,
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
    Stop(Mapping),
    Group(Vec<CheckedStep>),
}

/// An operation with its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedCall {
    /// Where the operation is named.
    pub place: Place,
    pub operation: Arc<Operation>,
    pub inputs: Vec<Input>,
    /// The whole body, for an operation whose body is a list.
    pub body: Option<Mapping>,
    pub tags: Option<TagChange>,
    pub search: Option<Search>,
    /// `name → JSONPath`
    pub save: Vec<(String, String)>,
    pub retry: RetryPolicy,
    pub on_error: OnProblem,
    pub on_not_found: OnProblem,
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
}

impl Mapping {
    /// Every template in it.
    pub fn templates(&self) -> Vec<&Template> {
        match &self.content {
            Content::Literal(_) => Vec::new(),
            Content::Template(template) => vec![template],
            Content::List(items) => items.iter().flat_map(Mapping::templates).collect(),
            Content::Object(entries) => entries.iter().flat_map(|(_, m)| m.templates()).collect(),
        }
    }
}
