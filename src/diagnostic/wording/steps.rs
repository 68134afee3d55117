//! What is wrong with steps as such.

use super::{key, new, short, value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;

pub fn no_verb(route: &Route) -> Diagnostic {
    new(Code::NoVerb, value(route), "the step does nothing").help(
        "give it one of `call`, `set`, `wait`, `hold`, `use`, `stop`, `do`, `link` and `unlink`",
    )
}

pub fn several_verbs(route: &Route, first: &str, second: &str) -> Diagnostic {
    new(
        Code::SeveralVerbs,
        key(route),
        format!("a step does one thing; this one has `{first}` and `{second}`"),
    )
    .help(match second {
        "link" | "unlink" => {
            "make two steps of it; only beside a `call` it may stand in the same step"
        }
        _ => "make two steps of it",
    })
}

pub fn key_not_for_verb(route: &Route, name: &str, verb: &str) -> Diagnostic {
    let message = format!("`{name}` belongs to a `call`, and this step has `{verb}`");
    let help = match verb {
        "do" => "move it to the step inside that makes the call",
        "use" => "write it into the other recipe, at the step that makes the call",
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

pub fn bad_wait(route: &Route, text: &str) -> Diagnostic {
    let message = format!("`{}` is neither a length of time nor a moment", short(text, 40));
    new(Code::BadWait, value(route), message)
        .help("write it like 30s, 15m, 2h or 3d (a year at most), or 2026-03-02T09:00")
}

/// A `wait` for something that can be no moment. `gives` says what it is, in words.
pub fn wait_type(route: &Route, gives: &str) -> Diagnostic {
    let message = format!("`wait` wants a moment or a length of time, and gets {gives}");
    new(Code::BadWait, value(route), message)
        .help("make a moment, such as \"{{ now() | add_days(3) }}\", or write a length such as 2h")
}

pub fn empty_question(route: &Route) -> Diagnostic {
    new(Code::BadQuestion, value(route), "`hold` asks nothing")
        .help("write the question: hold: May this invoice be sent?")
}

pub fn no_choices(route: &Route) -> Diagnostic {
    new(Code::BadQuestion, value(route), "there is no answer to choose")
        .help("name at least one, or leave `choices` out: then it is `Go on` or `Stop here`")
}

pub fn blank_choice(route: &Route) -> Diagnostic {
    new(Code::BadQuestion, value(route), "an answer has no text")
        .help("write what a person chooses")
}

pub fn choice_with_template(route: &Route) -> Diagnostic {
    new(Code::BadQuestion, value(route), "an answer is a fixed text, without `{{ … }}`")
        .help("put the value into the question, in `text`")
}

pub fn same_choice(route: &Route, choice: &str) -> Diagnostic {
    let message = format!("the answer `{}` stands there already", short(choice, 40));
    new(Code::BadQuestion, value(route), message).help("keep one of the two")
}

pub fn choice_unread(route: &Route) -> Diagnostic {
    let message = "without an `id` nobody can ask what was chosen: every answer does the same";
    new(Code::ChoiceUnread, key(route), message)
        .help("add an `id`, and a step with `when: steps.<id>.choice == '…'`")
}
