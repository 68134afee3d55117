//! Whether everything happened, and nothing twice: by what the apps hold, not by what linecook says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use linecook::store::{Counts, RequestBody, RunFilter, RunRow, RunState, Runs, Store};
use serde_json::Value;

use super::apps::Apps;
use super::project::{PROTECTED, Project, UNPROTECTED};
use super::senders::{email, id};

/// Without any change for so long the runs are stuck: longer than the longest pause after an outage.
const STUCK: Duration = Duration::from_secs(330);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub struct Judge<'a> {
    pub apps: &'a Apps,
    pub project: &'a Project,
    pub events: usize,
}

impl Judge<'_> {
    /// Waits until nothing goes on by itself; answers what people are asked, by what the apps hold, and
    /// waits again. Gives how often somebody was asked.
    pub async fn finish(&self) -> Result<usize, String> {
        let store = self.project.store().ok_or("there is no store")?;
        let mut asked = 0;
        loop {
            if let Err(counts) = quiet(&store).await? {
                let metrics = self.metrics().await;
                return Err(format!("the runs stand still: {counts:?}\n{metrics}"));
            }
            let held = runs(&store, vec![RunState::Held]).await;
            if held.is_empty() {
                return Ok(asked);
            }
            // A person looks when it is clear what has happened: a call may still be done late.
            self.apps.quiet().await;
            let mut left = Vec::new();
            for run in held {
                if run.installation != UNPROTECTED {
                    return Err(format!("{} of `{}` is held", run.id, run.installation));
                }
                asked += 1;
                left.push((run.id, self.answer(&store, &run).await?));
            }
            for (run, request) in left {
                let deadline = Instant::now() + STUCK;
                let answer = || store.request_answer(request);
                while answer().await.map_err(|e| e.to_string())?.is_none() {
                    if Instant::now() > deadline {
                        return Err(format!("nobody answers the request about {run}"));
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// What the service counts.
    async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("{}/metrics", self.project.address())).await;
        let text = match answer {
            Ok(answer) => answer.text().await,
            Err(problem) => Err(problem),
        };
        text.unwrap_or_else(|problem| problem.to_string())
    }

    /// Leaves the answer of a person who has looked; gives the request.
    async fn answer(&self, store: &Store, run: &RunRow) -> Result<i64, String> {
        let number = number(run).ok_or_else(|| format!("{} is about nobody", run.id))?;
        let happened = self.workflows().get(&email(number)).is_some_and(|times| *times > 0);
        let choice = if happened { "it happened" } else { "send it again" }.to_owned();
        let request = RequestBody::Resolve { run: run.id, choice };
        store.leave_request(&request).await.map_err(|e| e.to_string())
    }

    /// Everything that must not be, when nothing goes on any more.
    pub async fn wrong(&self) -> Vec<String> {
        let Some(store) = self.project.store() else { return vec!["there is no store".into()] };
        let mut wrong = Vec::new();
        let mut ended: HashMap<(String, usize), usize> = HashMap::new();
        for run in runs(&store, Vec::new()).await {
            let number = number(&run).unwrap_or(usize::MAX);
            match run.state {
                RunState::Done => *ended.entry((run.installation, number)).or_default() += 1,
                state => {
                    let why = run.outcome.map(|o| serde_json::to_string(&o).unwrap());
                    wrong.push(format!("{} is {}: {why:?}", run.id, state.word()));
                }
            }
        }
        let effects = self.effects();
        for number in 0..self.events {
            for name in [PROTECTED, UNPROTECTED] {
                let times = ended.get(&(name.to_owned(), number)).copied().unwrap_or(0);
                if times != 1 {
                    wrong
                        .push(format!("event {number} has {times} runs of `{name}` that are done"));
                }
            }
            for (what, by, key) in &effects {
                let times = by.get(&key(number)).copied().unwrap_or(0);
                if times != 1 {
                    wrong.push(format!("event {number} has {times} of: {what}"));
                }
            }
        }
        let more = wrong.len().saturating_sub(20);
        wrong.truncate(20);
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        wrong
    }

    /// What every event has to have once: what it is, how often it is there by its key, and the key.
    fn effects(&self) -> Vec<Effect> {
        let world = self.apps.world();
        let count = |kind: &str, field: &dyn Fn(&Value) -> String| {
            let mut by = HashMap::new();
            for record in world.records(kind) {
                *by.entry(field(&Value::Object(record.clone()))).or_default() += 1;
            }
            by
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let contacts = count("highlevel.contact", &|r| text(&r["email"]));
        let first_line = |value: &Value| text(value).lines().next().unwrap_or_default().to_owned();
        let notes = count("highlevel.note", &|r| first_line(&r["body"]));
        let tasks = count("highlevel.task", &|r| text(&r["title"]));
        let customers = count("stax.customer", &|r| text(&r["reference"]));
        let payments = count("stax.transaction", &|r| text(&r["meta"]["payment_note"]));
        drop(world);
        vec![
            ("contact (idempotent)", contacts.clone(), email),
            ("note (marker)", notes, |n| format!("A note for {}", id(n))),
            ("task (marker)", tasks, |n| format!("A task for {}", id(n))),
            ("customer by reference (probe)", customers, id),
            ("contact by e-mail (probe)", contacts, |n| format!("second-{}", email(n))),
            ("payment (key)", payments, id),
            ("workflow (unprotected)", self.workflows(), email),
        ]
    }

    /// How often each contact was put into the workflow, by e-mail.
    fn workflows(&self) -> HashMap<String, usize> {
        let world = self.apps.world();
        let emails: HashMap<&str, &str> = world
            .records("highlevel.contact")
            .into_iter()
            .filter_map(|c| Some((c["id"].as_str()?, c["email"].as_str()?)))
            .collect();
        let mut times = HashMap::new();
        for entry in world.ledger().iter().filter(|entry| entry.took_place) {
            if entry.operation.as_deref() == Some("highlevel.add-contact-to-workflow") {
                let email = emails[entry.path["contactId"].as_str()];
                *times.entry(email.to_owned()).or_default() += 1;
            }
        }
        times
    }
}

type Effect = (&'static str, HashMap<String, usize>, fn(usize) -> String);

/// Comes back when no run goes on by itself, or with how they stand when none has for long.
async fn quiet(store: &Store) -> Result<Result<(), Counts>, String> {
    let mut changed = Instant::now();
    let mut last = Vec::new();
    loop {
        let counts = store.counts().await.map_err(|e| e.to_string())?;
        if !counts.iter().any(|(state, _)| matches!(state, RunState::Open | RunState::Waiting)) {
            return Ok(Ok(()));
        }
        if counts != last {
            (changed, last) = (Instant::now(), counts);
        }
        if changed.elapsed() > STUCK {
            return Ok(Err(last));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn runs(store: &Store, states: Vec<RunState>) -> Vec<RunRow> {
    let filter = RunFilter { states, limit: usize::MAX, ..RunFilter::default() };
    store.runs(filter).await.unwrap()
}

/// The number of the event that a run is about: its record is `stax.customer customer-000012`.
fn number(run: &RunRow) -> Option<usize> {
    run.record.as_ref()?.rsplit_once('-')?.1.parse().ok()
}
