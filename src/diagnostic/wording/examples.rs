//! What is wrong with settings and examples.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Route;
use crate::value::ValueError;

pub fn setting_default(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    let colon = if error.problem.starts_with(['`']) || error.problem.starts_with("there is") {
        ":"
    } else {
        ""
    };
    let message = format!("the setting `{name}`{colon} {}", error.problem);
    new(Code::SettingDefault, value(route), message).help(&error.instead)
}

pub fn unused_setting(route: &Route, name: &str) -> Diagnostic {
    new(
        Code::UnusedSetting,
        key(route),
        format!("the setting `{name}` is asked for and never used"),
    )
    .help(format!("use it as {{{{ settings.{name} }}}}, or leave it out"))
}

pub fn example_event(route: &Route, file: &str, why: &str) -> Diagnostic {
    new(Code::ExampleEvent, value(route), format!("the event file `{file}` cannot be used: {why}"))
        .help("name a JSON file, counted from the folder of the recipe")
}

pub fn example_shape(route: &Route, event: &str, inner: &Route, error: &ValueError) -> Diagnostic {
    let at = inner.pointer().trim_start_matches('/').replace('/', ".");
    let what =
        if at.is_empty() { error.problem.clone() } else { format!("`{at}` {}", error.problem) };
    new(Code::ExampleEventShape, value(route), format!("`{event}` looks different: {what}"))
        .help(format!("compare it with `linecook catalog show {event}`"))
}

pub fn example_on(route: &Route, name: &str, names: &[String]) -> Diagnostic {
    let near = nearest(name, names.iter().map(String::as_str));
    new(Code::ExampleNeedsOn, value(route), format!("`{name}` does not start this recipe"))
        .help(format!("write one of {}", list(names)))
        .near(near)
}

pub fn example_needs_on(route: &Route, names: &[String]) -> Diagnostic {
    new(
        Code::ExampleNeedsOn,
        value(route),
        "the recipe has several events: which one is this example about?",
    )
    .help(format!("add `on:` with one of {}", list(names)))
}

pub fn example_time(route: &Route, text: &str) -> Diagnostic {
    new(Code::ExampleTime, value(route), format!("`{}` is not a point in time", short(text, 40)))
        .help("write it like 2026-03-02T10:00:00Z")
}

pub fn example_field(route: &Route, event: &str, name: &str, near: &str) -> Diagnostic {
    new(Code::ExampleEventShape, key(route), format!("`{event}` has no field `{name}`"))
        .help(format!("did you mean `{near}`?"))
}

pub fn example_record(route: &Route, kind: &str, near: Option<String>) -> Diagnostic {
    new(
        Code::ExampleRecord,
        key(route),
        format!("`{}` names no app and kind of record", short(kind, 40)),
    )
    .help("write it like highlevel.contact or stax.customer")
    .near(near)
}

/// An answer to a step that asks nothing.
pub fn answer_without_question(route: &Route, steps: &[&str], near: Option<String>) -> Diagnostic {
    let id = route.last().unwrap_or_default();
    let help = match steps.is_empty() {
        true => "the recipe asks nobody: it has no `hold`".to_owned(),
        false => format!("these steps ask: {}", list(steps)),
    };
    new(Code::ExampleAnswer, key(route), format!("no step `{}` asks a person", short(&id, 40)))
        .help(help)
        .near(near)
}

pub fn answer_that_is_no_choice(
    route: &Route,
    answer: &str,
    choices: &[String],
    near: Option<String>,
) -> Diagnostic {
    let message = format!("`{}` is no answer that the step offers", short(answer, 40));
    new(Code::ExampleAnswer, value(route), message)
        .help(format!("write one of {}", list(choices)))
        .near(near)
}
