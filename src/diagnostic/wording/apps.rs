//! What is wrong with an app of a project's own.

use super::{key, new};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::Route;

/// Something that does not go together with the rest of the app. `help` is one thing to do.
pub fn app_mistake(route: &Route, why: &str, help: Option<&str>) -> Diagnostic {
    let place = if *route == Route::root() { Place::File } else { key(route) };
    new(Code::AppMistake, place, why)
        .help(help.unwrap_or("change it in this file; docs/catalog.md says what each key means"))
}

/// Two files of a project are about the same app.
pub fn app_twice(name: &str) -> Diagnostic {
    new(Code::AppTwice, Place::File, format!("another file of this folder is about `{name}` too"))
        .help("give one of the two another name: `app: …`")
}

/// Two projects have different apps of one name.
pub fn app_of_another_project(name: &str) -> Diagnostic {
    let message = format!("another project has another app of the name `{name}`");
    new(Code::AppTwice, Place::File, message).help("look at one project at a time")
}
