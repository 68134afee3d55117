//! The journal of runs: rows of entries, each row on disk before what it announces is done.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::runs::{RunId, write_end};
use super::{Ended, LinkAccounts, Spending, Store, StoreError, last_seen, links};
use crate::journal::{Change, Entry, Written};

/// Entries that were written together.
#[derive(Clone, Debug)]
pub struct JournalRow {
    pub at: Timestamp,
    pub entries: Vec<Entry>,
}

/// What entries change beyond their run, and whose it is.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    pub changes: Vec<Change>,
    /// The name of the installation.
    pub installation: String,
    pub accounts: std::sync::Arc<LinkAccounts>,
}

impl Remembered {
    fn apply(&self, c: &Connection, now: i64) -> rusqlite::Result<()> {
        for change in &self.changes {
            match change {
                Change::Links(change) => {
                    links::apply(c, change, &self.accounts, now)?;
                }
                Change::LastSeen { record, now: state } => {
                    last_seen::note(c, &self.installation, record, state, now)?;
                }
            }
        }
        Ok(())
    }
}

impl Store {
    /// Writes entries as row `row` of a run, and how the run ended where it did. `spent` is what
    /// the entries cost, `remembered` what they change: all of it or nothing is on disk.
    pub async fn append(
        &self,
        run: RunId,
        row: u32,
        entries: &Written,
        spent: Vec<Spending>,
        remembered: Remembered,
        ended: Option<Ended>,
    ) -> Result<(), StoreError> {
        let text = entries.text();
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| {
            if let Some(text) = &text {
                insert(c, run, row, now, text)?;
            }
            for spending in &spent {
                c.spend(spending, now / 1_000);
            }
            remembered.apply(c, now)?;
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

impl Store {
    /// Goes through the entries that runs of an installation have written since then, in order.
    pub async fn each_entry_since<T: Send + 'static>(
        &self,
        installation: &str,
        since: Timestamp,
        mut into: T,
        take: impl Fn(&mut T, RunId, Timestamp, Entry) + Send + 'static,
    ) -> Result<T, StoreError> {
        let installation = installation.to_owned();
        self.read(move |c| {
            // Rows come in the order of time: what is older is not even looked at.
            let mut first = i64::MAX;
            let mut back = c.prepare("SELECT id, at_ms FROM journal ORDER BY id DESC")?;
            let mut rows = back.query([])?;
            while let Some(row) = rows.next()? {
                if row.get::<_, i64>(1)? < since.as_millisecond() {
                    break;
                }
                first = row.get(0)?;
            }
            let mut query = c.prepare(
                "SELECT j.at_ms, j.entries, j.run FROM journal j
                 JOIN runs r ON r.id = j.run JOIN plans p ON p.id = r.plan
                 WHERE j.id >= ?1 AND p.installation = ?2 ORDER BY j.id",
            )?;
            let mut rows = query.query(params![first, installation])?;
            while let Some(row) = rows.next()? {
                let run = RunId(row.get(2)?);
                let JournalRow { at, entries } = read(row)?;
                entries.into_iter().for_each(|entry| take(&mut into, run, at, entry));
            }
            Ok(into)
        })
        .await
    }
}

pub(super) fn insert(
    c: &Connection,
    run: RunId,
    row: u32,
    now: i64,
    entries: &str,
) -> rusqlite::Result<()> {
    c.prepare_cached("INSERT INTO journal (run, row, at_ms, entries) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run.0, row, now, entries])
        .map(|_| ())
}

/// How many rows a run has.
pub(super) fn count(c: &Connection, run: RunId) -> rusqlite::Result<u32> {
    c.prepare_cached("SELECT count(*) FROM journal WHERE run = ?1")?
        .query_row([run.0], |row| row.get(0))
}

pub(super) fn rows(c: &Connection, run: RunId) -> rusqlite::Result<Vec<JournalRow>> {
    let mut query =
        c.prepare_cached("SELECT at_ms, entries FROM journal WHERE run = ?1 ORDER BY row")?;
    query.query_map([run.0], read)?.collect()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<JournalRow> {
    let text = row.get_ref(1)?.as_str()?;
    let entries = serde_json::from_str(text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, e.into())
    })?;
    Ok(JournalRow { at: super::deliveries::moment(row.get(0)?), entries })
}
