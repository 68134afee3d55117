//! What arrived: one delivery comes in with the runs it starts, and is on disk before anybody is told so.

use std::future::Future;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::runs::{RunId, RunState};
use super::{Fingerprint, Store, StoreError, seen};

/// Something that arrives.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub received_at: Timestamp,
    /// The connection it came through.
    pub connection: String,
    pub app: String,
    /// What the app calls it, or its name where the app calls it nothing.
    pub event: String,
    /// The record it is about, such as `stax.customer 59327746`.
    pub record: Option<String>,
    /// JSON text.
    pub payload: String,
    /// A second arrival of the same one starts nothing; none for what is always new.
    pub fingerprint: Option<Fingerprint>,
    pub starts: Vec<Start>,
}

/// One run that an arrival starts.
#[derive(Clone, Debug)]
pub struct Start {
    pub plan: i64,
    /// The event's name, such as `stax.payment_failed`.
    pub event: String,
    pub lane: i64,
    pub record: Option<String>,
    /// 0 live, 1 sync
    pub priority: u8,
}

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    New {
        delivery: i64,
        runs: Vec<RunId>,
    },
    /// It has been here before.
    Again,
}

/// A stored delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: i64,
    pub received_at: Timestamp,
    pub connection: String,
    pub app: String,
    pub event: String,
    pub record: Option<String>,
    /// None when it has been kept for as long as it should be.
    pub payload: Option<String>,
}

/// Keeps what arrives.
pub trait Deliveries {
    /// Stores arrivals with their runs. When this comes back they survive whatever happens.
    fn accept(&self, arrival: Arrival)
    -> impl Future<Output = Result<Accepted, StoreError>> + Send;

    /// Stores several at once: all of them or none.
    fn accept_all(
        &self,
        arrivals: Vec<Arrival>,
    ) -> impl Future<Output = Result<Vec<Accepted>, StoreError>> + Send;

    fn delivery(
        &self,
        id: i64,
    ) -> impl Future<Output = Result<Option<Delivery>, StoreError>> + Send;

    /// The newest first, older than `before`.
    fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> impl Future<Output = Result<Vec<Delivery>, StoreError>> + Send;
}

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub app: Option<String>,
    /// What the app calls them; any of these.
    pub events: Vec<String>,
    /// A part of the record's key.
    pub record: Option<String>,
    pub since: Option<Timestamp>,
    pub before: Option<i64>,
    pub limit: usize,
}

impl Deliveries for Store {
    async fn accept(&self, arrival: Arrival) -> Result<Accepted, StoreError> {
        self.write(move |c| accept(c, &arrival)).await
    }

    async fn accept_all(&self, arrivals: Vec<Arrival>) -> Result<Vec<Accepted>, StoreError> {
        self.write(move |c| arrivals.iter().map(|a| accept(c, a)).collect()).await
    }

    async fn delivery(&self, id: i64) -> Result<Option<Delivery>, StoreError> {
        self.read(move |c| {
            let query = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
            c.prepare_cached(&query)?.query_row([id], read).optional()
        })
        .await
    }

    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |c| {
            let query = format!(
                "SELECT {COLUMNS} FROM deliveries
                 WHERE (?1 IS NULL OR app = ?1)
                   AND (?2 = '[]' OR event IN (SELECT value FROM json_each(?2)))
                   AND (?3 IS NULL OR instr(record, ?3) > 0)
                   AND (?4 IS NULL OR received_at_ms >= ?4)
                   AND (?5 IS NULL OR id < ?5)
                 ORDER BY id DESC LIMIT ?6"
            );
            let events = serde_json::Value::from(filter.events.clone()).to_string();
            let since = filter.since.map(Timestamp::as_millisecond);
            let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
            let values = params![filter.app, events, filter.record, since, filter.before, limit];
            c.prepare_cached(&query)?.query_map(values, read)?.collect()
        })
        .await
    }
}

const COLUMNS: &str = "id, received_at_ms, connection, app, event, record, payload";

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        received_at: moment(row.get(1)?),
        connection: row.get(2)?,
        app: row.get(3)?,
        event: row.get(4)?,
        record: row.get(5)?,
        payload: row.get(6)?,
    })
}

pub(super) fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

fn accept(c: &Connection, arrival: &Arrival) -> rusqlite::Result<Accepted> {
    let now = arrival.received_at.as_millisecond();
    if let Some(fingerprint) = arrival.fingerprint
        && !seen::note(c, fingerprint, now)?
    {
        return Ok(Accepted::Again);
    }
    c.prepare_cached(
        "INSERT INTO deliveries (received_at_ms, connection, app, event, record, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        now,
        arrival.connection,
        arrival.app,
        arrival.event,
        arrival.record,
        arrival.payload
    ])?;
    let delivery = c.last_insert_rowid();
    let runs = arrival.starts.iter().map(|start| begin(c, delivery, start, now));
    let runs = runs.collect::<rusqlite::Result<_>>()?;
    Ok(Accepted::New { delivery, runs })
}

/// Makes one run of a delivery.
pub(super) fn begin(
    c: &Connection,
    delivery: i64,
    start: &Start,
    now: i64,
) -> rusqlite::Result<RunId> {
    c.prepare_cached(
        "INSERT INTO runs (delivery, plan, event, lane, record, priority, state, created_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        delivery,
        start.plan,
        start.event,
        start.lane,
        start.record,
        start.priority,
        RunState::Open.number(),
        now
    ])?;
    Ok(RunId(c.last_insert_rowid()))
}
