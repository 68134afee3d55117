//! The trigger: are its events known, and what do they hold?

use std::sync::Arc;

use crate::catalog::{EventType, NotFound};
use crate::diagnostic;
use crate::recipe::Trigger;
use crate::source::Route;

use super::Checker;
use super::checked::CheckedTrigger;
use super::known::event_field;
use super::narrow::filled_by;

impl Checker<'_> {
    pub(super) fn trigger(&mut self, trigger: &Trigger) -> Option<CheckedTrigger> {
        let here = Route::root().key("trigger");
        let on = here.key("on");
        let mut events = Vec::new();
        let is_list =
            self.file.document.value().pointer(on.pointer()).is_some_and(|v| v.is_array());
        for (at, name) in trigger.on.0.iter().enumerate() {
            let route = if is_list { on.item(at) } else { on.clone() };
            if let Some(event) = self.event(name, &route) {
                if self.catalog.app(&event.app).is_some_and(|app| app.event_by.url) {
                    let nearest = event.nearest.as_deref();
                    self.sink.say(diagnostic::bridge_event(&route, &event.name(), nearest));
                }
                events.push(event);
            }
        }
        let complete = events.len() == trigger.on.0.len() && !events.is_empty();
        if trigger.on.0.is_empty() && self.file.document.has(&on) && !self.file.is_touched(&on) {
            self.sink.say(diagnostic::no_event(&on));
        }
        // With an event that nobody knows, its fields are not known either.
        if complete {
            self.known.event = event_field(&events, &trigger.fields);
            self.known.events = events.iter().map(|e| e.name()).collect();
            self.known.event_name =
                events.iter().map(|e| e.name()).collect::<Vec<_>>().join(" and ");
        }
        let when = trigger.when.as_ref().map(|w| self.condition(&w.0, &here.key("when")));
        if let Some(Some((_, template))) = &when {
            let mut filled = Vec::new();
            template.expressions().iter().for_each(|e| filled_by(e, &mut filled));
            self.known.filled.extend(filled);
        }
        let per = trigger.one_at_a_time_per.as_ref();
        let one_at_a_time_per = per.map(|p| self.condition(&p.0, &here.key("one_at_a_time_per")));
        if !complete {
            return None;
        }
        Some(CheckedTrigger {
            events,
            when: when.flatten(),
            one_at_a_time_per: one_at_a_time_per.flatten(),
        })
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
                if !name.is_empty() {
                    self.sink.say(diagnostic::unknown_event(route, name, near));
                }
                None
            }
            Err(NotFound::Ambiguous(_)) => None,
        }
    }
}
