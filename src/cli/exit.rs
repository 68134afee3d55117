//! How a command ends.

use std::fmt::Display;
use std::process::ExitCode;

use owo_colors::OwoColorize;

use crate::vault::VaultError;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Good,
    /// Problems were found, or the run failed.
    Problems,
    /// The command was used wrongly.
    Usage,
    /// A file, the network or the terminal failed.
    Environment,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Good => 0,
            Exit::Problems => 1,
            Exit::Usage => 2,
            Exit::Environment => 3,
        })
    }
}

/// Why a command could not do its work: a phrase, and one thing to do.
#[derive(Clone, Debug)]
pub struct CommandError {
    exit: Exit,
    message: String,
    help: String,
}

impl CommandError {
    /// The command was used wrongly.
    pub fn usage(message: impl Display, help: impl Display) -> CommandError {
        CommandError { exit: Exit::Usage, message: message.to_string(), help: help.to_string() }
    }

    /// Something around the command failed.
    pub fn environment(message: impl Display, help: impl Display) -> CommandError {
        CommandError {
            exit: Exit::Environment,
            message: message.to_string(),
            help: help.to_string(),
        }
    }

    /// What could not be done, in one line: the command itself was right.
    pub fn problem(what: impl Display) -> String {
        format!("{}: {what}", "error".red().bold())
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What went wrong, without what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message and the help in one line, for the log.
    pub fn plain(&self) -> String {
        format!("{}: {}", self.message, self.help)
    }

    /// As it is printed.
    pub fn text(&self) -> String {
        format!(
            "{}: {}\n{}: {}",
            "error".red().bold(),
            self.message,
            "help".cyan().bold(),
            self.help
        )
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> CommandError {
        CommandError::environment(error.message, error.help)
    }
}

/// What every command gives back.
pub type Result<T = Exit> = std::result::Result<T, CommandError>;
