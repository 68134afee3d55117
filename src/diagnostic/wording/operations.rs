//! What is wrong with events and operations.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::Route;

pub fn no_event(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "no event is named")
        .help("name one, such as stax.customer_created")
}

pub fn unknown_event(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    let help = match name.contains(',') {
        true => format!("several events stand in brackets: [{}]", short(name, 100)),
        false => "see all with `linecook catalog list --events`".to_owned(),
    };
    new(Code::UnknownEvent, value(route), format!("there is no event `{}`", short(name, 60)))
        .help(help)
        .near(near)
}

/// An event under the name that the app gives it: accepted where it is clear what is meant.
pub fn wire_name(route: &Route, name: &str, ours: &[String], near: Option<String>) -> Diagnostic {
    let message = format!("`{name}` is what the app itself calls the event");
    let mut found = new(Code::WireName, value(route), message);
    if near.is_none() {
        found.severity = Severity::Error;
    }
    match ours {
        [_] => found.near(near),
        several => found.help(format!("write one of {}", list(several))),
    }
}

pub fn bridge_event(route: &Route, name: &str, near: Option<&str>) -> Diagnostic {
    let help = match near {
        Some(near) => format!("what Stax itself sends and comes nearest is `{near}`"),
        None => "Stax itself sends nothing like it".to_owned(),
    };
    new(
        Code::BridgeEvent,
        value(route),
        format!("`{name}` is not sent by an app by itself: Zapier's Webhooks or another tool has to post it"),
    )
    .help(help)
}

pub fn unknown_operation(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    let found = new(
        Code::UnknownOperation,
        value(route),
        format!("there is no operation `{}`", short(name, 80)),
    )
    .help("see all with `linecook catalog list`, or look for a word with `--search`");
    found.near(near)
}

pub fn ambiguous_operation(route: &Route, name: &str, names: &[String]) -> Diagnostic {
    new(
        Code::AmbiguousOperation,
        value(route),
        format!("`{name}` could be one of several operations"),
    )
    .help(format!("write the long name: {}", list(names)))
}

pub fn unsupported_operation(route: &Route, call: &str, why: &str) -> Diagnostic {
    new(Code::UnsupportedOperation, value(route), format!("a recipe cannot use `{call}`")).help(why)
}

pub fn deprecated_operation(route: &Route, call: &str, instead: &str) -> Diagnostic {
    new(
        Code::DeprecatedOperation,
        value(route),
        format!("`{call}` still works, and is on its way out"),
    )
    .help(instead)
}

pub fn unprotected_operation(route: &Route, call: &str) -> Diagnostic {
    new(
        Code::UnprotectedOperation,
        value(route),
        format!("when the connection breaks during `{call}`, nobody can tell whether it happened"),
    )
    .help("it is never sent twice by itself: the run is held until a person has looked")
}

pub fn list_without_find(route: &Route, call: &str) -> Diagnostic {
    new(Code::ListWithoutFind, value(route), format!("`{call}` gives one page only"))
        .help("add `find: { … }` to look for one entry, or `pages: all` to read everything")
}

pub fn find_needs_list(route: &Route, call: &str) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    new(
        Code::FindNeedsList,
        key(route),
        format!("`{name}` needs an operation that gives a list, and `{call}` does not"),
    )
    .help("call the operation that lists such records")
}

pub fn cannot_look_up(route: &Route, call: &str) -> Diagnostic {
    new(
        Code::CannotLookUp,
        key(route),
        format!("nothing is known that would find what `{call}` makes"),
    )
    .help("look first with a list call and `find`, and make this step depend on it with `when`")
}
