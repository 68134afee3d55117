//! The secret parts of webhook addresses, as the doors know them: read from the vault when the service
//! starts, and again whenever the vault has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use tracing::{error, info};

use super::Installed;
use crate::catalog::Catalog;
use crate::connection::Redactor;
use crate::store::{Store, StoreError};
use crate::vault::{Contents, HookSecret, Stamp, Vault, VaultError};

/// What the doors compare with.
pub struct Hooks {
    vault: Vault,
    /// Knows all that are known here.
    redactor: Redactor,
    known: RwLock<Arc<Known>>,
    /// One reads, the others wait for it.
    reading: Mutex<()>,
}

/// What the vault held when it was read last.
struct Known {
    stamp: Option<Stamp>,
    contents: Contents,
    /// The vault could not be read when it had this stamp.
    is_stale: bool,
}

/// Why the secrets of addresses cannot be had: a phrase and one thing to do.
#[derive(Debug)]
pub struct HooksError {
    pub message: String,
    pub help: String,
}

impl From<VaultError> for HooksError {
    fn from(error: VaultError) -> HooksError {
        HooksError { message: error.message, help: error.help }
    }
}

impl From<StoreError> for HooksError {
    fn from(error: StoreError) -> HooksError {
        HooksError { message: error.message, help: error.help }
    }
}

/// The names that stand in webhook addresses: all connections, and the apps that only tell.
pub fn names(connections: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let outside = Catalog::embedded().apps().iter().filter(|a| a.base_url.is_none() && !a.own);
    connections.into_iter().chain(outside.map(|app| app.app.clone())).collect()
}

/// The secrets of the addresses of these connections, all made that were not there. What a store of before
/// holds moves into the vault; what is over is dropped.
pub async fn hook_secrets(
    vault: &Vault,
    store: &Store,
    names: BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<HookSecret>>, HooksError> {
    let old = store.old_hook_secrets().await?;
    let forgets = !old.is_empty() && store.leads();
    let (vault, now) = (vault.clone(), Timestamp::now());
    let changing = blocking(move || {
        vault.change(|contents| {
            for (name, secret) in old {
                // The vault knows better what is good.
                let hook = HookSecret { secret, until: None };
                contents.hooks.entry(name).or_insert_with(|| vec![hook]);
            }
            contents.drop_old_hooks(now);
            for name in &names {
                // One that is still written as it was called before has the secrets of the name of now.
                let name = contents.name_now(name).to_owned();
                contents.ensure_hook(&name);
            }
            contents.hooks.clone()
        })
    });
    let hooks = changing.await?;
    if forgets {
        store.forget_old_hook_secrets().await?;
    }
    Ok(hooks)
}

impl Hooks {
    /// For everything that is installed.
    pub async fn open(
        vault: Vault,
        redactor: Redactor,
        store: &Store,
        installed: &Installed,
    ) -> Result<Hooks, HooksError> {
        let empty = Known { stamp: None, contents: Contents::default(), is_stale: false };
        let hooks = Hooks {
            vault,
            redactor,
            known: RwLock::new(Arc::new(empty)),
            reading: Mutex::default(),
        };
        hooks.ensure(store, installed).await?;
        Ok(hooks)
    }

    /// Makes what is missing for what is installed now.
    pub async fn ensure(&self, store: &Store, installed: &Installed) -> Result<(), HooksError> {
        let names = names(installed.connections.keys().cloned());
        hook_secrets(&self.vault, store, names).await?;
        let (stamp, vault) = (self.vault.stamp(), self.vault.clone());
        let contents = blocking(move || vault.read()).await?;
        self.learn(stamp, contents);
        Ok(())
    }

    /// The connection that an address is of, when its secret fits. How long it takes says nothing of the
    /// secret.
    pub async fn opened_by(&self, connection: &str, secret: &str) -> Option<String> {
        let now = Timestamp::now();
        let opened = self.known().opened_by(connection, secret, now);
        // It may be one that was made just now.
        if opened.is_some() || self.vault.stamp() == self.known().stamp {
            return opened;
        }
        self.look_again().await;
        self.known().opened_by(connection, secret, now)
    }

    /// The secrets of a connection's address that are good now, the newest first.
    pub fn secrets(&self, connection: &str) -> Vec<HookSecret> {
        let now = Timestamp::now();
        self.known().of(connection).filter(|hook| hook.is_good(now)).cloned().collect()
    }

    /// Reads the vault again when it has changed.
    pub async fn look_again(&self) {
        let _alone = self.reading.lock().await;
        let before = self.known();
        // Taken before it is read: a change meanwhile is seen the next time.
        let stamp = self.vault.stamp();
        if stamp == before.stamp && !before.is_stale {
            return;
        }
        let vault = self.vault.clone();
        match blocking(move || vault.read()).await {
            Ok(contents) => {
                if contents.hooks != before.contents.hooks {
                    info!("the secrets of webhook addresses have changed");
                }
                self.learn(stamp, contents);
            }
            Err(problem) => {
                if stamp != before.stamp {
                    error!("{problem}, so webhook addresses stay as they are: {}", problem.help);
                }
                let contents = before.contents.clone();
                self.set(Known { stamp, contents, is_stale: true });
            }
        }
    }

    /// Whether a secret is known that is not good any more.
    pub fn has_old(&self) -> bool {
        let now = Timestamp::now();
        self.known().contents.hooks.values().flatten().any(|hook| !hook.is_good(now))
    }

    /// Drops from the vault what is not good any more.
    pub async fn drop_old(&self) -> Result<(), VaultError> {
        let vault = self.vault.clone();
        blocking(move || vault.change(|contents| contents.drop_old_hooks(Timestamp::now()))).await
    }

    /// Hides the secrets that the service knows.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, stamp: Option<Stamp>, contents: Contents) {
        contents.hooks.values().flatten().for_each(|hook| self.redactor.learn(&hook.secret));
        // Only the addresses are of interest here; what else is secret is not kept.
        let contents =
            Contents { connections: Default::default(), clients: Default::default(), ..contents };
        self.set(Known { stamp, contents, is_stale: false });
    }

    fn set(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}

impl Known {
    fn of(&self, connection: &str) -> impl Iterator<Item = &HookSecret> {
        self.contents.hooks.get(self.contents.name_now(connection)).into_iter().flatten()
    }

    fn opened_by(&self, connection: &str, secret: &str, now: Timestamp) -> Option<String> {
        let fits = self.of(connection).fold(subtle::Choice::from(0), |fits, hook| {
            let is_same = hook.secret.expose().as_bytes().ct_eq(secret.as_bytes());
            fits | is_same & subtle::Choice::from(u8::from(hook.is_good(now)))
        });
        bool::from(fits).then(|| self.contents.name_now(connection).to_owned())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The program ends.
        Err(_) => std::future::pending().await,
    }
}
