//! What people were asked: by recipe, step, record and data.

use rusqlite::{Connection, OptionalExtension, params};

use super::runs::RunId;
use super::{Fingerprint, Store, StoreError};
use crate::journal::Asked;

impl Store {
    /// What is known of a question; where nobody has asked it, notes that this run does.
    pub async fn ask(&self, question: Fingerprint, run: RunId) -> Result<Asked, StoreError> {
        self.write(move |c| {
            let choice =
                "SELECT choice FROM questions WHERE fingerprint = ?1 AND choice IS NOT NULL";
            let choice = c.query_row(choice, [question.bytes()], |r| r.get(0)).optional()?;
            if let Some(choice) = choice {
                return Ok(Asked::Answered(choice));
            }
            let query = "SELECT r.id FROM questions q JOIN runs r ON r.id = q.run
                WHERE q.fingerprint = ?1 AND r.id <> ?2 AND r.state = 2 ORDER BY r.id LIMIT 1";
            let values = params![question.bytes(), run.0];
            let by = c.query_row(query, values, |r| r.get(0).map(RunId)).optional()?;
            if let Some(by) = by {
                return Ok(Asked::By(by.to_string()));
            }
            let note = "INSERT OR IGNORE INTO questions VALUES (?1, ?2, NULL)";
            c.execute(note, params![question.bytes(), run.0])?;
            Ok(Asked::Never)
        })
        .await
    }

    /// Notes what a person chose for the question of a run; gives the other runs that ask the same.
    pub async fn settle_question(
        &self,
        run: RunId,
        choice: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        let choice = choice.to_owned();
        self.write(move |c| {
            let same = "fingerprint IN (SELECT fingerprint FROM questions WHERE run = ?1) AND choice IS NULL";
            let others = c
                .prepare(&format!("SELECT run FROM questions WHERE {same} AND run <> ?1"))?
                .query_map([run.0], |r| r.get(0).map(RunId))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let settle = format!("UPDATE questions SET choice = ?2 WHERE {same}");
            c.execute(&settle, params![run.0, choice])?;
            Ok(others)
        })
        .await
    }
}

/// A run asks no more what nobody has answered.
pub(super) fn forget(c: &Connection, run: RunId) -> rusqlite::Result<()> {
    c.execute("DELETE FROM questions WHERE run = ?1 AND choice IS NULL", [run.0]).map(drop)
}
