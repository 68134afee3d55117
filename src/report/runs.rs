//! Runs in a list: one line for each, how many there are, and what a person can do about them.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::plural;
use crate::execute::{HAPPENED, SEND_AGAIN};
use crate::journal::{Outcome, Question, StepErrorKind};
use crate::value::Moment;
use crate::value::text::{shell_word, shortened};

/// How much of a reason a list shows, in characters.
const REASON: usize = 70;
/// How much of a record's key a list shows, in characters.
const RECORD: usize = 40;

/// One run with everything that a list says of it.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// `run-12`
    pub id: String,
    /// `event-7`
    pub event_id: String,
    pub installation: String,
    /// The recipe's file.
    pub recipe: String,
    pub event: String,
    pub record: Option<String>,
    /// `open`, `waiting`, `held`, `done`, `stopped`, `failed` or `cancelled`
    pub state: &'static str,
    pub created_at: Timestamp,
    /// When a waiting run goes on.
    pub due_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
}

/// Runs as a list shows them.
pub struct RunList<'a> {
    pub runs: &'a [RunSummary],
    /// How many there are in all by state, where nothing was filtered.
    pub counts: Option<Vec<(&'static str, u64)>>,
    /// There are older ones that fit.
    pub has_more: bool,
    pub zone: &'a TimeZone,
}

/// `2026-03-02 14:03`, in a zone.
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    let mut text = second(at, zone);
    text.truncate(text.len() - 3);
    text
}

/// `2026-03-02 14:03:05`, in a zone.
pub(super) fn second(at: Timestamp, zone: &TimeZone) -> String {
    Moment::from_timestamp(at, zone).to_space_text(zone)
}

/// A table without lines, as wide as it is told to be.
pub(super) fn table(head: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(head.iter().copied());
    table
}

impl RunSummary {
    /// Why it stands as it does, in a few words; nothing where that needs none.
    pub fn reason(&self, zone: &TimeZone) -> String {
        let reason = match (self.state, &self.outcome) {
            ("failed", Some(Outcome::Failed(error))) => {
                let field = error.field.as_ref().map(|f| format!("`{f}` ")).unwrap_or_default();
                format!("{field}{}", error.message)
            }
            ("held", Some(Outcome::Held { question, .. })) => question.text.clone(),
            ("stopped", Some(Outcome::Stopped { reason, .. })) => reason.clone(),
            ("paused", Some(Outcome::Suspended { why })) => why.clone(),
            ("waiting", _) => match self.due_at {
                Some(due) => format!("goes on {}", minute(due, zone)),
                None => String::new(),
            },
            _ => String::new(),
        };
        shortened(&reason, REASON)
    }

    /// What a person can do about it: commands, and what each does.
    pub fn next_steps(&self) -> Vec<(String, String)> {
        let id = &self.id;
        let step = |command: String, what: &str| (command, what.to_owned());
        match (self.state, &self.outcome) {
            ("failed", _) => vec![
                step(format!("linecook runs retry {id}"), "try again from the step that failed"),
                step(
                    format!("linecook runs retry {id} --current-recipe"),
                    "the same, with the recipe as it is now",
                ),
                step(format!("linecook runs cancel {id}"), "leave it at that"),
            ],
            ("held", Some(Outcome::Held { question, error })) => {
                answers(id, question, error.kind == StepErrorKind::InDoubt)
            }
            ("paused", _) => vec![
                step(
                    format!("linecook go-live {}", self.installation),
                    "let its recipe, and all that waits for it, go on",
                ),
                step(format!("linecook runs cancel {id}"), "do not go on with it"),
            ],
            ("cancelled", _) => {
                vec![step(format!("linecook runs retry {id}"), "let it go on after all")]
            }
            ("done" | "stopped", _) => vec![step(
                format!("linecook events replay {}", self.event_id),
                "do it all once more, from the start",
            )],
            _ => vec![step(format!("linecook runs cancel {id}"), "do not go on with it")],
        }
    }

    pub fn json(&self) -> Value {
        let mut run = json!({
            "run": self.id, "event_id": self.event_id, "installation": self.installation,
            "recipe": self.recipe, "event": self.event, "record": self.record, "state": self.state,
            "created_at": self.created_at, "due_at": self.due_at, "ended_at": self.ended_at,
        });
        match &self.outcome {
            Some(Outcome::Failed(error)) => {
                run["error"] = json!({
                    "step": error.step, "field": error.field, "message": error.message,
                    "help": error.instead, "line": error.place.line, "app": error.app,
                });
            }
            Some(Outcome::Held { question, error }) => {
                run["question"] = json!({
                    "text": question.text, "choices": question.choices,
                    "step": error.step, "line": error.place.line,
                });
            }
            Some(Outcome::Stopped { reason, .. }) => run["reason"] = reason.as_str().into(),
            _ => {}
        }
        run
    }
}

/// The command for each choice of a question.
fn answers(run: &str, question: &Question, in_doubt: bool) -> Vec<(String, String)> {
    let answer = |choice: &String| match choice.as_str() {
        HAPPENED if in_doubt => {
            (format!("linecook runs resolve {run} --done"), "it has happened: go on".to_owned())
        }
        SEND_AGAIN if in_doubt => (
            format!("linecook runs resolve {run} --resend"),
            "it has not happened: send it again".to_owned(),
        ),
        choice => {
            let word = shell_word(&shortened(choice, 200));
            (format!("linecook runs resolve {run} --choose {word}"), String::new())
        }
    };
    question.choices.iter().map(answer).collect()
}

impl RunList<'_> {
    /// As a person reads it.
    pub fn text(&self, width: Option<u16>) -> String {
        let head = ["run", "recipe", "event", "record", "state", "began", ""];
        let mut table = table(&head, width);
        for run in self.runs {
            table.add_row([
                run.id.clone(),
                run.installation.clone(),
                run.event.clone(),
                shortened(run.record.as_deref().unwrap_or("–"), RECORD),
                run.state.to_owned(),
                minute(run.created_at, self.zone),
                run.reason(self.zone),
            ]);
        }
        let mut out = table.trim_fmt();
        out.push('\n');
        if let Some(counts) = &self.counts {
            let _ = writeln!(out, "\n{}", counted(counts));
        }
        if self.has_more
            && let Some(last) = self.runs.last()
        {
            let _ = writeln!(out, "older ones: --before {}", last.id);
        }
        for line in ["failed", "held", "paused"].iter().filter_map(|state| self.what_to_do(state)) {
            let _ = writeln!(out, "{line}");
        }
        out
    }

    /// What to do next for runs that a person has to look at.
    fn what_to_do(&self, state: &str) -> Option<String> {
        let first = self.runs.iter().find(|run| run.state == state)?;
        let id = &first.id;
        Some(match state {
            "failed" => format!(
                "failed: `linecook runs show {id}` says why; `linecook runs retry {id}` lets it go on"
            ),
            "paused" => {
                format!("paused: `linecook go-live {}` lets them go on", first.installation)
            }
            _ => format!("held: `linecook runs show {id}` says what it asks, and how to answer"),
        })
    }

    /// For other programs.
    pub fn json(&self) -> Value {
        let counts = self.counts.as_ref().map(|counts| {
            counts
                .iter()
                .map(|(state, n)| ((*state).to_owned(), Value::from(*n)))
                .collect::<Value>()
        });
        json!({
            "format_version": 1,
            "runs": self.runs.iter().map(RunSummary::json).collect::<Vec<_>>(),
            "counts": counts,
            "has_more": self.has_more,
        })
    }
}

/// `12 runs: 9 done, 1 failed, 2 held`
pub fn counted(counts: &[(&'static str, u64)]) -> String {
    let all = counts.iter().map(|(_, n)| *n).sum::<u64>();
    let each: Vec<String> = counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let all = plural(usize::try_from(all).unwrap_or(usize::MAX), "run");
    match each.is_empty() {
        true => all,
        false => format!("{all}: {}", each.join(", ")),
    }
}
