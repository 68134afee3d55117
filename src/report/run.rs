//! A run, step by step as it happens, and how it ended.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::{FileDiagnostics, links};
use crate::call::{CallError, Response};
use crate::check::Place;
use crate::diagnostic::{self, Diagnostic};
use crate::journal::{CallKey, Decision, Entry, History, Outcome, StepError, StepErrorKind};
use crate::plan::FieldChange;
use crate::recipe::RecipeFile;
use crate::value::duration;
use crate::value::text::shortened;

/// The line for one thing that happened; nothing for what a person need not see.
pub fn run_line(entry: &Entry, pending: &mut Option<String>) -> Option<String> {
    match entry {
        Entry::Intent { call, .. } => {
            *pending = Some(call.planned.request.call.clone());
            None
        }
        Entry::Answered { key, attempt, answer } => {
            let call = pending.take().unwrap_or_default();
            Some(answered(key, *attempt, answer, &call))
        }
        Entry::Decided { key, decision: Decision::Skipped(why) } => {
            Some(format!("  {} {:<28} skipped: {why}", "–".yellow(), title(key)))
        }
        // What a person chose has its line.
        Entry::Decided { key, .. } if key.part == "choice" => None,
        Entry::Decided { key, decision: Decision::Finished(results) } => {
            let shown = results.iter().filter(|(name, value)| {
                !matches!(
                    name.as_str(),
                    "response" | "status" | "skipped" | "items" | "record" | "error"
                ) && !value.is_null()
            });
            let shown: Vec<String> =
                shown.map(|(name, value)| format!("{name}: {}", brief(value))).collect();
            let set = if key.part == "set" { format!("{} ", key.step) } else { String::new() };
            match (results.contains_key("error"), shown.is_empty()) {
                (true, _) => Some(format!("    {}", "goes on without it".yellow())),
                (false, true) => None,
                (false, false) => {
                    Some(format!("    {}", format!("{set}{}", shown.join(", ")).dimmed()))
                }
            }
        }
        Entry::Decided { decision, .. } => match links::of_decision(decision) {
            Some(words) => Some(format!("    {}", words.dimmed())),
            None => changes(decision),
        },
        Entry::Waits { key, from, until } if key.part == CallKey::WAIT => {
            Some(format!("  {} {:<28} {}", "–".yellow(), title(key), wait(*from, *until)))
        }
        Entry::Waits { key, from, until } => {
            let seconds = from.duration_until(*until).as_secs_f64();
            let looks_next = key.part.starts_with("settle-") && !key.part.contains("look");
            let what_for = match looks_next {
                true => "before it looks whether that has happened",
                false => "before the next try",
            };
            Some(format!("    {} {seconds:.1} s {what_for}", "waits".yellow()))
        }
        // The ending says it, at its line.
        Entry::Asks { .. } => None,
        Entry::Replied { key, answer } if key.part == CallKey::HOLD => Some(format!(
            "  {} {:<28} a person answers: {}",
            "–".yellow(),
            title(key),
            answer.choice
        )),
        Entry::Replied { answer, .. } => {
            Some(format!("    {} {}", "a person answers:".yellow(), answer.choice))
        }
        Entry::Retried { .. } => Some(format!("    {}", "a person lets it go on".yellow())),
    }
}

/// What a comparison of records has shown, field by field.
pub(super) fn changes(decision: &Decision) -> Option<String> {
    let line = |change: &FieldChange| {
        format!("{}: {} → {}", change.field, shown(&change.before), shown(&change.after))
    };
    let lines = |word: String, changes: &[FieldChange]| {
        let lines = changes.iter().map(|change| format!("\n      {}", line(change)));
        format!("    {word}{}", lines.collect::<String>())
    };
    match decision {
        Decision::Compared(changes) if changes.is_empty() => {
            Some(format!("    {}", "everything is as wished: nothing is sent".dimmed()))
        }
        Decision::Compared(changes) => {
            let count = super::plural(changes.len(), "field");
            Some(lines(format!("{count} to change:").dimmed().to_string(), changes))
        }
        Decision::MovedOn(changes) => {
            let word = "somebody else has changed the record meanwhile:";
            Some(lines(word.yellow().to_string(), changes))
        }
        Decision::Verified(changes) if changes.is_empty() => {
            Some(format!("    {}", "read back: everything is there as it was sent".dimmed()))
        }
        Decision::Verified(changes) => {
            let lines = changes.iter().map(|change| {
                let there = match change.after.is_null() {
                    true => "the app did not store it".to_owned(),
                    false => format!("the app stored {}", shown(&change.after)),
                };
                format!("\n      {}: {} was sent, and {there}", change.field, shown(&change.before))
            });
            let word = "read back, and not everything is there:".yellow();
            Some(format!("    {word}{}", lines.collect::<String>()))
        }
        Decision::NotVerified(why) => {
            Some(format!("    {} {why}", "could not be read back:".yellow()))
        }
        _ => None,
    }
}

/// A value in a comparison.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => shortened(&other.to_string(), 60),
    }
}

fn answered(
    key: &CallKey,
    attempt: u32,
    answer: &Result<Response, CallError>,
    call: &str,
) -> String {
    let again = if attempt > 1 { format!(" (try {attempt})") } else { String::new() };
    let title = format!("{:<28}", title(key));
    match answer {
        Ok(response) if response.is_success() => {
            format!("  {} {title} {call} → {}{again}", "✓".green(), response.status)
        }
        Ok(response) => format!("  {} {title} {call} → {}{again}", "✗".red(), response.status),
        Err(error) => format!("  {} {title} {call} → {error}{again}", "✗".red()),
    }
}

/// How a run ended, in words; a failure is drawn at its recipe line.
pub fn run_ending(outcome: &Outcome, history: &History, file: &RecipeFile, colour: bool) -> String {
    let calls = super::plural(history.calls().len(), "call");
    match outcome {
        Outcome::Done => format!("{} after {calls}", "done".green().bold()),
        Outcome::Stopped { reason, .. } => format!("{}: {reason}", "stopped".yellow().bold()),
        Outcome::Held { question, error } => {
            let found = match error.kind {
                StepErrorKind::Asks => {
                    let text = inside(&error.place, &question.text);
                    diagnostic::asks(&error.place.route, &text, &question.choices)
                }
                _ => {
                    let message = format!("{}: {}", question.text, error.message);
                    let message = inside(&error.place, &message);
                    diagnostic::held(&error.place.route, &message, &error.instead)
                }
            };
            format!(
                "{} for a person after {calls}\n\n{}",
                "held".yellow().bold(),
                drawn(file, found, colour)
            )
        }
        Outcome::Waiting { until } => format!(
            "{} until {} after {calls}: longer than this command waits (`--patience`), and nothing behind it was done",
            "waiting".yellow().bold(),
            second(*until)
        ),
        Outcome::Suspended { why } => format!("{}: {why}", "suspended".yellow().bold()),
        Outcome::Failed(error) => {
            format!("{} after {calls}\n\n{}", "failed".red().bold(), failure(error, file, colour))
        }
    }
}

/// A failed step at its recipe line.
pub(super) fn failure(error: &StepError, file: &RecipeFile, colour: bool) -> String {
    let field = error.field.as_ref().map(|f| format!("`{f}` ")).unwrap_or_default();
    let message = inside(&error.place, &format!("{field}{}", error.message));
    drawn(file, diagnostic::step_failed(&error.place.route, &message, &error.instead), colour)
}

/// What is said of a place in a recipe in `use`, at the `use`: with the file and the line there.
fn inside(place: &Place, message: &str) -> String {
    match &place.inside {
        Some(inside) => format!("{}, line {}: {message}", inside.file, inside.line),
        None => message.to_owned(),
    }
}

/// Nobody reads nanoseconds.
fn second(time: Timestamp) -> Timestamp {
    time.round(jiff::Unit::Second).unwrap_or(time)
}

/// `waits until 2026-03-05T10:00:00Z (3 days)`
pub(super) fn wait(from: Timestamp, until: Timestamp) -> String {
    match Duration::try_from(from.duration_until(until)) {
        Ok(length) if !length.is_zero() => {
            format!("waits until {} ({})", second(until), duration::in_words(length))
        }
        _ => format!("does not wait: {} has come already", second(until)),
    }
}

/// One diagnostic with its frame.
pub(super) fn drawn(file: &RecipeFile, found: Diagnostic, colour: bool) -> String {
    let drawing = FileDiagnostics {
        source: file.source.clone(),
        document: Some(file.document.clone()),
        found: vec![found],
    };
    drawing.text(colour).trim_end().to_owned()
}

/// A run for other programs.
pub fn run_json(outcome: &Outcome, history: &History) -> Value {
    let calls = history.calls();
    let calls = calls.iter().map(|made| {
        let request = &made.call.planned.request;
        let (status, answer) = match made.answer {
            Some(Ok(response)) => (Some(response.status), response.body.clone()),
            Some(Err(error)) => (None, error.to_string().into()),
            None => (None, Value::Null),
        };
        json!({
            "step": made.key.step, "item": made.key.item, "part": made.key.part,
            "attempt": made.call.attempt, "method": request.method, "url": request.shown_url(),
            "body": request.body, "status": status, "answer": answer,
        })
    });
    let skipped = history
        .skipped()
        .map(|(key, why)| json!({ "step": key.step, "item": key.item, "why": why }));
    let results = history.entries().iter().filter_map(|entry| match entry {
        Entry::Decided { key, decision: Decision::Finished(results) } => {
            Some(json!({ "step": key.step, "item": key.item, "results": results }))
        }
        _ => None,
    });
    let links = history.entries().iter().filter_map(|entry| match entry {
        Entry::Decided { key, decision } => {
            let mut one = links::decision_json(decision)?;
            one["step"] = key.step.as_str().into();
            one["item"] = json!(key.item);
            Some(one)
        }
        _ => None,
    });
    let ending = match outcome {
        Outcome::Done => Value::Null,
        Outcome::Stopped { reason, .. } => reason.as_str().into(),
        Outcome::Held { question, error } => {
            json!({
                "question": question.text, "choices": question.choices,
                "line": error.place.line, "help": error.instead,
            })
        }
        Outcome::Waiting { until } => json!({ "until": until }),
        Outcome::Suspended { why } => why.as_str().into(),
        Outcome::Failed(error) => {
            json!({ "message": error.message, "field": error.field, "line": error.place.line, "help": error.instead })
        }
    };
    json!({
        "format_version": 1,
        "outcome": outcome.word(),
        "ending": ending,
        "calls": calls.collect::<Vec<_>>(),
        "results": results.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    })
}

fn brief(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    shortened(&text, 40)
}

/// `contact`, `contact, tags-add`, `step-3, round 2`
pub(super) fn title(key: &CallKey) -> String {
    let mut title = key.step.clone();
    for at in &key.item {
        let _ = write!(title, ", round {}", at + 1);
    }
    match key.part.as_str() {
        "call" | "skip" | "set" | "results" | "now" | CallKey::WAIT | CallKey::HOLD => {}
        "link" | "unlink" | "gone" => {}
        part if part.starts_with("links") => {}
        part => {
            let _ = write!(title, ", {}", part.replace('-', " "));
        }
    }
    title
}
