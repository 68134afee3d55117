//! `linecook webhooks`: which address belongs to which event, and whether the apps know it.

mod add;
mod compare;
mod list;
mod needed;
mod remove;
mod rotate;
mod source;

pub use needed::needed;
pub use source::noted;

use super::exit::{CommandError, Result};
use super::project::{ReadyProject, load_project};
use super::serve::good;
use crate::project::PROJECT_FILE;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Show the address that each app or tool has to post to, and whether the app knows it. The addresses
    /// are secret: whoever knows one can start recipes
    List(list::Args),
    /// Register with the apps what the recipes need, with the addresses of now
    Add(add::Args),
    /// Remove from the apps what leads here; nobody else's is touched
    Remove(remove::Args),
    /// Make new addresses for a connection; the old ones stay good for a while
    Rotate(rotate::Args),
}

/// What kind of key registers webhooks.
#[derive(clap::Args)]
struct LevelArgs {
    /// The API key is that of a partner: webhooks of all merchants of the brand
    #[arg(long)]
    partner: bool,
}

pub fn run(args: &Args) -> Result {
    match &args.verb {
        Verb::List(args) => list::run(args),
        Verb::Add(args) => add::run(args),
        Verb::Remove(args) => remove::run(args),
        Verb::Rotate(args) => rotate::run(args),
    }
}

/// The project of this folder; none when it has errors, which have been printed then.
fn project() -> Result<Option<ReadyProject>> {
    let path = std::path::Path::new(PROJECT_FILE);
    match path.exists() {
        true => Ok(good(load_project(path))),
        false => Err(CommandError::usage(
            format!("there is no {PROJECT_FILE} here"),
            "go to the folder of your project, or start one with `linecook init`",
        )),
    }
}

/// Where webhooks arrive from outside.
fn public_url(ready: &ReadyProject) -> Result<&str> {
    ready.project.public_url.as_deref().ok_or_else(|| {
        CommandError::usage(
            "`public_url` is not set, so the apps cannot reach this machine",
            format!(
                "add the address that leads here from outside to {PROJECT_FILE}: public_url: https://hooks.example.com"
            ),
        )
    })
}

/// A connection that webhooks can come through.
fn known(ready: &ReadyProject, named: &str) -> Result<()> {
    let names = crate::server::hook_names(ready.project.connections.keys().cloned());
    match names.contains(named) {
        true => Ok(()),
        false => Err(CommandError::usage(
            format!("there is no connection `{named}`"),
            format!("name one of {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        )),
    }
}
