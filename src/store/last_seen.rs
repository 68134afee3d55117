//! How records looked when recipes saw them last.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::journal::LastSeen;
use crate::value::RecordKey;

impl Store {
    /// How a record looked when a recipe, by the name of its installation, saw it last.
    pub async fn last_seen(
        &self,
        installation: &str,
        record: &RecordKey,
    ) -> Result<Option<LastSeen>, StoreError> {
        let (installation, record) = (installation.to_owned(), record.to_string());
        self.read(move |c| {
            let query = "SELECT state FROM last_seen WHERE installation = ?1 AND record = ?2";
            let text: Option<String> = c
                .prepare_cached(query)?
                .query_row([&installation, &record], |row| row.get(0))
                .optional()?;
            // What cannot be read was not seen: the recipe runs once more.
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
        })
        .await
    }
}

pub(super) fn note(
    c: &Connection,
    installation: &str,
    record: &RecordKey,
    state: &LastSeen,
    now: i64,
) -> rusqlite::Result<()> {
    let text = serde_json::to_string(state).expect("what was seen is plain data");
    c.prepare_cached("INSERT OR REPLACE INTO last_seen VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![installation, record.to_string(), text, now])
        .map(|_| ())
}
