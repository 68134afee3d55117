//! The keyring of the system: the Secret Service of Linux desktops, the Keychain of macOS, the Credential
//! Manager of Windows.

use std::sync::LazyLock;

use keyring_core::{Entry, Result, set_default_store};
use zeroize::Zeroizing;

use super::key::Key;

/// How the keyring knows our keys.
const SERVICE: &str = "linecook";

/// A key by its id; none when there is no keyring, or when it is not in it.
pub(super) fn find(id: &str) -> Option<Key> {
    let id = id.to_owned();
    on_own_thread(move || {
        let entry = entry(&id)?;
        Key::parse(&Zeroizing::new(entry.get_password().ok()?))
    })
}

/// Puts a key into the keyring; none when there is no keyring, or when it does not give the key back.
pub(super) fn keep(key: Key) -> Option<Key> {
    on_own_thread(move || {
        let entry = entry(&key.id())?;
        entry.set_password(&key.text()).ok()?;
        Key::parse(&Zeroizing::new(entry.get_password().ok()?))
    })
}

fn entry(id: &str) -> Option<Entry> {
    static IS_THERE: LazyLock<bool> = LazyLock::new(|| open().is_ok());
    IS_THERE.then(|| Entry::new(SERVICE, id).ok()).flatten()
}

fn open() -> Result<()> {
    #[cfg(target_os = "macos")]
    set_default_store(apple_native_keyring_store::keychain::Store::new()?);
    #[cfg(windows)]
    set_default_store(windows_native_keyring_store::Store::new()?);
    #[cfg(all(unix, not(target_os = "macos")))]
    set_default_store(dbus_secret_service_keyring_store::Store::new()?);
    Ok(())
}

/// Asking may take as long as a person needs to unlock it: no thread of our runtime waits for that, and one
/// that panics takes nothing with it.
fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Option<T> + Send + 'static,
) -> Option<T> {
    std::thread::spawn(work).join().ok().flatten()
}
