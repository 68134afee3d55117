//! What exists: the apps we know, what they can do and what they tell us. The embedded catalog comes
//! in; entries go out, decoded one by one as they are asked for.

mod app;
mod by_name;
mod compile;
mod event;
mod field;
mod fit;
mod import;
mod index;
mod known;
mod operation;
mod permission;
mod sample;
mod schema;
mod settling;
mod shape;
mod stand_in;
mod webhooks;
mod written;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub use app::{App, EventBy, Limit, OAuth, People, Proof, Pull, Signature, UserTypes};
pub use by_name::{AddedValue, ByName, added_values};
pub use compile::{CompileError, compile, compile_app, compile_own_file, compile_own_folder};
pub use event::{EventType, PayloadSource};
pub use field::{Field, Fields, Format, Inner, Presence, Record, value_at};
pub use fit::{Conversion, Fit, Misfit, MisfitKind};
pub use import::{Description, Imported, NotOpenApi, Remark, import};
pub use index::{EntryKind, IndexEntry};
pub use known::OwnApp;
pub use operation::{
    BulkList, BulkShape, Effect, Example as OperationExample, FieldError, FullList, Idempotency,
    InDoubt, ListShape, Lookup, NamedResult, Operation, Pages, RemovesTags, Slot, TagsShape,
};
pub use permission::{NoPermission, Refusal};
pub use schema::{request_schema, response_schema};
pub use settling::{Marker, Newness, Probe};
pub use stand_in::StandIn;
pub use webhooks::{Registration, RetryFields, WebhookWays};
pub use written::{WrittenApp, spelled_out};

use index::Index;
use shape::Shapes;

/// All apps known.
pub struct Catalog {
    index: &'static Index,
    /// What stands behind the index of each text; a line is looked for when its entry is asked for.
    texts: Vec<&'static str>,
    shapes: Shapes,
    operations: Vec<OnceLock<Arc<Operation>>>,
    events: Vec<OnceLock<Arc<EventType>>>,
    operation_by_id: HashMap<&'static str, usize>,
    operation_by_call: HashMap<&'static str, Vec<usize>>,
    event_by_id: HashMap<&'static str, usize>,
}

/// Why a name leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// Nothing has that name; the nearest that has.
    Unknown { near: Option<String> },
    /// Several have it; their long names.
    Ambiguous(Vec<String>),
    /// It is what the app calls it; what we call it.
    Wire(Vec<String>),
}

impl Catalog {
    /// A catalog from its compiled text, which lives as long as the program.
    pub fn load(text: &'static str) -> Result<Catalog, serde_json::Error> {
        Catalog::load_all(&[text])
    }

    /// A catalog from several compiled texts, each with apps of its own.
    pub fn load_all(texts: &[&'static str]) -> Result<Catalog, serde_json::Error> {
        let mut index = Index::default();
        let mut behind = Vec::new();
        let mut shapes = HashMap::new();
        for (part, text) in texts.iter().enumerate() {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            let mut more: Index = serde_json::from_str(first)?;
            let entries = more.operations.iter_mut().chain(&mut more.events);
            entries.for_each(|entry| entry.part = part);
            index.apps.append(&mut more.apps);
            index.operations.append(&mut more.operations);
            index.events.append(&mut more.events);
            shapes.extend(more.shapes.into_iter().map(|(name, start)| (name, &rest[start..])));
            behind.push(rest);
        }
        let index: &'static Index = Box::leak(Box::new(index));
        let mut operation_by_id = HashMap::with_capacity(2 * index.operations.len());
        let mut operation_by_call: HashMap<&str, Vec<usize>> =
            HashMap::with_capacity(index.operations.len());
        for (at, entry) in index.operations.iter().enumerate() {
            operation_by_id.insert(entry.id.as_str(), at);
            for other in entry.short.iter().chain(&entry.aliases) {
                operation_by_id.entry(other.as_str()).or_insert(at);
            }
            operation_by_call.entry(entry.call.as_str()).or_default().push(at);
        }
        let event_by_id =
            index.events.iter().enumerate().map(|(at, e)| (e.id.as_str(), at)).collect();
        Ok(Catalog {
            index,
            texts: behind,
            shapes: Shapes::new(shapes),
            operations: index.operations.iter().map(|_| OnceLock::new()).collect(),
            events: index.events.iter().map(|_| OnceLock::new()).collect(),
            operation_by_id,
            operation_by_call,
            event_by_id,
        })
    }

    pub fn apps(&self) -> &[App] {
        &self.index.apps
    }

    pub fn app(&self, name: &str) -> Option<&App> {
        self.index.apps.iter().find(|app| app.app == name)
    }

    /// What is known of every operation without decoding it.
    pub fn operation_entries(&self) -> &[IndexEntry] {
        &self.index.operations
    }

    /// The kinds of record that the sandbox can hold, such as `highlevel.contact`.
    pub fn record_kinds(&self) -> Vec<String> {
        let entries = self.index.operations.iter();
        let mut kinds: Vec<String> =
            entries.filter_map(|e| Some(format!("{}.{}", e.app, e.record.as_ref()?))).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// All kinds of record that there are, those that only events speak of among them.
    pub fn kinds(&self) -> Vec<String> {
        let entries = self.index.operations.iter().chain(&self.index.events);
        let mut kinds: Vec<String> =
            entries.filter_map(|e| Some(format!("{}.{}", e.app, e.record.as_ref()?))).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// To which record one of this kind belongs, as the events about it say.
    pub fn about_record(&self, app: &str, kind: &str) -> Option<Record> {
        let of_kind = |e: &IndexEntry| e.app == app && e.record.as_deref() == Some(kind);
        let mut events = (0..self.index.events.len()).filter(|&at| of_kind(&self.index.events[at]));
        events.find_map(|at| self.decode_event(at).about_record.clone())
    }

    /// What is known of every event without decoding it.
    pub fn event_entries(&self) -> &[IndexEntry] {
        &self.index.events
    }

    /// The operation a recipe names, as `POST /contacts/upsert`, `highlevel.upsert-contact` or
    /// `highlevel.contacts.upsert-contact`.
    pub fn operation(&self, reference: &str) -> Result<Arc<Operation>, NotFound> {
        let reference = reference.trim();
        if let Some(&at) = self.operation_by_id.get(reference) {
            return Ok(self.decode_operation(at));
        }
        match self.operation_by_call.get(reference).map(Vec::as_slice) {
            Some([at]) => Ok(self.decode_operation(*at)),
            Some(several) => Err(NotFound::Ambiguous(
                several.iter().map(|&at| self.index.operations[at].id.clone()).collect(),
            )),
            None => Err(self.not_an_operation(reference)),
        }
    }

    /// Why a name leads to no operation: several have it, or none has.
    fn not_an_operation(&self, reference: &str) -> NotFound {
        let same_name = |e: &&IndexEntry| {
            let id = e.id.rsplit('.').next().unwrap_or_default();
            reference.strip_prefix(e.app.as_str()).and_then(|rest| rest.strip_prefix('.'))
                == Some(id)
        };
        let several = self.index.operations.iter().filter(same_name);
        let several: Vec<String> = several.map(|entry| entry.id.clone()).collect();
        match several.len() {
            0 | 1 => NotFound::Unknown { near: self.nearest_operation(reference) },
            _ => NotFound::Ambiguous(several),
        }
    }

    /// How many entries have been decoded so far: those that somebody has asked for.
    pub fn decoded(&self) -> usize {
        let operations = self.operations.iter().filter(|slot| slot.get().is_some()).count();
        operations + self.events.iter().filter(|slot| slot.get().is_some()).count()
    }

    /// An operation of the same app, by its id within the app.
    pub fn sibling(&self, operation: &Operation, id: &str) -> Option<Arc<Operation>> {
        self.operation(&format!("{}.{}.{id}", operation.app, operation.resource))
            .or_else(|_| self.operation(&format!("{}.{id}", operation.app)))
            .ok()
    }

    /// The operation that reads the one record that `operation` works on: the one with the same path, else
    /// the one that takes nothing but the record's id.
    pub fn reader(&self, operation: &Operation) -> Option<Arc<Operation>> {
        let record = operation.record.as_ref()?;
        let path = operation.path_pattern().trim_end_matches('/');
        let of_app = self.index.operations.iter().enumerate().filter(|(_, entry)| {
            entry.app == operation.app
                && entry.record.as_ref() == Some(&record.kind)
                && entry.call.starts_with("GET ")
        });
        let readers = of_app.filter_map(|(at, entry)| {
            let theirs = entry.call.trim_start_matches("GET ").trim_end_matches('/');
            let fits = theirs == path || theirs.starts_with(&format!("{path}/:"));
            let id_only = theirs.ends_with(&format!(":{}", record.id.as_ref()?))
                && theirs.matches(':').count() == 1;
            (fits || id_only).then_some((theirs != path, at))
        });
        let mut readers: Vec<(bool, usize)> = readers.collect();
        readers.sort_unstable();
        readers.into_iter().map(|(_, at)| self.decode_operation(at)).find(|reader| {
            let reads_one = reader.list.is_none() && reader.record_field().is_some();
            reads_one && reader.effect == Effect::Read
        })
    }

    /// The operation that updates or deletes, by its id, the one record that `operation` works on: the one on
    /// the path by which it is read.
    pub fn on_record(&self, operation: &Operation, effect: Effect) -> Option<Arc<Operation>> {
        let reader = self.reader(operation)?;
        let path = reader.path_pattern().trim_end_matches('/');
        let of_app = self.index.operations.iter().enumerate();
        let on_path = of_app.filter(|(_, entry)| {
            let theirs = entry.call.split_once(' ').map_or("", |(_, path)| path);
            entry.app == operation.app && theirs.trim_end_matches('/') == path
        });
        on_path.map(|(at, _)| self.decode_operation(at)).find(|found| found.effect == effect)
    }

    /// The event type a recipe names, such as `stax.customer_created`.
    pub fn event(&self, reference: &str) -> Result<Arc<EventType>, NotFound> {
        let reference = reference.trim();
        if let Some(&at) = self.event_by_id.get(reference) {
            return Ok(self.decode_event(at));
        }
        let (app, wire) = match reference.rsplit_once('.') {
            Some((app, name)) => (self.app(app), name),
            None => (None, reference),
        };
        // An event of that very name, of another app: `stax.note_created` is a bridge's.
        let elsewhere = self.index.events.iter().find(|e| e.id.rsplit('.').next() == Some(wire));
        if let Some(entry) = elsewhere {
            return Err(NotFound::Unknown { near: Some(entry.id.clone()) });
        }
        let by_wire: Vec<String> = self
            .index
            .events
            .iter()
            .filter(|e| e.wire.as_deref() == Some(wire) && app.is_none_or(|app| app.app == e.app))
            .map(|e| e.id.clone())
            .collect();
        if !by_wire.is_empty() {
            return Err(NotFound::Wire(by_wire));
        }
        let names = self.index.events.iter().map(|e| e.id.as_str());
        Err(NotFound::Unknown { near: crate::diagnostic::nearest(reference, names) })
    }

    fn decode_operation(&self, at: usize) -> Arc<Operation> {
        let decode = || {
            let mut operation: Operation = self.decode(&self.index.operations[at]);
            let app = operation.app.clone();
            self.shapes.fill_all(&app, &mut operation.path);
            self.shapes.fill_all(&app, &mut operation.query);
            operation.body.iter_mut().for_each(|body| self.shapes.fill_all(&app, body));
            operation.body_list.iter_mut().for_each(|item| self.shapes.fill(&app, item));
            operation.response.iter_mut().for_each(|answer| self.shapes.fill(&app, answer));
            operation.fill_results();
            sample::complete(&mut operation);
            Arc::new(operation)
        };
        self.operations[at].get_or_init(decode).clone()
    }

    fn decode_event(&self, at: usize) -> Arc<EventType> {
        let decode = || {
            let mut event: EventType = self.decode(&self.index.events[at]);
            self.shapes.fill(&event.app, &mut event.payload);
            let says = self.app(&event.app).and_then(|app| app.event_by.body.as_deref());
            sample::complete_event(&mut event, says);
            Arc::new(event)
        };
        self.events[at].get_or_init(decode).clone()
    }

    fn decode<T: serde::de::DeserializeOwned>(&self, entry: &IndexEntry) -> T {
        serde_json::from_str(first_line(&self.texts[entry.part][entry.start..])).expect(
            "an entry of schemas/catalog.jsonl was written by the generator of this version",
        )
    }

    fn nearest_operation(&self, reference: &str) -> Option<String> {
        let operations = &self.index.operations;
        // The id without its app, a path without its method, a whole address.
        let same_id = |e: &&IndexEntry| e.id.rsplit('.').next() == Some(reference);
        if let Some(entry) = operations.iter().find(same_id) {
            return Some(entry.name().to_owned());
        }
        let bases = self.index.apps.iter().filter_map(|a| a.base_url.as_deref());
        let address = bases.fold(reference.to_owned(), |text, base| text.replace(base, ""));
        if let Some(path) = address.strip_prefix('/') {
            let path = parameters_with_colons(&format!("/{path}"));
            let entry = operations.iter().find(|e| e.call.ends_with(&format!(" {path}")));
            return entry.map(|e| e.call.clone());
        }
        let reference = address.as_str();
        if let Some((method, path)) = reference.split_once(' ') {
            let (method, path) = (method.to_uppercase(), parameters_with_colons(path));
            let wanted = format!("{method} {path}");
            // The same path with another spelling of its parameters is meant before anything else.
            let same_shape = |call: &str| shape(call) == shape(&wanted);
            if let Some(entry) = operations.iter().find(|e| same_shape(&e.call)) {
                return Some(entry.call.clone());
            }
            return crate::diagnostic::nearest(&wanted, operations.iter().map(|e| e.call.as_str()));
        }
        let names = operations.iter().flat_map(|e| e.short.iter().chain(std::iter::once(&e.id)));
        crate::diagnostic::nearest(reference, names.map(String::as_str))
    }
}

/// `/contacts/{contactId}/tasks/` → `/contacts/:contactId/tasks/`
fn parameters_with_colons(path: &str) -> String {
    path.replace('{', ":").replace('}', "")
}

fn first_line(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(line, _)| line)
}

/// A call without the names of its parameters: two with the same shape are the same call.
fn call_shape(call: &str) -> String {
    let parts = call.split('/').map(|part| if part.starts_with(':') { ":" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A call without the names of its parameters and its trailing slash.
fn shape(call: &str) -> String {
    call_shape(call.trim_end_matches('/'))
}
