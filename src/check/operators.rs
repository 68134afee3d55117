//! Comparing and calculating: can the two sides ever be the same, can they be added?

use crate::diagnostic::{self, nearest};
use crate::template::{Expression, Node};
use crate::value::Kind;

use super::infer::{Inference, Typed};

impl Inference<'_> {
    /// Whether two things that are compared can ever be the same.
    pub(super) fn comparable(
        &mut self,
        whole: &Expression,
        (a, left): (&Expression, &Typed),
        (b, right): (&Expression, &Typed),
    ) {
        let text = match (&a.node, &b.node) {
            (_, Node::Literal(value)) | (Node::Literal(value), _) => value.as_str(),
            _ => None,
        };
        let asks_event = [a, b].iter().any(|e| e.path().as_deref() == Some(&["trigger", "event"]));
        if let (true, Some(name)) = (asks_event, text) {
            let events = &self.known.events;
            if !events.is_empty() && !events.iter().any(|event| event == name) {
                let near = nearest(name, events.iter().map(String::as_str));
                self.say(diagnostic::not_an_event_of_this(
                    self.place(&whole.span),
                    name,
                    events,
                    near,
                ));
            }
            return;
        }
        let (kind, other) = (left.field.kind, right.field.kind);
        if !kind.fits(other) && !other.fits(kind) {
            self.say(diagnostic::never_equal(self.place(&whole.span), kind, other));
            return;
        }
        let options =
            if left.field.options.is_empty() { &right.field.options } else { &left.field.options };
        if let Some(word) =
            text.filter(|word| !options.is_empty() && !options.iter().any(|o| o == word))
        {
            let words: Vec<String> =
                options.iter().filter_map(|o| o.as_str().map(str::to_owned)).collect();
            let near = nearest(word, words.iter().map(String::as_str));
            self.say(diagnostic::never_that_word(self.place(&whole.span), word, &words, near));
        }
    }

    /// `steps.new-contact` as it is written, where two names have nothing but a dash between them.
    fn dashed(&self, a: &Expression, b: &Expression) -> Option<String> {
        let path = a.path()?;
        matches!(path[0], "steps" | "settings" | "event").then_some(())?;
        b.path()?;
        let between = self.text.get(a.span.end..b.span.start)?;
        (between == "-").then(|| self.text.get(a.span.start..b.span.end).map(str::to_owned))?
    }

    pub(super) fn arithmetic(&mut self, a: &Expression, b: &Expression) -> Typed {
        if let Some(written) = self.dashed(a, b) {
            let span = a.span.start..a.span.start + written.len();
            self.say(diagnostic::dash_in_name(self.place(&span), &written));
            return Typed::any();
        }
        let (left, right) = (self.infer(a), self.infer(b));
        for (side, expression) in [(&left, a), (&right, b)] {
            if side.may_be_empty {
                let written = expression.path().map_or("this".to_owned(), |p| p.join("."));
                let is_text = left.field.kind == Kind::String || right.field.kind == Kind::String;
                let place = self.place(&expression.span);
                self.say(diagnostic::empty_in_calculation(place, &written, is_text));
            }
        }
        if left.field.kind == Kind::Moment || right.field.kind == Kind::Moment {
            let span = a.span.start..b.span.end;
            self.say(diagnostic::calculated_moment(self.place(&span)));
            return Typed::kind(Kind::Moment);
        }
        let is_number = |kind| matches!(kind, Kind::Number | Kind::Integer);
        let (one, other) = (left.field.kind, right.field.kind);
        if (one == Kind::String && is_number(other)) || (other == Kind::String && is_number(one)) {
            let span = a.span.start..b.span.end;
            self.say(diagnostic::number_and_text(self.place(&span)));
        }
        let kind = match (left.field.kind, right.field.kind) {
            (Kind::String, _) | (_, Kind::String) => Kind::String,
            (Kind::Integer, Kind::Integer) => Kind::Any,
            (Kind::Any, _) | (_, Kind::Any) => Kind::Any,
            _ => Kind::Number,
        };
        Typed::kind(kind)
    }
}
