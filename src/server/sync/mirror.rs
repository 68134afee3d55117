//! All records of one kind, read page by page: what a recipe asks an app for, one record after the other,
//! is answered from here. One call for a page instead of one or two for each record.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::installed::{Installation, Installed};
use super::super::list::{self, ListError, Reader, Way};
use crate::call::{Request, Response};
use crate::catalog::{Catalog, Effect, Field, Inner, Operation};
use crate::check::{Action, CheckedCall, CheckedStep};
use crate::plan;
use crate::value::Defaults;

/// The most records that are held; of a longer list each record is asked for by itself.
const MOST: u64 = 200_000;

/// The records of the kinds that a recipe reads.
#[derive(Default)]
pub struct Mirror {
    kinds: Vec<Kind>,
    defaults: Arc<Defaults>,
}

/// The records of one kind, and the operations that they answer.
struct Kind {
    of: Field,
    /// As JSON, which takes less room.
    records: Vec<Box<str>>,
    by_id: HashMap<String, usize>,
    reads: Vec<Arc<Operation>>,
    searches: Vec<Search>,
}

/// An operation that gives one record by single fields.
struct Search {
    operation: Arc<Operation>,
    /// Its query field → the record's field, and the records by that.
    by: Vec<(String, String, HashMap<String, usize>)>,
}

/// What a recipe asks for of one kind.
#[derive(Default)]
struct Asked {
    reads: Vec<Arc<Operation>>,
    searches: Vec<(Arc<Operation>, FieldPairs)>,
}

/// Query fields of a search → fields of its records.
type FieldPairs = Vec<(String, String)>;

impl Mirror {
    /// Reads everything that the recipe will ask for `records` times, where that takes fewer calls. What
    /// cannot be read whole is left to be asked for.
    pub async fn read(
        way: &Way,
        installed: &Installed,
        installation: &Installation,
        records: u64,
    ) -> Result<Mirror, ListError> {
        let mut mirror = Mirror { kinds: Vec::new(), defaults: installation.kept.defaults() };
        let mut asked: HashMap<(String, String), Asked> = HashMap::new();
        gather(&installation.kept.plan.recipe.steps, &mut asked);
        for ((app, kind), asked) in asked {
            let Some(list) = whole_list(&app, &kind) else { continue };
            let Some(connection) = installation.kept.connections.get(&app) else { continue };
            let call = list::call(&list, &Map::new());
            let reader = Reader::new(way, installed, installation, connection, &call, 1)?;
            let each = (asked.reads.len() + asked.searches.len()).max(1) as u64;
            let kind = mirror.kind(&reader, &list, asked, records.saturating_mul(each)).await?;
            mirror.kinds.extend(kind);
        }
        Ok(mirror)
    }

    async fn kind(
        &self,
        reader: &Reader,
        list: &Operation,
        asked: Asked,
        calls: u64,
    ) -> Result<Option<Kind>, ListError> {
        let Some(shape) = &list.list else { return Ok(None) };
        let of = shape.of.clone();
        let searches = asked.searches.into_iter().map(|(operation, by)| Search {
            operation,
            by: by.into_iter().map(|(theirs, ours)| (theirs, ours, HashMap::new())).collect(),
        });
        let (records, by_id) = (Vec::new(), HashMap::new());
        let mut kind =
            Kind { of, records, by_id, reads: asked.reads, searches: searches.collect() };
        let size = shape.pages.as_ref().and_then(|pages| pages.most).unwrap_or(20).max(1);
        let mut number = 1;
        loop {
            let page = reader.page(number).await?;
            let total = page.total.unwrap_or(page.records.len() as u64);
            if total.div_ceil(size) > calls || total > MOST {
                return Ok(None);
            }
            for record in page.records {
                kind.add(Value::Object(record), &self.defaults);
            }
            if page.is_last {
                return Ok(Some(kind));
            }
            number += 1;
        }
    }

    /// What the app would answer, where the records say it.
    pub fn answer(&self, request: &Request) -> Option<Response> {
        self.kinds.iter().find_map(|kind| kind.answer(request, &self.defaults))
    }
}

impl Kind {
    fn add(&mut self, record: Value, defaults: &Defaults) {
        let at = self.records.len();
        if let Some(id) = record.get("id").and_then(Value::as_str) {
            self.by_id.insert(id.to_owned(), at);
        }
        for search in &mut self.searches {
            for (_, ours, index) in &mut search.by {
                if let Some(key) = key(&self.of, ours, record.get(ours.as_str()), defaults) {
                    index.entry(key).or_insert(at);
                }
            }
        }
        self.records.push(record.to_string().into_boxed_str());
    }

    fn answer(&self, request: &Request, defaults: &Defaults) -> Option<Response> {
        let is = |operation: &&Arc<Operation>| operation.long_id() == request.operation;
        if let Some(reads) = self.reads.iter().find(is) {
            let id = request.path.last()?;
            // One that came since the list was read is asked for.
            return Some(as_answered(reads, self.record(*self.by_id.get(id)?)));
        }
        let search = self.searches.iter().find(|search| is(&&search.operation))?;
        let mut record = None;
        let mut is_asked = false;
        for (theirs, ours, index) in &search.by {
            let given = request.query.iter().find(|(name, _)| name == theirs);
            let Some((_, value)) = given else { continue };
            is_asked = true;
            let value = Value::from(value.as_str());
            let key = key(&self.of, ours, Some(&value), defaults)?;
            record = record.or_else(|| index.get(&key).copied());
        }
        if !is_asked {
            return None;
        }
        let record = record.map_or(Value::Null, |at| self.record(at));
        Some(as_answered(&search.operation, record))
    }

    fn record(&self, at: usize) -> Value {
        serde_json::from_str(&self.records[at]).expect("it was written as JSON")
    }
}

/// A value of a field in the form in which two are compared.
fn key(of: &Field, name: &str, value: Option<&Value>, defaults: &Defaults) -> Option<String> {
    let field = match of.inner(name) {
        Inner::Known(field) => field.clone(),
        _ => Field::any(),
    };
    let value = plan::comparable(&field, value?, defaults);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = text.trim().to_lowercase();
    (!text.is_empty() && text != "null").then_some(text)
}

fn as_answered(operation: &Operation, record: Value) -> Response {
    let at = operation.list.as_ref().map(|list| list.items.clone());
    let at = at.or_else(|| operation.record.as_ref()?.at.clone()).unwrap_or_default();
    let parts = at.trim_start_matches('$').rsplit('.').filter(|part| !part.is_empty());
    let body = parts.fold(record, |inner, name| json!({ name: inner }));
    Response { status: 200, body, ..Response::default() }
}

/// Everything that the steps read by single records, by app and kind.
fn gather(steps: &[CheckedStep], asked: &mut HashMap<(String, String), Asked>) {
    for step in steps {
        match &step.action {
            Action::Call(call) => of_call(call, asked),
            _ => gather(step.inner(), asked),
        }
    }
}

fn of_call(call: &CheckedCall, asked: &mut HashMap<(String, String), Asked>) {
    let safe = &call.safe;
    let reads = [safe.reads.as_ref(), Some(&call.operation)].into_iter().flatten();
    for reads in reads.filter(|operation| operation.effect == Effect::Read) {
        let Some(record) = &reads.record else { continue };
        let key = (reads.app.clone(), record.kind.clone());
        let parameters = reads.path_pattern().matches(':').count();
        if reads.list.is_none() && parameters == 1 && record.id.is_some() {
            let known = &mut asked.entry(key).or_default().reads;
            if !known.iter().any(|other| other.long_id() == reads.long_id()) {
                known.push(reads.clone());
            }
        } else if let Some(by) = searched_by(reads) {
            let known = &mut asked.entry(key).or_default().searches;
            if !known.iter().any(|(other, _)| other.long_id() == reads.long_id()) {
                known.push((reads.clone(), by));
            }
        }
    }
    if let Some(finds) = &safe.finds
        && let Some(record) = &finds.list.record
    {
        let key = (finds.list.app.clone(), record.kind.clone());
        let known = &mut asked.entry(key).or_default().searches;
        if !known.iter().any(|(other, _)| other.long_id() == finds.list.long_id()) {
            let by = finds.by.iter().map(|(ours, theirs)| (theirs.clone(), ours.clone()));
            known.push((finds.list.clone(), by.collect()));
        }
    }
}

/// By which fields of a record an operation finds one: as the operations say that look with it.
fn searched_by(search: &Operation) -> Option<FieldPairs> {
    search.list.as_ref().filter(|list| list.pages.is_none())?;
    let kind = &search.record.as_ref()?.kind;
    let catalog = Catalog::embedded();
    let entries = catalog.operation_entries().iter();
    let of_kind = entries.filter(|e| e.app == search.app && e.record.as_ref() == Some(kind));
    let lookups = of_kind.filter_map(|entry| {
        let operation = catalog.operation(&entry.id).ok()?;
        let lookup = operation.lookup.clone().filter(|lookup| !lookup.query.is_empty())?;
        let list = catalog.sibling(&operation, &lookup.operation)?;
        (list.long_id() == search.long_id()).then_some(lookup.query)
    });
    lookups.map(|query| query.into_iter().collect()).next()
}

/// The list that gives all records of a kind, the one with the largest pages.
fn whole_list(app: &str, kind: &str) -> Option<Arc<Operation>> {
    let catalog = Catalog::embedded();
    let entries = catalog.operation_entries().iter();
    let of_kind = entries
        .filter(|e| e.app == app && e.record.as_deref() == Some(kind) && !e.deprecated)
        .filter_map(|entry| catalog.operation(&entry.id).ok());
    let lists = of_kind.filter(|operation| {
        let pages = operation.list.as_ref().and_then(|list| list.pages.as_ref());
        let asks_nothing = operation.fields().all(|(_, _, f)| !f.required || f.usual.is_some());
        operation.effect == Effect::Read
            && !operation.path_pattern().contains(':')
            && pages.is_some_and(|pages| pages.total.is_some())
            && asks_nothing
    });
    lists.max_by_key(|operation| {
        operation.list.as_ref().and_then(|list| list.pages.as_ref()?.most).unwrap_or(0)
    })
}
