//! What a recipe would do with a record that is already there: nothing, where both sides agree; else what
//! differs, field by field. The apps are asked, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::gates::RunGates;
use super::super::installed::{Installation, Installed};
use super::super::list::{ListError, Page, Reader, Way};
use super::Source;
use super::mirror::Mirror;
use crate::call::{CallError, Caller, Request, Response};
use crate::catalog::{Catalog, Effect, EventType};
use crate::execute::{Care, Imagined, Quota, ReadingEngine, Setup, TriggerEvent, drive, effective};
use crate::http::HttpCaller;
use crate::journal::{Decision, Entry, LinkChange, Outcome};
use crate::store::{Spending, Store, StoreLinks};

/// So many differences are told one by one.
const TOLD: usize = 20;

/// Looks at records one by one.
pub struct Drift<'a> {
    installation: &'a Arc<Installation>,
    caller: Mirrored,
    links: StoreLinks,
    setup: Setup,
}

/// What would become of one record.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Why nobody can tell, or what a person would be asked.
    pub unclear: Option<String>,
    /// What would be written: operation, and the fields that differ where they were compared.
    pub writes: Vec<(String, Vec<String>)>,
}

impl Verdict {
    fn unclear(why: String) -> Verdict {
        Verdict { unclear: Some(why), ..Verdict::default() }
    }

    /// Both sides agree: nothing would be written.
    pub fn agrees(&self) -> bool {
        self.writes.is_empty() && self.unclear.is_none()
    }
}

/// What would become of all records.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DriftReport {
    pub list: String,
    pub records: u64,
    pub agree: u64,
    pub differ: u64,
    /// A person would be asked, or something is wrong.
    pub unclear: u64,
    /// How often each operation would be called.
    pub writes: BTreeMap<String, u64>,
    /// In how many records each field differs.
    pub fields: BTreeMap<String, u64>,
    /// The first that differ: record, and what of it.
    pub first: Vec<(String, String)>,
}

impl<'a> Drift<'a> {
    pub(super) fn new(
        way: &Way,
        installed: &Installed,
        installation: &'a Arc<Installation>,
        source: &Source,
        mirror: Arc<Mirror>,
    ) -> Result<Drift<'a>, ListError> {
        let kept = &installation.kept;
        let wrong = |message: String| ListError { message, may_pass: false };
        let mut setup = kept.setup("sync".to_owned(), installed, Duration::ZERO).map_err(wrong)?;
        setup.care = Care { compare: true, verify: false, ..setup.care };
        let connections = installed.names_now(&kept.connections);
        let through = (source.event.app.as_str(), source.connection.as_str());
        let accounts = Arc::new(installed.accounts_of(&connections, through));
        let links = StoreLinks { store: way.store.clone(), accounts };
        let caller = Mirrored {
            mirror,
            caller: way.caller.through(&connections),
            gates: Arc::new(way.gates.of_run(&connections, 1)),
            store: way.store.clone(),
            connections: Arc::new(connections),
        };
        Ok(Drift { installation, caller, links, setup })
    }

    /// What would become of a record.
    pub async fn of(&self, event: &Arc<EventType>, record: Map<String, Value>) -> Verdict {
        let event = TriggerEvent {
            id: "sync".to_owned(),
            received_at: Timestamp::now(),
            event: event.clone(),
            payload: record,
        };
        let catalog = Catalog::embedded();
        let name = &self.installation.name;
        let last_seen = match event.event.record_of(&event.payload) {
            Some(record) if self.compares() => self.caller.store.last_seen(name, &record).await,
            _ => Ok(None),
        };
        let last_seen = match last_seen {
            Ok(last_seen) => last_seen,
            Err(problem) => return Verdict::unclear(problem.to_string()),
        };
        let mut engine = ReadingEngine::new(self.caller.clone(), catalog, Timestamp::now())
            .with_links(Imagined::over(self.links.clone()))
            .with_last_seen(last_seen);
        let plan = &self.installation.kept.plan;
        let outcome = drive(plan, &event, &self.setup, &mut engine).await;
        let mut verdict = Verdict::default();
        match outcome {
            Outcome::Done | Outcome::Stopped { .. } | Outcome::Waiting { .. } => {}
            Outcome::Held { question, .. } => verdict.unclear = Some(question.text),
            Outcome::Failed(error) => verdict.unclear = Some(error.message),
            Outcome::Suspended { why } => verdict.unclear = Some(why),
        }
        let mut compared: BTreeMap<(String, Vec<usize>), Vec<String>> = BTreeMap::new();
        let history = engine.into_history();
        for entry in history.entries() {
            match entry {
                Entry::Decided { key, decision: Decision::Compared(changes) } => {
                    let fields = changes.iter().map(|change| change.field.clone()).collect();
                    compared.insert((key.step.clone(), key.item.clone()), fields);
                }
                Entry::Intent { key, call } if call.effect != Effect::Read => {
                    let step = (key.step.clone(), key.item.clone());
                    let fields = match key.part.as_str() {
                        "call" => compared.get(&step).cloned().unwrap_or_default(),
                        _ => Vec::new(),
                    };
                    // What was compared and does not differ changes nothing, although it is sent.
                    let is_same =
                        key.part == "call" && fields.is_empty() && compared.contains_key(&step);
                    if !is_same {
                        verdict.writes.push((call.planned.request.call.clone(), fields));
                    }
                }
                _ => {}
            }
        }
        let changes: Vec<LinkChange> = history.link_changes().map(|(_, change)| change).collect();
        match effective(&mut self.links.clone(), &changes).await {
            Ok(changes) => {
                let words = changes.iter().map(|change| match change.begins() {
                    Some(_) => ("link".to_owned(), Vec::new()),
                    None => ("unlink".to_owned(), Vec::new()),
                });
                verdict.writes.extend(words);
            }
            Err(why) => verdict.unclear = verdict.unclear.or(Some(why)),
        }
        verdict
    }

    /// Whether the recipe runs only when something has changed.
    fn compares(&self) -> bool {
        self.installation.kept.plan.recipe.trigger.changed.is_some()
    }

    /// Looks at all records of a list, whose first page has been read; `tell` is told how many have been
    /// seen, of how many.
    pub(super) async fn all(
        &self,
        source: &Source,
        reader: &Reader,
        first: Page,
        mut tell: impl FnMut(u64, Option<u64>),
    ) -> Result<DriftReport, ListError> {
        let list = source.call.operation.call.clone();
        let mut report = DriftReport { list, ..DriftReport::default() };
        let (mut page, mut number) = (first, 1);
        loop {
            for record in page.records {
                let name = name_of(&record);
                let verdict = self.of(&source.event, record).await;
                report.add(name, &verdict);
                tell(report.records, page.total);
            }
            if page.is_last {
                return Ok(report);
            }
            number += 1;
            page = reader.page(number).await?;
        }
    }
}

impl DriftReport {
    fn add(&mut self, name: String, verdict: &Verdict) {
        self.records += 1;
        for (call, fields) in &verdict.writes {
            *self.writes.entry(call.clone()).or_default() += 1;
            let fields: BTreeSet<&String> = fields.iter().collect();
            fields
                .into_iter()
                .for_each(|field| *self.fields.entry(field.clone()).or_default() += 1);
        }
        let what = match (&verdict.unclear, verdict.writes.is_empty()) {
            (Some(why), _) => {
                self.unclear += 1;
                why.clone()
            }
            (None, false) => {
                self.differ += 1;
                let words = verdict.writes.iter().map(|(call, fields)| match fields.is_empty() {
                    true => call.clone(),
                    false => fields.join(", "),
                });
                words.collect::<Vec<_>>().join("; ")
            }
            (None, true) => {
                self.agree += 1;
                return;
            }
        };
        if self.first.len() < TOLD {
            self.first.push((name, what));
        }
    }
}

/// A record as people know it.
fn name_of(record: &Map<String, Value>) -> String {
    let text = |field: &str| record.get(field).and_then(Value::as_str).filter(|t| !t.is_empty());
    let named = ["email", "name", "phone", "company", "id"].into_iter().find_map(text);
    named.unwrap_or("a record without a name").to_owned()
}

/// A way out that asks the mirror first, and goes through the gates of the connections.
#[derive(Clone)]
struct Mirrored {
    mirror: Arc<Mirror>,
    caller: HttpCaller,
    gates: Arc<RunGates>,
    store: Store,
    /// App → connection.
    connections: Arc<BTreeMap<String, String>>,
}

impl Caller for Mirrored {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        if let Some(answer) = self.mirror.answer(request) {
            return Ok(answer);
        }
        let pass = self.gates.enter(&request.app, 1).await.map_err(|until| {
            CallError::NotSent(format!("the connection takes no more calls until {until}"))
        })?;
        let answer = self.caller.call(request).await;
        self.gates.answered(pass, &answer);
        if let Some(connection) = self.connections.get(&request.app) {
            let failures = u32::from(!answer.as_ref().is_ok_and(Response::is_success));
            let spending = Spending { connection: connection.clone(), requests: 1, failures };
            // What is not noted here is missed only by the next start.
            let _ = self.store.note_spending(spending).await;
        }
        answer
    }
}
