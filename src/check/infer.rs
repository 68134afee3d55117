//! What an expression gives: its type, and everything in it that is not known.

use std::sync::Arc;

use crate::catalog::{Field, Inner, Presence};
use crate::diagnostic::{self, Place, Sink, nearest};
use crate::source::{Route, Span};
use crate::template::{Comparison, Expression, Node, TESTS, find_filter};
use crate::value::Kind;

use super::known::{Known, ROOTS, always};

/// What an expression gives.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub field: Field,
    pub may_be_empty: bool,
    /// `clear`: sent as null.
    pub clears: bool,
}

impl Typed {
    pub(super) fn of(field: Field, may_be_empty: bool) -> Typed {
        Typed { field, may_be_empty, clears: false }
    }

    pub(super) fn kind(kind: Kind) -> Typed {
        Typed::of(always(kind), false)
    }

    pub(super) fn any() -> Typed {
        Typed::of(Field::any(), false)
    }
}

/// Types one template; what is wrong with it goes into the sink.
pub(super) struct Inference<'a> {
    pub known: &'a mut Known,
    /// The template's own text, which the spans count in.
    pub text: &'a str,
    pub route: &'a Route,
    pub sink: &'a mut Sink,
}

impl Inference<'_> {
    pub(super) fn infer(&mut self, expression: &Expression) -> Typed {
        match &expression.node {
            Node::Name(name) => self.name(name, &expression.span),
            Node::Local(_) | Node::Slice(_) => {
                self.inside(expression);
                Typed::any()
            }
            Node::Named(_, value) => self.infer(value),
            Node::Literal(value) => Typed::of(always(Kind::of(value)), value.is_null()),
            Node::Field(base, name) => self.field(expression, base, name),
            Node::Item(base, index) => {
                self.infer(index);
                let base = self.infer(base);
                let item = base.field.of.as_deref().cloned().unwrap_or_default();
                Typed::of(item, true)
            }
            Node::Filter { name, input, arguments } => {
                self.filter(expression, name, input.as_deref(), arguments)
            }
            Node::Test { name, input, arguments } => {
                self.infer(input);
                arguments.iter().for_each(|a| drop(self.infer(a)));
                if !TESTS.iter().any(|(known, _)| known == name) {
                    let known = TESTS.iter().map(|(name, _)| *name);
                    self.say(diagnostic::unknown_test(
                        self.place(&expression.span),
                        name,
                        nearest(name, known),
                    ));
                }
                Typed::kind(Kind::Boolean)
            }
            Node::Call { callee, arguments } => self.call(expression, callee, arguments),
            Node::Choice { test, then, otherwise } => {
                self.infer(test);
                let then = self.infer(then);
                match otherwise {
                    Some(otherwise) => either(then, self.infer(otherwise)),
                    None => Typed { may_be_empty: true, ..then },
                }
            }
            Node::And(a, b) => {
                let (a, b) = (self.infer(a), self.infer(b));
                Typed { may_be_empty: a.may_be_empty || b.may_be_empty, ..either(a, b) }
            }
            Node::Or(a, b) => {
                let (a, b) = (self.infer(a), self.infer(b));
                let may_be_empty = b.may_be_empty;
                Typed { may_be_empty, ..either(a, b) }
            }
            Node::Not(a) => {
                self.infer(a);
                Typed::kind(Kind::Boolean)
            }
            Node::Compare(a, b, asks) => {
                let (left, right) = (self.infer(a), self.infer(b));
                if *asks != Comparison::Other {
                    self.comparable(expression, (a, &left), (b, &right));
                }
                Typed::kind(Kind::Boolean)
            }
            Node::Arithmetic(a, b) => self.arithmetic(a, b),
            Node::Join(a, b) => {
                for side in [a, b] {
                    if self.infer(side).may_be_empty {
                        let place = self.place(&side.span);
                        let written = self.text.get(side.span.clone()).unwrap_or_default();
                        self.sink.say(diagnostic::may_be_empty_in_text(place, written));
                    }
                }
                Typed::kind(Kind::String)
            }
            Node::List(items) => {
                let of = items.iter().map(|item| self.infer(item)).reduce(either);
                let of = of.map(|typed| Arc::new(typed.field));
                Typed::of(Field { of, ..always(Kind::List) }, false)
            }
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.infer(key);
                    self.infer(value);
                }
                Typed::kind(Kind::Object)
            }
        }
    }

    fn inside(&mut self, expression: &Expression) {
        if let Node::Slice(base) = &expression.node {
            self.infer(base);
        }
    }

    fn name(&mut self, name: &str, span: &Span) -> Typed {
        if let Some(value) = &self.known.value {
            if name == "value" {
                return value.clone();
            }
            if !matches!(name, "omit" | "clear" | "now") {
                self.say(diagnostic::not_in_own_filter(self.place(span), name));
                return Typed::any();
            }
        }
        if name == "clear" {
            return Typed { clears: true, ..Typed::any() };
        }
        if name == "omit" {
            return Typed::of(Field::any(), true);
        }
        if name == "item" || name == "item_index" {
            if self.known.item.is_none() {
                self.say(diagnostic::item_outside_loop(self.place(span), name));
            }
            return self.known.root(name).map_or_else(Typed::any, |f| Typed::of(f, false));
        }
        if name == "now" {
            self.say(diagnostic::now_without_brackets(self.place(span)));
            return Typed::kind(Kind::Moment);
        }
        if name == "linked" {
            self.say(diagnostic::linked_without_brackets(self.place(span)));
            return Typed::kind(Kind::String);
        }
        if name == "previous" && self.known.previous.is_none() {
            self.say(diagnostic::previous_without_changed(self.place(span)));
            return Typed::any();
        }
        if name == "steps" {
            return Typed::any();
        }
        match self.known.root(name) {
            Some(field) => Typed::of(field, false),
            None => {
                self.say(diagnostic::unknown_name(self.place(span), name, self.meant(name)));
                Typed::any()
            }
        }
    }

    /// What a name without its first word most likely means: `email` → `event.email`.
    fn meant(&self, name: &str) -> Option<String> {
        let has = |field: &Field| field.fields.as_ref().is_some_and(|f| f.contains_key(name));
        if has(&self.known.event) {
            return Some(format!("event.{name}"));
        }
        if has(&self.known.settings) {
            return Some(format!("settings.{name}"));
        }
        if self.known.steps.contains_key(name) {
            return Some(format!("steps.{name}"));
        }
        if self.known.item.as_ref().is_some_and(has) {
            return Some(format!("item.{name}"));
        }
        if matches!(name, "payload" | "data" | "body" | "customer" | "contact" | "input") {
            return Some("event".to_owned());
        }
        nearest(name, ROOTS.iter().copied())
    }

    fn field(&mut self, expression: &Expression, base: &Expression, name: &str) -> Typed {
        let in_recipe = self.known.value.is_none();
        if in_recipe && matches!(&base.node, Node::Name(root) if root == "steps") {
            return self.step(expression, name);
        }
        let path = expression.path();
        if let Some(["settings", setting, ..]) = path.as_deref() {
            self.known.settings_read.insert((*setting).to_owned());
        }
        let holder = self.infer(base);
        if in_recipe && !self.known.event_objects.is_empty() {
            match path.as_deref() {
                Some(["event", "custom_fields"]) => self.known.reads_custom_fields = true,
                Some(["event", "custom_fields", name]) => {
                    let name = (*name).to_owned();
                    return self.custom_field(expression, &name);
                }
                _ => {}
            }
        }
        let filled = path.is_some_and(|p| self.known.is_filled(&p));
        match holder.field.inner(name) {
            Inner::Known(field) => {
                let may_be_empty = !filled
                    && (holder.may_be_empty
                        || field.nullable
                        || field.presence == Presence::Sometimes);
                Typed::of(field.clone(), may_be_empty)
            }
            Inner::Open => Typed::of(Field::any(), holder.may_be_empty && !filled),
            Inner::Absent => {
                self.unknown_field(expression, base, &holder.field, name);
                Typed::any()
            }
        }
    }

    fn unknown_field(
        &mut self,
        expression: &Expression,
        base: &Expression,
        holder: &Field,
        name: &str,
    ) {
        let place = self.place(&self.last_part(expression, name));
        let names: Vec<&str> =
            holder.fields.iter().flat_map(|f| f.keys()).map(String::as_str).collect();
        let near = nearest(name, names.iter().copied());
        let found = match base.path().as_deref() {
            Some(["event"]) => {
                let shown = self.known.event_shown.as_deref();
                diagnostic::unknown_event_field(place, &self.known.event_name, shown, name, near)
            }
            Some(["settings"]) => diagnostic::unknown_setting(place, name, near),
            Some(["previous"]) => diagnostic::not_in_changed(place, name, &names),
            Some(["steps", step]) if holder.kind != Kind::List => {
                diagnostic::unknown_result(place, step, name, near, &names)
            }
            path => {
                let holder_name = path.map_or("this".to_owned(), |p| p.join("."));
                diagnostic::no_such_field(place, &holder_name, holder.kind, name, near)
            }
        };
        self.say(found);
    }

    fn step(&mut self, expression: &Expression, id: &str) -> Typed {
        if let Some(field) = self.known.steps.get(id) {
            return Typed::of(field.clone(), false);
        }
        let place = self.place(&self.last_part(expression, id));
        if self.known.current.as_deref() == Some(id) {
            self.say(diagnostic::own_step(place, id));
        } else if self.known.later.iter().any(|later| later == id) {
            self.say(diagnostic::later_step(place, id));
        } else {
            let near = nearest(id, self.known.steps.keys().map(String::as_str));
            self.say(diagnostic::unknown_step(place, id, near));
        }
        Typed::any()
    }

    fn call(
        &mut self,
        expression: &Expression,
        callee: &Expression,
        arguments: &[Expression],
    ) -> Typed {
        arguments.iter().for_each(|a| drop(self.infer(a)));
        match &callee.node {
            Node::Name(name) if name == "now" => {
                if !arguments.is_empty() {
                    self.say(diagnostic::now_with_arguments(self.place(&expression.span)));
                }
                Typed::kind(Kind::Moment)
            }
            Node::Name(name) if name == "linked" => match self.known.value.is_some() {
                true => self.name(name, &callee.span),
                false => self.linked(expression, arguments),
            },
            Node::Field(base, method) => {
                self.infer(base);
                let filter = find_filter(method).map(|f| f.name.to_owned());
                self.say(diagnostic::method_call(self.place(&expression.span), method, filter));
                Typed::any()
            }
            Node::Name(name) => {
                self.say(diagnostic::unknown_function(
                    self.place(&callee.span),
                    name,
                    find_filter(name).is_some(),
                ));
                Typed::any()
            }
            _ => {
                self.say(diagnostic::unknown_function(self.place(&callee.span), "this", false));
                Typed::any()
            }
        }
    }

    /// The bytes of `name` where it ends a path or stands behind a `|`.
    pub(super) fn last_part(&self, expression: &Expression, name: &str) -> Span {
        let start = match &expression.node {
            Node::Field(base, _) => base.span.end,
            Node::Filter { input: Some(input), .. } => input.span.end,
            _ => expression.span.start,
        };
        let end = expression.span.end.min(self.text.len());
        let written = self.text.get(start.min(end)..end).unwrap_or_default();
        match written.find(name) {
            Some(at) => start + at..start + at + name.len(),
            None => expression.span.clone(),
        }
    }

    pub(super) fn place(&self, span: &Span) -> Place {
        Place::Inside(self.route.clone(), span.clone())
    }

    pub(super) fn say(&mut self, diagnostic: diagnostic::Diagnostic) {
        self.sink.say(diagnostic);
    }
}

/// One of two: what they have in common.
pub(super) fn either(a: Typed, b: Typed) -> Typed {
    let may_be_empty = a.may_be_empty || b.may_be_empty;
    let clears = a.clears || b.clears;
    // `x or omit` and `x or clear` are still x.
    let field = match (a.field.kind, b.field.kind) {
        (left, right) if left == right => a.field,
        (_, Kind::Any) if b.clears || b.may_be_empty => a.field,
        (Kind::Integer, Kind::Number) => b.field,
        (Kind::Number, Kind::Integer) => a.field,
        _ => Field::any(),
    };
    Typed { field, may_be_empty, clears }
}
