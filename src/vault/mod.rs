//! Credentials at rest: one encrypted file beside the store, which many processes may share.
//!
//! Every change takes a lock, reads what is there now, and replaces the file as a whole, so that a crash
//! leaves the old one or the new one. See `seal.rs` for its form.

mod contents;
mod error;
mod hooks;
mod key;
mod keyring;
mod seal;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use contents::{Client, Contents, Grant, LocationToken, OAuthGrant, Previous, Stored};
pub use error::{VaultError, VaultErrorKind};
pub use hooks::HookSecret;
pub use key::{KEY_VARIABLE, Key, KeyPlace, KeyPlaces};
pub use seal::Open;

use crate::connection::Redactor;

/// A vault is small; a larger file is none.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The vault of one project. Cheap to clone; every method goes to the disk.
#[derive(Clone, Debug)]
pub struct Vault {
    path: PathBuf,
    places: KeyPlaces,
}

impl Vault {
    /// The vault at a path, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>, places: KeyPlaces) -> Vault {
        Vault { path: path.into(), places }
    }

    /// Where the vault of a store is: `linecook.db` → `linecook.vault`.
    pub fn path_of(store: &Path) -> PathBuf {
        store.with_extension("vault")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Tells one state of the file from another; none when there is no vault. Cheap.
    pub fn stamp(&self) -> Option<Stamp> {
        let metadata = fs::metadata(&self.path).ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let file = 0;
        Some(Stamp { file, changed_at: metadata.modified().ok(), bytes: metadata.len() })
    }

    /// What anybody may read of it, without the key; none when there is no vault. Nothing proves here that
    /// it is as linecook wrote it.
    pub fn look(path: &Path) -> Result<Option<Open>, VaultError> {
        read(path)?.map(|text| seal::open(&text)).transpose()
    }

    /// What is in it; nothing when there is no vault.
    pub fn read(&self) -> Result<Contents, VaultError> {
        let Some(text) = read(&self.path)? else { return Ok(Contents::default()) };
        self.unseal(&text).map(|(contents, ..)| contents)
    }

    /// Changes what is in it, while nobody else does; makes it when it is not there. Nothing is written
    /// when nothing has changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> Result<T, VaultError> {
        let _lock = self.lock("")?;
        let (before, key) = match read(&self.path)? {
            Some(text) => {
                let (contents, key, place) = self.unseal(&text)?;
                (contents, Some((key, place)))
            }
            None => (Contents::default(), None),
        };
        let mut contents = before.clone();
        let given = change(&mut contents);
        if contents != before {
            contents.secrets().for_each(|secret| Redactor::process().learn(secret));
            let (key, place) = match key {
                Some(key) => key,
                None => self.places.make()?,
            };
            self.write(contents, &key, place)?;
        }
        Ok(given)
    }

    /// Seals it with another key, kept at `place`.
    pub fn rekey(&self, place: KeyPlace) -> Result<(), VaultError> {
        let _lock = self.lock("")?;
        let contents = match read(&self.path)? {
            Some(text) => {
                let open = seal::open(&text)?;
                seal::unseal(&text, &self.places.find_to_replace(&open.key, open.key_place)?)?
            }
            None => Contents::default(),
        };
        let key = self.places.make_at(place)?;
        self.write(contents, &key, place)
    }

    /// Waits until nobody else, in this process or another, has the lock of this name. It is given back
    /// when it is dropped, and when the process ends, however it ends.
    pub fn lock(&self, name: &str) -> Result<VaultLock, VaultError> {
        let mut path = self.path.as_os_str().to_owned();
        if !name.is_empty() {
            path.push(".");
            path.push(name);
        }
        path.push(".lock");
        let path = PathBuf::from(path);
        let cannot = |e: std::io::Error| VaultError::disk("the lock", &path, &e);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(cannot)?;
        file.lock().map_err(cannot)?;
        Ok(VaultLock { _file: file })
    }

    fn unseal(&self, text: &str) -> Result<(Contents, Key, KeyPlace), VaultError> {
        let open = seal::open(text)?;
        let key = self.places.find(&open.key, open.key_place)?;
        let contents = seal::unseal(text, &key)?;
        // Whatever this process prints from now on, none of it is in there.
        contents.secrets().for_each(|secret| Redactor::process().learn(secret));
        Ok((contents, key, open.key_place))
    }

    fn write(&self, contents: Contents, key: &Key, place: KeyPlace) -> Result<(), VaultError> {
        let text = seal::seal(contents, key, place);
        replace(&self.path, text.as_bytes())
            .map_err(|e| VaultError::disk("the vault", &self.path, &e))
    }
}

/// Tells one state of the file from another: each change makes a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    file: u64,
    changed_at: Option<SystemTime>,
    bytes: u64,
}

/// A lock that is held.
#[derive(Debug)]
pub struct VaultLock {
    _file: File,
}

fn read(path: &Path) -> Result<Option<String>, VaultError> {
    let cannot = |e: std::io::Error| VaultError::disk("the vault", path, &e);
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
            return Err(cannot(error));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    }
    let bytes = fs::read(path).map_err(cannot)?;
    // What is not text is no vault; the reader of its first line says so.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Replaces a file by another, for its owner alone whatever the umask says; both are whole at every moment.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // It is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // The name is on disk only when the folder is.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
