//! Links: `link` and `unlink` of a step, `linked(…)` in templates, and what examples say of links.

use serde_json::{Map, Value};

use super::Checker;
use super::checked::{Action, CheckedLink, Content, LinkedRecord, Search};
use super::infer::{Inference, Typed};
use super::known::always;
use super::narrow::question;
use crate::diagnostic::{self, Place, nearest};
use crate::recipe::{Step, Verb};
use crate::source::Route;
use crate::template::{Expression, Node, Template};
use crate::value::Kind;

/// The longest name of a link, in characters.
const MAX_NAME: usize = 60;

impl Checker<'_> {
    /// A call with what is linked when it went well: there its own results are known, and there.
    pub(super) fn with_links(
        &mut self,
        action: Option<Action>,
        step: &Step,
        here: &Route,
    ) -> Option<Action> {
        if step.link.is_none() && step.unlink.is_none() {
            return action;
        }
        let finds = matches!(&action, Some(Action::Call(call))
            if matches!(call.search, Some(Search::Find(_))));
        let results = self.results(Some(Verb::Call), &action, false);
        let current = self.known.current.take();
        let filled = self.known.filled.clone();
        if let Some(id) = &step.id {
            self.known.steps.insert(id.clone(), results);
            if !finds {
                self.known.filled.insert(format!("steps.{id}.*"));
            }
        }
        let links = self.links(step, here);
        if let Some(id) = &step.id {
            self.known.steps.shift_remove(id);
        }
        (self.known.current, self.known.filled) = (current, filled);
        match (action, links) {
            (Some(Action::Call(mut call)), Some(links)) => {
                call.links = links;
                Some(Action::Call(call))
            }
            _ => None,
        }
    }

    /// What a step links and unlinks, in the order in which it is done.
    pub(super) fn links(&mut self, step: &Step, here: &Route) -> Option<Vec<CheckedLink>> {
        let unlink = step.unlink.as_ref().map(|written| (written, here.key("unlink"), true));
        let link = step.link.as_ref().map(|written| (written, here.key("link"), false));
        let mut links = Some(Vec::new());
        for (written, route, ends) in unlink.into_iter().chain(link) {
            match (self.link(written, &route, ends), &mut links) {
                (Some(link), Some(all)) => all.push(link),
                _ => links = None,
            }
        }
        links
    }

    /// One `link`, or with `ends` one `unlink`.
    pub(super) fn link(
        &mut self,
        written: &Map<String, Value>,
        route: &Route,
        ends: bool,
    ) -> Option<CheckedLink> {
        let name = match written.get("as") {
            None => Some(String::new()),
            Some(name) => self.link_name(name, &route.key("as")),
        };
        let mut records = Some(Vec::new());
        let mut count = 0;
        for (kind, id) in written.iter().filter(|(kind, _)| *kind != "as") {
            count += 1;
            let here = route.key(kind);
            let is_known = self.kind(kind, Place::Key(here.clone()));
            self.last_type = None;
            let mapping = self.mapping_of(&always(Kind::Any), id, &here, kind, true);
            let mut mapping = mapping.filter(|_| is_known);
            let whole = self.last_type.take().map(|typed| typed.kind);
            if let Some(whole @ (Kind::Object | Kind::List)) = whole {
                self.sink.say(diagnostic::whole_thing(&here, kind, whole));
                mapping = None;
            }
            // A literal that is no id is wrong before anything runs.
            if let Some(Content::Literal(id)) = mapping.as_ref().map(|m| &m.content)
                && !matches!(id, Value::Number(_))
                && id.as_str().is_none_or(|id| id.trim().is_empty())
            {
                self.sink.say(diagnostic::no_link_id(&here, kind));
                records = None;
            }
            match (mapping, &mut records) {
                (Some(mapping), Some(all)) => {
                    all.push(LinkedRecord { kind: kind.clone(), id: mapping });
                }
                _ => records = None,
            }
        }
        if count == 0 || count > 2 || (count == 1 && !ends) {
            if !self.file.is_touched(route) {
                self.sink.say(diagnostic::link_count(route, count, ends));
            }
            return None;
        }
        Some(CheckedLink { place: self.place(route), ends, records: records?, name: name? })
    }

    fn link_name(&mut self, written: &Value, route: &Route) -> Option<String> {
        let name = match written {
            Value::String(name) => name.trim().to_owned(),
            Value::Number(name) => name.to_string(),
            _ => String::new(),
        };
        let good =
            !name.is_empty() && name.chars().count() <= MAX_NAME && !Template::has_template(&name);
        if !good {
            self.sink.say(diagnostic::link_name(route, MAX_NAME));
        }
        good.then_some(name)
    }

    /// Whether there is such a kind of record; says so where there is none.
    fn kind(&mut self, kind: &str, place: Place) -> bool {
        let kinds = &self.known.kinds;
        let is_known = kinds.iter().any(|known| known == kind);
        if !is_known {
            self.sink.say(diagnostic::unknown_kind(place, kind, near_kind(kind, kinds)));
        }
        is_known
    }

    /// Links that an example writes out.
    pub(super) fn example_links(&mut self, links: &[Map<String, Value>], route: &Route) {
        for (at, link) in links.iter().enumerate() {
            let here = route.item(at);
            let mut good = true;
            for kind in link.keys().filter(|kind| *kind != "as") {
                good &= self.kind(kind, Place::Key(here.key(kind)));
            }
            if good && crate::recipe::written_link(link).is_none() {
                self.sink.say(diagnostic::example_link(&here));
            }
        }
    }
}

impl Inference<'_> {
    /// `linked('highlevel.contact')`, `linked('highlevel.contact', 'stax.customer', id)`, each with `as='…'`.
    pub(super) fn linked(&mut self, expression: &Expression, arguments: &[Expression]) -> Typed {
        let may_be_empty = question(expression).is_none_or(|q| !self.known.filled.contains(&q));
        let gives = Typed::of(always(Kind::String), may_be_empty);
        let is_named = |a: &&Expression| matches!(a.node, Node::Named(..));
        for argument in arguments.iter().filter(is_named) {
            if let Node::Named(name, value) = &argument.node
                && (name != "as" || self.text_of(value).is_none())
            {
                let place = self.place(&argument.span);
                self.say(diagnostic::linked_name(place, name));
            }
        }
        let plain: Vec<&Expression> = arguments.iter().filter(|a| !is_named(a)).collect();
        let (to, of) = match &plain[..] {
            [to] => (*to, None),
            [to, of, _] => (*to, Some(*of)),
            _ => {
                self.say(diagnostic::linked_arguments(self.place(&expression.span)));
                return gives;
            }
        };
        let Some(kind) = self.link_kind(to) else { return gives };
        match of {
            Some(of) => {
                if self.link_kind(of).is_some_and(|of| of == kind) {
                    self.say(diagnostic::linked_with_itself(self.place(&of.span), &kind, None));
                }
            }
            None => self.own_record(to, &kind),
        }
        gives
    }

    /// Whether the trigger has a record whose link can be asked for.
    fn own_record(&mut self, argument: &Expression, kind: &str) {
        let place = self.place(&argument.span);
        let records = &self.known.records;
        if let Some(event) = &records.without {
            let found = diagnostic::linked_without_record(place, event, kind);
            self.say(found);
        } else if let Some(id) = records.ids.get(kind) {
            let found = diagnostic::linked_with_itself(place, kind, Some(id));
            self.say(found);
        }
    }

    /// A kind of record that is written out.
    fn link_kind(&mut self, argument: &Expression) -> Option<String> {
        let place = self.place(&argument.span);
        let Some(kind) = self.text_of(argument) else {
            self.say(diagnostic::linked_kind(place));
            return None;
        };
        let kinds = &self.known.kinds;
        if !kinds.contains(&kind) {
            let near = near_kind(&kind, kinds);
            let found = diagnostic::unknown_kind_in_template(place, &kind, near);
            self.say(found);
            return None;
        }
        Some(kind)
    }

    fn text_of(&self, argument: &Expression) -> Option<String> {
        match &argument.node {
            Node::Literal(Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }
}

/// `contact` and `highlevel.contacts` mean `highlevel.contact`.
fn near_kind(kind: &str, kinds: &[String]) -> Option<String> {
    let word = kind.rsplit('.').next().unwrap_or(kind).trim_end_matches('s');
    let mut of_word = kinds.iter().filter(|known| {
        known.split_once('.').is_some_and(|(_, own)| own == word)
            // What a tool of one's own posts is seldom meant.
            && !known.starts_with("bridge.")
    });
    match (kind.contains('.'), of_word.next(), of_word.next()) {
        (false, Some(one), None) => Some(one.clone()),
        _ => nearest(kind, kinds.iter().map(String::as_str)),
    }
}
