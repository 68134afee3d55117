//! What a connection may do and where it may lead.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Fix, Place};
use crate::source::Route;

pub fn bad_host(route: &Route, written: &str, meant: Option<String>) -> Diagnostic {
    let message = format!("`{}` is not the name of a server alone", short(written, 60));
    let found = new(Code::BadAddress, value(route), message)
        .help("write the name and nothing else, such as api.example.com");
    match meant {
        Some(host) if !host.is_empty() => found.near(Some(host)),
        _ => found,
    }
}

pub fn host_not_named(route: &Route, host: &str, title: &str) -> Diagnostic {
    let message = format!(
        "`{host}` is neither {title}'s own server nor this machine, and `hosts` does not name it"
    );
    new(Code::HostNotNamed, value(route), message).help(format!(
        "what is secret goes there: if that is right, add at the top of the file `hosts: [{host}]`"
    ))
}

pub fn nobody_agrees(route: &Route, title: &str) -> Diagnostic {
    let message = format!("{title} has no page on which people agree: it takes a key");
    new(Code::UnknownKey, key(route), message).help("leave this line out")
}

pub fn no_scopes(route: &Route, title: &str) -> Diagnostic {
    let message = format!("{title} has no scopes: its keys may do everything");
    new(Code::UnknownKey, key(route), message)
        .help("leave this line out; `allow` says what recipes may do")
}

pub fn unknown_scope(route: &Route, scope: &str, title: &str, near: String) -> Diagnostic {
    let message =
        format!("nothing that linecook can do in {title} asks for `{}`", short(scope, 60));
    new(Code::UnknownScope, value(route), message).near(Some(near))
}

pub fn unknown_permission(
    route: &Route,
    line: &str,
    title: &str,
    near: Option<String>,
    known: &[&str],
) -> Diagnostic {
    let message = format!("{title} has nothing that is called `{}`", short(line, 60));
    let help = format!(
        "write one of {} with `.read`, `.write` or `.*` behind it, or the name of an operation",
        list(known)
    );
    new(Code::UnknownPermission, value(route), message).help(help).near(near)
}

/// `contacts.readonly`
pub fn unknown_deed(route: &Route, line: &str, near: Option<String>) -> Diagnostic {
    let message = format!("`{}` ends in a word that `allow` does not know", short(line, 60));
    new(Code::UnknownPermission, value(route), message)
        .help("write `.read`, `.write` or `.*` behind the dot")
        .near(near)
}

/// `contacts`
pub fn deed_missing(route: &Route, line: &str, records: &str) -> Diagnostic {
    let message = format!("`{}` does not say what may be done with them", short(line, 60));
    new(Code::UnknownPermission, value(route), message)
        .help(format!("write `{records}.read`, `{records}.write` or `{records}.*` for both"))
}

pub fn rotates_too_often(route: &Route, text: &str) -> Diagnostic {
    let message = format!("`{}` is less than a day", short(text, 40));
    new(Code::BadDuration, value(route), message)
        .help("write how old a credential may become, such as 90d")
}

/// The vault holds a credential of another app under the name of this connection.
pub fn stored_for_other_app(route: &Route, name: &str, stored: &str, app: &str) -> Diagnostic {
    let message = format!("what is stored for the connection `{name}` belongs to `{stored}`");
    new(Code::StoredForAnother, value(route), message).help(format!(
        "give this connection another name, or connect it again: `linecook connect {} --name {name}`",
        app
    ))
}

/// The vault holds a credential of another account of the app.
pub fn stored_for_other_account(route: &Route, name: &str, stored: &str, app: &str) -> Diagnostic {
    let message = format!(
        "what is stored for the connection `{name}` belongs to another account: `{}`",
        short(stored, 60)
    );
    let mut found = new(Code::StoredForAnother, value(route), message).help(format!(
        "write that id, or connect the account that is meant: `linecook connect {} --name {name}`",
        app
    ));
    found.fix = Some(Fix { place: value(route), text: stored.to_owned() });
    found
}

/// What the vault knows cannot be read: what connections may do is not checked.
pub fn vault_unread(vault: &str, why: &str, help: &str) -> Diagnostic {
    let message = format!("nobody knows what the connections in {vault} may do: {why}");
    new(Code::VaultUnread, Place::File, message).help(help)
}

/// A call that `allow` of a connection does not cover.
pub fn not_allowed(route: &Route, why: &str, instead: &str) -> Diagnostic {
    new(Code::NotAllowed, value(route), why).help(instead)
}

/// A call, or an event, that a connection's credential has no scope for.
pub fn lacks_scope(route: &Route, why: &str, instead: &str) -> Diagnostic {
    new(Code::LacksScope, value(route), why).help(instead)
}

/// A call that can be made and not be looked for, should nobody know whether it got through.
pub fn cannot_look_after(route: &Route, why: &str, instead: &str) -> Diagnostic {
    let message = format!(
        "should no answer come, linecook cannot look whether this call got through, and asks you: {why}"
    );
    new(Code::CannotLookAfter, value(route), message).help(instead)
}
