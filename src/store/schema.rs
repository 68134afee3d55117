//! The tables, and how an older store becomes a newer one.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::StoreError;
use super::error::StoreErrorKind;

/// Each entry takes a store from the version of its place to the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE facts (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

    -- One webhook request, poll result or schedule as it arrived.
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at_ms INTEGER NOT NULL,
        connection TEXT NOT NULL,
        app TEXT NOT NULL,
        -- What the app calls it.
        event TEXT NOT NULL,
        record TEXT,
        -- Null when it has been kept for as long as it should be.
        payload TEXT
    ) STRICT;

    -- What has arrived already, for 30 days.
    CREATE TABLE seen (fingerprint BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    -- A plan with its settings: a started run keeps its own.
    CREATE TABLE plans (
        id INTEGER PRIMARY KEY,
        fingerprint BLOB NOT NULL UNIQUE,
        installation TEXT NOT NULL,
        recipe TEXT NOT NULL,
        source TEXT NOT NULL,
        body TEXT NOT NULL,
        made_at_ms INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        delivery INTEGER NOT NULL,
        plan INTEGER NOT NULL,
        event TEXT NOT NULL,
        -- Runs of one lane go one after the other.
        lane INTEGER NOT NULL,
        record TEXT,
        -- 0 live, 1 sync
        priority INTEGER NOT NULL,
        -- 0 open, 1 waiting, 2 held, 3 done, 4 stopped, 5 failed, 6 cancelled
        state INTEGER NOT NULL,
        created_at_ms INTEGER NOT NULL,
        due_at_ms INTEGER,
        ended_at_ms INTEGER,
        outcome TEXT
    ) STRICT;
    CREATE INDEX open_runs ON runs (priority, id, lane) WHERE state = 0;
    CREATE INDEX waiting_runs ON runs (due_at_ms, id) WHERE state = 1;
    CREATE INDEX runs_for_people ON runs (state, id) WHERE state IN (2, 5);
    CREATE INDEX runs_of_delivery ON runs (delivery);

    -- `id` is the run and the number of the row within it: see `journal.rs`.
    CREATE TABLE journal (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, entries TEXT NOT NULL) STRICT;

    -- Questions that people were asked, by recipe, step, record and data.
    CREATE TABLE questions (
        fingerprint BLOB NOT NULL, run INTEGER NOT NULL, choice TEXT,
        PRIMARY KEY (fingerprint, run)
    ) STRICT, WITHOUT ROWID;

    -- Requests sent, by the second.
    CREATE TABLE spending (
        connection TEXT NOT NULL, second INTEGER NOT NULL, requests INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        PRIMARY KEY (connection, second)
    ) STRICT, WITHOUT ROWID;

    -- Where polls, schedules and syncs stand.
    CREATE TABLE positions (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    -- What other processes ask of the one that runs the store.
    CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, answer TEXT) STRICT;

    -- What people are to be told.
    CREATE TABLE notices (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
",
"
    -- A row goes to the end of the table, whichever run it belongs to: with the rows of a run side by side
    -- every write would change a page of its own and split it soon.
    ALTER TABLE journal RENAME TO old_journal;
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        -- The number of the row within the run.
        row INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        entries TEXT NOT NULL
    ) STRICT;
    INSERT INTO journal (run, row, at_ms, entries)
        SELECT id >> 20, id & 1048575, at_ms, entries FROM old_journal ORDER BY id;
    CREATE UNIQUE INDEX journal_of_run ON journal (run, row);
    DROP TABLE old_journal;
",
"
    -- Which record is which, in the order of their kinds. A connection is '' where none is known.
    CREATE TABLE links (
        id INTEGER PRIMARY KEY,
        -- `as`
        name TEXT NOT NULL,
        left_connection TEXT NOT NULL, left_kind TEXT NOT NULL, left_id TEXT NOT NULL,
        right_connection TEXT NOT NULL, right_kind TEXT NOT NULL, right_id TEXT NOT NULL,
        made_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX links_by_left ON links (left_kind, left_id);
    CREATE INDEX links_by_right ON links (right_kind, right_id);

    -- How a record looked when a recipe with `trigger.changed` saw it last.
    CREATE TABLE last_seen (
        installation TEXT NOT NULL, record TEXT NOT NULL,
        -- JSON
        state TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (installation, record)
    ) STRICT, WITHOUT ROWID;
",
"
    -- Which recipes are live, as what, and which are paused.
    CREATE TABLE stages (
        installation TEXT PRIMARY KEY,
        -- What went live; empty for what was live before there were stages, until it is seen.
        pin TEXT,
        live_at_ms INTEGER,
        paused_at_ms INTEGER, why TEXT, by_limit INTEGER
    ) STRICT, WITHOUT ROWID;
    INSERT INTO stages (installation, pin, live_at_ms)
        SELECT p.installation, '', max(p.made_at_ms) FROM plans p
        WHERE EXISTS (SELECT 1 FROM runs r WHERE r.plan = p.id) GROUP BY p.installation;
    -- Whether it has ever been live: runs of it go on while a newer one is in review.
    ALTER TABLE plans ADD COLUMN was_live INTEGER NOT NULL DEFAULT 0;
    UPDATE plans SET was_live = 1;
    -- 7 paused
    CREATE INDEX paused_runs ON runs (plan, id) WHERE state = 7;
"];

/// The version of the tables as this program writes them.
pub const VERSION: usize = MIGRATIONS.len();

/// Brings a store up to date. The process that leads gets a new epoch, which fences off every other.
pub fn prepare(connection: &mut Connection, leads: bool) -> Result<Option<i64>, StoreError> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = transaction.pragma_query_value(None, "user_version", |row| {
        row.get::<_, i64>(0).map(|v| usize::try_from(v).unwrap_or(usize::MAX))
    })?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::new(
            StoreErrorKind::Unreadable,
            "the store was written by a newer linecook",
            "use that version, or name another `store:` in linecook.yaml",
        ));
    }
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    let epoch = match leads {
        false => None,
        true => {
            let next = epoch(&transaction)?.unwrap_or(0) + 1;
            let write = "INSERT OR REPLACE INTO facts VALUES ('epoch', ?1)";
            transaction.execute(write, [next])?;
            Some(next)
        }
    };
    transaction.commit()?;
    Ok(epoch)
}

/// Whose turn it is.
pub fn epoch(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT value FROM facts WHERE name = 'epoch'")?;
    query.query_row([], |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{MIGRATIONS, VERSION, prepare};

    #[test]
    fn journals_of_an_older_store_are_taken_over() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        for (run, row) in [(7, 0), (7, 1), (9, 0)] {
            let id = run << 20 | row;
            let entries = format!("[{run},{row}]");
            connection.execute("INSERT INTO journal VALUES (?1, 5, ?2)", (id, entries)).unwrap();
        }
        prepare(&mut connection, true).unwrap();
        let mut query = connection
            .prepare("SELECT run, row, at_ms, entries FROM journal ORDER BY run, row")
            .unwrap();
        let read =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let rows: Vec<(i64, i64, i64, String)> =
            query.query_map([], read).unwrap().map(Result::unwrap).collect();
        let row = |run, row| (run, row, 5, format!("[{run},{row}]"));
        assert_eq!(rows, [row(7, 0), row(7, 1), row(9, 0)]);
        let version: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, VERSION as i64);
    }
}
