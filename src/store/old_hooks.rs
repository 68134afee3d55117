//! Secrets of webhook addresses that a store of before holds: they come out, and nothing of them stays.

use super::{Store, StoreError};
use crate::connection::Secret;

/// What stands before the name of the connection.
const NAMED: &str = "hook secret of ";

impl Store {
    /// The secrets of webhook addresses that an older linecook kept here, by connection. Today they are in
    /// the vault.
    pub async fn old_hook_secrets(&self) -> Result<Vec<(String, Secret)>, StoreError> {
        self.read(|c| {
            let mut query = c.prepare("SELECT name, value FROM positions WHERE name GLOB ?1")?;
            let rows = query.query_map([format!("{NAMED}*")], |row| {
                let name: String = row.get(0)?;
                let secret = Secret::new(row.get::<_, String>(1)?);
                Ok((name[NAMED.len()..].to_owned(), secret))
            })?;
            rows.collect()
        })
        .await
    }

    /// Forgets those secrets, so that neither the store nor what SQLite keeps beside it has them any more.
    /// Only for the process that runs the store.
    pub async fn forget_old_hook_secrets(&self) -> Result<(), StoreError> {
        let store = self.clone();
        let forgetting = tokio::task::spawn_blocking(move || {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
            let connection = super::connect(&store.inner.path, &store.inner.options, flags)?;
            // What is deleted is overwritten, and the table is made anew: pages of long ago may hold more
            // than what can be read from them.
            connection.pragma_update(None, "secure_delete", true)?;
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE;
                 CREATE TABLE kept AS SELECT * FROM positions WHERE NOT name GLOB '{NAMED}*';
                 DELETE FROM positions;
                 INSERT INTO positions SELECT * FROM kept;
                 DROP TABLE kept;
                 COMMIT"
            ))?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        });
        match forgetting.await {
            Ok(forgotten) => forgotten,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // The program ends.
            Err(_) => Err(StoreError::closed()),
        }
    }
}
