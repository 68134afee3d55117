//! How many requests went out, by connection and second, so that a new start does not spend twice.

use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// Requests of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Since 1970.
    pub second: i64,
    pub requests: u64,
}

impl Store {
    /// What a connection sent since `second`.
    pub async fn spent(&self, connection: &str, second: i64) -> Result<Vec<Spent>, StoreError> {
        let connection = connection.to_owned();
        self.read(move |c| {
            c.prepare_cached(
                "SELECT second, requests FROM spending WHERE connection = ?1 AND second >= ?2
                 ORDER BY second",
            )?
            .query_map(params![connection, second], |row| {
                let requests: i64 = row.get(1)?;
                Ok(Spent { second: row.get(0)?, requests: requests.unsigned_abs() })
            })?
            .collect()
        })
        .await
    }
}

pub(super) fn note(c: &Connection, connection: &str, second: i64) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT INTO spending VALUES (?1, ?2, 1)
         ON CONFLICT DO UPDATE SET requests = requests + 1",
    )?
    .execute(params![connection, second])
    .map(|_| ())
}
