//! One run as it is kept: what was sent, what came back, waits and answers step by step, how it stands,
//! and what a person can do.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::run::{run_ending, run_line, title};
use super::runs::{RunSummary, second};
use super::{links, plural};
use crate::call::{CallError, Response};
use crate::journal::{CallKey, Decision, Entry, History, Outcome, PlannedCall, StepError};
use crate::recipe::RecipeFile;
use crate::value::text::shortened;

/// How much of a body is shown, in characters.
const BODY: usize = 120;
/// Where the details of a call begin.
const INDENT: &str = "              ";

/// One run with everything that is kept of it.
pub struct RunHistory<'a> {
    pub summary: &'a RunSummary,
    /// When its event arrived.
    pub received_at: Option<Timestamp>,
    /// The recipe as it was when the run started; none when it cannot be read any more.
    pub file: Option<&'a RecipeFile>,
    /// What was written together, with its time.
    pub rows: &'a [(Timestamp, Vec<Entry>)],
    pub zone: &'a TimeZone,
    pub zone_name: &'a str,
    /// Whether a service goes on with open and waiting runs.
    pub is_served: bool,
    /// Whether bodies are shown whole.
    pub shows_all: bool,
    pub colour: bool,
}

impl RunHistory<'_> {
    /// As a person reads it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        let mut steps = String::new();
        self.steps(&mut steps);
        if !steps.is_empty() {
            let _ = write!(out, "\n{steps}");
        }
        let _ = writeln!(out, "\n{}", self.ending());
        let next = self.summary.next_steps();
        let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        out.push('\n');
        for (command, what) in next {
            let _ = writeln!(out, "{}", format!("  {command:<width$}  {what}").trim_end());
        }
        out
    }

    fn head(&self, out: &mut String) {
        let run = self.summary;
        let stands = match run.state {
            "failed" | "stopped" => run.state.to_owned(),
            "cancelled" => "was cancelled".to_owned(),
            state => format!("is {state}"),
        };
        let _ = writeln!(out, "{} {}", run.id.bold(), stands.bold());
        let mut line = |name: &str, text: &str| {
            let _ = writeln!(out, "  {name:<11}{text}");
        };
        line("recipe", &format!("{}, from {}", run.installation, run.recipe));
        let received = match self.received_at {
            Some(at) => format!(", arrived {}", second(at, self.zone)),
            None => String::new(),
        };
        line("event", &format!("{} ({}){received}", run.event, run.event_id));
        if let Some(record) = &run.record {
            line("record", &shortened(record, 200));
        }
        let began = second(run.created_at, self.zone);
        line("began", &format!("{began} ({})", self.zone_name));
        if let Some(at) = run.ended_at {
            line(run.state, &second(at, self.zone));
        }
    }

    fn steps(&self, out: &mut String) {
        let mut today = second(self.summary.created_at, self.zone)[..10].to_owned();
        let mut pending = None;
        let mut open: Option<(&CallKey, &PlannedCall)> = None;
        let mut is_empty = true;
        for (at, entry) in self.entries() {
            is_empty = false;
            let line = match entry {
                Entry::Waits { key, until, .. } if key.part == CallKey::WAIT => {
                    let until = second(*until, self.zone);
                    Some(format!("  {} {:<28} waits until {until}", "–".yellow(), title(key)))
                }
                entry => run_line(entry, &mut pending),
            };
            if let Some(line) = line {
                let time = second(at, self.zone);
                let (day, clock) = time.split_at(10);
                if day != today {
                    let _ = writeln!(out, "{day}");
                    today = day.to_owned();
                }
                let _ = writeln!(out, "{}{line}", clock.trim().dimmed());
            }
            match entry {
                Entry::Intent { key, call } => open = Some((key, call)),
                Entry::Answered { answer, .. } => {
                    if let Some((_, call)) = open.take() {
                        self.sent(out, call);
                    }
                    self.came_back(out, answer);
                }
                _ => {}
            }
        }
        if let Some((key, call)) = open {
            let _ = writeln!(
                out,
                "          {} {:<28} {}: nobody knows yet what came back",
                "?".yellow(),
                title(key),
                call.planned.request.call
            );
            self.sent(out, call);
        }
        if is_empty {
            let why = match self.summary.state {
                "open" => "nothing has been done yet",
                _ if self.summary.ended_at.is_none() => "nothing has been done yet",
                _ => "nothing was done, or it is not kept any more",
            };
            let _ = writeln!(out, "{why}");
        }
    }

    fn entries(&self) -> impl Iterator<Item = (Timestamp, &Entry)> {
        self.rows.iter().flat_map(|(at, entries)| {
            entries.iter().map(|entry| match entry {
                Entry::Waits { from, .. } => (*from, entry),
                Entry::Retried { at, .. } => (*at, entry),
                _ => (*at, entry),
            })
        })
    }

    fn sent(&self, out: &mut String, call: &PlannedCall) {
        let request = &call.planned.request;
        let url = request.shown_url();
        if self.shows_all {
            let _ = writeln!(out, "{INDENT}{} {} {url}", "sent".dimmed(), request.method);
            for (name, value) in &request.headers {
                let _ = writeln!(out, "{INDENT}     {name}: {}", shortened(value, usize::MAX));
            }
            if let Some(body) = &request.body {
                whole(out, body);
            }
            return;
        }
        let path = url.strip_prefix(&request.base_url).unwrap_or(&url);
        let body = request.body.as_ref().map(|body| brief(body, BODY)).unwrap_or_default();
        let line = format!("{} {} {body}", request.method, shortened(path, BODY));
        let _ = writeln!(out, "{INDENT}{} {}", "sent".dimmed(), line.trim_end());
    }

    fn came_back(&self, out: &mut String, answer: &Result<Response, CallError>) {
        let Ok(response) = answer else { return };
        if response.body.is_null() || response.body.as_str() == Some("") {
            return;
        }
        match self.shows_all {
            true => {
                let _ = writeln!(out, "{INDENT}{}", "came back".dimmed());
                whole(out, &response.body);
            }
            false => {
                let body = brief(&response.body, BODY);
                let _ = writeln!(out, "{INDENT}{} {body}", "came back".dimmed());
            }
        }
    }

    fn history(&self) -> History {
        let mut history = History::default();
        self.rows.iter().flat_map(|(_, entries)| entries).for_each(|e| history.push(e.clone()));
        history
    }

    /// How it stands; a failure or a question is drawn at its recipe line.
    fn ending(&self) -> String {
        let run = self.summary;
        let by_itself = match self.is_served {
            true => "by itself",
            false => "when `linecook serve` runs",
        };
        match (run.state, &run.outcome) {
            ("open", _) => format!("{}: it goes on {by_itself}", "open".yellow().bold()),
            ("waiting", _) => {
                let until = run
                    .due_at
                    .map_or(String::new(), |due| format!(" until {}", second(due, self.zone)));
                format!("{}{until}: then it goes on {by_itself}", "waiting".yellow().bold())
            }
            ("cancelled", outcome) => {
                let before = match outcome {
                    Some(Outcome::Failed(error)) => format!("; it had failed: {}", error.message),
                    _ => String::new(),
                };
                format!("{}: a person ended it{before}", "cancelled".yellow().bold())
            }
            (_, Some(outcome @ (Outcome::Failed(error) | Outcome::Held { error, .. }))) => {
                match self.file.filter(|_| error.place.line > 0) {
                    Some(file) => run_ending(outcome, &self.history(), file, self.colour),
                    None => without_a_line(run.state, outcome, error),
                }
            }
            (_, Some(Outcome::Stopped { reason, .. })) => {
                format!("{}: {}", "stopped".yellow().bold(), shortened(reason, 500))
            }
            ("done", _) => {
                let calls = plural(self.history().calls().len(), "call");
                format!("{} after {calls}", "done".green().bold())
            }
            (state, _) => state.to_owned(),
        }
    }

    /// For other programs: bodies are always whole.
    pub fn json(&self) -> Value {
        let entries = self.entries().filter_map(|(at, entry)| {
            let mut one = entry_json(entry)?;
            one["at"] = json!(at);
            Some(one)
        });
        let mut run = self.summary.json();
        run["received_at"] = json!(self.received_at);
        let next = self.summary.next_steps().into_iter().map(|(command, _)| command);
        json!({
            "format_version": 1,
            "run": run,
            "history": entries.collect::<Vec<_>>(),
            "next": next.collect::<Vec<_>>(),
        })
    }
}

/// A failure that belongs to no line of the recipe, or whose recipe cannot be read any more.
fn without_a_line(state: &str, outcome: &Outcome, error: &StepError) -> String {
    let what = match outcome {
        Outcome::Held { question, .. } => &question.text,
        _ => &error.message,
    };
    format!(
        "{}: {}\n{}: {}",
        state.red().bold(),
        shortened(what, 500),
        "help".cyan().bold(),
        error.instead
    )
}

fn entry_json(entry: &Entry) -> Option<Value> {
    let of = |kind: &str, key: &CallKey| json!({ "kind": kind, "step": key.step, "item": key.item, "part": key.part });
    Some(match entry {
        Entry::Intent { key, call } => {
            let request = &call.planned.request;
            let mut one = of("sent", key);
            one["attempt"] = call.attempt.into();
            one["operation"] = request.operation.as_str().into();
            one["method"] = request.method.as_str().into();
            one["url"] = request.shown_url().into();
            one["body"] = json!(request.body);
            one
        }
        Entry::Answered { key, attempt, answer } => {
            let mut one = of("answered", key);
            one["attempt"] = (*attempt).into();
            match answer {
                Ok(response) => {
                    one["status"] = response.status.into();
                    one["body"] = response.body.clone();
                }
                Err(error) => one["error"] = error.to_string().into(),
            }
            one
        }
        Entry::Decided { key, decision: Decision::Skipped(why) } => {
            let mut one = of("skipped", key);
            one["why"] = why.as_str().into();
            one
        }
        Entry::Decided { key, decision: Decision::Finished(results) } => {
            let mut one = of("finished", key);
            one["results"] = Value::Object(results.clone());
            one
        }
        Entry::Decided { key, decision } => {
            let (kind, changes) = match decision {
                Decision::Compared(changes) => ("compared", changes),
                Decision::MovedOn(changes) => ("moved-on", changes),
                Decision::Verified(changes) => ("verified", changes),
                other => {
                    let mut one = links::decision_json(other)?;
                    one["step"] = key.step.as_str().into();
                    one["item"] = json!(key.item);
                    one["part"] = key.part.as_str().into();
                    return Some(one);
                }
            };
            let mut one = of(kind, key);
            one["fields"] = json!(changes);
            one
        }
        Entry::Waits { key, until, .. } => {
            let mut one = of("waits", key);
            one["until"] = json!(until);
            one
        }
        Entry::Asks { key, question } => {
            let mut one = of("asks", key);
            one["text"] = question.text.as_str().into();
            one["choices"] = json!(question.choices);
            one
        }
        Entry::Replied { key, answer } => {
            let mut one = of("replied", key);
            one["choice"] = answer.choice.as_str().into();
            one
        }
        Entry::Retried { step, .. } => json!({ "kind": "retried", "step": step }),
    })
}

fn brief(value: &Value, most: usize) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    shortened(&text, most)
}

fn whole(out: &mut String, value: &Value) {
    let text = match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).expect("a value is plain JSON"),
    };
    for line in text.lines() {
        let _ = writeln!(out, "{INDENT}     {}", shortened(line, usize::MAX));
    }
}
