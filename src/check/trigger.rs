//! The trigger: are its events known, what do they hold, and do its keys belong together?

use std::sync::Arc;

use crate::catalog::{App, EventType, NotFound};
use crate::diagnostic::{self, nearest};
use crate::recipe::Trigger;
use crate::source::Route;
use crate::template::Template;

use super::Checker;
use super::checked::Place;
use super::checked_trigger::{CheckedTrigger, TriggerKind};
use super::known::{event_field, records_of};
use super::narrow::filled_by;

/// The keys of a trigger that mean something only beside one kind of it.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Event,
    Schedule,
    Poll,
}

impl Checker<'_> {
    pub(super) fn trigger(&mut self, trigger: &Trigger) -> Option<CheckedTrigger> {
        let here = Route::root().key("trigger");
        let on = here.key("on");
        let word = match &trigger.on.0[..] {
            [one] if one == "schedule" => Word::Schedule,
            [one] if one == "poll" => Word::Poll,
            _ => Word::Event,
        };
        let (kind, events) = match word {
            Word::Event => (Some(TriggerKind::Webhook), self.events(trigger, &on)),
            Word::Schedule => (
                self.schedule(trigger, &here).map(TriggerKind::Schedule),
                Some(vec![Arc::new(EventType::schedule())]),
            ),
            Word::Poll => {
                let (poll, event) = self.poll(trigger, &here);
                (
                    poll.map(|poll| TriggerKind::Poll(Box::new(poll))),
                    event.map(|e| vec![Arc::new(e)]),
                )
            }
        };
        // Beside an event that nobody knows, nobody knows what was meant either.
        if events.is_some() {
            self.keys_of_trigger(trigger, word, &here);
        }
        // With an event that nobody knows, its fields are not known either.
        if let Some(events) = &events {
            self.known.event = event_field(events, &trigger.fields);
            self.event_custom_fields(events);
            self.known.events = events.iter().map(|e| e.name()).collect();
            self.known.records = records_of(events);
            self.known.event_name = self.known.events.join(" and ");
            self.known.event_shown = match word {
                Word::Event => Some(self.known.event_name.clone()),
                Word::Poll => trigger.list.clone().map(|call| format!("'{call}'")),
                Word::Schedule => None,
            };
        }
        let changed = match (&events, word) {
            (Some(_), Word::Event | Word::Poll) => self.changed(trigger, &here),
            _ => None,
        };
        let when = trigger.when.as_ref().map(|w| self.condition(&w.0, &here.key("when")));
        if let Some(Some((_, template))) = &when {
            let mut filled = Vec::new();
            template.expressions().iter().for_each(|e| filled_by(e, &mut filled));
            self.known.filled.extend(filled);
        }
        let per = trigger.one_at_a_time_per.as_ref();
        let one_at_a_time_per = per.map(|p| self.order(&p.0, &here.key("one_at_a_time_per")));
        Some(CheckedTrigger {
            kind: kind?,
            events: events?,
            when: when.flatten(),
            one_at_a_time_per: one_at_a_time_per.flatten(),
            custom_fields: None,
            changed,
        })
    }

    /// What orders runs is known as soon as the event is here, and reads nothing else.
    fn order(&mut self, written: &str, route: &Route) -> Option<(Place, Template)> {
        let order = self.condition(written, route)?;
        let reads = order.1.reads();
        let too_early = ["linked", "previous"]
            .into_iter()
            .find(|name| reads.iter().any(|path| path.first() == Some(name)));
        match too_early {
            Some(name) => {
                self.sink.say(diagnostic::order_reads(route, name));
                None
            }
            None => Some(order),
        }
    }

    /// The events that are named; `None` when one of them is not known.
    fn events(&mut self, trigger: &Trigger, on: &Route) -> Option<Vec<Arc<EventType>>> {
        let mut events = Vec::new();
        let is_list =
            self.file.document.value().pointer(on.pointer()).is_some_and(|v| v.is_array());
        for (at, name) in trigger.on.0.iter().enumerate() {
            let route = if is_list { on.item(at) } else { on.clone() };
            if matches!(name.as_str(), "schedule" | "poll") {
                self.sink.say(diagnostic::mixed_triggers(&route, name));
            } else if let Some(event) = self.event(name, &route) {
                if self.catalog.app(&event.app).is_some_and(App::is_told_by_others) {
                    let nearest = event.nearest.as_deref();
                    self.sink.say(diagnostic::bridge_event(&route, &event.name(), nearest));
                }
                events.push(event);
            }
        }
        if trigger.on.0.is_empty() && self.file.document.has(on) && !self.file.is_touched(on) {
            self.sink.say(diagnostic::no_event(on));
        }
        (events.len() == trigger.on.0.len() && !events.is_empty()).then_some(events)
    }

    /// Keys that mean nothing beside this kind of trigger.
    fn keys_of_trigger(&mut self, trigger: &Trigger, word: Word, here: &Route) {
        let written = [
            ("cron", trigger.cron.is_some(), word != Word::Event),
            ("timezone", trigger.timezone.is_some(), word != Word::Event),
            ("missed", trigger.missed.is_some(), word == Word::Schedule),
            ("list", trigger.list.is_some(), word == Word::Poll),
            ("with", trigger.with.is_some(), word == Word::Poll),
            ("every", trigger.every.is_some(), word == Word::Poll),
            ("take", trigger.take.is_some(), word == Word::Poll),
            ("fields", !trigger.fields.is_empty(), word != Word::Schedule),
            ("changed", trigger.changed.is_some(), word != Word::Schedule),
        ];
        let on = match word {
            Word::Event => "an event",
            Word::Schedule => "`schedule`",
            Word::Poll => "`poll`",
        };
        for (key, _, _) in written.iter().filter(|(_, is, fits)| *is && !fits) {
            self.sink.say(diagnostic::key_not_for_trigger(&here.key(key), key, on));
        }
    }

    pub(super) fn event(&mut self, name: &str, route: &Route) -> Option<Arc<EventType>> {
        match self.catalog.event(name) {
            Ok(event) => Some(event),
            Err(NotFound::Wire(names)) => {
                let events: Vec<_> = names.iter().flat_map(|n| self.catalog.event(n)).collect();
                // Of several the one without a condition is what the app means by that name.
                let mut plain = events.iter().filter(|e| e.when.is_none());
                let meant = match (plain.next(), plain.next()) {
                    (Some(event), None) => Some(event.clone()),
                    _ => None,
                };
                let near = meant.as_ref().map(|event| event.name());
                self.sink.say(diagnostic::wire_name(route, name, &names, near));
                meant
            }
            Err(NotFound::Unknown { near }) => {
                let near = match name {
                    "cron" | "timer" | "every" | "time" | "scheduled" => {
                        Some("schedule".to_owned())
                    }
                    "list" | "polling" => Some("poll".to_owned()),
                    _ => near.or_else(|| nearest(name, ["schedule", "poll"])),
                };
                if !name.is_empty() {
                    self.sink.say(diagnostic::unknown_event(route, name, near));
                }
                None
            }
            Err(NotFound::Ambiguous(_)) => None,
        }
    }
}
