//! What a recipe would do with a record that is already there: nothing, where both sides agree; else what
//! differs, field by field. The apps are asked, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::installed::{Installation, Installed};
use super::super::list::{ListError, Page, Reader, Way};
use super::super::rehearsal::Rehearsal;
use super::Source;
use super::mirror::Mirror;
use crate::catalog::{Effect, EventType};
use crate::execute::{TriggerEvent, effective};
use crate::journal::{Decision, Entry, LinkChange, Outcome};

/// So many differences are told one by one.
const TOLD: usize = 20;

/// Looks at records one by one.
pub struct Drift<'a> {
    rehearsal: Rehearsal<'a>,
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
        let through = (source.event.app.as_str(), source.connection.as_str());
        let rehearsal = Rehearsal::new(way, installed, installation, through, mirror);
        let wrong = |message: String| ListError { message, may_pass: false };
        Ok(Drift { rehearsal: rehearsal.map_err(wrong)? })
    }

    /// What would become of a record.
    pub async fn of(&self, event: &Arc<EventType>, record: Map<String, Value>) -> Verdict {
        let event = TriggerEvent {
            id: "sync".to_owned(),
            received_at: Timestamp::now(),
            event: event.clone(),
            payload: record,
        };
        let (outcome, history) = match self.rehearsal.of(&event).await {
            Ok(seen) => seen,
            Err(problem) => return Verdict::unclear(problem.to_string()),
        };
        let mut verdict = Verdict::default();
        match outcome {
            Outcome::Done | Outcome::Stopped { .. } | Outcome::Waiting { .. } => {}
            Outcome::Held { question, .. } => verdict.unclear = Some(question.text),
            Outcome::Failed(error) => verdict.unclear = Some(error.message),
            Outcome::Suspended { why } => verdict.unclear = Some(why),
        }
        let mut compared: BTreeMap<(String, Vec<usize>), Vec<String>> = BTreeMap::new();
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
        match effective(&mut self.rehearsal.links(), &changes).await {
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
