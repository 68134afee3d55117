//! What people ask of runs: a request comes in, from this process or through the store from another; the
//! answer says what was done, or why not.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::installed::{Happening, Installed, TriggerFacts};
use super::sync;
use crate::catalog::Catalog;
use crate::execute::{HAPPENED, SEND_AGAIN};
use crate::journal::{Answer, CallKey, Entry, LinkChange, Outcome};
use crate::store::{
    Deliveries, Fingerprint, LinkAccounts, Pause, RequestAnswer, RequestBody, RunId, RunRow,
    RunState, Runs, Store, StoreError,
};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// In words.
    pub note: String,
    /// Runs that can go on.
    pub reopened: Vec<RunId>,
    /// Runs that go no further.
    pub cancelled: Vec<RunId>,
    /// There are new runs.
    pub started: bool,
    /// A recipe went live or is paused.
    pub restaged: bool,
}

impl Done {
    pub fn note(note: impl Into<String>) -> Done {
        let note = note.into();
        let (reopened, cancelled) = (Vec::new(), Vec::new());
        Done { note, reopened, cancelled, started: false, restaged: false }
    }
}

/// Why a request cannot be done: what is in the way, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActError {
    Impossible(String),
    Store(StoreError),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> ActError {
        ActError::Store(error)
    }
}

pub fn impossible(why: impl Into<String>) -> ActError {
    ActError::Impossible(why.into())
}

/// Does what is asked for.
pub async fn act(
    store: &Store,
    installed: &Installed,
    request: &RequestBody,
) -> Result<Done, ActError> {
    match request {
        RequestBody::Retry { run, current_recipe } => {
            retry(store, installed, *run, *current_recipe).await
        }
        RequestBody::Cancel { run } => cancel(store, *run).await,
        RequestBody::Resolve { run, choice } => resolve(store, *run, choice).await,
        RequestBody::Replay { delivery } => replay(store, installed, *delivery).await,
        RequestBody::Sync { installation } => sync::begin(store, installed, installation).await,
        RequestBody::StopSync { installation } => sync::stop(store, installation).await,
        RequestBody::Links { changes, accounts } => links(store, changes, accounts).await,
        RequestBody::GoLive { installation, pin } => go_live(store, installation, pin).await,
        RequestBody::Pause { installation, why } => pause(store, installation, why).await,
    }
}

/// Does what other processes ask for, and answers them. What was done comes back even when the store fails
/// in the middle: the rest is still asked for the next time.
pub async fn serve_requests(store: &Store, installed: &Installed) -> Result<Vec<Done>, StoreError> {
    let mut all = Vec::new();
    for request in store.open_requests().await? {
        let answer = match act(store, installed, &request.body).await {
            Ok(done) => {
                let answer = RequestAnswer::Done(done.note.clone());
                all.push(done);
                Ok(answer)
            }
            Err(ActError::Impossible(why)) => Ok(RequestAnswer::Impossible(why)),
            Err(ActError::Store(problem)) => Err(problem),
        };
        let answered = match answer {
            Ok(answer) => store.answer_request(request.id, &answer).await,
            Err(problem) => Err(problem),
        };
        match answered {
            Ok(()) => {}
            Err(problem) if all.is_empty() => return Err(problem),
            Err(_) => break,
        }
    }
    Ok(all)
}

/// From now on an installation is live, with the content that `pin` tells from every other. A service that
/// has not read that content yet does so within a second; until then it is in review.
async fn go_live(store: &Store, name: &str, pin: &str) -> Result<Done, ActError> {
    store.go_live(name, pin).await?;
    Ok(Done { restaged: true, ..Done::note(format!("{name} is live")) })
}

async fn pause(store: &Store, name: &str, why: &str) -> Result<Done, ActError> {
    let pause = Pause { at: Timestamp::now(), why: why.to_owned(), by_limit: false };
    match store.pause(name, &pause).await? {
        true => Ok(Done { restaged: true, ..Done::note(format!("{name} is paused")) }),
        false => Ok(Done::note(format!("{name} is paused already"))),
    }
}

async fn known(store: &Store, run: RunId) -> Result<RunRow, ActError> {
    let row = store.run(run).await?;
    row.ok_or_else(|| impossible(format!("there is no {run}; see `linecook runs list`")))
}

async fn retry(
    store: &Store,
    installed: &Installed,
    run: RunId,
    current_recipe: bool,
) -> Result<Done, ActError> {
    let row = known(store, run).await?;
    let plan = match current_recipe {
        false => None,
        true => {
            let installation = installed.installation(&row.installation).ok_or_else(|| {
                impossible(format!("`{}` is not installed any more", row.installation))
            })?;
            let events = &installation.kept.plan.recipe.trigger.events;
            if !events.iter().any(|e| e.name() == row.event) {
                return Err(impossible(format!(
                    "`{}` is not started by {} any more",
                    row.installation, row.event
                )));
            }
            Some(installation.plan)
        }
    };
    let step = match &row.outcome {
        Some(Outcome::Failed(error)) => error.step.clone(),
        _ => String::new(),
    };
    match row.state {
        RunState::Failed | RunState::Cancelled => {
            let entry = Entry::Retried { step, at: Timestamp::now() };
            let from = &[RunState::Failed, RunState::Cancelled];
            if !store.reopen(run, from, entry, plan).await? {
                return Err(impossible(format!("{run} has changed meanwhile; look at it again")));
            }
            Ok(Done { reopened: vec![run], ..Done::note(format!("{run} goes on")) })
        }
        RunState::Paused => Err(impossible(format!(
            "{run} waits until its recipe is live: `linecook go-live {}`",
            row.installation
        ))),
        RunState::Held => Err(impossible(format!(
            "{run} waits for an answer; give it with `linecook runs resolve {run}`"
        ))),
        RunState::Done | RunState::Stopped => Err(impossible(format!(
            "{run} is {}; to do it all once more use `linecook events replay event-{}`",
            row.state.word(),
            row.delivery
        ))),
        RunState::Open | RunState::Waiting => Err(impossible(format!("{run} goes on by itself"))),
    }
}

async fn cancel(store: &Store, run: RunId) -> Result<Done, ActError> {
    let row = known(store, run).await?;
    if !store.cancel(run).await? {
        return Err(impossible(format!("{run} is {} already", row.state.word())));
    }
    Ok(Done { cancelled: vec![run], ..Done::note(format!("{run} is cancelled")) })
}

async fn resolve(store: &Store, run: RunId, choice: &str) -> Result<Done, ActError> {
    let row = known(store, run).await?;
    let Some(Outcome::Held { question, .. }) = &row.outcome else {
        return not_asked(store, &row, choice).await;
    };
    let wanted = choice.trim().to_lowercase();
    let choice = question.choices.iter().find(|c| c.to_lowercase() == wanted).ok_or_else(|| {
        let why = match wanted == HAPPENED || wanted == SEND_AGAIN {
            true => format!("{run} does not ask whether a call has happened"),
            false => format!("`{choice}` is no choice of {run}"),
        };
        impossible(format!("{why}; {}", choices(&question.choices)))
    })?;
    let Some(key) = open_question(store, run).await? else {
        return Err(impossible(format!("{run} asks nothing any more; look at it again")));
    };
    let mut reopened = Vec::new();
    // Others that ask the same about the same data have their answer too.
    for run in std::iter::once(run).chain(store.settle_question(run, choice).await?) {
        let key = match run == row.id {
            true => Some(key.clone()),
            false => open_question(store, run).await?,
        };
        let Some(key) = key else { continue };
        let entry = Entry::Replied { key, answer: Answer { choice: choice.clone() } };
        if store.reopen(run, &[RunState::Held], entry, None).await? {
            reopened.push(run);
        }
    }
    match reopened.is_empty() {
        true => Err(impossible(format!("{run} has changed meanwhile; look at it again"))),
        false => {
            let note = match &reopened[..] {
                [one] if *one == run => format!("{run} goes on: {choice}"),
                several => format!("{} go on: {choice}", names(several)),
            };
            Ok(Done { reopened, ..Done::note(note) })
        }
    }
}

/// A run that is not held may have been answered together with another that asks the same.
async fn not_asked(store: &Store, row: &RunRow, choice: &str) -> Result<Done, ActError> {
    let mut entries: Vec<Entry> =
        store.journal(row.id).await?.into_iter().flat_map(|row| row.entries).collect();
    match entries.pop() {
        Some(Entry::Replied { answer, .. })
            if answer.choice.to_lowercase() == choice.trim().to_lowercase() =>
        {
            Ok(Done::note(format!("{} has this answer already: {}", row.id, answer.choice)))
        }
        _ => Err(impossible(format!(
            "{} is {}: nobody is asked; see `linecook runs show {}`",
            row.id,
            row.state.word(),
            row.id
        ))),
    }
}

fn names(runs: &[RunId]) -> String {
    runs.iter().map(RunId::to_string).collect::<Vec<_>>().join(", ")
}

fn choices(choices: &[String]) -> String {
    let quoted: Vec<String> = choices.iter().map(|c| format!("`{c}`")).collect();
    format!("choose {}", quoted.join(" or "))
}

/// The key of the question that a run waits for.
async fn open_question(store: &Store, run: RunId) -> Result<Option<CallKey>, StoreError> {
    let mut open = None;
    for entry in store.journal(run).await?.into_iter().flat_map(|row| row.entries) {
        match entry {
            Entry::Asks { key, .. } => open = Some(key),
            Entry::Replied { key, .. } if open.as_ref() == Some(&key) => open = None,
            _ => {}
        }
    }
    Ok(open)
}

async fn replay(store: &Store, installed: &Installed, delivery: i64) -> Result<Done, ActError> {
    let found = store.delivery(delivery).await?;
    let found = found.ok_or_else(|| {
        impossible(format!("there is no event-{delivery}; see `linecook events list`"))
    })?;
    let payload = found.payload.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let payload: Map<String, Value> =
        payload.ok_or_else(|| impossible(format!("event-{delivery} is no longer kept")))?;
    let app = Catalog::embedded().app(&found.app);
    let app = app.ok_or_else(|| impossible(format!("there is no app `{}` any more", found.app)))?;
    let connection = installed.name_now(&found.connection);
    let happening = Happening { connection, app, event: &found.event, payload: &payload };
    let unique = Fingerprint::of(&[&Timestamp::now().as_nanosecond().to_le_bytes()]);
    let facts = TriggerFacts { received_at: found.received_at, unique: unique.bytes() };
    let (starts, _) = installed.starts(&happening, &facts, 0, None);
    if starts.is_empty() {
        return Err(impossible(format!("event-{delivery} starts no recipe")));
    }
    let runs = store.start_again(delivery, starts).await?;
    Ok(Done { started: true, ..Done::note(format!("event-{delivery} started {}", names(&runs))) })
}

/// Changes links; says what came of it.
async fn links(
    store: &Store,
    changes: &[LinkChange],
    accounts: &LinkAccounts,
) -> Result<Done, ActError> {
    let changed = store.change_links(changes.to_vec(), accounts).await?;
    if let ([change], [done]) = (changes, &changed[..]) {
        let note = match (change.begins(), done.began, done.ended) {
            (Some(link), false, _) => {
                let words = link.to_string().replacen(" with ", " is linked with ", 1);
                format!("{words} already")
            }
            (Some(_), true, 0) => change.to_string(),
            (Some(_), true, 1) => format!("{change}, in place of another link"),
            (Some(_), true, ended) => format!("{change}, in place of {ended} other links"),
            (None, _, 0) => "no such link is there".to_owned(),
            (None, ..) => change.to_string(),
        };
        return Ok(Done::note(note));
    }
    let count = |number: usize, one: &str, several: &str| match number {
        1 => format!("1 link {one}"),
        number => format!("{number} links {several}"),
    };
    let began = changed.iter().filter(|done| done.began).count();
    let ended: usize = changed.iter().map(|done| done.ended).sum();
    if changes.iter().all(|change| change.begins().is_none()) {
        return Ok(Done::note(count(ended, "was removed", "were removed")));
    }
    let mut note = count(began, "is new", "are new");
    if ended > 0 {
        note.push_str(&format!(", in place of {ended} before"));
    }
    match changes.len() - began {
        0 => {}
        1 => note.push_str("; 1 was there already"),
        there => note.push_str(&format!("; {there} were there already")),
    }
    Ok(Done::note(note))
}
