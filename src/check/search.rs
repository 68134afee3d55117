//! `find`, `pages` and `unless_exists`: can the operation be searched, and by these fields?

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Checker;
use super::checked::{Mapping, Search};
use crate::catalog::{Effect, Field, Inner, Operation};
use crate::diagnostic::{self, nearest};
use crate::recipe::Step;
use crate::source::Route;

impl Checker<'_> {
    /// `find`, `pages` and `unless_exists`. The outer `None` means that something is wrong.
    pub(super) fn search(
        &mut self,
        step: &Step,
        operation: &Arc<Operation>,
        here: &Route,
    ) -> Option<Option<Search>> {
        if step.find.is_some() && step.pages.is_some() {
            self.sink.say(diagnostic::find_reads_all(&here.key("pages")));
            return None;
        }
        if let Some(conditions) = &step.find {
            let route = here.key("find");
            let Some(list) = &operation.list else {
                self.sink.say(diagnostic::find_needs_list(&route, &operation.call));
                return None;
            };
            let conditions = self.conditions(&list.of.clone(), conditions, &route)?;
            return Some(Some(Search::Find(conditions)));
        }
        if step.pages.is_some() {
            if operation.list.is_none() {
                self.sink.say(diagnostic::find_needs_list(&here.key("pages"), &operation.call));
                return None;
            }
            return Some(Some(Search::AllPages));
        }
        if let Some(conditions) = &step.unless_exists {
            let route = here.key("unless_exists");
            let lookup = operation.lookup.as_ref();
            let list = lookup.and_then(|l| self.catalog.sibling(operation, &l.operation));
            let (Some(list), true) = (list, operation.effect == Effect::Create || lookup.is_some())
            else {
                self.sink.say(diagnostic::cannot_look_up(&route, &operation.call));
                return None;
            };
            let of = list.list.as_ref().map(|l| l.of.clone()).unwrap_or_default();
            let conditions = self.conditions(&of, conditions, &route)?;
            return Some(Some(Search::UnlessExists { list, conditions }));
        }
        if operation.list.as_ref().is_some_and(|l| l.pages.is_some()) {
            self.sink.say(diagnostic::list_without_find(&here.key("call"), &operation.call));
        }
        Some(None)
    }

    fn conditions(
        &mut self,
        of: &Field,
        written: &Map<String, Value>,
        route: &Route,
    ) -> Option<Vec<(String, Mapping)>> {
        let mut conditions = Vec::new();
        let mut good = true;
        for (name, value) in written {
            let here = route.key(name);
            // What stands in a condition is compared, not sent: it needs no form of its own.
            let field = match of.inner(name) {
                Inner::Known(field) => Field { required: false, ..field.clone() },
                Inner::Open => Field::any(),
                Inner::Absent => {
                    let known = of.fields.iter().flat_map(|f| f.keys()).map(String::as_str);
                    let known: Vec<&str> = known.collect();
                    let near = nearest(name, known.iter().copied());
                    self.sink.say(diagnostic::unknown_record_field(&here, name, &known, near));
                    good = false;
                    continue;
                }
            };
            match self.mapping(&field, value, &here, name) {
                Some(mapping) => conditions.push((name.clone(), mapping)),
                None => good = false,
            }
        }
        good.then_some(conditions)
    }
}
