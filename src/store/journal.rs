//! The journal of runs: rows of entries, each row on disk before what it announces is done.
//!
//! A row's key is the run and the row's number within the run in one integer, so that a run's rows stand
//! together and a new one goes to the end of its run without an index beside it.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::runs::{RunId, write_end};
use super::{Ended, Spending, Store, StoreError};
use crate::journal::Entry;

/// The number of the row takes the lower bits.
const ROW_BITS: u32 = 20;

/// Entries that were written together.
#[derive(Clone, Debug)]
pub struct JournalRow {
    pub at: Timestamp,
    pub entries: Vec<Entry>,
}

impl Store {
    /// Writes entries as row `row` of a run, and how the run ended where it did. `spent` is what
    /// the entries cost.
    pub async fn append(
        &self,
        run: RunId,
        row: u32,
        entries: &[Entry],
        spent: Vec<Spending>,
        ended: Option<Ended>,
    ) -> Result<(), StoreError> {
        let text = match entries {
            [] => None,
            _ => Some(serde_json::to_string(entries).expect("entries are plain data")),
        };
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| {
            if let Some(text) = &text {
                insert(c, run, row, now, text)?;
            }
            for spending in &spent {
                super::spending::note(c, spending, now / 1_000)?;
            }
            match &ended {
                Some(ended) => write_end(c, run, ended, now),
                None => Ok(()),
            }
        })
        .await
    }

    /// The rows of a run, in order.
    pub async fn journal(&self, run: RunId) -> Result<Vec<JournalRow>, StoreError> {
        self.read(move |c| rows(c, run)).await
    }
}

pub(super) fn insert(
    c: &Connection,
    run: RunId,
    row: u32,
    now: i64,
    entries: &str,
) -> rusqlite::Result<()> {
    let id = (run.0 << ROW_BITS) | i64::from(row);
    c.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3)")?
        .execute(params![id, now, entries])
        .map(|_| ())
}

/// How many rows a run has.
pub(super) fn count(c: &Connection, run: RunId) -> rusqlite::Result<u32> {
    let (from, to) = range(run);
    c.prepare_cached("SELECT count(*) FROM journal WHERE id BETWEEN ?1 AND ?2")?
        .query_row([from, to], |row| row.get(0))
}

fn range(run: RunId) -> (i64, i64) {
    let from = run.0 << ROW_BITS;
    (from, from | ((1 << ROW_BITS) - 1))
}

pub(super) fn rows(c: &Connection, run: RunId) -> rusqlite::Result<Vec<JournalRow>> {
    let (from, to) = range(run);
    let mut query = c.prepare_cached(
        "SELECT at_ms, entries FROM journal WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        let text = row.get_ref(1)?.as_str()?;
        let entries = serde_json::from_str(text).map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, e.into())
        })?;
        Ok(JournalRow { at: super::deliveries::moment(row.get(0)?), entries })
    };
    query.query_map([from, to], read)?.collect()
}
