//! Asks a person before something is done that cannot be taken back.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Write};

use super::exit::{CommandError, Result};

#[derive(clap::Args)]
pub struct ConfirmArgs {
    /// Do not ask back
    #[arg(long, short)]
    yes: bool,
}

impl ConfirmArgs {
    /// Whether to go on. Nobody can be asked without a terminal: then it has to be said beforehand.
    pub fn confirm(&self, what: impl Display) -> Result<bool> {
        if self.yes {
            return Ok(true);
        }
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Err(CommandError::usage(
                format!("{what}, and nobody can be asked here"),
                "say --yes when that is right",
            ));
        }
        let mut talk = anstream::stderr().lock();
        let _ = write!(talk, "{what}. Go on? [y/N] ");
        let _ = talk.flush();
        let mut answer = String::new();
        let _ = stdin.lock().read_line(&mut answer);
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}
