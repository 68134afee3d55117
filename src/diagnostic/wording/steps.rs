//! What is wrong with steps as such.

use super::{key, new, short, value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;

pub fn no_verb(route: &Route) -> Diagnostic {
    new(Code::NoVerb, value(route), "the step does nothing")
        .help("give it one of `call`, `set`, `stop` and `do`")
}

pub fn several_verbs(route: &Route, first: &str, second: &str) -> Diagnostic {
    new(
        Code::SeveralVerbs,
        key(route),
        format!("a step does one thing; this one has `{first}` and `{second}`"),
    )
    .help("make two steps of it")
}

pub fn key_not_for_verb(route: &Route, name: &str, verb: &str) -> Diagnostic {
    let message = format!("`{name}` belongs to a `call`, and this step has `{verb}`");
    let help = match verb {
        "do" => "move it to the step inside that makes the call",
        _ => "leave it out",
    };
    new(Code::KeyNotForVerb, key(route), message).help(help)
}

/// A list of steps with nothing in it.
pub fn no_steps(route: &Route) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    new(Code::NoVerb, key(route), format!("`{name}` is empty: nothing would be done"))
        .help("add at least one step: - call: POST /contacts/upsert")
}

/// `for_each: item in settings.list`
pub fn only_the_list(route: &Route, list: &str) -> Diagnostic {
    new(
        Code::NotAList,
        value(route),
        "`for_each` wants only the list; the item is always called `item`",
    )
    .help("leave out everything in front of it")
    .fix(value(route), list)
}

pub fn find_reads_all(route: &Route) -> Diagnostic {
    new(Code::KeyNotForVerb, key(route), "`find` reads page by page already")
        .help("leave out `pages`, or `find` to get all entries")
}

pub fn bad_id(route: &Route, id: &str) -> Diagnostic {
    let found =
        new(Code::BadName, value(route), format!("`{}` cannot be the id of a step", short(id, 40)))
            .help("use letters, digits and `_`, and begin with a letter");
    match id.replace(['-', ' '], "_") {
        plain if plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && plain != id => {
            found.fix(value(route), plain)
        }
        _ => found,
    }
}

pub fn bad_setting_name(route: &Route, name: &str) -> Diagnostic {
    new(Code::BadName, key(route), format!("`{}` cannot be the name of a setting", short(name, 40)))
        .help("use letters, digits and `_`, and begin with a letter")
}

pub fn duplicate_id(route: &Route, id: &str) -> Diagnostic {
    new(Code::DuplicateId, value(route), format!("another step is called `{id}` already"))
        .help("give each step an id of its own")
}

pub fn too_many_steps(route: &Route, count: usize, most: usize) -> Diagnostic {
    new(
        Code::TooManySteps,
        key(route),
        format!("the recipe has {count} steps; {most} is the limit"),
    )
    .help("split it into several recipes")
}

pub fn never_reached(route: &Route) -> Diagnostic {
    new(Code::NeverReached, value(route), "this step is never reached: the one before always stops")
        .help("give the `stop` a `when`")
}

pub fn bad_retry_word(route: &Route, word: &str) -> Diagnostic {
    new(
        Code::UnknownWord,
        value(route),
        format!("`retry` does not know the word `{}`", short(word, 40)),
    )
    .help("write `off`, or times such as { for: 24h, first: 2s, at_most: 15m }")
}

pub fn bad_duration(route: &Route, text: &str) -> Diagnostic {
    new(Code::BadDuration, value(route), format!("`{}` is not a length of time", short(text, 40)))
        .help("write it like 30s, 15m, 2h or 3d; a year at most")
}
