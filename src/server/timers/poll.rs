//! A list that is asked once in a while: each record that is new there starts the recipe.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{error, warn};

use crate::catalog::{Catalog, EventType, StandIn};
use crate::check::{CheckedCall, Often, Poll};
use crate::recipe::Take;
use crate::server::Service;
use crate::server::installed::{Happening, Installation, TriggerFacts};
use crate::server::list::{self, ListError, Reader};
use crate::store::{Arrival, Fingerprint, Seen, StoreError};

/// How often a list is asked where no webhook arrives.
const STAND_IN_EVERY: Duration = Duration::from_secs(5 * 60);
/// The most pages of one turn.
const MAX_PAGES: u64 = 1_000;
/// How often one page is tried before the next turn has to do.
const TRIES: u32 = 4;

/// A list to ask, and what its records start.
pub struct Job {
    installation: Arc<Installation>,
    connection: String,
    call: CheckedCall,
    event: Arc<EventType>,
    often: Often,
    take: Take,
    /// The field that tells a record that has changed from one that has not; none where only new ones
    /// count.
    time: Option<String>,
    newest_first: bool,
}

/// Why a turn ended early.
enum TurnError {
    List(ListError),
    Store(StoreError),
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> TurnError {
        TurnError::Store(error)
    }
}

impl From<ListError> for TurnError {
    fn from(error: ListError) -> TurnError {
        TurnError::List(error)
    }
}

impl Job {
    pub fn of_poll(
        installation: &Arc<Installation>,
        poll: &Poll,
        event: &Arc<EventType>,
    ) -> Option<Job> {
        Some(Job {
            connection: installation.kept.connections.get(&event.app)?.clone(),
            installation: installation.clone(),
            call: poll.call.clone(),
            event: event.clone(),
            often: poll.often.clone(),
            take: poll.take,
            time: None,
            newest_first: false,
        })
    }

    /// For an event of which no webhook arrives.
    pub fn of_stand_in(
        installation: &Arc<Installation>,
        stand_in: &StandIn,
        event: &Arc<EventType>,
        connection: String,
    ) -> Job {
        Job {
            connection,
            installation: installation.clone(),
            call: list::call(&stand_in.operation, &stand_in.newest_first),
            event: event.clone(),
            often: Often::Every(STAND_IN_EVERY),
            take: Take::New,
            time: Some(stand_in.time.clone()),
            newest_first: !stand_in.newest_first.is_empty(),
        }
    }

    fn position(&self) -> String {
        let operation = self.call.operation.long_id();
        format!("poll {} {} {operation}", self.installation.name, self.connection)
    }

    /// When the list is asked next.
    fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.often {
            Often::Every(length) => last.checked_add(*length).ok(),
            Often::At(times) => times.next(last, &self.installation.kept.defaults().timezone),
        }
    }

    /// `identity` is what its position was called first: what it has seen it knows by that.
    fn fingerprint(
        &self,
        identity: &str,
        record: &Map<String, Value>,
        turn: Timestamp,
    ) -> Fingerprint {
        let text = |field: &str| match record.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let version = match (self.take, &self.time) {
            (Take::All, _) => turn.to_string(),
            (Take::New, Some(time)) => text(time),
            (Take::New, None) => String::new(),
        };
        Fingerprint::of(&[b"poll", identity.as_bytes(), text("id").as_bytes(), version.as_bytes()])
    }
}

/// Asks again and again, until it is dropped.
pub async fn run(service: Arc<Service>, job: Job) {
    let position = job.position();
    loop {
        let stands = match service.store().position(&position).await {
            Ok(stands) => stands.and_then(|text| text.parse::<Timestamp>().ok()),
            Err(problem) => {
                error!("{problem}: {}", problem.help);
                tokio::time::sleep(Duration::from_secs(5)).await;
                continue;
            }
        };
        if let Some(last) = stands {
            let Some(next) = job.next(last) else { return };
            sleep_until(next).await;
        }
        let turn = Timestamp::now();
        match ask(&service, &job, turn, stands.is_none()).await {
            Ok(()) => {}
            Err(TurnError::List(problem)) => {
                warn!(recipe = %job.installation.name, "a list could not be read: {problem}");
            }
            Err(TurnError::Store(problem)) => error!("{problem}: {}", problem.help),
        }
        // Also after a failure: the next turn comes when it comes, and finds what this one has not.
        if stands.is_some() || service.store().position(&position).await.is_ok_and(|p| p.is_some())
        {
            let noted = service.store().set_position(&position, &turn.to_string()).await;
            if let Err(problem) = noted {
                error!("{problem}: {}", problem.help);
            }
        } else {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
}

/// Reads the list once and starts what is new. The first time ever everything is old.
async fn ask(
    service: &Arc<Service>,
    job: &Job,
    turn: Timestamp,
    is_first: bool,
) -> Result<(), TurnError> {
    let installed = service.installed();
    let (way, connection) = (service.way(), &job.connection);
    let reader = Reader::new(&way, &installed, &job.installation, connection, &job.call, 0)?;
    let marks_only = is_first && job.take == Take::New;
    let identity = service.store().first_name_of(&job.position()).await?;
    for number in 1..=MAX_PAGES {
        let page = read(&reader, number).await?;
        let prints: Vec<Fingerprint> =
            page.records.iter().map(|record| job.fingerprint(&identity, record, turn)).collect();
        let new = match marks_only {
            true => service.store().first_time(prints).await?.into_iter().any(|new| new),
            false => {
                let arrivals = page.records.iter().zip(&prints);
                let arrivals =
                    arrivals.map(|(record, print)| arrival(service, job, record, *print));
                let some_new = service.accept_all(arrivals.collect()).await?;
                service.store().still_seen(prints).await?;
                some_new
            }
        };
        // Newest first: behind a page of which everything is known there is nothing new.
        if page.is_last || (job.newest_first && !new && !is_first) {
            break;
        }
    }
    if is_first {
        service.store().set_position(&job.position(), &turn.to_string()).await?;
    }
    Ok(())
}

/// One page, tried a few times.
async fn read(reader: &Reader, number: u64) -> Result<list::Page, ListError> {
    let mut pause = Duration::from_secs(1);
    for _ in 1..TRIES {
        match reader.page(number).await {
            Err(problem) if problem.may_pass => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 4;
    }
    reader.page(number).await
}

fn arrival(
    service: &Service,
    job: &Job,
    record: &Map<String, Value>,
    fingerprint: Fingerprint,
) -> Arrival {
    let received_at = Timestamp::now();
    let app = Catalog::embedded().app(&job.event.app);
    let app = app.expect("an event of the catalog belongs to an app of the catalog");
    let happening =
        Happening { connection: &job.connection, app, event: &job.event.id, payload: record };
    let facts = TriggerFacts { received_at, unique: fingerprint.bytes() };
    let only = Some(job.installation.name.as_str());
    let (mut starts, about) = service.installed().starts(&happening, &facts, 0, only);
    if service.is_echo(app, happening.event, record) {
        starts.clear();
    }
    Arrival {
        received_at,
        connection: job.connection.clone(),
        app: job.event.app.clone(),
        event: job.event.id.clone(),
        record: about,
        payload: Value::Object(record.clone()).to_string(),
        fingerprint: Some(fingerprint),
        starts,
    }
}

/// Sleeps until a time on the clock of this machine: in pieces, since clocks are set.
pub async fn sleep_until(then: Timestamp) {
    loop {
        let left = Duration::try_from(Timestamp::now().duration_until(then)).unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(60))).await;
    }
}
