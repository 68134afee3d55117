//! Plans with everything they were started with: a run keeps its own whatever happens to the file.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Fingerprint, Store, StoreError};

/// A plan to be kept.
#[derive(Clone, Debug)]
pub struct NewPlan {
    pub installation: String,
    /// The recipe's file.
    pub recipe: String,
    /// The recipe's text, to show mistakes at their lines.
    pub source: String,
    /// The plan with its settings, as JSON.
    pub body: String,
}

/// A plan that is kept.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    pub id: i64,
    pub installation: String,
    pub recipe: String,
    pub source: String,
    pub body: String,
}

impl Store {
    /// Keeps a plan; the same one is kept once. Gives its number.
    pub async fn keep_plan(&self, plan: NewPlan) -> Result<i64, StoreError> {
        let fingerprint = Fingerprint::of(&[
            plan.installation.as_bytes(),
            plan.recipe.as_bytes(),
            plan.source.as_bytes(),
            plan.body.as_bytes(),
        ]);
        self.write(move |c| {
            let find = "SELECT id FROM plans WHERE fingerprint = ?1";
            let there = c.query_row(find, [fingerprint.bytes()], |r| r.get(0)).optional()?;
            if let Some(id) = there {
                return Ok(id);
            }
            c.execute(
                "INSERT INTO plans (fingerprint, installation, recipe, source, body, made_at_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    fingerprint.bytes(),
                    plan.installation,
                    plan.recipe,
                    plan.source,
                    plan.body,
                    Timestamp::now().as_millisecond()
                ],
            )?;
            Ok(c.last_insert_rowid())
        })
        .await
    }

    /// What has ever been installed: the names of the installations and the files of their recipes.
    pub async fn installations(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|c| {
            c.prepare("SELECT DISTINCT installation, recipe FROM plans ORDER BY installation")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    pub async fn plan(&self, id: i64) -> Result<Option<StoredPlan>, StoreError> {
        self.read(move |c| {
            let query = "SELECT id, installation, recipe, source, body FROM plans WHERE id = ?1";
            c.query_row(query, [id], |row| {
                Ok(StoredPlan {
                    id: row.get(0)?,
                    installation: row.get(1)?,
                    recipe: row.get(2)?,
                    source: row.get(3)?,
                    body: row.get(4)?,
                })
            })
            .optional()
        })
        .await
    }
}
