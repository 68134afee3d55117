//! What is wrong with links, and with what is compared with the last time.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::Route;

const KINDS: &str = "write app and kind, such as highlevel.contact or stax.customer";

pub fn unknown_kind(place: Place, kind: &str, near: Option<String>) -> Diagnostic {
    let message = format!("`{}` is no kind of record", short(kind, 40));
    new(Code::UnknownKind, place, message).help(KINDS).near(near)
}

/// The same inside a template, where a text stands in quotes.
pub fn unknown_kind_in_template(place: Place, kind: &str, near: Option<String>) -> Diagnostic {
    let found = unknown_kind(place, kind, None);
    match near {
        Some(near) => found.help(format!("did you mean '{near}'?")),
        None => found,
    }
}

/// Not two records; for an `unlink` neither one nor two.
pub fn link_count(route: &Route, count: usize, ends: bool) -> Diagnostic {
    let (message, help) = match (ends, count) {
        (false, 0 | 1) => (
            "a link joins two records, and here one is missing".to_owned(),
            "name both: link: { stax.customer: \"{{ … }}\", highlevel.contact: \"{{ … }}\" }",
        ),
        (false, _) => (
            format!("a link joins two records, and here are {count}"),
            "make a step of its own for each further link",
        ),
        (true, 0) => (
            "`unlink` names no record".to_owned(),
            "name one or two: unlink: { stax.customer: \"{{ … }}\" }",
        ),
        (true, _) => (
            format!("`unlink` takes one or two records, and here are {count}"),
            "make a step of its own for each further link",
        ),
    };
    new(Code::BadLink, key(route), message).help(help)
}

pub fn link_name(route: &Route, most: usize) -> Diagnostic {
    let message = format!("`as` is a word of at most {most} characters, without `{{{{ … }}}}`");
    new(Code::BadLink, value(route), message)
        .help("write what the link is called, such as `as: billing`, or leave it out")
}

pub fn no_link_id(route: &Route, kind: &str) -> Diagnostic {
    new(Code::BadLink, value(route), format!("this is no id of a {kind}"))
        .help("give it the id, such as \"{{ event.id }}\"")
}

pub fn example_link(route: &Route) -> Diagnostic {
    new(
        Code::BadLink,
        value(route),
        "this is no link: it wants two kinds of record, each with its id",
    )
    .help("write it like { stax.customer: c1, highlevel.contact: k1 }")
}

pub fn linked_without_brackets(place: Place) -> Diagnostic {
    new(Code::BadLink, place, "`linked` needs brackets with the kind of record in them")
        .help("write it like linked('highlevel.contact')")
}

pub fn linked_arguments(place: Place) -> Diagnostic {
    let message = "`linked` wants a kind of record, or also whose link it is: a kind and an id";
    new(Code::BadLink, place, message).help(
        "write it like linked('highlevel.contact'), or \
         linked('highlevel.contact', 'stax.customer', event.customer_id)",
    )
}

pub fn linked_kind(place: Place) -> Diagnostic {
    new(Code::BadLink, place, "a kind of record is written out as a text in 'quotes'")
        .help("write it like linked('highlevel.contact')")
}

pub fn linked_name(place: Place, name: &str) -> Diagnostic {
    let message = match name {
        "as" => "what a link is called is written out as a text in 'quotes'".to_owned(),
        name => format!("`linked` knows no `{}=`", short(name, 40)),
    };
    new(Code::BadLink, place, message)
        .help("write it like linked('highlevel.contact', as='billing'), or leave it out")
}

/// A question for a record of the same kind. `id` is where the event has the id of its own.
pub fn linked_with_itself(place: Place, kind: &str, id: Option<&str>) -> Diagnostic {
    match id {
        Some(id) => {
            new(Code::BadLink, place, format!("the event itself says which {kind} it is about"))
                .help(format!("read its id as `{id}`"))
        }
        None => {
            new(Code::BadLink, place, "a link joins records of two kinds, and here are two of one")
                .help("ask for a record of another kind")
        }
    }
}

/// `linked` without a record, where the trigger has none of its own.
pub fn linked_without_record(place: Place, event: &str, kind: &str) -> Diagnostic {
    let message = format!("`{event}` is about no record whose link could be asked for");
    new(Code::NoRecord, place, message)
        .help(format!("say whose link it is: linked('{kind}', 'stax.customer', …)"))
}

/// `linked` or `previous` where the order of runs is decided.
pub fn order_reads(route: &Route, name: &str) -> Diagnostic {
    let message = format!("there is no `{name}` yet when the order of runs is decided");
    new(Code::UnknownName, value(route), message).help("read `event` or `settings` here")
}

pub fn no_changed_field(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "`changed` names no field")
        .help("name at least one: changed: [email, phone]")
}

pub fn changed_without_record(route: &Route, event: &str) -> Diagnostic {
    let message = format!("`{event}` is about no record, so nobody knows what was there before");
    new(Code::NoRecord, key(route), message).help("leave `changed` out")
}

pub fn previous_without_changed(place: Place) -> Diagnostic {
    let message = "`previous` is only there where the trigger says what is compared";
    new(Code::UnknownName, place, message).help("add `changed: [email]` to the trigger")
}

pub fn not_in_changed(place: Place, name: &str, fields: &[&str]) -> Diagnostic {
    let message = format!("`previous` has no `{}`: `changed` does not name it", short(name, 40));
    new(Code::NoSuchField, place, message)
        .help(format!("add it to `changed`, which names {}", list(fields)))
}

pub fn seen_without_changed(route: &Route) -> Diagnostic {
    let message = "`seen` is for a trigger with `changed`, and this one has none";
    new(Code::ExampleSeen, key(route), message)
        .help("leave it out, or add `changed` to the trigger")
}

pub fn seen_unknown(
    route: &Route,
    name: &str,
    fields: &[String],
    near: Option<String>,
) -> Diagnostic {
    let message = format!("`changed` does not name `{}`", short(name, 40));
    new(Code::ExampleSeen, key(route), message)
        .help(format!("it names {}", list(fields)))
        .near(near)
}
