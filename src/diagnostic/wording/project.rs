//! What is wrong with a project file.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::Route;
use crate::value::{Kind, ValueError};

/// Whether a key is the name of something that must not be seen.
pub fn is_secret_key(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let whole = ["auth", "authorization", "bearer", "pit", "pass", "key", "jwt"];
    let parts = ["token", "secret", "password", "passwd", "apikey", "privatekey", "credential"];
    whole.contains(&plain.as_str()) || parts.iter().any(|part| plain.contains(part))
}

/// A token or password in the file, and the environment variable that it belongs into.
pub fn secret_in_file(route: &Route, name: &str, variable: Option<&str>) -> Diagnostic {
    let help = match variable {
        Some(name) => format!("delete it here and set the environment variable {name} instead"),
        None => {
            "delete it here: tokens come from environment variables such as LINECOOK_STAX_TOKEN"
                .to_owned()
        }
    };
    let message = format!("`{}` is a secret, and this file holds none", short(name, 40));
    new(Code::SecretInFile, key(&route.key(name)), message).help(help)
}

pub fn private_key_in_file(route: &Route) -> Diagnostic {
    new(Code::SecretInFile, value(route), "this is a private key, and this file holds no secrets")
        .help("delete it and write the public key that the app publishes; the private one is known to too many now")
}

/// A value of the file that does not have its form; the problem completes a sentence about it.
pub fn project_value(route: &Route, written: &str, error: &ValueError) -> Diagnostic {
    let message = format!("`{}` {}", short(written, 60), error.problem);
    new(Code::WrongForm, value(route), message).help(&error.instead)
}

pub fn bad_address(route: &Route, written: &str, error: &ValueError) -> Diagnostic {
    let message = match written.contains('@') {
        // What stands in front of it may be a password.
        true => format!("the address {}", error.problem),
        false => format!("`{}` {}", short(written, 60), error.problem),
    };
    new(Code::BadAddress, value(route), message).help(&error.instead)
}

pub fn bad_listen(route: &Route, written: &str) -> Diagnostic {
    let message = format!("`{}` is no address to listen on", short(written, 60));
    new(Code::BadAddress, value(route), message)
        .help("write an IP address and a port, such as 127.0.0.1:8377")
}

pub fn bad_mail_server(route: &Route, written: &str) -> Diagnostic {
    let message = format!("`{}` is no mail server with its port", short(written, 60));
    new(Code::BadAddress, value(route), message).help("write it like smtp.example.com:587")
}

pub fn no_recipients(route: &Route) -> Diagnostic {
    new(Code::MissingKey, key(route), "nobody gets the e-mail: `to` is empty")
        .help("add `to:` with addresses: [ada@example.com]")
}

pub fn empty_length(route: &Route, text: &str) -> Diagnostic {
    new(Code::BadDuration, value(route), format!("`{}` is no time at all", short(text, 40)))
        .help("write it like 30s, 15m, 2h or 3d")
}

pub fn bad_public_key(route: &Route, kind: &str, why: &str) -> Diagnostic {
    new(Code::BadPublicKey, value(route), format!("this is no public key ({kind}): {why}"))
        .help("copy it from the app's page for developers, with or without its BEGIN and END lines")
}

pub fn incomplete_quota(route: &Route, there: &str, missing: &str, example: &str) -> Diagnostic {
    new(Code::IncompleteQuota, key(&route.key(there)), format!("`{there}` needs `{missing}` too"))
        .help(format!("write both, such as {example}"))
}

pub fn bad_connection_name(route: &Route, name: &str) -> Diagnostic {
    let found = new(
        Code::BadName,
        key(route),
        format!("`{}` cannot be the name of a connection", short(name, 40)),
    );
    match name {
        "app" => found.help("choose another one: addresses of webhooks use this word"),
        _ => found.help("use letters, digits, `-` and `_`, and begin with a letter"),
    }
}

pub fn bad_installation_name(route: &Route, name: &str, is_written: bool) -> Diagnostic {
    let place = if is_written { route.key("name") } else { route.key("recipe") };
    let message = format!("`{}` cannot be the name of an installation", short(name, 40));
    let rule = "letters, digits, `-`, `_` and `.`, beginning with a letter or digit";
    new(Code::BadName, value(&place), message).help(match is_written {
        true => format!("use {rule}"),
        false => format!("add `name:` with {rule}"),
    })
}

pub fn bad_filter_name(route: &Route, name: &str) -> Diagnostic {
    new(Code::BadName, key(route), format!("`{}` cannot be the name of a filter", short(name, 40)))
        .help("use letters, digits and `_`, and begin with a letter")
}

pub fn duplicate_connection(route: &Route, other: &str, variable: &str) -> Diagnostic {
    let message = format!("this name and `{other}` share the environment variable {variable}");
    new(Code::DuplicateName, key(route), message).help("rename one of the two")
}

pub fn duplicate_installation(route: &Route, name: &str, is_written: bool) -> Diagnostic {
    let place = if is_written { route.key("name") } else { route.key("recipe") };
    new(
        Code::DuplicateName,
        value(&place),
        format!("another installation is called `{name}` already"),
    )
    .help("give this one a `name:` of its own")
}

pub fn unknown_app(place: Place, name: &str, near: Option<String>, known: &[&str]) -> Diagnostic {
    new(Code::UnknownApp, place, format!("there is no app `{}`", short(name, 40)))
        .help(format!("write one of {}", list(known)))
        .near(near)
}

pub fn unknown_connection(
    place: Place,
    name: &str,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    new(Code::UnknownConnection, place, format!("there is no connection `{}`", short(name, 40)))
        .help(match known {
            [] => format!("add it under `connections`: {}: {{ app: … }}", short(name, 40)),
            known => format!("there are {}; add it under `connections`", list(known)),
        })
        .near(near)
}

pub fn unknown_quota(
    route: &Route,
    name: &str,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    let message = format!("`{}` is neither a connection nor an app", short(name, 40));
    new(Code::UnknownConnection, key(route), message)
        .help(format!("write one of {}", list(known)))
        .near(near)
}

pub fn wrong_connection(
    route: &Route,
    name: &str,
    belongs_to: &str,
    wanted: &str,
    fitting: &[&str],
) -> Diagnostic {
    let message = format!("the connection `{name}` belongs to `{belongs_to}`, not to `{wanted}`");
    new(Code::WrongConnection, value(route), message).help(match fitting {
        [] => format!("add a connection with `app: {wanted}`"),
        fitting => format!("write one of {}", list(fitting)),
    })
}

pub fn no_connection(route: &Route, app: &str, title: &str) -> Diagnostic {
    let message = format!("the recipe calls {title}, and there is no connection to it");
    let more = if app == "highlevel" { ", location_id: …" } else { "" };
    new(Code::NoConnection, value(route), message)
        .help(format!("add one under `connections`, such as {app}: {{ app: {app}{more} }}"))
}

/// `does` is what the recipe does with the app: it calls it, or asks for links to it.
pub fn several_connections(
    route: &Route,
    does: &str,
    app: &str,
    title: &str,
    known: &[&str],
) -> Diagnostic {
    let first = known.first().copied().unwrap_or_default();
    let message = format!(
        "the recipe {does} {title}, and there are several connections to it: {}",
        list(known)
    );
    new(Code::SeveralConnections, value(route), message)
        .help(format!("say which one: connections: {{ {app}: {first} }}"))
}

pub fn unused_connection(route: &Route, app: &str) -> Diagnostic {
    let message = format!("the recipe has nothing to do with `{app}`");
    new(Code::UnusedConnection, key(route), message).help("leave this line out")
}

pub fn missing_location(route: &Route, title: &str) -> Diagnostic {
    new(Code::MissingLocation, key(route), format!("{title} needs the id of the account"))
        .help("add `location_id:`; it stands in HighLevel's address bar behind /location/")
}

pub fn no_locations(route: &Route, title: &str) -> Diagnostic {
    new(Code::UnknownKey, key(route), format!("{title} has no locations"))
        .help("leave this line out")
}

pub fn no_server(route: &Route, title: &str) -> Diagnostic {
    new(
        Code::UnknownKey,
        key(route),
        format!("{title} only tells what happens: nothing is called there"),
    )
    .help("leave this line out")
}

pub fn missing_recipe(route: &Route, name: &str, why: &str) -> Diagnostic {
    new(
        Code::MissingRecipe,
        value(route),
        format!("the recipe `{}` cannot be used: {why}", short(name, 80)),
    )
    .help("name a recipe's file, counted from the folder of the project file")
}

/// A setting that has no default and that nobody has filled in.
pub fn missing_setting(route: &Route, name: &str, ask: Option<&str>) -> Diagnostic {
    let question = ask.map(|ask| format!(" ({ask})")).unwrap_or_default();
    let message = format!("the setting `{name}` has to be filled in{question}");
    new(Code::MissingSetting, value(route), message)
        .help(format!("add it: settings: {{ {name}: … }}"))
}

/// A recipe that webhooks start, without an address for them.
pub fn no_public_url(route: &Route, event: &str) -> Diagnostic {
    let message = format!("`{event}` arrives by webhook, and without `public_url` nothing does");
    new(Code::NothingArrives, value(route), message)
        .help("add `public_url: https://…`, the address that leads to this machine")
}

/// A recipe that webhooks start, for which the app is asked instead. `asks` says what and `lacks` which
/// fields of the event are empty then.
pub fn asked_instead(route: &Route, event: &str, asks: &str, lacks: &[String]) -> Diagnostic {
    let lacks = match lacks {
        [] => String::new(),
        fields => format!("; {} will be empty", fields.join(", ")),
    };
    let message = format!(
        "without `public_url` no webhook tells of `{event}`: every five minutes linecook will {asks}{lacks}"
    );
    new(Code::AskedInstead, value(route), message)
        .help("add `public_url: https://…` for webhooks, which come at once and cost no calls")
}

/// A recipe whose events come from an app that nobody has connected.
pub fn no_trigger_connection(route: &Route, event: &str, app: &str) -> Diagnostic {
    let message = format!("`{event}` never arrives: there is no connection to `{app}`");
    new(Code::NothingArrives, value(route), message)
        .help(format!("add one under `connections`, such as {app}: {{ app: {app} }}"))
}

pub fn filter_name_taken(route: &Route, name: &str, about: &str) -> Diagnostic {
    let message = format!("`{name}` is a filter of linecook's already: {about}");
    new(Code::FilterNameTaken, key(route), message).help("choose another name")
}

pub fn filter_without_braces(route: &Route, written: &str) -> Diagnostic {
    new(Code::FilterIgnoresValue, value(route), "the filter gives this very text, whatever it gets")
        .help("put what it does with `value` in double braces")
        .fix(value(route), format!("\"{{{{ {} }}}}\"", written.trim().replace('"', "'")))
}

pub fn filter_ignores_value(route: &Route) -> Diagnostic {
    new(Code::FilterIgnoresValue, value(route), "the filter never looks at `value`")
        .help("what stands before the `|` is called `value`: \"{{ value | upper }}!\"")
}

pub fn filter_circle(route: &Route, circle: &[&str]) -> Diagnostic {
    new(
        Code::FilterNesting,
        value(route),
        format!("the filter uses itself: {}", circle.join(" → ")),
    )
    .help("write what it does without it")
}

pub fn filter_too_deep(route: &Route, most: usize) -> Diagnostic {
    let message = format!("filters that use filters, more than {most} deep");
    new(Code::FilterNesting, value(route), message).help("write some of them out")
}

/// In a filter's own template: a name that it does not see.
pub fn not_in_own_filter(place: Place, name: &str) -> Diagnostic {
    new(
        Code::UnknownName,
        place,
        format!("a filter of your own does not see `{}`", short(name, 40)),
    )
    .help("it sees `value`, which is what stands before the `|`, and `now()`")
}

/// In a recipe: a filter of the project that is wrong itself.
pub fn wrong_own_filter(place: Place, name: &str) -> Diagnostic {
    new(Code::UnknownFilter, place, format!("the project's filter `{name}` has an error"))
        .help("linecook check linecook.yaml says what is wrong with it")
}

pub fn own_filter_argument(place: Place, name: &str) -> Diagnostic {
    new(Code::FilterArgument, place, format!("`{name}` takes nothing in brackets"))
        .help(format!("it is used like this: {{{{ event.name | {name} }}}}"))
}

/// What stands before a filter of one's own does not fit what the filter does with it.
pub fn own_filter_input(place: Place, name: &str, gets: Kind, why: &str) -> Diagnostic {
    let message =
        format!("`{name}` gets {}, which its template cannot take: {why}", gets.in_words());
    new(Code::FilterInput, place, message)
        .help(format!("see what `{name}` does in linecook.yaml, under `filters`"))
}
