//! Where polls, schedules and syncs stand.

use rusqlite::OptionalExtension;

use super::{Store, StoreError};

impl Store {
    pub async fn position(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |c| {
            c.prepare_cached("SELECT value FROM positions WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Sets a position only while it is what it was; gives whether it was.
    pub async fn move_position(
        &self,
        name: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        let (name, from, to) = (name.to_owned(), from.to_owned(), to.to_owned());
        self.write(move |c| {
            c.prepare_cached("UPDATE positions SET value = ?3 WHERE name = ?1 AND value = ?2")?
                .execute([&name, &from, &to])
                .map(|moved| moved == 1)
        })
        .await
    }

    pub async fn set_position(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |c| {
            c.prepare_cached("INSERT OR REPLACE INTO positions VALUES (?1, ?2)")?
                .execute([&name, &value])
                .map(|_| ())
        })
        .await
    }
}
