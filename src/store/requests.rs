//! What other processes ask of the one that runs the store.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::deliveries::{Start, begin};
use super::runs::{RunId, RunState};
use super::{LinkAccounts, Store, StoreError, journal, questions};
use crate::journal::{Entry, LinkChange};

/// A request with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: i64,
    pub body: RequestBody,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestBody {
    /// Let a failed run go on from the step that failed, with the recipe as it is now or as it was.
    Retry {
        run: RunId,
        current_recipe: bool,
    },
    Cancel {
        run: RunId,
    },
    /// Answer what a held run asks.
    Resolve {
        run: RunId,
        choice: String,
    },
    /// Start the recipes of an event once more.
    Replay {
        delivery: i64,
    },
    /// Take existing records through a recipe.
    Sync {
        installation: String,
    },
    StopSync {
        installation: String,
    },
    /// Change links, all of them or none.
    Links {
        changes: Vec<LinkChange>,
        accounts: LinkAccounts,
    },
    /// Let a recipe go live, with the content that `pin` tells from every other.
    GoLive {
        installation: String,
        pin: String,
    },
    /// Let nothing of a recipe run.
    Pause {
        installation: String,
        why: String,
    },
}

/// What became of a request, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestAnswer {
    /// What was done.
    Done(String),
    /// What is in the way, and what to do instead.
    Impossible(String),
}

impl Store {
    /// Leaves a request; gives its number.
    pub async fn leave_request(&self, body: &RequestBody) -> Result<i64, StoreError> {
        let text = serde_json::to_string(body).expect("a request is plain data");
        self.write(move |c| {
            c.execute("INSERT INTO requests (body) VALUES (?1)", [&text])?;
            Ok(c.last_insert_rowid())
        })
        .await
    }

    /// Requests that nobody has answered, in order.
    pub async fn open_requests(&self) -> Result<Vec<Request>, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT id, body FROM requests WHERE answer IS NULL ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
                .filter_map(|row| match row {
                    Ok((id, text)) => {
                        let body = serde_json::from_str(&text).ok()?;
                        Some(Ok(Request { id, body }))
                    }
                    Err(error) => Some(Err(error)),
                })
                .collect()
        })
        .await
    }

    /// Answers a request.
    pub async fn answer_request(&self, id: i64, answer: &RequestAnswer) -> Result<(), StoreError> {
        let answer = serde_json::to_string(answer).expect("an answer is plain data");
        self.write(move |c| {
            c.execute("UPDATE requests SET answer = ?2 WHERE id = ?1", params![id, answer])?;
            c.execute("DELETE FROM requests WHERE id < ?1 - 10000", [id]).map(|_| ())
        })
        .await
    }

    /// The answer to a request, when there is one.
    pub async fn request_answer(&self, id: i64) -> Result<Option<RequestAnswer>, StoreError> {
        self.read(move |c| {
            let query = "SELECT answer FROM requests WHERE id = ?1";
            let text: Option<Option<String>> =
                c.query_row(query, [id], |row| row.get(0)).optional()?;
            Ok(text.flatten().and_then(|text| serde_json::from_str(&text).ok()))
        })
        .await
    }

    /// Opens a run again with one more entry in its journal, and under another plan where one is named.
    pub async fn reopen(
        &self,
        run: RunId,
        from: &'static [RunState],
        entry: Entry,
        plan: Option<i64>,
    ) -> Result<bool, StoreError> {
        let text = serde_json::to_string(&[entry]).expect("entries are plain data");
        let now = jiff::Timestamp::now().as_millisecond();
        self.write(move |c| {
            let query = "SELECT state FROM runs WHERE id = ?1";
            let state: Option<i64> = c.query_row(query, [run.0], |r| r.get(0)).optional()?;
            if !from.iter().any(|s| Some(s.number()) == state) {
                return Ok(false);
            }
            journal::insert(c, run, journal::count(c, run)?, now, &text)?;
            c.execute(
                "UPDATE runs SET state = 0, due_at_ms = NULL, ended_at_ms = NULL, outcome = NULL,
                   plan = coalesce(?2, plan) WHERE id = ?1",
                params![run.0, plan],
            )?;
            if plan.is_some() {
                // With another plan it may never ask again: others with this question must.
                questions::forget(c, run)?;
            }
            Ok(true)
        })
        .await
    }

    /// Ends a run that is not over yet or waits for a person.
    pub async fn cancel(&self, run: RunId) -> Result<bool, StoreError> {
        let now = jiff::Timestamp::now().as_millisecond();
        self.write(move |c| {
            c.execute(
                "UPDATE runs SET state = 6, due_at_ms = NULL, ended_at_ms = ?2
                 WHERE id = ?1 AND state IN (0, 1, 2, 5, 7)",
                params![run.0, now],
            )
            .map(|n| n == 1)
        })
        .await
    }

    /// Starts runs of a delivery that is already here.
    pub async fn start_again(
        &self,
        delivery: i64,
        starts: Vec<Start>,
    ) -> Result<Vec<RunId>, StoreError> {
        let now = jiff::Timestamp::now().as_millisecond();
        self.write(move |c| starts.iter().map(|s| begin(c, delivery, s, now)).collect()).await
    }
}
