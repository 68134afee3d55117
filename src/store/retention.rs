//! Forgets what has been kept for as long as it should be.

use jiff::Timestamp;
use rusqlite::params;

use super::{Store, StoreError};

/// Rows of one go: writers in between should not have to wait.
const PIECE: i64 = 500;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub payloads: usize,
    pub runs: usize,
    pub seen: usize,
}

impl Store {
    /// Forgets payloads and answers older than `payloads`, runs that ended before `runs`, and arrivals
    /// before `seen`. What is not over keeps everything it needs.
    pub async fn sweep(
        &self,
        payloads: Timestamp,
        runs: Timestamp,
        seen: Timestamp,
    ) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let over = "state IN (3, 4, 5, 6)";
        let all = [
            (
                &mut swept.runs,
                runs,
                format!("SELECT id FROM runs WHERE {over} AND ended_at_ms < ?1 LIMIT ?2"),
                vec![
                    "DELETE FROM journal WHERE run = ?1",
                    "DELETE FROM runs WHERE id = ?1",
                ],
            ),
            (
                &mut swept.payloads,
                payloads,
                format!(
                    "SELECT d.id FROM deliveries d WHERE d.received_at_ms < ?1 AND d.payload IS NOT NULL
                       AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.delivery = d.id AND NOT {over})
                     LIMIT ?2"
                ),
                vec![
                    "DELETE FROM journal WHERE run IN (SELECT id FROM runs WHERE delivery = ?1)",
                    "UPDATE deliveries SET payload = NULL WHERE id = ?1",
                ],
            ),
        ];
        for (count, before, find, forget) in all {
            loop {
                let (find, forget) = (find.clone(), forget.clone());
                let forgotten = self
                    .write(move |c| {
                        let ids: Vec<i64> = c
                            .prepare_cached(&find)?
                            .query_map(params![before.as_millisecond(), PIECE], |r| r.get(0))?
                            .collect::<rusqlite::Result<_>>()?;
                        for id in &ids {
                            for statement in &forget {
                                c.prepare_cached(statement)?.execute([id])?;
                            }
                        }
                        Ok(ids.len())
                    })
                    .await?;
                *count += forgotten;
                if forgotten < PIECE as usize {
                    break;
                }
            }
        }
        loop {
            let forgotten = self
                .write(move |c| {
                    c.prepare_cached(
                        "DELETE FROM seen WHERE fingerprint IN
                           (SELECT fingerprint FROM seen WHERE at_ms < ?1 LIMIT ?2)",
                    )?
                    .execute(params![seen.as_millisecond(), PIECE])
                })
                .await?;
            swept.seen += forgotten;
            if forgotten < PIECE as usize {
                break;
            }
        }
        let day = Timestamp::now().as_second() - 2 * 24 * 3600;
        // The last one of each connection stays: it says when it was used.
        self.write(move |c| {
            c.execute(
                "DELETE FROM spending WHERE second < ?1 AND second <
                   (SELECT max(second) FROM spending s WHERE s.connection = spending.connection)",
                [day],
            )
        })
        .await?;
        Ok(swept)
    }
}
