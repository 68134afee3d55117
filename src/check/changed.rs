//! `trigger.changed`: are its fields those of the event, and has the event a record to see again?

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Checker;
use super::checked_trigger::{CheckedChanged, CheckedTrigger};
use crate::catalog::{Field, Inner, Presence};
use crate::diagnostic::{self, Place, nearest};
use crate::recipe::Trigger;
use crate::source::Route;
use crate::value::Kind;

impl Checker<'_> {
    /// The fields that are compared; `previous` holds them from here on.
    pub(super) fn changed(&mut self, trigger: &Trigger, here: &Route) -> Option<CheckedChanged> {
        let written = trigger.changed.as_ref()?;
        let route = here.key("changed");
        if written.0.is_empty() {
            if !self.file.is_touched(&route) {
                self.sink.say(diagnostic::no_changed_field(&route));
            }
            return None;
        }
        if let Some(event) = self.known.records.without.clone() {
            self.sink.say(diagnostic::changed_without_record(&route, &event));
        }
        let is_list =
            self.file.document.value().pointer(route.pointer()).is_some_and(Value::is_array);
        let mut fields = IndexMap::new();
        for (at, name) in written.0.iter().enumerate() {
            let here = if is_list { route.item(at) } else { route.clone() };
            let field = match self.known.event.inner(name) {
                Inner::Known(field) => field.clone(),
                Inner::Open => Field::any(),
                Inner::Absent => {
                    let known = self.known.event.fields.iter().flat_map(|f| f.keys());
                    let near = nearest(name, known.map(String::as_str));
                    let shown = self.known.event_shown.as_deref();
                    let event = &self.known.event_name;
                    let place = Place::Value(here);
                    let found = diagnostic::unknown_event_field(place, event, shown, name, near);
                    self.sink.say(found);
                    Field::any()
                }
            };
            // On first sight there was nothing before.
            let before = Field { presence: Presence::Sometimes, nullable: true, ..field };
            fields.insert(name.clone(), before);
        }
        let names = fields.keys().cloned().collect();
        let previous = Field { kind: Kind::Object, presence: Presence::Always, ..Field::default() };
        self.known.previous = Some(Field { fields: Some(Arc::new(fields)), ..previous });
        Some(CheckedChanged { place: self.place(&route), fields: names })
    }

    /// What an example says of how the record looked before.
    pub(super) fn example_seen(
        &mut self,
        seen: Option<&Map<String, Value>>,
        trigger: Option<&CheckedTrigger>,
        route: &Route,
    ) {
        let (Some(seen), Some(trigger)) = (seen, trigger) else { return };
        let Some(changed) = &trigger.changed else {
            // A `changed` that is wrong has had its message.
            if self.file.recipe.trigger.changed.is_none() {
                self.sink.say(diagnostic::seen_without_changed(route));
            }
            return;
        };
        for name in seen.keys().filter(|name| !changed.fields.contains(name)) {
            let near = nearest(name, changed.fields.iter().map(String::as_str));
            self.sink.say(diagnostic::seen_unknown(&route.key(name), name, &changed.fields, near));
        }
    }
}
