//! A copy of a running store, and the way back.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreErrorKind;
use super::lease::Lease;
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

/// Puts a backup in the place of a store that nobody runs; what was there is kept beside it. Gives the
/// place of what was there.
pub fn restore(backup: &Path, store: &Path) -> Result<Option<std::path::PathBuf>, StoreError> {
    let _lease = Lease::take(store)?;
    let fine = Connection::open_with_flags(backup, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|c| {
            let tables: i64 = c.query_row(
                "SELECT count(*) FROM sqlite_master WHERE name IN ('runs', 'journal', 'deliveries')",
                [],
                |row| row.get(0),
            )?;
            let whole: String = c.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
            Ok(tables == 3 && whole == "ok")
        });
    if !matches!(fine, Ok(true)) {
        return Err(StoreError::new(
            StoreErrorKind::Unreadable,
            format!("{} is no whole backup of a store", backup.display()),
            "name a file that `linecook backup` wrote",
        ));
    }
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
