//! What people are to be told, until they have been.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value;

use super::deliveries::moment;
use super::{Store, StoreError};

/// Something to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: i64,
    pub at: Timestamp,
    /// `run_failed`, `quota_low` …
    pub event: String,
    pub payload: Value,
}

impl Store {
    pub async fn add_notice(&self, event: &str, payload: &Value) -> Result<(), StoreError> {
        let body = serde_json::json!({ "event": event, "payload": payload }).to_string();
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| {
            c.prepare_cached("INSERT INTO notices (at_ms, body) VALUES (?1, ?2)")?
                .execute(params![now, body])
                .map(|_| ())
        })
        .await
    }

    /// What has yet to be told, oldest first.
    pub async fn notices(&self, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.read(move |c| {
            c.prepare_cached("SELECT id, at_ms, body FROM notices ORDER BY id LIMIT ?1")?
                .query_map([limit as i64], |row| {
                    let body: String = row.get(2)?;
                    let body: Value = serde_json::from_str(&body).unwrap_or_default();
                    Ok(Notice {
                        id: row.get(0)?,
                        at: moment(row.get(1)?),
                        event: body["event"].as_str().unwrap_or_default().to_owned(),
                        payload: body["payload"].clone(),
                    })
                })?
                .collect()
        })
        .await
    }

    /// They have been told, up to this one.
    pub async fn drop_notices(&self, up_to: i64) -> Result<(), StoreError> {
        self.write(move |c| c.execute("DELETE FROM notices WHERE id <= ?1", [up_to]).map(|_| ()))
            .await
    }
}
