//! Examples: can their event be read, do their settings and expected calls exist?

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::catalog::{EventType, FieldError, Fit};
use crate::diagnostic::{self, nearest, nested};
use crate::recipe::{Example, ExampleEvent};
use crate::source::Route;
use crate::value::Defaults;

use super::Checker;
use super::checked::{Action, CheckedHold, CheckedSetting, CheckedStep};
use super::checked_trigger::CheckedTrigger;

impl Checker<'_> {
    pub(super) fn examples(
        &mut self,
        examples: &[Example],
        trigger: Option<&CheckedTrigger>,
        settings: &IndexMap<String, CheckedSetting>,
        steps: &[CheckedStep],
    ) {
        let route = Route::root().key("examples");
        let mut questions = Vec::new();
        holds(steps, &mut questions);
        for (at, example) in examples.iter().enumerate() {
            let here = route.item(at);
            self.example_event(example, trigger, &here);
            self.example_settings(&example.settings, settings, &here.key("settings"));
            if let Some(now) = &example.now
                && now.parse::<jiff::Timestamp>().is_err()
            {
                self.sink.say(diagnostic::example_time(&here.key("now"), now));
            }
            self.example_given(example, &here.key("given"));
            let seen = example.given.as_ref().and_then(|given| given.seen.as_ref());
            self.example_seen(seen, trigger, &here.key("given").key("seen"));
            self.example_answers(example, &questions, &here.key("given").key("answers"));
            self.example_expect(example, &here.key("expect"));
        }
    }

    fn example_event(&mut self, example: &Example, trigger: Option<&CheckedTrigger>, here: &Route) {
        let payload = match &example.event {
            None => None,
            Some(ExampleEvent::Inline(event)) => Some(event.clone()),
            Some(ExampleEvent::File(name)) => {
                let read = (self.read_file)(name);
                match read.and_then(|text| event_object(&text)) {
                    Ok(event) => Some(event),
                    Err(why) => {
                        self.sink.say(diagnostic::example_event(&here.key("event"), name, &why));
                        None
                    }
                }
            }
        };
        let Some(trigger) = trigger else { return };
        let event = match &example.on {
            Some(name) => {
                let found = trigger.events.iter().find(|e| e.name() == *name);
                if found.is_none() {
                    let names: Vec<String> = trigger.events.iter().map(|e| e.name()).collect();
                    self.sink.say(diagnostic::example_on(&here.key("on"), name, &names));
                }
                found
            }
            None if trigger.events.len() > 1 => {
                let names: Vec<String> = trigger.events.iter().map(|e| e.name()).collect();
                self.sink.say(diagnostic::example_needs_on(here, &names));
                None
            }
            None => trigger.events.first(),
        };
        if let (Some(event), Some(payload)) = (event, payload) {
            self.example_shape(event, payload, example, here);
        }
    }

    fn example_shape(
        &mut self,
        event: &EventType,
        payload: Map<String, Value>,
        example: &Example,
        here: &Route,
    ) {
        let at = here.key("event");
        let inline = matches!(example.event, Some(ExampleEvent::Inline(_)));
        // An event written out in a recipe shows what matters and leaves the rest away.
        if let Some(fields) = &event.payload.fields {
            for name in payload.keys().filter(|name| !fields.contains_key(*name)) {
                if let Some(near) = nearest(name, fields.keys().map(String::as_str)) {
                    let place = if inline { at.key(name) } else { at.clone() };
                    self.sink.say(diagnostic::example_field(&place, &event.name(), name, &near));
                }
            }
        }
        let fit = Fit::answer(&event.payload, &Value::Object(payload));
        for misfit in fit.misfits {
            if matches!(misfit.kind, crate::catalog::MisfitKind::Missing(_)) && inline {
                continue;
            }
            let place = if inline { nested(&at, &misfit.at) } else { at.clone() };
            self.sink.say(diagnostic::example_shape(
                &place,
                &event.name(),
                &misfit.at,
                &misfit.error,
            ));
        }
    }

    fn example_settings(
        &mut self,
        given: &Map<String, Value>,
        settings: &IndexMap<String, CheckedSetting>,
        route: &Route,
    ) {
        for (name, value) in given {
            let here = route.key(name);
            match settings.get(name) {
                Some(setting) => {
                    for misfit in Fit::convert(&setting.field, value, &Defaults::default()).misfits
                    {
                        let place = nested(&here, &misfit.at);
                        self.sink.say(diagnostic::setting_default(&place, name, &misfit.error));
                    }
                }
                None => {
                    let near = nearest(name, settings.keys().map(String::as_str));
                    let place = diagnostic::Place::Key(here);
                    self.sink.say(diagnostic::unknown_setting(place, name, near));
                }
            }
        }
    }

    fn example_given(&mut self, example: &Example, route: &Route) {
        let Some(given) = &example.given else { return };
        for kind in given.records.keys() {
            let known = self.catalog.record_kinds();
            if !known.iter().any(|k| k == kind) {
                let near = nearest(kind, known.iter().map(String::as_str));
                self.sink.say(diagnostic::example_record(
                    &route.key("records").key(kind),
                    kind,
                    near,
                ));
            }
        }
        self.example_links(&given.links, &route.key("links"));
        for (at, failure) in given.failures.iter().enumerate() {
            self.operation(&failure.call, &route.key("failures").item(at).key("call"));
        }
    }

    fn example_answers(
        &mut self,
        example: &Example,
        questions: &[(&str, &CheckedHold)],
        route: &Route,
    ) {
        // A step that could not be understood may be the one that asks.
        let complete = !self.sink.has_errors();
        for (id, answer) in example.given.iter().flat_map(|given| &given.answers) {
            let here = route.key(id);
            let Some((_, hold)) = questions.iter().find(|(step, _)| step == id) else {
                let ids: Vec<&str> = questions.iter().map(|(id, _)| *id).collect();
                let near = nearest(id, ids.iter().copied());
                if complete {
                    self.sink.say(diagnostic::answer_without_question(&here, &ids, near));
                }
                continue;
            };
            if !hold.choices.contains(answer) {
                let near = nearest(answer, hold.choices.iter().map(String::as_str));
                self.sink.say(diagnostic::answer_that_is_no_choice(
                    &here,
                    answer,
                    &hold.choices,
                    near,
                ));
            }
        }
    }

    fn example_expect(&mut self, example: &Example, route: &Route) {
        if let Some(links) = example.expect.as_ref().and_then(|e| e.links.as_ref()) {
            self.example_links(links, &route.key("links"));
        }
        let calls = example.expect.as_ref().and_then(|e| e.calls.as_ref());
        for (at, call) in calls.into_iter().flatten().enumerate() {
            let here = route.key("calls").item(at);
            let Some(operation) = self.operation(&call.call, &here.key("call")) else { continue };
            let without = call.without.iter().map(|name| (name, here.key("without")));
            let with = call.with.keys().map(|name| (name, here.key("with").key(name)));
            for (name, route) in with.chain(without) {
                if let Some(instead) = operation.refused.get(name) {
                    // That it is not sent may well be expected.
                    if !call.without.contains(name) {
                        self.sink.say(diagnostic::refused_field(&route, name, instead));
                    }
                    continue;
                }
                let known = operation.body_unknown || operation.body_list.is_some();
                if operation.field(name) == Err(FieldError::Unknown) && !known {
                    let near = nearest(name, operation.fields().map(|(_, n, _)| n.as_str()));
                    self.sink.say(diagnostic::unknown_field(&route, name, &operation.call, near));
                }
            }
        }
    }
}

/// The steps that ask a person.
fn holds<'a>(steps: &'a [CheckedStep], found: &mut Vec<(&'a str, &'a CheckedHold)>) {
    for step in steps {
        if let Action::Hold(hold) = &step.action {
            found.push((&step.id, hold));
        }
        holds(step.inner(), found);
    }
}

/// The text of an event file as an event.
fn event_object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(event)) => Ok(event),
        Ok(_) => Err("it holds no object: an event is `{ … }`".to_owned()),
        Err(e) => Err(format!("it is not JSON: {e}")),
    }
}
