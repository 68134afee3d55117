//! Runs and where they stand.

use std::future::Future;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::deliveries::moment;
use super::{Store, StoreError};
use crate::journal::Outcome;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

impl std::str::FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<RunId, String> {
        let number = text.strip_prefix("run-").unwrap_or(text);
        number.parse().map(RunId).map_err(|_| format!("`{text}` is no run; write it like run-12"))
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It runs, or its turn comes.
    Open,
    /// It goes on by itself at a time.
    Waiting,
    /// A person has to answer.
    Held,
    Done,
    Stopped,
    /// It failed for good.
    Failed,
    /// A person ended it.
    Cancelled,
    /// Its recipe is not live now: it goes on when it is.
    Paused,
}

impl RunState {
    pub const ALL: [RunState; 8] = [
        RunState::Open,
        RunState::Waiting,
        RunState::Held,
        RunState::Done,
        RunState::Stopped,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Paused,
    ];

    /// As it is stored.
    pub fn number(self) -> i64 {
        self as i64
    }

    fn from_number(number: i64) -> RunState {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        RunState::ALL.get(at).copied().unwrap_or(RunState::Failed)
    }

    pub fn word(self) -> &'static str {
        match self {
            RunState::Open => "open",
            RunState::Waiting => "waiting",
            RunState::Held => "held",
            RunState::Done => "done",
            RunState::Stopped => "stopped",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Paused => "paused",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, RunState::Open | RunState::Waiting)
    }
}

/// A run whose turn may have come, with everything that starts it.
#[derive(Clone, Debug)]
pub struct Ready {
    pub id: RunId,
    pub lane: i64,
    pub plan: i64,
    pub event: String,
    pub delivery: i64,
    pub received_at: Timestamp,
    /// Through which connection its event came.
    pub connection: String,
    /// The name of what was installed.
    pub installation: String,
    /// None when the payload is no longer kept.
    pub payload: Option<String>,
    pub priority: u8,
    /// When it goes on, where it waits.
    pub due_at: Option<Timestamp>,
}

/// How a run stands when it stops running.
#[derive(Clone, Debug)]
pub struct Ended {
    pub state: RunState,
    pub due_at: Option<Timestamp>,
    pub outcome: Outcome,
}

impl Ended {
    /// What an outcome means for the run; none when it is as it was.
    pub fn of(outcome: Outcome) -> Option<Ended> {
        let (state, due_at) = match &outcome {
            Outcome::Done => (RunState::Done, None),
            Outcome::Stopped { .. } => (RunState::Stopped, None),
            Outcome::Held { .. } => (RunState::Held, None),
            Outcome::Waiting { until } => (RunState::Waiting, Some(*until)),
            Outcome::Failed(_) => (RunState::Failed, None),
            Outcome::Suspended { .. } => return None,
        };
        Some(Ended { state, due_at, outcome })
    }
}

/// A run as people see it.
#[derive(Clone, Debug)]
pub struct RunRow {
    pub id: RunId,
    pub delivery: i64,
    pub plan: i64,
    pub installation: String,
    pub recipe: String,
    pub event: String,
    pub record: Option<String>,
    pub state: RunState,
    pub created_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Its name, or the file of its recipe.
    pub installation: Option<String>,
    pub states: Vec<RunState>,
    /// A part of the record's key.
    pub record: Option<String>,
    pub event: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub before: Option<RunId>,
    pub delivery: Option<i64>,
    pub limit: usize,
}

/// How many runs there are in each state.
pub type Counts = Vec<(RunState, u64)>;

/// Keeps runs.
pub trait Runs {
    /// The oldest open runs behind `after`, at most `limit`.
    fn open(
        &self,
        priority: u8,
        after: RunId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Ready>, StoreError>> + Send;

    /// The waiting runs whose time has come, the oldest due first, at most `limit`, from behind the one
    /// that is named by its time and its number.
    fn due(
        &self,
        now: Timestamp,
        behind: Option<(Timestamp, RunId)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Ready>, StoreError>> + Send;

    /// When the next waiting run is due whose time has not come yet.
    fn next_due(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// The ids of the open runs of one lane, from `from` on.
    fn open_in_lane(
        &self,
        priority: u8,
        lane: i64,
        from: RunId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// One run, ready to start; none when it is not there or over.
    fn ready(&self, id: RunId) -> impl Future<Output = Result<Option<Ready>, StoreError>> + Send;

    fn run(&self, id: RunId) -> impl Future<Output = Result<Option<RunRow>, StoreError>> + Send;

    /// The newest first.
    fn runs(
        &self,
        filter: RunFilter,
    ) -> impl Future<Output = Result<Vec<RunRow>, StoreError>> + Send;

    /// The newest run.
    fn last_run(&self) -> impl Future<Output = Result<RunId, StoreError>> + Send;

    /// The runs that people have to look at and that ended so since then.
    fn for_people(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<RunRow>, StoreError>> + Send;

    /// How many runs of one priority run or wait for their turn.
    fn count_open_of(&self, priority: u8) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// How many runs run or wait for their turn.
    fn count_open(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Since when the oldest open run is there.
    fn oldest_open(&self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    fn counts(&self) -> impl Future<Output = Result<Counts, StoreError>> + Send;
}

const READY: &str =
    "r.id, r.lane, r.plan, r.event, r.delivery, d.received_at_ms, d.payload, r.priority, r.due_at_ms,
    d.connection, p.installation
    FROM runs r JOIN deliveries d ON d.id = r.delivery JOIN plans p ON p.id = r.plan";

impl Runs for Store {
    async fn open(
        &self,
        priority: u8,
        after: RunId,
        limit: usize,
    ) -> Result<Vec<Ready>, StoreError> {
        self.read(move |c| {
            let query = format!(
                "SELECT {READY} WHERE r.state = 0 AND r.priority = ?1 AND r.id > ?2
                 ORDER BY r.id LIMIT ?3"
            );
            let values = params![priority, after.0, limit as i64];
            c.prepare_cached(&query)?.query_map(values, ready)?.collect()
        })
        .await
    }

    async fn due(
        &self,
        now: Timestamp,
        behind: Option<(Timestamp, RunId)>,
        limit: usize,
    ) -> Result<Vec<Ready>, StoreError> {
        let (time, id) = behind.unwrap_or((Timestamp::MIN, RunId(0)));
        self.read(move |c| {
            let query = format!(
                "SELECT {READY} WHERE r.state = 1 AND r.due_at_ms <= ?1
                   AND (r.due_at_ms, r.id) > (?2, ?3)
                 ORDER BY r.due_at_ms, r.id LIMIT ?4"
            );
            let values = params![now.as_millisecond(), time.as_millisecond(), id.0, limit as i64];
            c.prepare_cached(&query)?.query_map(values, ready)?.collect()
        })
        .await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |c| {
            c.prepare_cached(
                "SELECT due_at_ms FROM runs WHERE state = 1 AND due_at_ms > ?1
                 ORDER BY due_at_ms LIMIT 1",
            )?
            .query_row([now.as_millisecond()], |row| row.get(0).map(moment))
            .optional()
        })
        .await
    }

    async fn open_in_lane(
        &self,
        priority: u8,
        lane: i64,
        from: RunId,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        self.read(move |c| {
            c.prepare_cached(
                "SELECT id FROM runs WHERE state = 0 AND priority = ?1 AND id >= ?2 AND lane = ?3
                 ORDER BY id LIMIT ?4",
            )?
            .query_map(params![priority, from.0, lane, limit as i64], |r| r.get(0).map(RunId))?
            .collect()
        })
        .await
    }

    async fn ready(&self, id: RunId) -> Result<Option<Ready>, StoreError> {
        self.read(move |c| {
            let query = format!("SELECT {READY} WHERE r.id = ?1 AND r.state IN (0, 1)");
            c.prepare_cached(&query)?.query_row([id.0], ready).optional()
        })
        .await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        self.read(move |c| {
            let query = format!("SELECT {ROW} WHERE r.id = ?1");
            c.prepare_cached(&query)?.query_row([id.0], row).optional()
        })
        .await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |c| {
            let states: Vec<i64> = filter.states.iter().map(|s| s.number()).collect();
            let states = serde_json::Value::from(states).to_string();
            let query = format!(
                "SELECT {ROW} WHERE (?1 IS NULL OR p.installation = ?1 OR p.recipe = ?1)
                   AND (?2 = '[]' OR r.state IN (SELECT value FROM json_each(?2)))
                   AND (?3 IS NULL OR instr(r.record, ?3) > 0)
                   AND (?4 IS NULL OR r.event = ?4)
                   AND (?5 IS NULL OR r.created_at_ms >= ?5)
                   AND (?6 IS NULL OR r.created_at_ms <= ?6)
                   AND (?7 IS NULL OR r.id < ?7)
                   AND (?8 IS NULL OR r.delivery = ?8)
                 ORDER BY r.id DESC LIMIT ?9"
            );
            let values = params![
                filter.installation,
                states,
                filter.record,
                filter.event,
                filter.since.map(Timestamp::as_millisecond),
                filter.until.map(Timestamp::as_millisecond),
                filter.before.map(|id| id.0),
                filter.delivery,
                i64::try_from(filter.limit).unwrap_or(i64::MAX),
            ];
            c.prepare_cached(&query)?.query_map(values, row)?.collect()
        })
        .await
    }

    async fn last_run(&self) -> Result<RunId, StoreError> {
        self.read(|c| {
            c.query_row("SELECT coalesce(max(id), 0) FROM runs", [], |r| r.get(0).map(RunId))
        })
        .await
    }

    async fn for_people(&self, since: Timestamp) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |c| {
            let query = format!(
                "SELECT {ROW} WHERE r.state IN (2, 5) AND r.ended_at_ms >= ?1 ORDER BY r.ended_at_ms"
            );
            c.prepare_cached(&query)?.query_map([since.as_millisecond()], row)?.collect()
        })
        .await
    }

    async fn count_open_of(&self, priority: u8) -> Result<u64, StoreError> {
        self.read(move |c| {
            let query = "SELECT count(*) FROM runs INDEXED BY open_runs
                WHERE state = 0 AND priority = ?1";
            c.prepare_cached(query)?.query_row([priority], |r| r.get(0).map(i64::unsigned_abs))
        })
        .await
    }

    async fn count_open(&self) -> Result<u64, StoreError> {
        self.read(|c| {
            let query = "SELECT count(*) FROM runs INDEXED BY open_runs WHERE state = 0";
            c.prepare_cached(query)?.query_row([], |r| r.get(0).map(i64::unsigned_abs))
        })
        .await
    }

    async fn oldest_open(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|c| {
            let query = "SELECT created_at_ms FROM runs INDEXED BY open_runs
                WHERE state = 0 AND priority = 0 ORDER BY id LIMIT 1";
            c.prepare_cached(query)?.query_row([], |row| row.get(0).map(moment)).optional()
        })
        .await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT state, count(*) FROM runs GROUP BY state ORDER BY state")?
                .query_map([], |r| {
                    Ok((RunState::from_number(r.get(0)?), r.get::<_, i64>(1)?.unsigned_abs()))
                })?
                .collect()
        })
        .await
    }
}

const ROW: &str = "r.id, r.delivery, r.plan, p.installation, p.recipe, r.event, r.record, r.state,
    r.created_at_ms, r.due_at_ms, r.ended_at_ms, r.outcome
    FROM runs r JOIN plans p ON p.id = r.plan";

fn ready(row: &Row<'_>) -> rusqlite::Result<Ready> {
    Ok(Ready {
        id: RunId(row.get(0)?),
        lane: row.get(1)?,
        plan: row.get(2)?,
        event: row.get(3)?,
        delivery: row.get(4)?,
        received_at: moment(row.get(5)?),
        payload: row.get(6)?,
        priority: row.get(7)?,
        due_at: row.get::<_, Option<i64>>(8)?.map(moment),
        connection: row.get(9)?,
        installation: row.get(10)?,
    })
}

fn row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let outcome: Option<String> = row.get(11)?;
    Ok(RunRow {
        id: RunId(row.get(0)?),
        delivery: row.get(1)?,
        plan: row.get(2)?,
        installation: row.get(3)?,
        recipe: row.get(4)?,
        event: row.get(5)?,
        record: row.get(6)?,
        state: RunState::from_number(row.get(7)?),
        created_at: moment(row.get(8)?),
        due_at: row.get::<_, Option<i64>>(9)?.map(moment),
        ended_at: row.get::<_, Option<i64>>(10)?.map(moment),
        outcome: outcome.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

/// Notes how a run stands now.
pub(super) fn write_end(
    c: &Connection,
    run: RunId,
    ended: &Ended,
    now: i64,
) -> rusqlite::Result<()> {
    let outcome = match &ended.outcome {
        Outcome::Done | Outcome::Waiting { .. } => None,
        other => Some(serde_json::to_string(other).expect("an outcome is plain data")),
    };
    let over = ended.state.is_over().then_some(now);
    let due = ended.due_at.map(Timestamp::as_millisecond);
    c.prepare_cached(
        "UPDATE runs SET state = ?2, due_at_ms = ?3, ended_at_ms = ?4, outcome = ?5
         WHERE id = ?1 AND state <> 6",
    )?
    .execute(params![run.0, ended.state.number(), due, over, outcome])
    .map(|_| ())
}
