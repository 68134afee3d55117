//! Asks the person at the terminal. What is secret is not shown as it is typed; without a terminal it comes
//! from standard input, and everything else from options.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal};

use dialoguer::{FuzzySelect, Input, Password, Select};
use zeroize::Zeroizing;

use super::exit::{CommandError, Result};
use super::print;
use crate::connection::{Redactor, Secret};

/// The longest secret that is taken, in bytes.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Whether there is somebody to ask.
pub fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// One of several. `otherwise` is what to do where nobody can be asked.
pub fn choose(question: &str, items: &[String], otherwise: impl Display) -> Result<usize> {
    if !is_possible() {
        return Err(nobody(question, otherwise));
    }
    let asking = Select::new().with_prompt(question).items(items).default(0);
    asking.interact().map_err(broken_off)
}

/// How many lines of a long list are shown at once.
const SHOWN: usize = 12;

/// One of many: typed words leave those that hold them.
pub fn search(question: &str, items: &[String], otherwise: impl Display) -> Result<usize> {
    if !is_possible() {
        return Err(nobody(question, otherwise));
    }
    let asking = FuzzySelect::new().with_prompt(question).items(items).default(0);
    asking.max_length(SHOWN).interact().map_err(broken_off)
}

/// A line that may be seen and may be empty; `usual` is what it is when nothing is typed.
pub fn line_or(question: &str, usual: &str, otherwise: impl Display) -> Result<String> {
    if !is_possible() {
        return Err(nobody(question, otherwise));
    }
    let mut asking = Input::<String>::new().with_prompt(question).allow_empty(true);
    if !usual.is_empty() {
        asking = asking.default(usual.to_owned());
    }
    let typed = asking.interact_text().map_err(broken_off)?;
    Ok(typed.trim().to_owned())
}

/// A line that may be seen.
pub fn line(question: &str, otherwise: impl Display) -> Result<String> {
    if !is_possible() {
        return Err(nobody(question, otherwise));
    }
    let typed: String = Input::new().with_prompt(question).interact_text().map_err(broken_off)?;
    Ok(typed.trim().to_owned())
}

/// Yes or no; without anybody to ask it is a yes.
pub fn go_on(question: &str) -> Result<bool> {
    if !is_possible() {
        return Ok(true);
    }
    let asking = dialoguer::Confirm::new().with_prompt(question).default(true);
    asking.interact().map_err(broken_off)
}

/// Something secret: typed or pasted unseen, or the next line of standard input. `what` is what it is,
/// such as "the token".
pub fn secret(what: &str) -> Result<Secret> {
    let text = match std::io::stdin().is_terminal() {
        true => {
            print::talk("What you type or paste now is not shown.");
            let question = capitalised(what);
            Zeroizing::new(Password::new().with_prompt(question).interact().map_err(broken_off)?)
        }
        false => next_line(what)?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(CommandError::usage(
            format!("{what} is empty"),
            "copy it once more and paste it here, or pipe it in: `… < file`",
        ));
    }
    // It is sent in a header: anything else cannot be what was copied.
    match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => {
            let secret = Secret::new(text);
            // Whatever is said of it from now on, it is not in it.
            Redactor::process().learn(&secret);
            Ok(secret)
        }
        false => Err(CommandError::usage(
            format!("{what} has a blank or a character in it that no such secret has"),
            "copy nothing but the secret itself",
        )),
    }
}

fn next_line(what: &str) -> Result<Zeroizing<String>> {
    use std::io::Read;
    let mut text = Zeroizing::new(String::new());
    let mut input = std::io::stdin().lock().take(MAX_SECRET_BYTES);
    match input.read_line(&mut text) {
        Ok(0) => Err(CommandError::usage(
            format!(
                "{what} is missing: there is no terminal to ask on, and standard input is empty"
            ),
            "pipe it in: `… < file`. It is never taken from the command line, where others could read it",
        )),
        Ok(_) => Ok(text),
        Err(error) => Err(CommandError::usage(
            format!("{what} cannot be read from standard input: {error}"),
            "pipe it in as a text: `… < file`",
        )),
    }
}

fn nobody(question: &str, otherwise: impl Display) -> CommandError {
    CommandError::usage(format!("{question}: nobody can be asked here"), otherwise)
}

fn broken_off(error: dialoguer::Error) -> CommandError {
    CommandError::environment(
        format!("nothing was done: {}", std::io::Error::from(error)),
        "begin again when you like",
    )
}

/// A phrase as the beginning of a line.
pub fn capitalised(phrase: &str) -> String {
    let mut characters = phrase.chars();
    characters.next().map_or_else(String::new, |c| c.to_uppercase().chain(characters).collect())
}
