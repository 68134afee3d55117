//! What a template can see: names come in one by one, the engine reads them by need.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::value::{Enumerator, Object};
use serde_json::Value;

use super::linked::{LINKED, LinkQuestion, Linked};
use super::own::{MAX_OWN_DEPTH, OWN, OwnFilters, OwnValue, Work};
use super::value::{Marker, MomentValue, by_need, from_json};
use crate::value::{Defaults, Moment, RecordKey};

/// The names that a template may use, with their values. Cheap to clone.
#[derive(Clone)]
pub struct Scope {
    names: Arc<BTreeMap<String, minijinja::Value>>,
    steps: Arc<BTreeMap<String, minijinja::Value>>,
    now: Option<Timestamp>,
    /// None where `linked` is not there.
    linked: Option<Linked>,
    defaults: Arc<Defaults>,
    own: Arc<OwnFilters>,
    /// How many filters of one's own are around this scope.
    own_depth: usize,
    own_work: Work,
}

/// A value of a scope, held for later.
pub struct Held(minijinja::Value);

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("names", &self.names).field("steps", &self.steps).finish()
    }
}

/// The name under which filters find the defaults; no recipe can write it.
pub(super) const DEFAULTS: &str = " defaults";

impl Scope {
    pub fn new(defaults: Arc<Defaults>) -> Scope {
        Scope {
            names: Arc::default(),
            steps: Arc::default(),
            now: None,
            linked: Some(Linked::default()),
            defaults,
            own: Arc::default(),
            own_depth: 0,
            own_work: Work::default(),
        }
    }

    /// Sets the project's own filters.
    pub fn set_own(&mut self, own: Arc<OwnFilters>) {
        self.own = own;
    }

    pub(super) fn own(&self) -> &OwnFilters {
        &self.own
    }

    pub(super) fn own_work(&self) -> &Work {
        &self.own_work
    }

    /// What the template of a filter of one's own sees: `value` and `now()`. `None` when filters use
    /// each other too deep.
    pub(super) fn for_own_filter(&self, value: minijinja::Value) -> Option<Scope> {
        Some(Scope {
            names: Arc::new(BTreeMap::from([("value".to_owned(), value)])),
            steps: Arc::default(),
            now: self.now,
            linked: None,
            defaults: self.defaults.clone(),
            own: self.own.clone(),
            own_depth: (self.own_depth < MAX_OWN_DEPTH).then_some(self.own_depth + 1)?,
            own_work: self.own_work.clone(),
        })
    }

    /// Sets one of the names a template sees: `trigger`, `settings`, `run`, `item` ….
    pub fn set(&mut self, name: &str, value: &Value) {
        Arc::make_mut(&mut self.names).insert(name.to_owned(), from_json(value));
    }

    /// Sets what `event` holds.
    pub fn set_event(&mut self, payload: Value) {
        Arc::make_mut(&mut self.names).insert("event".to_owned(), by_need(payload));
    }

    /// Sets what `steps.<id>` holds.
    pub fn set_step(&mut self, id: &str, results: Value) {
        Arc::make_mut(&mut self.steps).insert(id.to_owned(), by_need(results));
    }

    /// What the steps of a recipe in `use` see: the same event and run, other settings, no steps yet.
    pub fn of_used_recipe(&self, settings: &Value) -> Scope {
        let mut inner = self.clone();
        inner.steps = Arc::default();
        let names = Arc::make_mut(&mut inner.names);
        names.retain(|name, _| !matches!(name.as_str(), "item" | "item_index"));
        inner.set("settings", settings);
        inner
    }

    /// What one of the names holds now, to be put back by [`Scope::restore`].
    pub fn get(&self, name: &str) -> Option<Held> {
        self.names.get(name).cloned().map(Held)
    }

    /// Puts back what [`Scope::get`] gave.
    pub fn restore(&mut self, name: &str, held: Option<Held>) {
        let names = Arc::make_mut(&mut self.names);
        match held {
            Some(Held(value)) => names.insert(name.to_owned(), value),
            None => names.remove(name),
        };
    }

    /// What `steps.<id>` holds.
    pub fn step(&self, id: &str) -> Option<Value> {
        self.steps.get(id).and_then(|v| super::value::to_json(v).value())
    }

    /// Whether a text stands somewhere in the results of the steps so far.
    pub fn has_result(&self, text: &str) -> bool {
        fn holds(value: &Value, text: &str) -> bool {
            match value {
                Value::String(own) => own == text,
                Value::Array(items) => items.iter().any(|item| holds(item, text)),
                Value::Object(fields) => fields.values().any(|field| holds(field, text)),
                _ => false,
            }
        }
        self.steps.keys().any(|id| self.step(id).is_some_and(|results| holds(&results, text)))
    }

    /// Sets whose links `linked` asks for where it names nobody: the trigger's own record, then the one
    /// that it belongs to.
    pub fn set_records(&mut self, records: Vec<RecordKey>) {
        self.linked.get_or_insert_default().records = Arc::new(records);
    }

    /// Takes in what was found for `linked`.
    pub fn learn_links(&mut self, found: impl IntoIterator<Item = (LinkQuestion, Option<String>)>) {
        let linked = self.linked.get_or_insert_default();
        found.into_iter().for_each(|(question, id)| linked.learn(question, id));
    }

    /// What was found holds no longer: it is asked for anew.
    pub fn forget_links(&mut self) {
        self.linked.get_or_insert_default().answers = Arc::default();
    }

    /// The records with this id that `linked` has ever given.
    pub fn linked_records(&self, id: &str) -> Vec<RecordKey> {
        let found = self.linked.iter().flat_map(|linked| linked.found.iter());
        found.filter(|record| record.id == id).cloned().collect()
    }

    /// This scope, taking down what `linked` is asked for, and where.
    pub(super) fn listening(&self) -> (Scope, Linked) {
        let linked = self.linked.clone().unwrap_or_default().listening();
        (Scope { linked: Some(linked.clone()), ..self.clone() }, linked)
    }

    /// Sets what `now()` answers.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = Some(now);
    }

    /// The time zone and country that hold where a value says nothing.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    pub(super) fn into_engine_value(mut self) -> minijinja::Value {
        if self.own_depth == 0 {
            // Counted anew for every template that is filled in.
            self.own_work = Work::default();
        }
        minijinja::Value::from_object(self)
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        match key.as_str()? {
            "steps" => Some(minijinja::Value::from_dyn_object(Arc::new(Steps(self.clone())))),
            "omit" => Some(minijinja::Value::from_object(Marker::Omit)),
            "clear" => Some(minijinja::Value::from_object(Marker::Clear)),
            "now" => {
                let moment = Moment::from_timestamp(self.now?, &self.defaults.timezone);
                let now = minijinja::Value::from_object(MomentValue(moment));
                Some(minijinja::Value::from_function(move || now.clone()))
            }
            LINKED => self.linked.as_ref().map(Linked::function),
            DEFAULTS => Some(minijinja::Value::from_dyn_object(Arc::new(DefaultsValue(
                self.defaults.clone(),
            )))),
            OWN => Some(minijinja::Value::from_dyn_object(Arc::new(OwnValue(self.clone())))),
            name => self.names.get(name).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

#[derive(Debug)]
struct Steps(Arc<Scope>);

impl Object for Steps {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.0.steps.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// The defaults on their way to the filters.
pub(super) struct DefaultsValue(pub(super) Arc<Defaults>);

impl fmt::Debug for DefaultsValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("defaults")
    }
}

impl Object for DefaultsValue {}
