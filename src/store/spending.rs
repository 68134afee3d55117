//! How many requests went out, by connection and second, so that a new start does not spend twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// Requests of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Since 1970.
    pub second: i64,
    pub requests: u64,
    /// How many answers of this second were refusals, or did not come.
    pub failures: u64,
}

/// What one row of a journal says of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    pub connection: String,
    pub requests: u32,
    pub failures: u32,
}

impl Store {
    /// Notes what was sent outside of a run.
    pub async fn note_spending(&self, spending: Spending) -> Result<(), StoreError> {
        let second = jiff::Timestamp::now().as_second();
        self.write(move |c| {
            c.spend(&spending, second);
            Ok(())
        })
        .await
    }

    /// When each connection was used last.
    pub async fn last_uses(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT connection, max(second) FROM spending GROUP BY connection")?
                .query_map([], |row| {
                    let second: i64 = row.get(1)?;
                    Ok((row.get(0)?, Timestamp::from_second(second).unwrap_or_default()))
                })?
                .collect()
        })
        .await
    }

    /// What a connection sent since `second`.
    pub async fn spent(&self, connection: &str, second: i64) -> Result<Vec<Spent>, StoreError> {
        let connection = connection.to_owned();
        self.read(move |c| {
            c.prepare_cached(
                "SELECT second, requests, failures FROM spending WHERE connection = ?1 AND second >= ?2
                 ORDER BY second",
            )?
            .query_map(params![connection, second], |row| {
                let (requests, failures): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(Spent {
                    second: row.get(0)?,
                    requests: requests.unsigned_abs(),
                    failures: failures.unsigned_abs(),
                })
            })?
            .collect()
        })
        .await
    }
}

/// Requests that are not written yet, by connection and second.
#[derive(Default)]
pub(super) struct Tally(Vec<(Spending, i64)>);

impl Tally {
    pub fn add(&mut self, more: &Spending, second: i64) {
        // A project has a few connections, and a transaction lasts no longer than a second or two.
        let mut there = self.0.iter_mut();
        match there.find(|(spent, at)| *at == second && spent.connection == more.connection) {
            Some((spent, _)) => {
                spent.requests += more.requests;
                spent.failures += more.failures;
            }
            None => self.0.push((more.clone(), second)),
        }
    }

    pub fn write(self, c: &Connection) -> rusqlite::Result<()> {
        for (Spending { connection, requests, failures }, second) in self.0 {
            c.prepare_cached(
                "INSERT INTO spending VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET requests = requests + ?3, failures = failures + ?4",
            )?
            .execute(params![connection, second, requests, failures])?;
        }
        Ok(())
    }
}
