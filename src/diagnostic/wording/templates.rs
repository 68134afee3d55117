//! What is wrong with templates and paths.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::{Route, Span};
use crate::value::{Kind, ValueError};

pub fn bad_template(
    route: &Route,
    written: &str,
    message: &str,
    range: Option<Span>,
) -> Diagnostic {
    let open = written.matches("{{").count() > written.matches("}}").count();
    let place = match range {
        _ if open => {
            let at = written.rfind("{{").unwrap_or(0);
            Place::Inside(route.clone(), at..at + 2)
        }
        Some(range) if range.start < written.len() => Place::Inside(route.clone(), range),
        _ => value(route),
    };
    let message = plain_template(message, open);
    let help = if open {
        "close the braces with `}}`"
    } else if written.contains("{%") && !written.contains("%}") {
        "close the braces with `%}`"
    } else if let Some(word) = foreign_operator(written) {
        word
    } else if message.contains("nothing between") || written.contains("{{}}") {
        "write what should stand here, such as {{ event.email }}"
    } else {
        "names, dots, filters behind `|`, texts in 'quotes': {{ event.email | lower }}"
    };
    new(Code::BadTemplate, place, format!("the template cannot be read: {message}")).help(help)
}

/// What the template engine says, for people who do not know its words.
fn plain_template(message: &str, open: bool) -> String {
    let has = |part: &str| message.contains(part);
    if open {
        "the braces are opened and not closed".into()
    } else if has("unexpected end of") {
        "something is missing at the end".into()
    } else if has("unexpected input after expression") || has("expected end of variable block") {
        "something stands here that does not belong".into()
    } else if has("unexpected character") {
        "this character has no meaning here".into()
    } else if has("unexpected end of variable block") || has("nothing between") {
        "there is nothing between the braces".into()
    } else if has("recursion limit") {
        "the brackets are nested too deep".into()
    } else {
        message.to_owned()
    }
}

/// Words of programming languages for what templates call otherwise.
fn foreign_operator(written: &str) -> Option<&'static str> {
    let has = |part: &str| written.contains(part);
    Some(if has("&&") || has(" AND ") {
        "write `and` for both"
    } else if has("||") || has(" OR ") {
        "write `or` for one of the two"
    } else if has("NOT ") || (has("!") && !has("!=")) {
        "write `not` in front of it"
    } else if has(" = ") {
        "write `==` to compare"
    } else if has("’") || has("‘") || has("“") || has("”") {
        "use straight quotes: 'text'"
    } else {
        return None;
    })
}

pub fn space_around_template(route: &Route, trimmed: &str, lines: bool) -> Diagnostic {
    let found =
        new(Code::SpaceAroundTemplate, value(route), "the spaces around the braces make it a text");
    if lines {
        return found.help(format!("write it on the line of its key: \"{trimmed}\""));
    }
    found
        .help("leave them out, so that the value keeps its type")
        .fix(value(route), format!("\"{trimmed}\""))
}

pub fn unknown_name(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    let truth = match name {
        "yes" | "on" | "True" => Some("true"),
        "no" | "off" | "False" => Some("false"),
        "null" | "None" | "nil" | "undefined" => {
            return new(Code::UnknownName, place, format!("nobody knows `{name}`"))
                .help("ask `is empty` or `is defined`; to blank a field write `clear`");
        }
        _ => None,
    };
    let near = truth.map(str::to_owned).or(near);
    new(Code::UnknownName, place, format!("nobody knows `{name}`"))
        .help("a template sees `event`, `trigger`, `settings`, `run`, `steps`, in a loop `item` and `item_index`, `now()` and `linked(…)`; a text needs 'quotes'")
        .near(near)
}

pub fn now_without_brackets(place: Place) -> Diagnostic {
    new(Code::UnknownName, place, "`now` needs brackets").near(Some("now()".to_owned()))
}

pub fn now_with_arguments(place: Place) -> Diagnostic {
    new(Code::FilterArgument, place, "`now()` takes nothing in its brackets")
        .help("shift it with a filter: now() | add_days(2)")
}

pub fn item_outside_loop(place: Place, name: &str) -> Diagnostic {
    new(Code::ItemOutsideLoop, place, format!("`{name}` is only there in a loop"))
        .help("add `for_each:` to the step")
}

pub fn unknown_event_field(
    place: Place,
    event: &str,
    shown: Option<&str>,
    name: &str,
    near: Option<String>,
) -> Diagnostic {
    let help = match shown {
        Some(shown) => format!(
            "see its fields with `linecook catalog show {shown}`; declare your own under `trigger.fields`"
        ),
        None => "it has `scheduled_at` and `previous_at`".to_owned(),
    };
    new(Code::UnknownEventField, place, format!("`{event}` has no field `{name}`"))
        .help(help)
        .near(near)
}

pub fn unknown_setting(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownSetting, place, format!("the recipe has no setting `{name}`"))
        .help("declare it under `settings`")
        .near(near)
}

pub fn unknown_step(place: Place, id: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownStep, place, format!("no step is called `{id}`"))
        .help("give the step that is meant an `id`")
        .near(near)
}

pub fn own_step(place: Place, id: &str) -> Diagnostic {
    new(Code::LaterStep, place, format!("the step `{id}` cannot read its own results"))
        .help("read them in a step behind it")
}

pub fn later_step(place: Place, id: &str) -> Diagnostic {
    new(Code::LaterStep, place, format!("the step `{id}` comes later"))
        .help("move this step behind it")
}

pub fn unknown_result(
    place: Place,
    step: &str,
    name: &str,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    new(Code::UnknownResult, place, format!("the step `{step}` has no result `{name}`"))
        .help(format!("it has {}; more can be taken from the answer with `save`", list(known)))
        .near(near)
}

pub fn no_such_field(
    place: Place,
    holder: &str,
    kind: Kind,
    name: &str,
    near: Option<String>,
) -> Diagnostic {
    let found = new(Code::NoSuchField, place, format!("`{holder}` has no field `{name}`"));
    let found = match kind {
        Kind::List => found.help(format!(
            "it is a list: take one entry with `{holder}[0]`, or all with `| map('{name}')`"
        )),
        Kind::Object | Kind::Any => found.help("see what is there with `linecook catalog show`"),
        other => found.help(format!("it is {}, without fields", other.in_words())),
    };
    found.near(near)
}

pub fn not_a_list(route: &Route, kind: Kind) -> Diagnostic {
    new(
        Code::NotAList,
        value(route),
        format!("`for_each` goes over a list, and this is {}", kind.in_words()),
    )
    .help("name a list, or write one: [a, b]")
}

pub fn unknown_filter(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownFilter, place, format!("there is no filter `{name}`"))
        .help("all filters are listed in docs/language.md")
        .near(near)
}

pub fn filter_input(
    place: Place,
    filter: &str,
    takes: &str,
    gets: Kind,
    example: &str,
) -> Diagnostic {
    new(
        Code::FilterInput,
        place,
        format!("`{filter}` works on {takes}, and gets {}", gets.in_words()),
    )
    .help(format!("it is used like this: {example}"))
}

pub fn bad_literal_argument(place: Place, written: &str, error: &ValueError) -> Diagnostic {
    let message = format!("`{}` {}", short(written, 40), error.problem);
    new(Code::FilterArgument, place, message).help(&error.instead)
}

pub fn named_argument(place: Place, filter: &str, name: &str, example: &str) -> Diagnostic {
    new(Code::FilterArgument, place, format!("`{filter}` takes no named argument `{name}`"))
        .help(format!("it is used like this: {example}"))
}

pub fn argument_count(place: Place, filter: &str, most: usize, example: &str) -> Diagnostic {
    let message = match most {
        0 => format!("`{filter}` takes nothing in brackets"),
        1 => format!("`{filter}` takes one thing in brackets"),
        most => format!("`{filter}` takes up to {most} things in brackets"),
    };
    new(Code::FilterArgument, place, message).help(format!("it is used like this: {example}"))
}

pub fn argument_kind(
    place: Place,
    filter: &str,
    argument: &str,
    wanted: Kind,
    gets: Kind,
) -> Diagnostic {
    let message = format!(
        "`{filter}`: {argument} is {}, and here stands {}",
        wanted.in_words(),
        gets.in_words()
    );
    let help = match wanted {
        Kind::String => "put texts in 'quotes'".to_owned(),
        _ => format!("write {}", wanted.in_words()),
    };
    new(Code::FilterArgument, place, message).help(help)
}

/// `trigger.event == '…'` with an event that does not start the recipe.
pub fn not_an_event_of_this(
    place: Place,
    name: &str,
    events: &[String],
    near: Option<String>,
) -> Diagnostic {
    new(Code::UnknownEvent, place, format!("`{}` does not start this recipe", short(name, 60)))
        .help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is started by {}", list(events)),
        })
}

pub fn never_equal(place: Place, left: Kind, right: Kind) -> Diagnostic {
    let message =
        format!("this never holds: {} is never the same as {}", left.in_words(), right.in_words());
    let help = match (left, right) {
        (Kind::Boolean, _) | (_, Kind::Boolean) => {
            "leave the comparison out: the name alone is true or false"
        }
        (Kind::String, _) | (_, Kind::String) => {
            "compare texts with texts in 'quotes', numbers with numbers"
        }
        _ => "compare things of one kind",
    };
    new(Code::NeverEqual, place, message).help(help)
}

/// A condition with a text that stands alone: `event.plan == 'gold' or 'silver'`.
pub fn always_holds(place: Place, written: &str) -> Diagnostic {
    let message = format!("this always holds: {} alone is true", short(written, 40));
    new(Code::AlwaysHolds, place, message)
        .help("compare it: event.plan == 'gold' or event.plan == 'silver'; or event.plan in ['gold', 'silver']")
}

pub fn never_that_word(
    place: Place,
    word: &str,
    words: &[String],
    near: Option<String>,
) -> Diagnostic {
    new(Code::NeverEqual, place, format!("this never holds: it is never `{}`", short(word, 40)))
        .help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", list(words)),
        })
}

pub fn format_without_percent(place: Place, format: &str) -> Diagnostic {
    new(
        Code::FilterArgument,
        place,
        format!(
            "the format `{}` has no `%` in it: it would be written as it is",
            short(format, 40)
        ),
    )
    .help(
        "%-d is the day, %m the month, %B its name, %Y the year, %H:%M the time: date('%d.%m.%Y')",
    )
}

/// A value that reads like a template and is none.
pub fn looks_like_template(route: &Route, inner: &str) -> Diagnostic {
    new(
        Code::LooksLikeTemplate,
        value(route),
        format!("without `{{{{ }}}}` this is sent as the text `{}`", short(inner, 60)),
    )
    .help("put it in double braces and quotes")
    .fix(value(route), format!("\"{{{{ {inner} }}}}\""))
}

/// `event.total + '1'`
pub fn number_and_text(place: Place) -> Diagnostic {
    new(Code::FilterInput, place, "a number and a text cannot be calculated with each other")
        .help("turn the text into a number with `| number`, or join texts with `~`")
}

pub fn unknown_test(place: Place, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownTest, place, format!("`is {name}` asks something that nobody knows")).help(
        match near {
            Some(near) => format!("did you mean `is {near}`?"),
            None => {
                "compare with ==, or ask `is empty`, `is defined`, `is containing('…')`".to_owned()
            }
        },
    )
}

pub fn unknown_function(place: Place, name: &str, is_filter: bool) -> Diagnostic {
    let help = match is_filter {
        true => format!(
            "`{name}` is a filter: write it behind the value, as in {{{{ event.email | {name} }}}}"
        ),
        false => "the only function is `now()`; everything else is a filter behind `|`".to_owned(),
    };
    new(Code::UnknownFunction, place, format!("there is no function `{name}`")).help(help)
}

pub fn method_call(place: Place, method: &str, filter: Option<String>) -> Diagnostic {
    let help = match filter {
        Some(filter) => format!("write it as a filter: `| {filter}`"),
        None => "use a filter behind `|`".to_owned(),
    };
    new(Code::UnknownFunction, place, format!("values have no function `.{method}()`")).help(help)
}

pub fn bad_json_path(route: &Route, path: &str, why: &str) -> Diagnostic {
    let help = match path.starts_with('$') {
        true => "write it like $.contact.id, or $.items[0].id in quotes",
        false => "a JSONPath begins with `$`, as in $.contact.id",
    };
    let place = value(route);
    let found = new(
        Code::BadJsonPath,
        place.clone(),
        format!("`{}` is not a JSONPath: {}", short(path, 60), why),
    );
    match path.starts_with(|c: char| c.is_alphabetic()) {
        true => found.help(help).fix(place, format!("$.{path}")),
        false => found.help(help),
    }
}

/// A path that leads to nothing in the documented answer.
pub fn saves_nothing(route: &Route, path: &str, part: &str, near: Option<String>) -> Diagnostic {
    let message = format!("`{}` finds nothing: the answer has no `{part}`", short(path, 60));
    new(Code::SavesNothing, value(route), message).help(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "see the answer with `linecook catalog show`".to_owned(),
    })
}

pub fn saved_name_taken(route: &Route, name: &str) -> Diagnostic {
    new(Code::BadName, key(route), format!("`{name}` is a result that every such step has already"))
        .help("save it under another name")
}
