//! What is wrong with the fields of a call.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::Route;
use crate::value::{Kind, ValueError};

pub fn missing_field(
    step: &Route,
    has_with: bool,
    call: &str,
    name: &str,
    about: &str,
) -> Diagnostic {
    let place = if has_with { key(&step.key("with")) } else { value(&step.key("call")) };
    let what = if about.is_empty() { String::new() } else { format!(" ({about})") };
    let found = new(Code::MissingField, place, format!("`{name}` is missing: `{call}` needs it"));
    match has_with {
        true => found.help(format!("add `{name}:`{what}")),
        false => found.help(format!("add `with:` and in it `{name}:`{what}")),
    }
}

pub fn missing_inner_field(route: &Route, name: &str) -> Diagnostic {
    new(Code::MissingField, key(route), format!("`{name}` is missing here"))
        .help(format!("add `{name}:`"))
}

pub fn missing_body_list(step: &Route) -> Diagnostic {
    new(
        Code::MissingField,
        key(&step.key("with")),
        "`body` is missing: this operation takes a list",
    )
    .help("add `body: […]`")
}

pub fn missing_one_of(step: &Route, names: &[String]) -> Diagnostic {
    new(Code::MissingField, key(&step.key("with")), format!("one of {} is needed", list(names)))
        .help("add at least one of them")
}

pub fn unknown_field(route: &Route, name: &str, call: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`{call}` has no field `{}`", short(name, 60)))
        .help(format!("see its fields with `linecook catalog show \"{call}\"`"))
        .near(near)
}

pub fn unknown_inner_field(
    route: &Route,
    name: &str,
    holder: &str,
    near: Option<String>,
) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`{holder}` has no field `{}`", short(name, 60)))
        .help("leave it out")
        .near(near)
}

/// A condition of `find` or `unless_exists` on a field that such records do not have.
pub fn unknown_record_field(
    route: &Route,
    name: &str,
    known: &[&str],
    near: Option<String>,
) -> Diagnostic {
    let few: Vec<&str> = known.iter().copied().take(12).collect();
    let more = if known.len() > few.len() { " and more" } else { "" };
    new(
        Code::UnknownField,
        key(route),
        format!("the records it looks through have no field `{}`", short(name, 60)),
    )
    .help(format!("they have {}{more}", list(&few)))
    .near(near)
}

pub fn unknown_tag_change(route: &Route, name: &str, near: Option<String>) -> Diagnostic {
    new(Code::UnknownField, key(route), format!("`tags` can `add` and `remove`, and not `{name}`"))
        .help("write tags: { add: […], remove: […] }")
        .near(near)
}

pub fn ambiguous_field(route: &Route, name: &str, first: &str, second: &str) -> Diagnostic {
    new(
        Code::AmbiguousField,
        key(route),
        format!("`{name}` is a field of the {first} and of the {second}"),
    )
    .help(format!("write `{first}.{name}` or `{second}.{name}`"))
}

pub fn refused_field(route: &Route, name: &str, instead: &str) -> Diagnostic {
    new(Code::RefusedField, key(route), format!("the app refuses `{name}` here")).help(instead)
}

pub fn wrong_type(route: &Route, name: &str, wanted: Kind, gets: Kind, whole: bool) -> Diagnostic {
    let message = format!("`{name}` wants {}, and gets {}", wanted.in_words(), gets.in_words());
    let help = match (wanted, gets) {
        (Kind::String, Kind::List) => "join the list with `| join(', ')`".to_owned(),
        (Kind::String, Kind::Object) => "name the field inside it".to_owned(),
        (Kind::String, _) => "turn it into a text with `| text`".to_owned(),
        (Kind::List, _) => "put it in brackets: [ … ]".to_owned(),
        _ if gets == Kind::Moment => "shift a date with a filter: now() | add_days(2)".to_owned(),
        (_, Kind::String) if !whole => {
            "a text around `{{ … }}` makes it a text: leave only the braces".to_owned()
        }
        (Kind::Boolean, _) => "write true or false, or compare: {{ x == 'yes' }}".to_owned(),
        _ => format!("give it {}", wanted.in_words()),
    };
    new(Code::WrongType, value(route), message).help(help)
}

pub fn literal_type(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    new(Code::WrongType, value(route), format!("`{name}` {}", error.problem)).help(&error.instead)
}

pub fn wrong_option(
    route: &Route,
    name: &str,
    error: &ValueError,
    near: Option<String>,
) -> Diagnostic {
    new(Code::WrongOption, value(route), format!("`{name}` {}", error.problem))
        .help(&error.instead)
        .near(near)
}

pub fn wrong_form(route: &Route, name: &str, error: &ValueError) -> Diagnostic {
    new(Code::WrongForm, value(route), format!("`{name}` {}", error.problem)).help(&error.instead)
}

pub fn null_literal(route: &Route, name: &str, written: &str) -> Diagnostic {
    let message = match written {
        "" => format!("nothing stands behind `{name}`"),
        word => format!("YAML reads `{}` as nothing", short(word, 20)),
    };
    new(Code::CannotBeBlanked, key(route), message).help(format!(
        "leave it out, or write `{name}: \"{{{{ clear }}}}\"` to blank it in the app"
    ))
}

pub fn cannot_be_blanked(route: &Route, name: &str) -> Diagnostic {
    new(Code::CannotBeBlanked, value(route), format!("the app does not let `{name}` be blanked"))
        .help("use `omit` instead of `clear` to leave it as it is")
}

pub fn bad_path_value(route: &Route, name: &str, why: &str) -> Diagnostic {
    new(Code::EmptyPathValue, value(route), format!("`{name}` is a part of the address, and {why}"))
        .help("write the id as the app gives it")
}

pub fn replaces_tags(route: &Route, call: &str) -> Diagnostic {
    new(Code::ReplacesTags, value(route), format!("a full list of tags in `{call}` wipes all other tags of the contact"))
        .help("write tags: { add: […] }, or add `replace_tags: true` to the step if that is what you want")
}

pub fn may_be_empty_required(route: &Route, name: &str, written: &str) -> Diagnostic {
    let written = short(written.trim(), 60);
    new(
        Code::MayBeEmpty,
        value(route),
        format!("`{name}` has to be there, and `{written}` is only sometimes filled"),
    )
    .help("say what to write then with `| default('…')`, or skip the step with `when`")
}

pub fn may_be_empty_in_text(place: Place, written: &str) -> Diagnostic {
    new(
        Code::MayBeEmpty,
        place,
        format!(
            "`{}` is only sometimes filled, and stands inside a text",
            short(written.trim(), 60)
        ),
    )
    .help("the step fails when it is empty: say what to write then with `| default('…')`")
}

pub fn empty_in_calculation(place: Place, written: &str, is_text: bool) -> Diagnostic {
    let written = short(written, 60);
    let message = format!("`{written}` is only sometimes filled, and is calculated with");
    new(Code::MayBeEmpty, place, message).help(match is_text {
        true => "say what to write then: `| default('')`",
        false => "say what to count with then: `| default(0)`",
    })
}

/// `now() + 2`
pub fn calculated_moment(place: Place) -> Diagnostic {
    new(Code::FilterInput, place, "a date cannot be calculated with `+` and `-`")
        .help("shift it with a filter: now() | add_days(2)")
}

/// `steps.new-contact.id`: YAML allows it, an expression reads a minus.
pub fn dash_in_name(place: Place, written: &str) -> Diagnostic {
    let plain = written.replace('-', "_");
    let shown = short(written, 60);
    let message = format!("a name has no dash: `{shown}` would be a subtraction");
    new(Code::UnknownName, place, message)
        .help("use `_` in ids and names of settings")
        .near(Some(plain))
}

/// A whole step, event or list where a text belongs.
pub fn whole_thing(route: &Route, name: &str, kind: Kind) -> Diagnostic {
    let message = format!("`{name}` wants one value, and gets {}", kind.in_words());
    new(Code::WrongType, value(route), message)
        .help("name the field inside it, such as `.contact_id`")
}
