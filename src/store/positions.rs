//! Where polls, schedules and syncs stand, and small facts such as the secrets of webhook addresses.

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

    /// The secret part of a connection's hook address; made when it is first asked for.
    pub async fn hook_secret(&self, connection: &str) -> Result<String, StoreError> {
        let name = format!("hook secret of {connection}");
        let fresh = random_text();
        self.write(move |c| {
            c.prepare_cached("INSERT OR IGNORE INTO positions VALUES (?1, ?2)")?
                .execute([&name, &fresh])?;
            c.prepare_cached("SELECT value FROM positions WHERE name = ?1")?
                .query_row([&name], |row| row.get(0))
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

/// 32 characters that nobody guesses.
fn random_text() -> String {
    use base64::Engine;
    use ring::rand::SecureRandom;
    let mut bytes = [0; 24];
    ring::rand::SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
