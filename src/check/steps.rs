//! Steps: one verb each, names that are unique, keys that belong to the verb.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalog::{Field, InDoubt, Inner, NotFound, Operation, Presence};
use crate::diagnostic::{self, nearest};
use crate::recipe::{ForEach, Step, Verb};
use crate::source::Route;
use crate::template::Template;
use crate::value::Kind;
use crate::value::json_path::JsonPath;

use super::Checker;
use super::checked::{Action, CheckedCall, CheckedStep, Each};
use super::known::always;
use super::narrow::{empty_unless, filled_by};

/// The most steps of a recipe, groups and their steps counted.
const MAX_STEPS: usize = 200;

impl Checker<'_> {
    pub(super) fn steps(&mut self, steps: &[Step], route: &Route) -> Vec<CheckedStep> {
        if steps.is_empty() && self.file.document.has(route) && !self.file.is_touched(route) {
            self.sink.say(diagnostic::no_steps(route));
        }
        let mut ids = HashSet::new();
        let mut count = 0;
        self.names(steps, route, &mut ids, &mut count);
        self.within.count += count;
        if self.within.count > MAX_STEPS {
            self.sink.say(diagnostic::too_many_steps(route, self.within.count, MAX_STEPS));
            return Vec::new();
        }
        self.known.later = in_order(steps);
        self.several(steps, route, false)
    }

    /// Ids: good words, each once in the whole recipe.
    fn names(
        &mut self,
        steps: &[Step],
        route: &Route,
        ids: &mut HashSet<String>,
        count: &mut usize,
    ) {
        for (at, step) in steps.iter().enumerate() {
            *count += 1;
            let here = route.item(at);
            if let Some(id) = &step.id {
                let good = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if !good {
                    self.sink.say(diagnostic::bad_id(&here.key("id"), id));
                } else if !ids.insert(id.clone()) {
                    self.sink.say(diagnostic::duplicate_id(&here.key("id"), id));
                }
            }
            if let Some(group) = &step.group {
                self.names(group, &here.key("do"), ids, count);
            }
        }
    }

    fn several(&mut self, steps: &[Step], route: &Route, conditional: bool) -> Vec<CheckedStep> {
        let mut checked = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let here = route.item(at);
            if step.stop.is_some()
                && step.when.is_none()
                && step.for_each.is_none()
                && at + 1 < steps.len()
            {
                self.sink.say(diagnostic::never_reached(&route.item(at + 1)));
            }
            let stops_unless = match (&step.stop, &step.for_each) {
                (Some(_), None) => step.when.as_ref(),
                _ => None,
            };
            if let Some(step) = self.step(step, &here, conditional) {
                checked.push(step);
            }
            // Behind a `stop` the condition that would have stopped does not hold.
            if let Some(tree) = stops_unless.and_then(|w| Template::expression(&w.0).ok()) {
                let mut filled = Vec::new();
                tree.expressions().iter().for_each(|e| empty_unless(e, &mut filled));
                self.known.filled.extend(filled);
            }
        }
        checked
    }

    fn step(&mut self, step: &Step, here: &Route, conditional: bool) -> Option<CheckedStep> {
        let verb = self.verb(step, here);
        let outer_step = std::mem::replace(&mut self.known.current, step.id.clone());
        let outer_item = self.known.item.clone();
        let outer_filled = self.known.filled.clone();
        let for_each =
            step.for_each.as_ref().map(|each| self.for_each(each, &here.key("for_each")));
        let when = step.when.as_ref().map(|when| {
            let route = here.key("when");
            let checked = self.condition(&when.0, &route);
            if let Some((_, template)) = &checked {
                let mut filled = Vec::new();
                template.expressions().iter().for_each(|e| filled_by(e, &mut filled));
                self.known.filled.extend(filled);
            }
            checked
        });
        let conditional = conditional || step.when.is_some();
        let mut action = verb.and_then(|verb| self.action(verb, step, here, conditional));
        if verb == Some(Verb::Call) {
            action = self.with_links(action, step, here);
        }
        self.known.filled = outer_filled;
        self.known.item = outer_item;
        self.known.current = outer_step;
        let results = self.results(verb, &action, conditional);
        if let Some(id) = &step.id {
            let field = match step.for_each {
                Some(_) => Field { of: Some(Arc::new(results)), ..always(Kind::List) },
                None => results,
            };
            self.known.steps.insert(id.clone(), field);
            self.known.later.retain(|later| later != id);
        }
        if for_each.is_some() {
            self.loop_over_inner(step);
        }
        Some(CheckedStep {
            id: self.id(step, here),
            place: self.place(here),
            for_each: flatten(for_each)?,
            when: flatten(when)?,
            action: action?,
        })
    }

    /// Under which name the step is recorded.
    pub(super) fn id(&self, step: &Step, here: &Route) -> String {
        self.within.named(&step.id.clone().unwrap_or_else(|| unnamed(here)))
    }

    /// Behind a looped group, its steps hold one entry per item.
    fn loop_over_inner(&mut self, step: &Step) {
        for id in step.group.iter().flat_map(|group| in_order(group)) {
            if let Some(field) = self.known.steps.get_mut(&id) {
                *field = Field { of: Some(Arc::new(field.clone())), ..always(Kind::List) };
            }
        }
    }

    fn verb(&mut self, step: &Step, here: &Route) -> Option<Verb> {
        match step.verbs()[..] {
            [verb] => {
                self.keys(verb, step, here);
                Some(verb)
            }
            [] => {
                // A step whose verb was unreadable has had its message.
                if !self.file.is_touched(here) {
                    self.sink.say(diagnostic::no_verb(here));
                }
                None
            }
            [first, second, ..] => {
                self.sink.say(diagnostic::several_verbs(
                    &here.key(second.key()),
                    first.key(),
                    second.key(),
                ));
                None
            }
        }
    }

    /// Keys that only mean something beside `call`.
    fn keys(&mut self, verb: Verb, step: &Step, here: &Route) {
        if verb == Verb::Call {
            return;
        }
        let written = [
            ("with", step.with.is_some()),
            ("find", step.find.is_some()),
            ("pages", step.pages.is_some()),
            ("unless_exists", step.unless_exists.is_some()),
            ("save", !step.save.is_empty()),
            ("replace_tags", step.replace_tags),
            ("patch", step.patch.is_some()),
            ("custom_fields", step.custom_fields.is_some()),
            ("unless_changed", step.unless_changed),
            ("on_conflict", step.on_conflict.is_some()),
            ("check_identity", step.check_identity.is_some()),
            ("verify", step.verify.is_some()),
            ("retry", step.retry.is_some()),
            ("on_error", step.on_error.is_some()),
            ("on_not_found", step.on_not_found.is_some()),
        ];
        let misplaced =
            written.iter().filter(|(key, is)| *is && (verb, *key) != (Verb::Use, "with"));
        for (key, _) in misplaced {
            self.sink.say(diagnostic::key_not_for_verb(&here.key(key), key, verb.key()));
        }
    }

    fn for_each(&mut self, each: &ForEach, route: &Route) -> Option<Each> {
        if let ForEach::Expression(written) = each
            && let Some((word, list)) = written.split_once(" in ")
            && word.trim().chars().all(char::is_alphanumeric)
        {
            self.sink.say(diagnostic::only_the_list(route, list.trim()));
            self.known.item = Some(Field::any());
            return None;
        }
        let (each, item) = match each {
            ForEach::Expression(written) => {
                let (template, typed) =
                    super::template::expression(written, route, &mut self.known, self.sink)?;
                if !typed.field.kind.fits(Kind::List) {
                    self.sink.say(diagnostic::not_a_list(route, typed.field.kind));
                }
                let item = typed.field.of.as_deref().cloned().unwrap_or_default();
                (Each::Expression(self.place(route), template), item)
            }
            ForEach::List(items) => {
                let mut list = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    list.push(self.mapping(&Field::any(), item, &route.item(at), "for_each")?);
                }
                (Each::List(list), items.first().map(of_literal).unwrap_or_default())
            }
        };
        self.known.item = Some(item);
        Some(each)
    }

    fn action(
        &mut self,
        verb: Verb,
        step: &Step,
        here: &Route,
        conditional: bool,
    ) -> Option<Action> {
        match verb {
            Verb::Call => self.call(step, here).map(|call| Action::Call(Box::new(call))),
            Verb::Set => {
                let mut values = Vec::new();
                self.set_types.clear();
                for (name, value) in step.set.iter().flatten() {
                    let route = here.key("set").key(name);
                    self.last_type = None;
                    values.push((name.clone(), self.mapping(&Field::any(), value, &route, name)?));
                    let field = match value {
                        Value::String(_) => self.last_type.take().unwrap_or(always(Kind::String)),
                        other => of_literal(other),
                    };
                    self.set_types.insert(name.clone(), field);
                }
                Some(Action::Set(values))
            }
            Verb::Wait => self.wait(step.wait.as_deref()?, &here.key("wait")).map(Action::Wait),
            Verb::Hold => self.hold(step.hold.as_ref()?, step, here).map(Action::Hold),
            Verb::Use => self.used(step, here).map(|used| Action::Use(Box::new(used))),
            Verb::Stop => {
                let reason = Value::from(step.stop.as_deref()?);
                let text = always(Kind::String);
                self.mapping(&text, &reason, &here.key("stop"), "stop").map(Action::Stop)
            }
            Verb::Link | Verb::Unlink => {
                self.links(step, here)?.pop().map(|link| Action::Link(Box::new(link)))
            }
            Verb::Do => {
                let group = step.group.as_deref()?;
                if group.is_empty() {
                    self.sink.say(diagnostic::no_steps(&here.key("do")));
                }
                let before = self.known.filled.clone();
                let steps = self.several(group, &here.key("do"), conditional);
                self.known.filled = before;
                (steps.len() == group.len()).then_some(Action::Group(steps))
            }
        }
    }

    fn call(&mut self, step: &Step, here: &Route) -> Option<CheckedCall> {
        let empty = Map::new();
        let operation = self.operation(step.call.as_deref()?, &here.key("call"))?;
        if let Some(why) = &operation.unsupported {
            self.sink.say(diagnostic::unsupported_operation(
                &here.key("call"),
                &operation.call,
                why,
            ));
            return None;
        }
        if let Some(instead) = &operation.deprecated {
            self.sink.say(diagnostic::deprecated_operation(
                &here.key("call"),
                &operation.call,
                instead,
            ));
        }
        if operation.in_doubt == InDoubt::Unprotected && operation.changes() {
            self.sink.say(diagnostic::unprotected_operation(&here.key("call"), &operation.call));
        }
        let with = step.with.as_ref().unwrap_or(&empty);
        let with = self.with(&operation, with, here, step.replace_tags);
        let search = self.search(step, &operation, here);
        let safe = self.safe(step, &operation, &with.inputs, here);
        let save = self.save(step, &operation, &here.key("save"));
        let retry = self.retry(step.retry.as_ref(), &here.key("retry"));
        let is_looked_for = operation.marker.is_some() || operation.probe.is_some();
        let lookup = operation.lookup.as_ref().filter(|_| is_looked_for);
        let lookup = lookup.and_then(|l| self.catalog.sibling(&operation, &l.operation));
        Some(CheckedCall {
            place: self.place(&here.key("call")),
            operation,
            lookup,
            inputs: with.inputs,
            body: with.body,
            tags: with.tags,
            search: search?,
            safe: safe?,
            save,
            retry,
            on_error: step.on_error.unwrap_or_default(),
            on_not_found: step.on_not_found.unwrap_or_default(),
            links: Vec::new(),
        })
    }

    pub(super) fn operation(&mut self, reference: &str, route: &Route) -> Option<Arc<Operation>> {
        match self.catalog.operation(reference) {
            Ok(operation) => Some(operation),
            Err(NotFound::Ambiguous(names)) => {
                self.sink.say(diagnostic::ambiguous_operation(route, reference, &names));
                None
            }
            Err(NotFound::Unknown { near }) => {
                self.sink.say(diagnostic::unknown_operation(route, reference, near));
                None
            }
            Err(NotFound::Wire(_)) => None,
        }
    }

    /// Whether the documented answer has what a plain path leads to.
    fn saved_path(&mut self, operation: &Operation, step: &Step, path: &str, here: &Route) {
        let list = operation.list.as_ref().filter(|_| step.find.is_some());
        let Some(mut field) = list.map(|l| &l.of).or(operation.response.as_ref()) else { return };
        let plain = path.strip_prefix("$.").filter(|p| !p.contains(['[', '*', '?', '@', '(']));
        for part in plain.into_iter().flat_map(|p| p.split('.')) {
            match field.inner(part) {
                Inner::Known(inner) => field = inner,
                Inner::Open => return,
                Inner::Absent => {
                    let known = field.fields.iter().flat_map(|f| f.keys()).map(String::as_str);
                    let near = nearest(part, known);
                    self.sink.say(diagnostic::saves_nothing(here, path, part, near));
                    return;
                }
            }
        }
    }

    fn save(&mut self, step: &Step, operation: &Operation, route: &Route) -> Vec<(String, String)> {
        let mut save = Vec::new();
        for (name, path) in &step.save {
            let here = route.key(name);
            if super::results::ENGINE_RESULTS.contains(&name.as_str())
                || operation.results.contains_key(name)
            {
                self.sink.say(diagnostic::saved_name_taken(&here, name));
            }
            match JsonPath::parse(path) {
                Ok(_) => {
                    self.saved_path(operation, step, path, &here);
                    save.push((name.clone(), path.clone()));
                }
                Err(error) => self.sink.say(diagnostic::bad_json_path(&here, path, &error.problem)),
            }
        }
        save
    }
}

/// `step-3`, `step-3-1`: a name for a step without one, from its place.
fn unnamed(route: &Route) -> String {
    let numbers = route.pointer().split('/').filter_map(|part| part.parse::<usize>().ok());
    numbers.fold("step".to_owned(), |name, at| format!("{name}-{}", at + 1))
}

/// All ids, groups included, in the order of the text.
fn in_order(steps: &[Step]) -> Vec<String> {
    let mut ids = Vec::new();
    for step in steps {
        ids.extend(step.id.clone());
        ids.extend(step.group.iter().flat_map(|group| in_order(group)));
    }
    ids
}

fn of_literal(value: &Value) -> Field {
    match value {
        Value::String(text) if Template::has_template(text) => Field::any(),
        Value::Object(map) => {
            let fields =
                map.iter().map(|(name, value)| (name.clone(), of_literal(value))).collect();
            Field { presence: Presence::Always, ..Field::object(Arc::new(fields)) }
        }
        other => always(Kind::of(other)),
    }
}

/// `Some(None)` is a part that is wrong, `None` one that is not there.
fn flatten<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(None) => None,
        Some(some) => Some(some),
    }
}
