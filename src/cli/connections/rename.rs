//! `linecook connections rename`.

use super::unknown;
use crate::cli::connect::good_name;
use crate::cli::environment;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::cli::project_file::OpenProject;
use crate::cli::snapshot::{copy_snapshot, forget_snapshot};
use crate::project::{token_variable, with_name};
use crate::vault::{Contents, Vault};

#[derive(clap::Args)]
pub struct Args {
    /// The name that it has
    old: String,
    /// The name that it gets
    new: String,
}

pub fn run(args: &Args) -> Result {
    let mut project = OpenProject::find()?;
    let vault = project.vault();
    let open = Vault::look(vault.path())?;
    let Args { old, new } = args;
    let is_stored = open.as_ref().is_some_and(|open| open.connections.contains_key(old));
    let is_written = project.connection(old).is_some();
    if !is_stored && !is_written {
        return Err(unknown(old, &project, open.as_ref()));
    }
    good_name(&project, open.as_ref(), new, Some(old))?;
    let is_taken = |open: &crate::vault::Open| open.connections.contains_key(new);
    if project.connection(new).is_some() || open.as_ref().is_some_and(is_taken) {
        return Err(CommandError::usage(
            format!("there is a connection `{new}` already"),
            "choose another name",
        ));
    }
    let edit = |text: &str| with_name(text, old, new);
    if is_written && !project.can_edit(edit)? {
        return Err(CommandError::usage(
            format!(
                "{} cannot be changed without a risk for what stands there",
                project.path.display()
            ),
            "correct what `linecook check` says of it, and try again",
        ));
    }

    if vault.exists() {
        // Nobody renews what is about to be called otherwise.
        let _old = vault.lock(old)?;
        vault.change(|contents| move_to(contents, old, new))?;
    }
    // A service that sees the new name in the file finds it in the vault, and the names of its account.
    if is_written {
        copy_snapshot(&project.path, old, new)?;
        project.edit(edit)?;
        forget_snapshot(&project.path, old)?;
    }
    print::line(format_args!("`{old}` is called `{new}` from now on."));
    if vault.exists() {
        print::line(format_args!(
            "Webhook addresses with the old name go on, and so do runs that have started."
        ));
    }
    let app = project.connection(new).map(|connection| connection.app.clone());
    let variable = environment::token(old, app.as_deref().unwrap_or_default());
    if let Some((variable, _)) = variable.filter(|(name, _)| *name == token_variable(old)) {
        print::talk(format_args!(
            "Its token comes from {variable}: set {} instead where linecook runs.",
            token_variable(new)
        ));
    }
    Ok(Exit::Good)
}

/// Everything that stands under the old name stands under the new one, and the old one leads there.
fn move_to(contents: &mut Contents, old: &str, new: &str) {
    if let Some(stored) = contents.connections.remove(old) {
        contents.connections.insert(new.to_owned(), stored);
    }
    if let Some(hooks) = contents.hooks.remove(old) {
        contents.hooks.insert(new.to_owned(), hooks);
    }
    for name in contents.renamed.values_mut().filter(|name| *name == old) {
        *name = new.to_owned();
    }
    contents.renamed.remove(new);
    contents.renamed.insert(old.to_owned(), new.to_owned());
}
