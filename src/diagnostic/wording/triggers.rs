//! What is wrong with schedules and polls.

use std::time::Duration;

use super::{key, new, short, value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;
use crate::value::{ValueError, duration};

/// A key of one kind of trigger beside another. `on` is `schedule`, `poll`, or an event.
pub fn key_not_for_trigger(route: &Route, name: &str, on: &str) -> Diagnostic {
    let (belongs, help) = match (name, on) {
        ("every", "`schedule`") => ("`poll`", "write the times as `cron`, such as `*/15 * * * *`"),
        ("cron" | "timezone", _) => ("`schedule`", "write `on: schedule`, or leave it out"),
        ("missed", _) => ("`schedule`", "leave it out"),
        ("changed", _) => ("an event", "leave it out: a schedule is about no record"),
        ("fields", _) => ("an event", "leave it out: a schedule holds two times and nothing else"),
        _ => ("`poll`", "write `on: poll`, or leave it out"),
    };
    let message = format!("`{name}` belongs to {belongs}, and this trigger is {on}");
    new(Code::KeyNotForTrigger, key(route), message).help(help)
}

/// `on: [schedule, stax.customer_created]`
pub fn mixed_triggers(route: &Route, word: &str) -> Diagnostic {
    new(
        Code::MixedTriggers,
        value(route),
        format!("`{word}` stands alone, without events beside it"),
    )
    .help(format!("write `on: {word}`, and a second recipe for the events"))
}

pub fn schedule_without_cron(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "`cron` is missing: nobody knows when the recipe starts")
        .help("add `cron: \"0 9 * * 1\"`, which is every Monday at 9:00")
}

pub fn bad_cron(route: &Route, text: &str, error: &ValueError) -> Diagnostic {
    let message = format!("`{}` {}", short(text, 40), error.problem);
    new(Code::BadCron, value(route), message).help(&error.instead)
}

pub fn bad_timezone(route: &Route, text: &str, error: &ValueError) -> Diagnostic {
    let message = format!("`{}` {}", short(text, 40), error.problem);
    new(Code::BadTimezone, value(route), message).help(&error.instead)
}

pub fn timezone_without_cron(route: &Route) -> Diagnostic {
    let message = "`timezone` says on which clocks `cron` is read, and there is no `cron`";
    new(Code::KeyNotForTrigger, key(route), message).help("leave it out")
}

pub fn poll_without_list(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "`list` is missing: nobody knows what to ask for")
        .help("add `list:` with an operation that gives a list, such as GET /customer")
}

pub fn poll_without_every(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "it is not said how often the app is asked")
        .help("add `every: 5m`, or the times as `cron`")
}

pub fn every_and_cron(route: &Route) -> Diagnostic {
    let message = "`every` and `cron` both say when the app is asked";
    new(Code::KeyNotForTrigger, key(route), message).help("keep one of the two")
}

pub fn polls_too_often(route: &Route, text: &str, least: Duration) -> Diagnostic {
    let least = duration::in_words(least);
    let message = format!("`{}` is too often: {least} is the least", short(text, 40));
    new(Code::BadDuration, value(route), message)
        .help("write 5m unless it is urgent: every time is at least one call of the app's quota")
}

pub fn poll_without_ids(route: &Route, call: &str) -> Diagnostic {
    let message = format!("the entries of `{call}` have no `id` by which new ones are told apart");
    new(Code::PollWithoutIds, value(route), message).help("add `take: all`")
}

/// A field of the list call that reads what is only there in a run.
pub fn poll_reads(route: &Route, root: &str) -> Diagnostic {
    let message = format!("there is no `{root}` yet when the app is asked");
    new(Code::UnknownName, value(route), message)
        .help("read `settings` or `now()`, and sort out the records with `when`")
}
