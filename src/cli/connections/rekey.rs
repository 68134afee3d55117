//! `linecook connections rekey`.

use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::cli::project_file::OpenProject;
use crate::vault::{KEY_VARIABLE, KeyPlace, KeyPlaces};

#[derive(clap::Args)]
pub struct Args {
    /// Where the key is kept from now on: a file that only you can read, the keyring of the system, or
    /// LINECOOK_KEY, which then holds the new key already
    #[arg(long, value_enum, value_name = "PLACE")]
    keep_in: Place,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Place {
    File,
    Keyring,
    Environment,
}

pub fn run(args: &Args) -> Result {
    let vault = OpenProject::find()?.vault();
    if !vault.exists() {
        return Err(CommandError::usage(
            format!("there is no vault {} yet", vault.path().display()),
            "it is made when you connect for the first time: `linecook connect highlevel`",
        ));
    }
    let place = match args.keep_in {
        Place::File => KeyPlace::File,
        Place::Keyring => KeyPlace::Keyring,
        Place::Environment => KeyPlace::Environment,
    };
    vault.rekey(place)?;
    let places = KeyPlaces::of_this_user();
    print::line(match place {
        KeyPlace::Environment => {
            format!(
                "The vault is locked with what {KEY_VARIABLE} holds now. Keep a copy of that key in a safe place."
            )
        }
        KeyPlace::Keyring => {
            "The vault is locked with a new key, in the keyring of this system.".to_owned()
        }
        KeyPlace::File => {
            let file = places.file.unwrap_or_default();
            format!("The vault is locked with the key in {}.", file.display())
        }
    });
    if place != KeyPlace::Environment && places.environment.is_some() {
        print::talk(format!(
            "{KEY_VARIABLE} is still set and would be tried first: unset it where linecook runs."
        ));
    }
    Ok(Exit::Good)
}
