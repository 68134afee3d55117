//! The key of the vault: 32 bytes, from the environment, the keyring of the system, or a file that only
//! its owner may read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{VaultError, VaultErrorKind};
use super::keyring;
use crate::connection::{Redactor, Secret};

/// The environment variable that may hold the key.
pub const KEY_VARIABLE: &str = "LINECOOK_KEY";

/// A key.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn new_random() -> Key {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).expect("the system gives random numbers");
        Key(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells keys apart without giving anything of them away.
    pub fn id(&self) -> String {
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            &[b"linecook key id".as_slice(), &*self.0].concat(),
        );
        digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    pub(super) fn parse(text: &str) -> Option<Key> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        let mut key = Zeroizing::new([0; 32]);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(&bytes))?;
        Some(Key(key))
    }
}

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    Environment,
    Keyring,
    File,
}

/// Where keys are looked for and kept.
#[derive(Clone, Debug)]
pub struct KeyPlaces {
    /// What [`KEY_VARIABLE`] holds.
    pub environment: Option<Zeroizing<String>>,
    /// Whether the system's keyring may be asked.
    pub keyring: bool,
    /// The file for a key that nobody else keeps; none where there is no home.
    pub file: Option<PathBuf>,
}

impl KeyPlaces {
    /// Those of this machine and this user.
    pub fn of_this_user() -> KeyPlaces {
        use etcetera::BaseStrategy;
        let environment = std::env::var(KEY_VARIABLE).ok().filter(|text| !text.trim().is_empty());
        environment.iter().for_each(|text| Redactor::process().learn(&Secret::new(text.trim())));
        let home = etcetera::choose_base_strategy().ok();
        KeyPlaces {
            environment: environment.map(Zeroizing::new),
            keyring: true,
            file: home.map(|home| home.config_dir().join("linecook").join("key")),
        }
    }

    /// The key of a vault that was locked with the key `id`, kept at `place`. The environment goes before
    /// all else, so that a vault can move to another machine.
    pub(super) fn find(&self, id: &str, place: KeyPlace) -> Result<Key, VaultError> {
        if let Some(text) = &self.environment {
            let key = from_environment(text)?;
            return match key.id() == id {
                true => Ok(key),
                false => Err(wrong_key(&format!("{KEY_VARIABLE} holds"))),
            };
        }
        match place {
            KeyPlace::Environment => Err(VaultError::new(
                VaultErrorKind::NoKey,
                format!("the vault is locked, and its key is not in {KEY_VARIABLE}"),
                format!(
                    "set {KEY_VARIABLE} to the key that it was made with; without the key connect every account again, after deleting the vault"
                ),
            )),
            KeyPlace::Keyring => match self.keyring.then(|| keyring::find(id)).flatten() {
                Some(key) if key.id() == id => Ok(key),
                Some(_) => Err(wrong_key("the keyring holds")),
                None => Err(VaultError::new(
                    VaultErrorKind::NoKey,
                    "the vault is locked, and its key is in the keyring of a desktop session that cannot be reached from here",
                    "run linecook in that session, or move the key there with `linecook connections rekey --keep-in file`",
                )),
            },
            KeyPlace::File => {
                let path = self.file.as_deref().ok_or_else(no_home)?;
                match read_file(path)? {
                    Some(key) if key.id() == id => Ok(key),
                    Some(_) => Err(wrong_key(&format!("{} holds", path.display()))),
                    None => Err(VaultError::new(
                        VaultErrorKind::NoKey,
                        format!("the vault is locked, and its key is not at {}", path.display()),
                        "put the file with the key back, or run linecook as the user who made the vault; without the key connect every account again, after deleting the vault",
                    )),
                }
            }
        }
    }

    /// The key of a vault that is about to get another one, which the environment may hold already.
    pub(super) fn find_to_replace(&self, id: &str, place: KeyPlace) -> Result<Key, VaultError> {
        match self.find(id, place) {
            Err(error) if error.kind == VaultErrorKind::WrongKey && self.environment.is_some() => {
                match place {
                    KeyPlace::Environment => Err(VaultError::new(
                        VaultErrorKind::WrongKey,
                        format!(
                            "{KEY_VARIABLE} holds a key, but the vault was locked with another one"
                        ),
                        format!(
                            "to replace a key that {KEY_VARIABLE} held, set it to the old one and run `linecook connections rekey --keep-in file`, then set it to the new one and run it with `--keep-in environment`"
                        ),
                    )),
                    _ => KeyPlaces { environment: None, ..self.clone() }.find(id, place),
                }
            }
            found => found,
        }
    }

    /// A key for a new vault: that of the environment, else a new one in the keyring, else the one in the
    /// file, made where there is none.
    pub(super) fn make(&self) -> Result<(Key, KeyPlace), VaultError> {
        if let Some(text) = &self.environment {
            return Ok((from_environment(text)?, KeyPlace::Environment));
        }
        if self.keyring
            && let Some(key) = keyring::keep(Key::new_random())
        {
            return Ok((key, KeyPlace::Keyring));
        }
        Ok((self.make_in_file()?, KeyPlace::File))
    }

    /// A key kept at one place and no other: a new one, but for the environment's own and the file's,
    /// which other vaults of this user need.
    pub(super) fn make_at(&self, place: KeyPlace) -> Result<Key, VaultError> {
        match place {
            KeyPlace::Environment => match &self.environment {
                Some(text) => from_environment(text),
                None => Err(VaultError::new(
                    VaultErrorKind::NoKey,
                    format!("{KEY_VARIABLE} is not set"),
                    "set it to 32 random bytes in base64, such as `openssl rand -base64 32` prints",
                )),
            },
            KeyPlace::Keyring => {
                let made = self.keyring.then(|| keyring::keep(Key::new_random())).flatten();
                made.ok_or_else(|| {
                    VaultError::new(
                        VaultErrorKind::NoKey,
                        "there is no keyring that can be reached from here",
                        "run this in a desktop session, or keep the key in a file: `--keep-in file`",
                    )
                })
            }
            KeyPlace::File => self.make_in_file(),
        }
    }

    fn make_in_file(&self) -> Result<Key, VaultError> {
        let path = self.file.as_deref().ok_or_else(no_home)?;
        if let Some(key) = read_file(path)? {
            return Ok(key);
        }
        match write_file(path, &Key::new_random()) {
            Ok(()) => {}
            // Another process was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(VaultError::disk("the key file", path, &error)),
        }
        read_file(path)?.ok_or_else(|| {
            let error = std::io::Error::from(std::io::ErrorKind::NotFound);
            VaultError::disk("the key file", path, &error)
        })
    }
}

fn from_environment(text: &str) -> Result<Key, VaultError> {
    Key::parse(text).ok_or_else(|| {
        VaultError::new(
            VaultErrorKind::NoKey,
            format!("{KEY_VARIABLE} does not hold a key"),
            "set it to 32 random bytes in base64, such as `openssl rand -base64 32` prints",
        )
    })
}

fn wrong_key(holder: &str) -> VaultError {
    VaultError::new(
        VaultErrorKind::WrongKey,
        format!("{holder} a key, but the vault was locked with another one"),
        "use the key that it was made with; without it connect every account again, after deleting the vault",
    )
}

fn no_home() -> VaultError {
    VaultError::new(
        VaultErrorKind::NoKey,
        "there is no home folder to keep the key of the vault in",
        format!(
            "set {KEY_VARIABLE} to 32 random bytes in base64, such as `openssl rand -base64 32` prints"
        ),
    )
}

/// The key in a file; none when there is no file.
fn read_file(path: &Path) -> Result<Option<Key>, VaultError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(VaultError::disk("the key file", path, &error)),
    };
    refuse_if_open_to_others(path)?;
    let damaged = || {
        VaultError::new(
            VaultErrorKind::NoKey,
            format!("the key file {} does not hold a key", path.display()),
            "put the right file back; without the key connect every account again, after deleting this file and the vault",
        )
    };
    Key::parse(&text).map(Some).ok_or_else(damaged)
}

#[cfg(unix)]
fn refuse_if_open_to_others(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|e| VaultError::disk("the key file", path, &e))?;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(VaultError::new(
            VaultErrorKind::NoKey,
            format!("others than you can read the key file {}", path.display()),
            format!(
                "make it yours alone with `chmod 600 {}`, and connect every account again if somebody may have read it",
                path.display()
            ),
        )),
    }
}

#[cfg(not(unix))]
fn refuse_if_open_to_others(_: &Path) -> Result<(), VaultError> {
    Ok(())
}

/// Makes the file when it is not there, for its owner alone. Nobody ever sees half a key.
fn write_file(path: &Path, key: &Key) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(key.text().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}
