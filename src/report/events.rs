//! Events that have arrived, in a list and one by one.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;
use serde_json::{Map, Value, json};

use super::plural;
use super::runs::{RunSummary, minute, second, table};
use crate::value::text::shortened;

/// How much of a record's key a list shows, in characters.
const RECORD: usize = 40;
/// How many runs of one event a list names.
const NAMED: usize = 3;

/// One event with everything that is known of it.
#[derive(Clone, Debug)]
pub struct EventSummary {
    /// `event-7`
    pub id: String,
    pub received_at: Timestamp,
    pub connection: String,
    pub app: String,
    /// `stax.customer_created`, or what the app calls it where that is no event we know.
    pub name: String,
    pub record: Option<String>,
    /// None when it is not kept any more.
    pub payload: Option<Map<String, Value>>,
    /// What it started.
    pub runs: Vec<RunSummary>,
}

/// Events as a list shows them, the newest first.
pub struct EventList<'a> {
    pub events: &'a [EventSummary],
    /// There are older ones that fit.
    pub has_more: bool,
    pub zone: &'a TimeZone,
}

impl EventList<'_> {
    /// As a person reads it.
    pub fn text(&self, width: Option<u16>) -> String {
        let mut table = table(&["event", "", "record", "through", "arrived", "started"], width);
        for event in self.events {
            table.add_row([
                event.id.clone(),
                shortened(&event.name, RECORD),
                shortened(event.record.as_deref().unwrap_or("–"), RECORD),
                event.connection.clone(),
                minute(event.received_at, self.zone),
                event.started(),
            ]);
        }
        let mut out = table.trim_fmt();
        let _ = writeln!(out, "\n\n{}", plural(self.events.len(), "event"));
        if self.has_more
            && let Some(last) = self.events.last()
        {
            let _ = writeln!(out, "older ones: --before {}", last.id);
        }
        out
    }

    /// For other programs.
    pub fn json(&self) -> Value {
        let events = self.events.iter().map(|event| {
            let mut one = event.json();
            one["runs"] = event.runs.iter().map(|run| run.id.as_str()).collect();
            one
        });
        json!({
            "format_version": 1,
            "events": events.collect::<Vec<_>>(),
            "has_more": self.has_more,
        })
    }
}

impl EventSummary {
    fn started(&self) -> String {
        let named: Vec<String> =
            self.runs.iter().take(NAMED).map(|run| format!("{} {}", run.id, run.state)).collect();
        match self.runs.len() {
            0 => "nothing".to_owned(),
            n if n > NAMED => format!("{} and {} more", named.join(", "), n - NAMED),
            _ => named.join(", "),
        }
    }

    /// Everything about one event, as a person reads it.
    pub fn text(&self, zone: &TimeZone, zone_name: &str) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{} is {}", self.id.bold(), shortened(&self.name, 200).bold());
        let _ = writeln!(out, "  arrived {} ({zone_name})", second(self.received_at, zone));
        let _ = writeln!(out, "  through {}", self.connection);
        if let Some(record) = &self.record {
            let _ = writeln!(out, "  record  {}", shortened(record, 200));
        }
        match &self.payload {
            None => out.push_str("\nits data is not kept any more\n"),
            Some(payload) => {
                let text = serde_json::to_string_pretty(payload).expect("a payload is plain JSON");
                out.push('\n');
                for line in text.lines() {
                    let _ = writeln!(out, "{}", shortened(line, usize::MAX));
                }
            }
        }
        if self.runs.is_empty() {
            out.push_str("\nit started no recipe\n");
        } else {
            let _ = writeln!(out, "\nit started");
            for run in &self.runs {
                let line = format!(
                    "  {:<8} {:<20} {:<9} {}",
                    run.id,
                    run.installation,
                    run.state,
                    run.reason(zone)
                );
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        out.push('\n');
        let mut next = |command: String, what: &str| {
            let _ = writeln!(out, "  {command:<44} {what}");
        };
        if let Some(run) = self.runs.first() {
            next(format!("linecook runs show {}", run.id), "what a run did");
        }
        if self.payload.is_some() {
            next(format!("linecook events replay {}", self.id), "start its recipes once more");
            let recipe = self.runs.first().map_or("RECIPE", |run| run.recipe.as_str());
            next(format!("linecook dry-run {recipe} --event {}", self.id), "what would be sent");
        }
        out
    }

    /// Everything about one event, for other programs.
    pub fn whole_json(&self) -> Value {
        let mut event = self.json();
        event["payload"] = json!(self.payload);
        event["runs"] = self.runs.iter().map(RunSummary::json).collect();
        json!({ "format_version": 1, "event": event })
    }

    fn json(&self) -> Value {
        json!({
            "event_id": self.id, "event": self.name, "app": self.app,
            "connection": self.connection, "record": self.record,
            "received_at": self.received_at, "is_kept": self.payload.is_some(),
        })
    }
}
