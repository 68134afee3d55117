//! A dry run as text and as JSON: every request in order, each value with the recipe line it came from.

use std::collections::HashSet;
use std::fmt::Write;

use indexmap::IndexMap;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::guessed::{collect, guessed_of, is_guessed};
use super::run::{changes, failure, title, wait};
use super::{links, plural};
use crate::catalog::{Catalog, Effect, Slot};
use crate::check::{CheckedStep, Often, TriggerKind};
use crate::journal::{CallKey, Decision, Entry, History, Outcome, PlannedCall};
use crate::plan::{Origin, Plan, unmarked_body};
use crate::recipe::RecipeFile;
use crate::value::duration;

/// Who has answered the calls of a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswersFrom {
    /// Nobody: each answer is the example of the catalog.
    Catalog,
    /// The sandbox, with what the example says is there.
    Sandbox,
    /// The apps themselves; only what would be written is imagined.
    Apps,
}

/// What a dry run found out.
pub struct DryRun<'a> {
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    pub history: &'a History,
    pub outcome: &'a Outcome,
    /// `stax.customer_created`
    pub event: String,
    /// Where the event came from, in words.
    pub from: String,
    /// Whether the fields of the event are known at all.
    pub event_known: bool,
    pub now: String,
    /// What the example says that a person answers.
    pub answers: &'a IndexMap<String, String>,
    pub file: &'a RecipeFile,
    pub answers_from: AnswersFrom,
    pub colour: bool,
}

impl DryRun<'_> {
    /// As a person reads it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}", self.plan.recipe.name.bold());
        let _ = writeln!(out, "event {} from {}, at {}", self.event, self.from, self.now);
        if let TriggerKind::Poll(poll) = &self.plan.recipe.trigger.kind {
            let often = match &poll.often {
                Often::Every(length) => format!("every {}", duration::in_words(*length)),
                Often::At(times) => format!("at `{}`", times.cron),
            };
            let list = &poll.call.operation.call;
            let _ = writeln!(out, "one record of {list}, which is asked for {often}");
        }
        if !self.event_known {
            let _ = writeln!(out, "nothing is known of this event's fields: any name is accepted");
        }
        let guessed = self.guessed_steps();
        let mut number = 0;
        for entry in self.history.entries() {
            match entry {
                Entry::Intent { key, call } => {
                    number += 1;
                    self.call(&mut out, number, key, call, &guessed);
                }
                Entry::Decided { key, decision: Decision::Skipped(why) } => {
                    let _ = writeln!(
                        out,
                        "\n   {} {} ({}): {why}",
                        "skipped".yellow(),
                        title(key),
                        self.line(key)
                    );
                    if self.decided_by_example(&key.step, &guessed) {
                        let _ = writeln!(out, "           {}", self.may_differ());
                    }
                }
                Entry::Decided { key, decision } => {
                    if let Some(words) = links::of_decision(decision) {
                        let at = self.step(&key.step).map(|step| step.place.in_words());
                        let at = at.map(|at| format!(" ({at})")).unwrap_or_default();
                        let _ = writeln!(out, "\n   {}{at} {words}", title(key).yellow());
                    }
                    if let Some(lines) = changes(decision) {
                        let _ = writeln!(out, "\n{lines}");
                    }
                }
                Entry::Waits { key, from, until } => {
                    let _ = writeln!(
                        out,
                        "\n   {} ({}) {}",
                        title(key).yellow(),
                        self.line(key),
                        wait(*from, *until)
                    );
                }
                Entry::Asks { key, question } => {
                    let _ = writeln!(
                        out,
                        "\n   {} ({}) asks a person: {}\n           answers: {}",
                        title(key).yellow(),
                        self.line(key),
                        question.text,
                        question.choices.join(", ")
                    );
                }
                Entry::Replied { key, answer } => {
                    let said = match self.answers.contains_key(&key.step) {
                        true => "as the example says",
                        false => "this dry run assumes",
                    };
                    let line = format!("{said}: {}", answer.choice);
                    let _ = writeln!(out, "           {}", line.dimmed());
                }
                _ => {}
            }
        }
        let _ = writeln!(out, "\n{}", self.ending());
        let _ = writeln!(out, "{}", self.totals());
        out
    }

    fn call(
        &self,
        out: &mut String,
        number: usize,
        key: &CallKey,
        call: &PlannedCall,
        guessed: &HashSet<String>,
    ) {
        let request = &call.planned.request;
        let _ = writeln!(out, "\n{number:>2} {} ({})", title(key).bold(), self.line(key));
        let _ = writeln!(out, "   {} {}", request.method.green(), request.shown_url());
        for (name, value) in &request.headers {
            let _ = writeln!(out, "   {name}: {value}");
        }
        if self.answers_from == AnswersFrom::Apps && call.effect == Effect::Read {
            let _ = writeln!(out, "   {}", "asked, and answered".dimmed());
            return;
        }
        if let Some(looks_for) = &call.looks_for {
            let word = if looks_for.creates { "none is there yet" } else { "one is there" };
            let words = match self.answers_from {
                AnswersFrom::Catalog => {
                    format!("looks through the answer, and this dry run assumes that {word}")
                }
                _ => "looks through the answer".to_owned(),
            };
            let _ = writeln!(out, "   {}", words.dimmed());
        }
        let _ = writeln!(out, "   Authorization: Bearer [token of the {} connection]", request.app);
        let mut rows: Vec<(String, String, String)> = Vec::new();
        for origin in &call.planned.origins {
            if origin.slot != Slot::Body {
                let value = self.in_address(call, origin);
                rows.push((
                    shown_path(&origin.path.replace("[]", "")),
                    value,
                    self.remark(origin, &key.step, guessed),
                ));
            }
        }
        let mut marks: Vec<(&str, &str)> = call.planned.origins.iter().filter_map(marked).collect();
        if let Some(body) = &unmarked_body(&call.planned) {
            leaves(body, "", &mut |path, value| {
                let origin = nearest(&call.planned.origins, path);
                let mut remark = origin.map_or("as it is there".to_owned(), |origin| {
                    self.remark(origin, &key.step, guessed)
                });
                if value.is_null() {
                    remark.push_str(", blanks it");
                }
                if let Some(at) = marks.iter().position(|(marked, _)| *marked == path) {
                    let (_, mark) = marks.remove(at);
                    let _ = write!(remark, "; linecook adds the line {mark}");
                }
                rows.push((shown_path(path), value.to_string(), remark));
            });
        }
        for (path, mark) in marks {
            let remark = "added by linecook, to find it again".to_owned();
            rows.push((shown_path(path), Value::from(mark).to_string(), remark));
        }
        let name_width =
            rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).min(30);
        let value_width =
            rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0).min(44);
        for (name, value, remark) in rows {
            let _ = writeln!(
                out,
                "     {name:<name_width$}  {value:<value_width$}  {}",
                remark.dimmed()
            );
        }
    }

    /// `line 12`, or `line 3 of contact.yaml`.
    fn line(&self, key: &CallKey) -> String {
        self.step(&key.step).map_or_else(|| "line 0".to_owned(), |step| step.place.in_words())
    }

    fn in_address(&self, call: &PlannedCall, origin: &Origin) -> String {
        let request = &call.planned.request;
        match origin.slot {
            Slot::Query => {
                let (name, at) = origin.path.split_once('/').unwrap_or((&origin.path, "0"));
                let mut found = request.query.iter().filter(|(n, _)| n == name);
                let found = found.nth(at.parse().unwrap_or(0));
                found.map_or(String::new(), |(_, value)| Value::from(value.as_str()).to_string())
            }
            _ => {
                let found = request.path_value(&origin.path);
                found.map_or(String::new(), |value| Value::from(value).to_string())
            }
        }
    }

    /// Where a value came from, in words.
    fn remark(&self, origin: &Origin, step: &str, guessed: &HashSet<String>) -> String {
        let mut parts = Vec::new();
        match &origin.place {
            Some(place) => parts.push(place.in_words()),
            None if origin.is_key => parts.push("key of this run and step".to_owned()),
            None => parts.push("usual value".to_owned()),
        }
        if let Some(name) = &origin.name {
            parts.push(format!("the custom field `{name}`"));
        }
        if let Some(before) = &origin.before {
            parts.push(format!("converted from {before}"));
        }
        for step in guessed_of(origin, step, guessed) {
            parts.push(match self.answers_from {
                AnswersFrom::Sandbox => format!("answer of `{step}` in the sandbox"),
                _ => format!("example answer of `{step}`"),
            });
        }
        parts.join(", ")
    }

    /// That a step was left out because of an answer that no app has given.
    fn may_differ(&self) -> &'static str {
        match self.answers_from {
            AnswersFrom::Sandbox => "as the sandbox answers; the real app may differ",
            _ => "as the example answers; the real one may differ",
        }
    }

    /// The steps whose results are the catalog's examples, or made of them.
    fn guessed_steps(&self) -> HashSet<String> {
        let mut guessed = HashSet::new();
        collect(&self.plan.recipe.steps, &mut guessed);
        if self.answers_from == AnswersFrom::Apps {
            // What was asked for is no guess.
            let imagined = self.history.entries().iter().filter_map(|entry| match entry {
                Entry::Answered { key, answer: Ok(answer), .. } if answer.imagined => {
                    Some(&key.step)
                }
                _ => None,
            });
            let imagined: HashSet<&String> = imagined.collect();
            guessed.retain(|name| {
                imagined.contains(&name.split('.').next().unwrap_or(name).to_owned())
            });
        }
        for (key, _) in self.history.skipped() {
            guessed.remove(&key.step);
        }
        guessed
    }

    fn decided_by_example(&self, step: &str, guessed: &HashSet<String>) -> bool {
        let when = self.step(step).and_then(|s| s.when.as_ref());
        when.is_some_and(|(_, template)| {
            let reads = template.reads();
            reads.iter().any(|path| match path[..] {
                ["steps", id, ..] => is_guessed(id, step, guessed),
                _ => false,
            })
        })
    }

    fn step(&self, id: &str) -> Option<&CheckedStep> {
        find(&self.plan.recipe.steps, id)
    }

    fn ending(&self) -> String {
        match self.outcome {
            Outcome::Done => "It would run to the end.".to_owned(),
            Outcome::Stopped { reason, place } if place.line > 0 => {
                format!("It would stop at {}: {reason}", place.in_words())
            }
            Outcome::Stopped { reason, .. } => format!("It would stop: {reason}"),
            Outcome::Held { question, .. } => {
                format!("It would wait for a person: {}", question.text)
            }
            Outcome::Waiting { until } => format!("It would wait until {until}."),
            Outcome::Suspended { why } => format!("It would not go on: {why}"),
            Outcome::Failed(error) => {
                format!(
                    "It would fail:

{}
",
                    failure(error, self.file, self.colour)
                )
            }
        }
    }

    fn totals(&self) -> String {
        let calls = self.history.calls();
        let changing =
            calls.iter().filter(|made| made.call.effect != crate::catalog::Effect::Read).count();
        let scopes = self.scopes();
        let scopes = match scopes.is_empty() {
            true => String::new(),
            false => format!("; scopes needed: {}", scopes.join(", ")),
        };
        let changing = match changing {
            1 => "1 changes something".to_owned(),
            n => format!("{n} change something"),
        };
        let sent = match self.answers_from {
            AnswersFrom::Apps => "Nothing was written.",
            _ => "Nothing was sent.",
        };
        format!("{}, {changing}{scopes}. {sent}", plural(calls.len(), "call"))
    }

    fn scopes(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        for made in self.history.calls() {
            let operation = self.catalog.operation(&made.call.planned.request.operation).ok();
            if let Some(scope) = operation.and_then(|o| o.scope.clone())
                && !scopes.contains(&scope)
            {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// For other programs.
    pub fn json(&self) -> Value {
        let guessed = self.guessed_steps();
        let calls = self.history.calls();
        let calls = calls.iter().map(|made| {
            let request = &made.call.planned.request;
            let origins = made.call.planned.origins.iter().map(|origin| {
                json!({
                    "in": origin.slot.name(),
                    "field": shown_path(&origin.path),
                    "line": origin.place.as_ref().map(|p| p.line),
                    "custom_field": origin.name,
                    "converted_from": origin.before,
                    "mark": origin.mark,
                    "from_example_answer_of": guessed_of(origin, &made.key.step, &guessed),
                })
            });
            json!({
                "step": made.key.step,
                "item": made.key.item,
                "part": made.key.part,
                "line": self.step(&made.key.step).map(|s| s.place.line),
                "operation": request.operation,
                "method": request.method,
                "url": request.shown_url(),
                "headers": request.headers.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
                "body": request.body,
                "changes": made.call.effect != crate::catalog::Effect::Read,
                "values": origins.collect::<Vec<_>>(),
            })
        });
        let skipped = self.history.skipped().map(|(key, why)| {
            json!({ "step": key.step, "item": key.item, "why": why, "by_example_answer": self.decided_by_example(&key.step, &guessed) })
        });
        let waits = self.history.entries().iter().filter_map(|entry| match entry {
            Entry::Waits { key, until, .. } => {
                Some(json!({ "step": key.step, "item": key.item, "until": until.to_string() }))
            }
            _ => None,
        });
        let mut questions: Vec<Value> = Vec::new();
        for entry in self.history.entries() {
            match entry {
                Entry::Asks { key, question } => questions.push(json!({
                    "step": key.step, "item": key.item,
                    "question": question.text, "choices": question.choices,
                })),
                Entry::Replied { answer, .. } => {
                    if let Some(last) = questions.last_mut() {
                        last["assumed"] = answer.choice.as_str().into();
                    }
                }
                _ => {}
            }
        }
        let links = self.history.entries().iter().filter_map(|entry| match entry {
            Entry::Decided { key, decision } => {
                let mut one = links::decision_json(decision)?;
                one["step"] = key.step.as_str().into();
                one["item"] = json!(key.item);
                Some(one)
            }
            _ => None,
        });
        json!({
            "format_version": 1,
            "recipe": self.plan.recipe.name,
            "event": self.event,
            "calls": calls.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
            "waits": waits.collect::<Vec<_>>(),
            "questions": questions,
            "links": links.collect::<Vec<_>>(),
            "outcome": self.outcome.word(),
            "ending": match self.outcome {
                Outcome::Failed(error) => json!({
                    "line": error.place.line, "field": error.field,
                    "message": error.message, "help": error.instead,
                }),
                _ => self.ending().into(),
            },
            "scopes": self.scopes(),
        })
    }
}

fn find<'a>(steps: &'a [CheckedStep], id: &str) -> Option<&'a CheckedStep> {
    steps.iter().find_map(|step| match step.id == id {
        true => Some(step),
        false => find(step.inner(), id),
    })
}

/// Every value that is neither list nor object, and those that are empty, with its path.
fn leaves(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    let join =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(name, inner)| leaves(inner, &join(name), visit));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, inner)| leaves(inner, &join(&at.to_string()), visit));
        }
        Value::Object(_) if path.is_empty() => {}
        other => visit(path, other),
    }
}

/// A field that linecook has written a mark into, and the mark.
fn marked(origin: &Origin) -> Option<(&str, &str)> {
    Some((&origin.path, origin.mark.as_deref()?))
}

/// The origin of a path, or of the value that it is a part of.
fn nearest<'a>(origins: &'a [Origin], path: &str) -> Option<&'a Origin> {
    let mut path = path;
    loop {
        if let Some(found) = origins.iter().find(|o| o.slot == Slot::Body && o.path == path) {
            return Some(found);
        }
        path = &path[..path.rfind('/')?];
    }
}

/// `customFields/0/id` → `customFields[0].id`
fn shown_path(path: &str) -> String {
    let mut shown = String::new();
    for part in path.split('/') {
        if part.parse::<usize>().is_ok() {
            let _ = write!(shown, "[{part}]");
        } else {
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(part);
        }
    }
    shown
}
