//! `linecook connections`: how the connections of a project stand, and what to do about them.

mod list;
mod rekey;
mod rename;
mod revoke;
mod rotate;
mod test;

use clap::Subcommand;
pub use test::test as test_connections;

use super::exit::{CommandError, Result};
use super::project_file::OpenProject;
use crate::diagnostic::nearest;
use crate::vault::Open;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show how each stands: credential, scopes, last use, recipes. Needs no key
    List(list::Args),
    /// Make a call through each that changes nothing, and say whether it works
    Test(test::Args),
    /// Put in a new credential while the service runs: the old one is good until the new one is
    Rotate(rotate::Args),
    /// Forget a credential here and, where the app offers it, withdraw it there
    Revoke(revoke::Args),
    /// Give a connection another name; addresses and runs that know the old one go on
    Rename(rename::Args),
    /// Lock the vault with another key, kept in a file, the keyring or the environment
    Rekey(rekey::Args),
}

pub fn run(args: &Args) -> Result {
    match &args.verb {
        Verb::List(args) => list::run(args),
        Verb::Test(args) => test::run(args),
        Verb::Rotate(args) => rotate::run(args),
        Verb::Revoke(args) => revoke::run(args),
        Verb::Rename(args) => rename::run(args),
        Verb::Rekey(args) => rekey::run(args),
    }
}

/// There is no connection of this name.
fn unknown(name: &str, project: &OpenProject, open: Option<&Open>) -> CommandError {
    let written = project.file.written.connections.keys().map(String::as_str);
    let stored = open.iter().flat_map(|open| open.connections.keys()).map(String::as_str);
    let mut known: Vec<&str> = written.chain(stored).collect();
    known.sort_unstable();
    known.dedup();
    let instead = match (nearest(name, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => {
            "there is none yet: `linecook connect stax`, `linecook connect highlevel`".into()
        }
        (None, false) => format!("there are: {}", known.join(", ")),
    };
    CommandError::usage(format!("there is no connection `{name}`"), instead)
}
