//! What people are told when there is no token.

use super::copy::Known;
use crate::catalog::Catalog;
use crate::connection::{Expired, Lost, NoToken};
use crate::vault::{VaultError, VaultErrorKind};

/// The name that people know an app by.
pub fn title(app: &str) -> &str {
    Catalog::embedded().app(app).map_or(app, |app| app.title.as_str())
}

fn connect_again(known: &Known) -> String {
    format!("connect again: `linecook connect {} --name {}`", known.app, known.name)
}

/// Only a person can help.
pub fn lost(known: &Known, lost: &Lost) -> NoToken {
    NoToken {
        may_pass: false,
        message: format!("the connection `{}` is lost: {}", known.name, lost.why),
        help: connect_again(known),
    }
}

/// What a service tells of a connection, once each.
pub fn expired(known: &Known) -> Vec<Expired> {
    let tell = |lost: &Lost, why: String, help: String| Expired {
        connection: known.name.clone(),
        app: known.app.clone(),
        at: lost.at,
        why,
        help,
    };
    let gone = known.lost.iter().map(|lost| tell(lost, lost.why.clone(), connect_again(known)));
    let refused = known.refused_newer.iter().map(|lost| {
        let why =
            format!("the new credential is of no use, so the one before is used: {}", lost.why);
        let help = format!("put in another: `linecook connections rotate {}`", known.name);
        tell(lost, why, help)
    });
    gone.chain(refused).collect()
}

/// It has answered 401.
pub fn refused_by_the_app(known: &Known) -> String {
    format!("{} answers 401", title(&known.app))
}

pub fn vault(problem: &VaultError) -> NoToken {
    NoToken {
        may_pass: problem.kind == VaultErrorKind::Disk,
        message: problem.message.clone(),
        help: problem.help.clone(),
    }
}

pub fn not_now(name: &str, why: &str) -> NoToken {
    NoToken {
        may_pass: true,
        message: format!("the token of the connection `{name}` cannot be renewed now: {why}"),
        help: "it is tried again by itself".to_owned(),
    }
}

pub fn not_active(name: &str, app: &str, why: &str) -> NoToken {
    NoToken {
        may_pass: true,
        message: format!("the account of the connection `{name}` sleeps: {why}"),
        help: format!("make it active in {}; then it goes on by itself", title(app)),
    }
}

pub fn cannot_store(name: &str, problem: &VaultError) -> NoToken {
    NoToken {
        may_pass: true,
        message: format!("the new token of the connection `{name}` cannot be stored: {problem}"),
        help: problem.help.clone(),
    }
}

pub fn slow(name: &str) -> NoToken {
    not_now(name, "it takes too long")
}

/// What is given ends before it can be used.
pub fn too_short(name: &str) -> NoToken {
    not_now(name, "what the app gives ends at once")
}

pub fn no_client(known: &Known) -> NoToken {
    NoToken {
        may_pass: false,
        message: format!(
            "the marketplace app of the connection `{}` is not in the vault any more",
            known.name
        ),
        help: connect_again(known),
    }
}

pub fn no_location(known: &Known) -> NoToken {
    NoToken {
        may_pass: false,
        message: format!(
            "the connection `{}` belongs to a company, and nobody says which account is meant",
            known.name
        ),
        help: "name it with `location_id` in linecook.yaml".to_owned(),
    }
}

/// The catalog of today knows nothing of it.
pub fn no_way(known: &Known, why: &str) -> NoToken {
    NoToken {
        may_pass: false,
        message: format!("the token of the connection `{}` cannot be renewed: {why}", known.name),
        help: connect_again(known),
    }
}
