//! `linecook connections rotate`.

use super::unknown;
use crate::cli::connect;
use crate::cli::exit::{CommandError, Result};
use crate::cli::project_file::OpenProject;
use crate::vault::Vault;

#[derive(clap::Args)]
pub struct Args {
    /// The connection
    name: String,
    #[command(flatten)]
    options: connect::Options,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let open = Vault::look(project.vault().path())?;
    let facts = open.as_ref().and_then(|open| open.connections.get(&args.name));
    match (facts, project.connection(&args.name)) {
        (Some(facts), _) => {
            let way = facts.way;
            connect::again(project, &args.name, way, &args.options)
        }
        (None, Some(connection)) => Err(CommandError::usage(
            format!("`{}` has no credential in the vault yet", args.name),
            format!("put one in: `linecook connect {} --name {}`", connection.app, args.name),
        )),
        (None, None) => Err(unknown(&args.name, &project, open.as_ref())),
    }
}
