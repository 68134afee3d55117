//! Reading a record before and after it is changed.

use super::{key, new};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;

/// A key that means nothing without another.
pub fn key_without_other(route: &Route, name: &str, other: &str) -> Diagnostic {
    new(
        Code::KeyWithoutOther,
        key(route),
        format!("`{name}` means something only beside `{other}`"),
    )
    .help(format!("add `{other}` to the step, or leave `{name}` out"))
}

pub fn patches_nothing(route: &Route, name: &str, call: &str) -> Diagnostic {
    new(
        Code::CannotReadFirst,
        key(route),
        format!("`{call}` always makes a new record: `{name}` has nothing to compare with"),
    )
    .help("call the operation that updates such a record, or leave it out; `unless_exists` looks before it makes one")
}

pub fn cannot_read(route: &Route, name: &str, call: &str) -> Diagnostic {
    new(
        Code::CannotReadFirst,
        key(route),
        format!(
            "`{name}` has to read the record, and nothing is known that reads what `{call}` changes"
        ),
    )
    .help(format!("leave `{name}` out, or change the record with an operation that has its id"))
}

pub fn reads_only(route: &Route, call: &str) -> Diagnostic {
    new(
        Code::CannotReadFirst,
        key(route),
        format!("`{call}` changes nothing: there is nothing to read back"),
    )
    .help("leave `verify` out")
}

pub fn one_identifier(route: &Route, call: &str, fields: &[&str]) -> Diagnostic {
    let message = match fields.len() {
        0 | 1 => format!("`{call}` does not find its record by several fields"),
        _ => format!("this step does not send {} together", fields.join(" and ")),
    };
    new(Code::CannotReadFirst, key(route), format!("{message}: nothing can disagree"))
        .help("leave `check_identity` out")
}

/// Fields that the read record does not show.
pub fn not_compared(route: &Route, names: &[&str]) -> Diagnostic {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    new(
        Code::NotCompared,
        key(route),
        format!("the app does not show {}, so it cannot be compared", names.join(", ")),
    )
    .help("it is sent when another field differs, and only then")
}
