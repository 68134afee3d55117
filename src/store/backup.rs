//! A copy of a running store, and the way back.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::deliveries::moment;
use super::error::StoreErrorKind;
use super::lease::Lease;
use super::schema::VERSION;
use super::{Store, StoreError};

impl Store {
    /// Writes a whole and consistent copy to `target`, which must not be there yet, while the store is in
    /// use.
    pub async fn backup(&self, target: &Path) -> Result<u64, StoreError> {
        if target.exists() {
            return Err(StoreError::new(
                StoreErrorKind::Disk,
                format!("{} is there already", target.display()),
                "name a file that is not there yet; nothing is ever overwritten",
            ));
        }
        super::make_private(target)?;
        let path = target.to_owned();
        let result = self
            .read(move |c| {
                c.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
                Ok(std::fs::metadata(&path).map_or(0, |m| m.len()))
            })
            .await;
        if result.is_err() {
            // Half a backup is worse than none.
            let _ = std::fs::remove_file(target);
        }
        result
    }
}

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFacts {
    pub runs: u64,
    /// Runs that go on from where they were then.
    pub unfinished_runs: u64,
    /// When the last event in it arrived.
    pub last_event_at: Option<Timestamp>,
}

/// Looks whether a file is a whole backup of a store, and what is in it. Nothing is written.
pub fn backup_facts(backup: &Path) -> Result<BackupFacts, StoreError> {
    let unreadable = |why: &str, help: &str| {
        let message = format!("{} {why}", backup.display());
        StoreError::new(StoreErrorKind::Unreadable, message, help)
    };
    if !backup.exists() {
        return Err(StoreError::new(
            StoreErrorKind::Missing,
            format!("there is no file {}", backup.display()),
            "name a file that `linecook backup` wrote",
        ));
    }
    let found = Connection::open_with_flags(backup, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|c| {
            let version = c.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
            let whole: String = c.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
            let facts = c.query_row(
                "SELECT (SELECT count(*) FROM runs),
                        (SELECT count(*) FROM runs WHERE state IN (0, 1)),
                        (SELECT max(received_at_ms) FROM deliveries),
                        (SELECT count(*) FROM journal LIMIT 1)",
                [],
                |row| {
                    Ok(BackupFacts {
                        runs: row.get::<_, i64>(0)?.unsigned_abs(),
                        unfinished_runs: row.get::<_, i64>(1)?.unsigned_abs(),
                        last_event_at: row.get::<_, Option<i64>>(2)?.map(moment),
                    })
                },
            )?;
            Ok((version, whole == "ok", facts))
        });
    match found {
        Ok((version, ..)) if usize::try_from(version).is_ok_and(|v| v > VERSION) => {
            Err(unreadable("was written by a newer linecook", "use that version"))
        }
        Ok((_, true, facts)) => Ok(facts),
        _ => Err(unreadable(
            "is no whole backup of a store",
            "name a file that `linecook backup` wrote",
        )),
    }
}

/// Puts a backup in the place of a store that nobody runs; what was there is kept beside it. Gives the
/// place of what was there.
pub fn restore(backup: &Path, store: &Path) -> Result<Option<std::path::PathBuf>, StoreError> {
    backup_facts(backup)?;
    let _lease = Lease::take(store)?;
    let io = |error: std::io::Error| StoreError::io(store, &error);
    let with = |path: &Path, ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::path::PathBuf::from(name)
    };
    let fresh = with(store, ".restoring");
    let _ = std::fs::remove_file(&fresh);
    super::make_private(&fresh)?;
    std::fs::copy(backup, &fresh).map_err(io)?;
    std::fs::File::open(&fresh).and_then(|f| f.sync_all()).map_err(io)?;
    let mut kept = None;
    if store.exists() {
        let aside = with(store, &format!(".before-{}", jiff::Timestamp::now().as_second()));
        for ending in ["", "-wal", "-shm"] {
            let from = with(store, ending);
            if from.exists() {
                std::fs::rename(&from, with(&aside, ending)).map_err(io)?;
            }
        }
        kept = Some(aside);
    }
    std::fs::rename(&fresh, store).map_err(io)?;
    Ok(kept)
}
