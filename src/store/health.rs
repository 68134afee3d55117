//! How a store is: what `linecook doctor` asks of it.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::deliveries::moment;
use super::{RunId, Store, StoreError};

/// How a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The version of its tables.
    pub version: i64,
    /// With what has yet to be moved from the log beside it.
    pub size_bytes: u64,
    /// What SQLite finds wrong with it; nothing when it is whole.
    pub damage: Option<String>,
    /// The run that has been open for longest.
    pub oldest_open: Option<(RunId, Timestamp)>,
    /// When the last event arrived.
    pub last_event_at: Option<Timestamp>,
    /// Requests of other processes that nobody has answered.
    pub open_requests: u64,
}

impl Store {
    /// Looks the whole store over: this reads all of it.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let size = |ending: &str| {
            let mut name = self.path().as_os_str().to_owned();
            name.push(ending);
            std::fs::metadata(name).map_or(0, |metadata| metadata.len())
        };
        let size_bytes = size("") + size("-wal");
        self.read(move |c| {
            let version = c.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let check: String = c.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            let oldest = "SELECT id, created_at_ms FROM runs INDEXED BY open_runs WHERE state = 0
                          ORDER BY id LIMIT 1";
            let oldest_open = c
                .query_row(oldest, [], |row| Ok((RunId(row.get(0)?), moment(row.get(1)?))))
                .optional()?;
            let last = "SELECT received_at_ms FROM deliveries ORDER BY id DESC LIMIT 1";
            let last_event_at = c.query_row(last, [], |row| row.get(0).map(moment)).optional()?;
            let requests = "SELECT count(*) FROM requests WHERE answer IS NULL";
            let open_requests: i64 = c.query_row(requests, [], |row| row.get(0))?;
            Ok(Health {
                version,
                size_bytes,
                damage: (check != "ok").then_some(check),
                oldest_open,
                last_event_at,
                open_requests: open_requests.unsigned_abs(),
            })
        })
        .await
    }
}
