//! Filters in an expression: do they exist, do they fit what stands before them, do their arguments?

use crate::diagnostic::{self, Code, Sink, nearest};
use crate::source::Route;
use crate::template::{Expression, Filter, Gives, Node, all_filters, find_filter};

use super::infer::{Inference, Typed, either};
use super::known::{Known, always};

impl Inference<'_> {
    pub(super) fn filter(
        &mut self,
        expression: &Expression,
        name: &str,
        input: Option<&Expression>,
        arguments: &[Expression],
    ) -> Typed {
        let given = input.map_or_else(Typed::any, |input| self.infer(input));
        let typed: Vec<Typed> = arguments.iter().map(|a| self.infer(a)).collect();
        let Some(filter) = find_filter(name) else {
            if self.known.own.names().any(|own| own == name) {
                return self.own_filter(expression, name, given, arguments);
            }
            let known = all_filters().map(|f| f.name).chain(self.known.own.names());
            let near = nearest(name, known).or_else(|| foreign_filter(name));
            self.say(diagnostic::unknown_filter(
                self.place(&self.last_part(expression, name)),
                name,
                near,
            ));
            return Typed::any();
        };
        let place = self.place(&self.last_part(expression, name));
        if !filter.takes.iter().any(|takes| given.field.kind.fits(*takes)) {
            self.say(diagnostic::filter_input(
                place.clone(),
                filter.name,
                &takes(filter),
                given.field.kind,
                filter.example.0,
            ));
        }
        if let Some(Expression { node: Node::Named(named, _), .. }) =
            arguments.iter().find(|a| matches!(a.node, Node::Named(..)))
        {
            self.say(diagnostic::named_argument(
                place.clone(),
                filter.name,
                named,
                filter.example.0,
            ));
        } else if arguments.len() > filter.arguments.len()
            || filter.arguments.get(arguments.len()).is_some_and(|a| a.required)
        {
            self.say(diagnostic::argument_count(
                place.clone(),
                filter.name,
                filter.arguments.len(),
                filter.example.0,
            ));
        }
        self.literal_argument(name, arguments);
        for (argument, (typed, expression)) in
            filter.arguments.iter().zip(typed.iter().zip(arguments))
        {
            if !typed.field.kind.fits(argument.kind) {
                let place = self.place(&expression.span);
                self.say(diagnostic::argument_kind(
                    place,
                    filter.name,
                    argument.name,
                    argument.kind,
                    typed.field.kind,
                ));
            }
        }
        let empty = given.may_be_empty;
        match filter.gives {
            Gives::Kind(kind) if name == "map" && typed.len() == 2 => {
                Typed::of(always(kind), empty || typed[1].may_be_empty)
            }
            Gives::Kind(kind) => Typed::of(
                always(kind),
                empty && name != "length" || name == "last_name" || name == "map",
            ),
            Gives::Same => given,
            Gives::Item => Typed::of(given.field.of.as_deref().cloned().unwrap_or_default(), true),
            Gives::InputOrArgument => {
                let argument = typed.into_iter().next().unwrap_or_else(Typed::any);
                let may_be_empty = argument.may_be_empty;
                Typed { may_be_empty, ..either(given, argument) }
            }
        }
    }

    /// A filter of the project: its template says what it gives for what stands before it.
    fn own_filter(
        &mut self,
        expression: &Expression,
        name: &str,
        given: Typed,
        arguments: &[Expression],
    ) -> Typed {
        let place = self.place(&self.last_part(expression, name));
        if !arguments.is_empty() {
            self.say(diagnostic::own_filter_argument(place.clone(), name));
        }
        let own = self.known.own.clone();
        let Some(template) = own.get(name) else {
            self.say(diagnostic::wrong_own_filter(place, name));
            return Typed::any();
        };
        self.known.filters_used.insert(name.to_owned());
        // Which filters use each other in a circle is looked for first, so this comes to an end.
        let Some(looks) = self.known.own_looks.get().checked_sub(1) else { return Typed::any() };
        self.known.own_looks.set(looks);
        let kind = given.field.kind;
        let mut sink = Sink::default();
        let mut known = Known::of_value(own.clone(), given);
        known.own_looks = self.known.own_looks.clone();
        let typed = super::template::infer(template, &Route::root(), &mut known, &mut sink);
        let empty = sink.says(Code::MayBeEmpty);
        if let Some(why) = sink.first_error() {
            self.say(diagnostic::own_filter_input(place, name, kind, &why.message));
            return Typed::any();
        }
        Typed { may_be_empty: typed.may_be_empty || empty, ..typed }
    }

    /// A format, a time of day or a zone that is written out can be tried right away.
    fn literal_argument(&mut self, filter: &str, arguments: &[Expression]) {
        let Some(Expression { node: Node::Literal(value), span }) = arguments.first() else {
            return;
        };
        let Some(written) = value.as_str() else { return };
        let zone = jiff::tz::TimeZone::UTC;
        let moment = crate::value::Moment::from_timestamp(jiff::Timestamp::UNIX_EPOCH, &zone);
        let wrong = match filter {
            "date" | "datetime" if !written.contains('%') => {
                self.say(diagnostic::format_without_percent(self.place(span), written));
                return;
            }
            "date" | "datetime" => moment.format(written).err(),
            "at" => moment.at(written).err(),
            "zone" => moment.in_zone(written).err(),
            _ => None,
        };
        if let Some(error) = wrong {
            self.say(diagnostic::bad_literal_argument(self.place(span), written, &error));
        }
    }
}

/// Filters that people know from elsewhere, and ours for the same thing.
fn foreign_filter(name: &str) -> Option<String> {
    let ours = match name {
        "lowercase" | "downcase" | "to_lower" => "lower",
        "uppercase" | "upcase" | "to_upper" => "upper",
        "strip" => "trim",
        "capitalize" | "titlecase" => "title",
        "strftime" | "dateformat" | "format_date" | "datetimeformat" => "date",
        "int" | "float" | "to_number" => "number",
        "string" | "str" | "to_s" => "text",
        "size" | "count" => "length",
        "plus_days" | "add_day" | "days" => "add_days",
        "currency" => "money",
        "e164" => "phone",
        "select" | "selectattr" | "filter" => "where",
        "json" | "to_json" => "tojson",
        _ => return None,
    };
    Some(ours.to_owned())
}

/// What a filter takes, in words.
fn takes(filter: &Filter) -> String {
    let words: Vec<&str> = filter.takes.iter().map(|kind| kind.in_words()).collect();
    words.join(" or ")
}
