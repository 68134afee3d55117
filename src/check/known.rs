//! What names hold at one point of a recipe.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::{EventType, Field, Presence, Record};
use crate::recipe::Shape;
use crate::snapshot::Snapshots;
use crate::template::OwnFilters;
use crate::value::Kind;

use super::infer::Typed;

/// The names a template may use here, with their types.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub event: Field,
    /// How messages name the event: `stax.customer_created`.
    pub event_name: String,
    /// What `linecook catalog show` shows of its fields; a schedule is in no catalog.
    pub event_shown: Option<String>,
    pub settings: Field,
    pub steps: IndexMap<String, Field>,
    /// The names of the events that start the recipe.
    pub events: Vec<String>,
    pub records: Records,
    /// What `previous` holds, where `trigger.changed` names fields.
    pub previous: Option<Field>,
    /// All kinds of record that there are.
    pub kinds: Arc<[String]>,
    /// The id of the step that is looked at.
    pub current: Option<String>,
    /// Ids of steps that come later.
    pub later: Vec<String>,
    /// The item of the loop around this place.
    pub item: Option<Field>,
    /// Dotted names that a condition around this place has found to be there.
    pub filled: HashSet<String>,
    /// Settings that were read so far.
    pub settings_read: HashSet<String>,
    /// The project's own filters, and which of them were used so far.
    pub own: Arc<OwnFilters>,
    pub filters_used: BTreeSet<String>,
    /// How many more templates of such filters may be looked at: filters in filters add up.
    pub own_looks: Rc<Cell<u32>>,
    /// What stands before a filter of one's own, inside its template: there nothing else is known.
    pub value: Option<Typed>,
    /// What the accounts of the recipe name by themselves.
    pub snapshots: Arc<Snapshots>,
    /// The records with custom fields that the events carry.
    pub event_objects: Vec<EventObject>,
    /// An event of another tool has custom fields of its own: any name may be there.
    pub any_custom_field: bool,
    /// Whether `event.custom_fields` was read so far, and by which names.
    pub reads_custom_fields: bool,
    pub custom_fields_read: BTreeSet<String>,
    /// Settings that pick a custom field.
    pub field_picks: BTreeSet<String>,
}

/// A record with custom fields that an event carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventObject {
    pub app: String,
    /// `contact`
    pub object: String,
    /// The event says the names itself; otherwise it says ids.
    pub says_names: bool,
}

/// The records that the events are about.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// An event that is about none.
    pub without: Option<String>,
    /// The kinds that all events are about, with what holds their id: `stax.customer` → `event.id`.
    pub ids: IndexMap<String, String>,
}

/// How many templates of own filters are looked at for one recipe.
const MAX_OWN_LOOKS: u32 = 10_000;

/// The words a template may begin with.
pub(super) const ROOTS: &[&str] = &[
    "event",
    "trigger",
    "settings",
    "run",
    "steps",
    "item",
    "item_index",
    "previous",
    "now",
    "linked",
    "omit",
    "clear",
];

impl Known {
    pub(super) fn nothing(own: Arc<OwnFilters>) -> Known {
        Known {
            event: Field::any(),
            event_name: String::new(),
            event_shown: None,
            settings: Field::any(),
            steps: IndexMap::new(),
            events: Vec::new(),
            records: Records::default(),
            previous: None,
            kinds: Arc::default(),
            current: None,
            later: Vec::new(),
            item: None,
            filled: HashSet::new(),
            settings_read: HashSet::new(),
            own,
            filters_used: BTreeSet::new(),
            own_looks: Rc::new(Cell::new(MAX_OWN_LOOKS)),
            value: None,
            snapshots: Arc::default(),
            event_objects: Vec::new(),
            any_custom_field: false,
            reads_custom_fields: false,
            custom_fields_read: BTreeSet::new(),
            field_picks: BTreeSet::new(),
        }
    }

    /// What the template of a filter of one's own sees.
    pub(super) fn of_value(own: Arc<OwnFilters>, value: Typed) -> Known {
        Known { value: Some(value), ..Known::nothing(own) }
    }

    /// Whether a condition around this place has found a name to be there. A step of which one result
    /// is there has them all.
    pub(super) fn is_filled(&self, path: &[&str]) -> bool {
        if self.filled.contains(&path.join(".")) {
            return true;
        }
        let ["steps", id, ..] = path else { return false };
        if self.filled.contains(&format!("steps.{id}.*")) {
            return true;
        }
        let prefix = format!("steps.{id}.");
        let says_nothing = ["error", "skipped", "existed"];
        self.filled.iter().any(|name| {
            name.strip_prefix(&prefix).is_some_and(|result| !says_nothing.contains(&result))
        })
    }

    /// The object behind one of the fixed words.
    pub(super) fn root(&self, name: &str) -> Option<Field> {
        Some(match name {
            "event" => self.event.clone(),
            "settings" => self.settings.clone(),
            "trigger" => fixed(&[
                ("id", Kind::String),
                ("received_at", Kind::String),
                ("app", Kind::String),
                ("event", Kind::String),
            ]),
            "run" => fixed(&[("id", Kind::String), ("started_at", Kind::String)]),
            "previous" => self.previous.clone()?,
            "item" => self.item.clone()?,
            "item_index" if self.item.is_some() => always(Kind::Integer),
            "omit" | "clear" => always(Kind::Any),
            _ => return None,
        })
    }
}

/// A field that is always there.
pub(super) fn always(kind: Kind) -> Field {
    Field { kind, presence: Presence::Always, ..Field::default() }
}

fn fixed(names: &[(&str, Kind)]) -> Field {
    let fields = names.iter().map(|(name, kind)| ((*name).to_owned(), always(*kind))).collect();
    Field { presence: Presence::Always, ..Field::object(Arc::new(fields)) }
}

/// A type as a recipe writes it.
pub(super) fn from_shape(shape: &Shape) -> Field {
    match shape {
        Shape::Kind(kind) => always(*kind),
        Shape::List(of) => Field { of: Some(Arc::new(from_shape(of))), ..always(Kind::List) },
        Shape::Fields(fields) => {
            let fields =
                fields.iter().map(|(name, shape)| (name.clone(), from_shape(shape))).collect();
            Field { presence: Presence::Always, ..Field::object(Arc::new(fields)) }
        }
    }
}

/// What an event holds when any of `events` may have come: a name that only some of them have may be
/// empty.
pub(super) fn event_field(events: &[Arc<EventType>], more: &IndexMap<String, Shape>) -> Field {
    let known: Option<Vec<_>> = events.iter().map(|e| e.payload.fields.as_ref()).collect();
    let mut fields: IndexMap<String, Field> = IndexMap::new();
    // One event of which nothing is known makes every name possible.
    let open = known.as_ref().is_none_or(Vec::is_empty);
    for payload in known.iter().flatten() {
        for (name, field) in payload.iter() {
            fields.entry(name.clone()).or_insert_with(|| field.clone());
        }
    }
    for (name, field) in &mut fields {
        let in_all = known.iter().flatten().all(|payload| payload.contains_key(name));
        if !in_all {
            field.presence = Presence::Sometimes;
        }
    }
    for (name, shape) in more {
        let declared = Field { presence: Presence::Unknown, ..from_shape(shape) };
        fields.insert(name.clone(), declared);
    }
    Field {
        presence: Presence::Always,
        fields: (!open).then(|| Arc::new(fields)),
        kind: Kind::Object,
        ..Field::default()
    }
}

/// The records that events are about.
pub(super) fn records_of(events: &[Arc<EventType>]) -> Records {
    let id = |record: &Record| record.id.as_ref().map(|id| format!("event.{id}"));
    let mut records = Records::default();
    for (at, event) in events.iter().enumerate() {
        let all = event.record.iter().chain(&event.about_record);
        let named: IndexMap<String, String> =
            all.filter_map(|record| Some((record.full_kind(&event.app), id(record)?))).collect();
        if named.is_empty() {
            records.without.get_or_insert_with(|| event.name());
        }
        match at {
            0 => records.ids = named,
            _ => records.ids.retain(|kind, id| named.get(kind) == Some(id)),
        }
    }
    records
}
