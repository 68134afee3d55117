//! What is wrong with the names that people gave to things in their accounts: custom fields, and what
//! settings pick.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::source::Route;

/// The most names that a message lists.
const FEW: usize = 12;

/// `connection` says in whose account it would be; without one it is what the examples say that is there.
pub fn unknown_custom_field(
    place: Place,
    name: &str,
    connection: Option<&str>,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    let message = has_no(connection, "custom field", name);
    let found = new(Code::UnknownCustomField, place.clone(), message);
    let is_new = if_it_is_new(connection);
    match near {
        Some(near) => {
            found.help(format!("did you mean `{near}`? If it is new: {is_new}")).fix(place, near)
        }
        None => found.help(format!("there is {}; if it is new: {is_new}", what_there_is(known))),
    }
}

/// Only some records were looked at, and none of them has it.
pub fn unseen_custom_field(
    place: Place,
    name: &str,
    connection: Option<&str>,
    near: Option<String>,
) -> Diagnostic {
    let (name, account) = (short(name, 60), account(connection));
    let message =
        format!("no customer that was looked at in {account} has a custom field `{name}`");
    let mut found = new(Code::UnknownCustomField, place.clone(), message);
    found.severity = Severity::Warning;
    match near {
        Some(near) => found.help(format!("did you mean `{near}`?")).fix(place, near),
        None => found.help("check its name, or run `linecook pull` again: it looks at the newest"),
    }
}

pub fn gone_custom_field(
    place: Place,
    name: &str,
    connection: Option<&str>,
    since: &str,
) -> Diagnostic {
    let has_no = has_no(connection, "custom field", name);
    let message = format!("{has_no} any more: it was gone on {since}");
    new(Code::UnknownCustomField, place, message)
        .help("take it out here, or make it again in the app and run `linecook pull`")
}

/// It has the same id and another name by now, and works.
pub fn renamed_in_account(place: Place, what: &str, name: &str, now: &str) -> Diagnostic {
    let message = format!("the {what} `{}` is called `{}` now", short(name, 60), short(now, 60));
    let found = new(Code::RenamedInAccount, place.clone(), message);
    found.help(format!("write `{now}`")).fix(place, now)
}

pub fn ambiguous_name(place: Place, what: &str, name: &str, exactly: &[String]) -> Diagnostic {
    let message = format!("several {what}s are called `{}`", short(name, 60));
    new(Code::AmbiguousName, place, message).help(format!("write one of {}", list(exactly)))
}

/// `connection` is none where no project says which account it is.
pub fn no_snapshot(
    place: Place,
    app: &str,
    title: &str,
    connection: Option<&str>,
    name: Option<&str>,
) -> Diagnostic {
    let (message, help) = match (connection, name) {
        (Some(connection), _) => (
            format!("nobody has looked yet which names the connection `{connection}` knows"),
            format!("run `linecook pull {connection}`"),
        ),
        (None, name) => (
            format!("nobody has looked yet which names an account of {title} knows"),
            format!(
                "run `linecook pull` in the project that the recipe belongs to, or let an example say it: \
                 `given: {{ records: {{ {app}.custom_field: [{{ name: {} }}] }} }}`",
                name.unwrap_or("Plan")
            ),
        ),
    };
    new(Code::NoSnapshot, place, message).help(help)
}

/// The last look could not read that part.
pub fn not_read(
    place: Place,
    connection: Option<&str>,
    what: &str,
    scope: Option<&str>,
) -> Diagnostic {
    let Some(connection) = connection else {
        let message = format!("no example gives any {what}");
        return new(Code::NoSnapshot, place, message)
            .help("let one say it under `given.records`, or run `linecook pull` in a project");
    };
    let message =
        format!("the {what} of `{connection}` could not be read at the last `linecook pull`");
    new(Code::NoSnapshot, place, message).help(match scope {
        Some(scope) => format!("give its token the scope `{scope}` and run `linecook pull` again"),
        None => "run `linecook pull` again".to_owned(),
    })
}

pub fn snapshot_unread(connection: &Route, file: &str, why: &str) -> Diagnostic {
    let message = format!("{file} cannot be used: {why}");
    let name = connection.last().unwrap_or_default();
    new(Code::SnapshotUnread, key(connection), message)
        .help(format!("run `linecook pull {name}`: it writes the file anew"))
}

pub fn old_snapshot(connection: &Route, pulled_on: &str) -> Diagnostic {
    let name = connection.last().unwrap_or_default();
    let message = format!("the names in the account of `{name}` are from {pulled_on}");
    new(Code::OldSnapshot, key(connection), message).help(format!("run `linecook pull {name}`"))
}

pub fn unknown_pick(
    route: &Route,
    written: &str,
    near: Option<String>,
    all: &[String],
) -> Diagnostic {
    let message = format!("nothing called `{}` can be picked", short(written, 60));
    let found = new(Code::UnknownPick, value(route), message);
    found.help(format!("write one of {}", list(all))).near(near)
}

pub fn pick_is_text(route: &Route) -> Diagnostic {
    new(Code::UnknownPick, value(route), "what is picked is one id, so the setting is a text")
        .help("leave `type` out")
}

/// What a person picked is not there.
pub fn not_in_account(
    place: Place,
    what: &str,
    name: &str,
    connection: Option<&str>,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    let found = new(Code::NotInAccount, place.clone(), has_no(connection, what, name));
    let there_is = what_there_is(known);
    match near {
        Some(near) => {
            found.help(format!("did you mean `{near}`? There is {there_is}")).fix(place, near)
        }
        None => {
            let is_new = if_it_is_new(connection);
            found.help(format!("there is {there_is}; if it is new: {is_new}"))
        }
    }
}

pub fn gone_from_account(
    place: Place,
    what: &str,
    name: &str,
    connection: Option<&str>,
    since: &str,
) -> Diagnostic {
    let message = format!("{} any more: it was gone on {since}", has_no(connection, what, name));
    new(Code::NotInAccount, place, message).help(format!("pick another {what}"))
}

pub fn unchecked_pick(
    route: &Route,
    what: &str,
    name: &str,
    connection: Option<&str>,
) -> Diagnostic {
    let message = format!("`{}` is taken for the id of a {what}", short(name, 60));
    let pull = connection.map(|name| format!(" {name}")).unwrap_or_default();
    new(Code::UncheckedPick, value(route), message).help(format!(
        "run `linecook pull{pull}`: then it is checked, and its name can be written too"
    ))
}

pub fn field_name_in_braces(route: &Route, app: &str) -> Diagnostic {
    let message = "a name in braces has to be a setting that picks a custom field";
    new(Code::UnknownCustomField, key(route), message)
        .help(format!("write the name itself, or give the setting `pick: {app}.custom_field`"))
}

fn account(connection: Option<&str>) -> String {
    match connection {
        Some(connection) => format!("the account of `{connection}`"),
        None => "the examples".to_owned(),
    }
}

fn has_no(connection: Option<&str>, what: &str, name: &str) -> String {
    let name = short(name, 60);
    match connection {
        Some(_) => format!("{} has no {what} `{name}`", account(connection)),
        None => format!("no example gives a {what} `{name}`"),
    }
}

fn if_it_is_new(connection: Option<&str>) -> &'static str {
    match connection {
        Some(_) => "run `linecook pull`",
        None => "let an example give it under `given.records`",
    }
}

fn what_there_is(known: &[&str]) -> String {
    let few: Vec<&str> = known.iter().copied().take(FEW).collect();
    match (few.is_empty(), known.len() > few.len()) {
        (true, _) => "none".to_owned(),
        (false, false) => list(&few),
        (false, true) => format!("{} and more", list(&few)),
    }
}
