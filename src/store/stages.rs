//! Which recipes are live, as what, and which are paused.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::deliveries::moment;
use super::runs::RunId;
use super::{Store, StoreError};

/// Where an installation stands. One that nobody has let go live has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRow {
    pub installation: String,
    /// The content that went live. Empty where a store from before there were stages had runs of it: then
    /// what is installed now went live.
    pub pin: Option<String>,
    pub live_at: Option<Timestamp>,
    pub pause: Option<Pause>,
}

/// Why nothing of it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub at: Timestamp,
    pub why: String,
    /// It was more than its limits allow; else a person wanted it.
    pub by_limit: bool,
}

const ROW: &str = "installation, pin, live_at_ms, paused_at_ms, why, by_limit FROM stages";

impl Store {
    pub async fn stages(&self) -> Result<Vec<StageRow>, StoreError> {
        self.read(|c| {
            c.prepare(&format!("SELECT {ROW} ORDER BY installation"))?.query_map([], row)?.collect()
        })
        .await
    }

    /// From now on an installation is live with this content: a pause is over.
    pub async fn go_live(&self, installation: &str, pin: &str) -> Result<(), StoreError> {
        let (installation, pin) = (installation.to_owned(), pin.to_owned());
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| {
            c.execute(
                "INSERT OR REPLACE INTO stages (installation, pin, live_at_ms) VALUES (?1, ?2, ?3)",
                params![installation, pin, now],
            )
            .map(|_| ())
        })
        .await
    }

    /// Notes that a plan is live; gives all plans of the installation that have ever been.
    pub async fn plan_is_live(
        &self,
        installation: &str,
        plan: Option<i64>,
    ) -> Result<Vec<i64>, StoreError> {
        let installation = installation.to_owned();
        if let Some(plan) = plan {
            let known = "SELECT was_live FROM plans WHERE id = ?1";
            let known: bool =
                self.read(move |c| c.query_row(known, [plan], |row| row.get(0))).await?;
            if !known {
                let note = "UPDATE plans SET was_live = 1 WHERE id = ?1";
                self.write(move |c| c.execute(note, [plan])).await?;
            }
        }
        self.read(move |c| {
            c.prepare("SELECT id FROM plans WHERE installation = ?1 AND was_live")?
                .query_map([installation], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Notes the content of an installation that was live before there were stages.
    pub async fn pin(&self, installation: &str, pin: &str) -> Result<(), StoreError> {
        let (installation, pin) = (installation.to_owned(), pin.to_owned());
        self.write(move |c| {
            c.execute(
                "UPDATE stages SET pin = ?2 WHERE installation = ?1 AND pin = ''",
                params![installation, pin],
            )
            .map(|_| ())
        })
        .await
    }

    /// Pauses an installation; gives whether it was not paused already.
    pub async fn pause(&self, installation: &str, pause: &Pause) -> Result<bool, StoreError> {
        let (installation, pause) = (installation.to_owned(), pause.clone());
        self.write(move |c| {
            let at = "SELECT paused_at_ms FROM stages WHERE installation = ?1";
            let before: Option<Option<i64>> =
                c.query_row(at, [&installation], |row| row.get(0)).optional()?;
            if before.flatten().is_some() {
                return Ok(false);
            }
            c.execute(
                "INSERT INTO stages (installation, paused_at_ms, why, by_limit) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (installation) DO UPDATE
                   SET paused_at_ms = excluded.paused_at_ms, why = excluded.why, by_limit = excluded.by_limit",
                params![installation, pause.at.as_millisecond(), pause.why, pause.by_limit],
            )?;
            Ok(true)
        })
        .await
    }

    /// Opens the paused runs of an installation, in order. Those that have not begun take `plan`.
    pub async fn open_paused(
        &self,
        installation: &str,
        plan: i64,
    ) -> Result<Vec<RunId>, StoreError> {
        let installation = installation.to_owned();
        self.write(move |c| {
            c.execute(
                "UPDATE runs SET plan = ?2 WHERE state = 7
                   AND plan IN (SELECT id FROM plans WHERE installation = ?1)
                   AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.run = runs.id)",
                params![installation, plan],
            )?;
            let opened: rusqlite::Result<Vec<RunId>> = c
                .prepare(
                    "UPDATE runs SET state = 0, due_at_ms = NULL, ended_at_ms = NULL, outcome = NULL
                     WHERE state = 7 AND plan IN (SELECT id FROM plans WHERE installation = ?1)
                     RETURNING id",
                )?
                .query_map([&installation], |row| row.get(0).map(RunId))?
                .collect();
            let mut opened = opened?;
            opened.sort_unstable();
            Ok(opened)
        })
        .await
    }

    /// How many runs of each installation wait for it to go live.
    pub async fn paused_runs(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(|c| {
            c.prepare(
                "SELECT p.installation, count(*) FROM runs r JOIN plans p ON p.id = r.plan
                 WHERE r.state = 7 GROUP BY p.installation",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
            .collect()
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<StageRow> {
    let paused_at: Option<i64> = row.get(3)?;
    let pause = match paused_at {
        None => None,
        Some(at) => Some(Pause {
            at: moment(at),
            why: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            by_limit: row.get::<_, Option<bool>>(5)?.unwrap_or_default(),
        }),
    };
    Ok(StageRow {
        installation: row.get(0)?,
        pin: row.get(1)?,
        live_at: row.get::<_, Option<i64>>(2)?.map(moment),
        pause,
    })
}
