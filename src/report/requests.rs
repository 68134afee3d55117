//! A dry run as text and as JSON: every request in order, each value with the recipe line it came from.

use std::collections::HashSet;
use std::fmt::Write;

use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::plural;
use super::run::{failure, title};
use crate::catalog::{Catalog, Slot};
use crate::check::{Action, CheckedStep};
use crate::journal::{CallKey, Decision, Entry, History, Outcome, PlannedCall};
use crate::plan::{Origin, Plan, unmarked_body};
use crate::recipe::RecipeFile;
use crate::template::Template;

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
    pub file: &'a RecipeFile,
    pub colour: bool,
}

impl DryRun<'_> {
    /// As a person reads it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}", self.plan.recipe.name.bold());
        let _ = writeln!(out, "event {} from {}, at {}", self.event, self.from, self.now);
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
                    let line = self.step(&key.step).map_or(0, |s| s.place.line);
                    let _ = writeln!(
                        out,
                        "\n   {} {} (line {line}): {why}",
                        "skipped".yellow(),
                        title(key)
                    );
                    if self.decided_by_example(&key.step, &guessed) {
                        let _ = writeln!(
                            out,
                            "           as the example answers; the real one may differ"
                        );
                    }
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
        let line = self.step(&key.step).map_or(0, |s| s.place.line);
        let _ = writeln!(out, "\n{number:>2} {} (line {line})", title(key).bold());
        let _ = writeln!(out, "   {} {}", request.method.green(), request.shown_url());
        for (name, value) in &request.headers {
            let _ = writeln!(out, "   {name}: {value}");
        }
        if let Some(looks_for) = &call.looks_for {
            let word = if looks_for.creates { "none is there yet" } else { "one is there" };
            let _ = writeln!(
                out,
                "   {}",
                format!("looks through the answer, and this dry run assumes that {word}").dimmed()
            );
        }
        let _ = writeln!(out, "   Authorization: Bearer [token of the {} connection]", request.app);
        let mut rows: Vec<(String, String, String)> = Vec::new();
        for origin in &call.planned.origins {
            if origin.slot != Slot::Body {
                let value = self.in_address(call, origin);
                rows.push((
                    shown_path(&origin.path.replace("[]", "")),
                    value,
                    self.remark(origin, guessed),
                ));
            }
        }
        let mut marks: Vec<(&str, &str)> = call.planned.origins.iter().filter_map(marked).collect();
        if let Some(body) = &unmarked_body(&call.planned) {
            leaves(body, "", &mut |path, value| {
                let origin = nearest(&call.planned.origins, path);
                let mut remark =
                    origin.map_or(String::new(), |origin| self.remark(origin, guessed));
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
                let parts =
                    request.call.split_once(' ').map_or("", |(_, path)| path).split('/').skip(1);
                let mut pairs = parts.zip(&request.path);
                let found =
                    pairs.find(|(part, _)| part.strip_prefix(':') == Some(origin.path.as_str()));
                found.map_or(String::new(), |(_, value)| Value::from(value.as_str()).to_string())
            }
        }
    }

    /// Where a value came from, in words.
    fn remark(&self, origin: &Origin, guessed: &HashSet<String>) -> String {
        let mut parts = Vec::new();
        match &origin.place {
            Some(place) => parts.push(format!("line {}", place.line)),
            None if origin.is_key => parts.push("key of this run and step".to_owned()),
            None => parts.push("usual value".to_owned()),
        }
        if let Some(before) = &origin.before {
            parts.push(format!("converted from {before}"));
        }
        for step in guessed_of(origin, guessed) {
            parts.push(format!("example answer of `{step}`"));
        }
        parts.join(", ")
    }

    /// The steps whose results are the catalog's examples, or made of them.
    fn guessed_steps(&self) -> HashSet<String> {
        let mut guessed = HashSet::new();
        collect(&self.plan.recipe.steps, &mut guessed);
        for (key, _) in self.history.skipped() {
            guessed.remove(&key.step);
        }
        guessed
    }

    fn decided_by_example(&self, step: &str, guessed: &HashSet<String>) -> bool {
        let when = self.step(step).and_then(|s| s.when.as_ref());
        when.is_some_and(|(_, template)| {
            template
                .reads()
                .iter()
                .any(|path| matches!(path[..], ["steps", id, ..] if guessed.contains(id)))
        })
    }

    fn step(&self, id: &str) -> Option<&CheckedStep> {
        find(&self.plan.recipe.steps, id)
    }

    fn ending(&self) -> String {
        match self.outcome {
            Outcome::Done => "It would run to the end.".to_owned(),
            Outcome::Stopped { reason, place } if place.line > 0 => {
                format!("It would stop at line {}: {reason}", place.line)
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
        format!("{}, {changing}{scopes}. Nothing was sent.", plural(calls.len(), "call"))
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
                    "converted_from": origin.before,
                    "mark": origin.mark,
                    "from_example_answer_of": guessed_of(origin, &guessed),
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
        json!({
            "format_version": 1,
            "recipe": self.plan.recipe.name,
            "event": self.event,
            "calls": calls.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
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

/// The results that are the catalog's examples: `contact` for all of a call, `who.contact_id` for one
/// value of a `set`.
fn collect(steps: &[CheckedStep], guessed: &mut HashSet<String>) {
    for step in steps {
        match &step.action {
            Action::Call(_) => {
                guessed.insert(step.id.clone());
            }
            Action::Set(values) => {
                for (name, mapping) in values {
                    let reads = mapping.templates().into_iter().any(|t| reads_guessed(t, guessed));
                    if reads {
                        guessed.insert(format!("{}.{name}", step.id));
                    }
                }
            }
            Action::Group(steps) => collect(steps, guessed),
            Action::Stop(_) => {}
        }
    }
}

fn reads_guessed(template: &Template, guessed: &HashSet<String>) -> bool {
    template.reads().iter().any(|path| match path[..] {
        ["steps", id, name, ..] => {
            guessed.contains(id) || guessed.contains(&format!("{id}.{name}"))
        }
        ["steps", id] => guessed.contains(id),
        _ => false,
    })
}

/// The steps among a value's origins whose results are examples.
fn guessed_of<'a>(origin: &'a Origin, guessed: &HashSet<String>) -> Vec<&'a str> {
    let step = |name: &'a String| name.split('.').next().unwrap_or(name);
    let from = origin.from_results.iter();
    from.filter(|name| guessed.contains(*name) || guessed.contains(step(name))).map(step).collect()
}

fn find<'a>(steps: &'a [CheckedStep], id: &str) -> Option<&'a CheckedStep> {
    steps.iter().find_map(|step| match &step.action {
        _ if step.id == id => Some(step),
        Action::Group(inner) => find(inner, id),
        _ => None,
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
