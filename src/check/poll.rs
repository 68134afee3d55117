//! `on: poll`: does the operation give a list, and is it said how often it is asked?

use std::time::Duration;

use serde_json::Map;

use super::Checker;
use super::checked::{CheckedCall, RetryPolicy, Search};
use super::checked_trigger::{Often, Poll};
use crate::catalog::{EventType, Field, Inner};
use crate::diagnostic;
use crate::recipe::{OnProblem, Take, Trigger};
use crate::source::Route;
use crate::template::Template;
use crate::value::duration;

/// The shortest time between two times that an app is asked.
const LEAST: Duration = Duration::from_secs(10);

impl Checker<'_> {
    /// The poll, and the event that each record is. There may be an event without a poll that is right.
    pub(super) fn poll(
        &mut self,
        trigger: &Trigger,
        here: &Route,
    ) -> (Option<Poll>, Option<EventType>) {
        let often = self.often(trigger, here);
        let Some(list) = &trigger.list else {
            if !self.file.is_touched(&here.key("list")) {
                self.sink.say(diagnostic::poll_without_list(here));
            }
            return (None, None);
        };
        let route = here.key("list");
        let Some(operation) = self.operation(list, &route) else { return (None, None) };
        if let Some(why) = &operation.unsupported {
            self.sink.say(diagnostic::unsupported_operation(&route, &operation.call, why));
            return (None, None);
        }
        let Some(mut event) = EventType::polled(&operation) else {
            self.sink.say(diagnostic::find_needs_list(&route, &operation.call));
            return (None, None);
        };
        let kind = event.record.as_ref().map(|record| record.kind.as_str());
        let about = kind.and_then(|kind| self.catalog.about_record(&event.app, kind));
        event.about_record = about.filter(|about| {
            let id = about.id.as_deref();
            id.is_some_and(|id| event.payload.at_path(id).is_some())
        });
        let take = trigger.take.unwrap_or_default();
        if take == Take::New && matches!(event.payload.inner("id"), Inner::Absent) {
            self.sink.say(diagnostic::poll_without_ids(&route, &operation.call));
            return (None, Some(event));
        }
        let empty = Map::new();
        let with = trigger.with.as_ref().unwrap_or(&empty);
        let reads_more = self.reads_more(with, &here.key("with"));
        // Before anything has happened there is no event: what is read of it has been said.
        self.known.event = Field::any();
        let with = self.with(&operation, with, here, false);
        let call = CheckedCall {
            place: self.place(&route),
            operation,
            inputs: with.inputs,
            body: with.body,
            tags: None,
            search: Some(Search::AllPages),
            safe: Default::default(),
            lookup: None,
            save: Vec::new(),
            retry: RetryPolicy::default(),
            on_error: OnProblem::Stop,
            on_not_found: OnProblem::Stop,
            links: Vec::new(),
        };
        let poll = |often| Poll { place: self.place(here), call, often, take };
        (often.filter(|_| !reads_more).map(poll), Some(event))
    }

    fn often(&mut self, trigger: &Trigger, here: &Route) -> Option<Often> {
        let touched = |key: &str| self.file.is_touched(&here.key(key));
        match (&trigger.every, &trigger.cron) {
            (Some(_), Some(_)) => {
                self.sink.say(diagnostic::every_and_cron(&here.key("cron")));
                None
            }
            (None, Some(_)) => self.times(trigger, here).map(Often::At),
            (None, None) => {
                if !touched("every") && !touched("cron") {
                    self.sink.say(diagnostic::poll_without_every(here));
                }
                None
            }
            (Some(text), None) => {
                if trigger.timezone.is_some() {
                    self.sink.say(diagnostic::timezone_without_cron(&here.key("timezone")));
                }
                let route = here.key("every");
                match duration::parse(text) {
                    Some(length) if length >= LEAST => return Some(Often::Every(length)),
                    Some(_) => self.sink.say(diagnostic::polls_too_often(&route, text, LEAST)),
                    None => self.sink.say(diagnostic::bad_duration(&route, text)),
                }
                None
            }
        }
    }

    /// Whether the fields of the call read what is not there yet when the app is asked.
    fn reads_more(&mut self, with: &Map<String, serde_json::Value>, route: &Route) -> bool {
        let mut found = false;
        for (name, value) in with {
            let mut texts = Vec::new();
            texts_in(value, &mut texts);
            let templates = texts.into_iter().filter_map(|text| Template::text(text).ok());
            let too_early =
                ["event", "trigger", "run", "steps", "item", "item_index", "previous", "linked"];
            let reads: Vec<Template> = templates.collect();
            let mut roots = reads.iter().flat_map(Template::reads).map(|path| path[0]);
            if let Some(root) = roots.find(|root| too_early.contains(root)) {
                self.sink.say(diagnostic::poll_reads(&route.key(name), root));
                found = true;
            }
        }
        found
    }
}

fn texts_in<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) if Template::has_template(text) => found.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|inner| texts_in(inner, found)),
        _ => {}
    }
}
