//! The vault's credentials, renewed before they end: a name of a connection comes in; the token of now
//! goes out.
//!
//! What is in the vault is kept in memory too, without what only renewing needs, and read again when the
//! file has changed: another process may have renewed it, or a person put in another. A refresh token is
//! good once. So one renewal goes on at a time, over tasks (a mutex) and processes (a lock of the vault);
//! whoever gets there second takes what the first has stored; and nobody uses what is not stored.

mod copy;
mod fall_back;
mod renewal;
mod slot;
mod words;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use crate::connection::{Connection, Credentials, Expired, NoToken, Secret, Soon, Token};
use crate::vault::{Contents, Vault, VaultError};
use copy::{Copy, Known, Stamp};
use renewal::Why;
use slot::Slot;

/// A caller whose token still lives waits so long for the next one, then goes on with the one it has.
const PATIENCE_WITH_A_TOKEN: Duration = Duration::from_secs(5);
/// A caller without a token waits so long for one.
const PATIENCE_WITHOUT: Duration = Duration::from_secs(90);
/// A token that ends while it is handed out is renewed so often before anybody gives up.
const MOST_ROUNDS: usize = 3;

/// How often things are done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often it is looked whether the vault has changed.
    pub look_every: Duration,
    /// After a renewal without an answer: doubled each time, up to the longest.
    pub first_rest: Duration,
    pub longest_rest: Duration,
    /// How often a token that the app refuses before its time is renewed: the reason may be another one.
    pub refused_every: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            look_every: Duration::from_secs(1),
            first_rest: Duration::from_secs(2),
            longest_rest: Duration::from_secs(300),
            refused_every: Duration::from_secs(3_600),
        }
    }
}

/// The credentials in a vault. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct VaultCredentials {
    inner: Arc<Inner>,
}

struct Inner {
    vault: Vault,
    pace: Pace,
    began: Instant,
    /// Where each connection leads, by name.
    connections: RwLock<Arc<BTreeMap<String, Connection>>>,
    copy: RwLock<Arc<Copy>>,
    /// Counted from `began`.
    next_look_ms: AtomicU64,
    reading: tokio::sync::Mutex<()>,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    /// How much goes on that should come to an end before the process does.
    open: watch::Sender<usize>,
}

impl VaultCredentials {
    /// Those of a vault, which may not be there yet.
    pub fn new(vault: Vault) -> VaultCredentials {
        VaultCredentials::at_pace(vault, Pace::default())
    }

    pub fn at_pace(vault: Vault, pace: Pace) -> VaultCredentials {
        let inner = Inner {
            vault,
            pace,
            began: Instant::now(),
            connections: RwLock::default(),
            copy: RwLock::default(),
            next_look_ms: AtomicU64::new(0),
            reading: tokio::sync::Mutex::default(),
            slots: Mutex::default(),
            open: watch::Sender::new(0),
        };
        VaultCredentials { inner: Arc::new(inner) }
    }

    /// Where connections lead from now on, by name: tokens are renewed at the same server that is called,
    /// and for the same account.
    pub fn know(&self, connections: BTreeMap<String, Connection>) {
        *self.inner.connections.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(connections);
    }

    /// Reads the vault now.
    ///
    /// # Errors
    /// It cannot be read. It is tried again whenever a token is asked for.
    pub async fn open(&self) -> Result<(), VaultError> {
        self.inner.read_if_changed().await;
        match &self.inner.copy().problem {
            Some(problem) => Err(problem.clone()),
            None => Ok(()),
        }
    }
}

impl Credentials for VaultCredentials {
    fn token<'a>(&'a self, connection: &'a str) -> Token<'a> {
        match self.inner.at_hand(connection) {
            Some(token) => Box::pin(std::future::ready(Ok(Some(token)))),
            None => Box::pin(self.inner.clone().get(connection)),
        }
    }

    fn refused<'a>(&'a self, connection: &'a str, used: &'a Secret) -> Token<'a> {
        Box::pin(self.inner.clone().refused(connection, used))
    }

    fn accepted(&self, connection: &str, used: &Secret) {
        let copy = self.inner.copy();
        if !copy.has_unproven {
            return;
        }
        let Some(known) = copy.find(connection) else { return };
        if known.is_unproven && known.token.as_ref() == Some(used) && known.slot.claim_proof() {
            let (inner, known, used) = (self.inner.clone(), known.clone(), used.clone());
            self.inner.start(async move { fall_back::proven(&inner, &known, used).await });
        }
    }

    fn expired(&self) -> Soon<'_, Vec<Expired>> {
        Box::pin(async {
            self.inner.look().await;
            self.inner.copy().all().flat_map(words::expired).collect()
        })
    }

    fn settled(&self) -> Soon<'_, ()> {
        Box::pin(async {
            let mut open = self.inner.open.subscribe();
            let _ = open.wait_for(|open| *open == 0).await;
        })
    }
}

impl Inner {
    /// The token of now, where there is nothing to look for and nothing to renew.
    fn at_hand(&self, name: &str) -> Option<Secret> {
        match self.look_is_due() {
            true => None,
            false => self.copy().find(name)?.at_hand(Timestamp::now()).cloned(),
        }
    }

    async fn get(self: Arc<Self>, name: &str) -> Result<Option<Secret>, NoToken> {
        self.look().await;
        let mut problem = None;
        for _ in 0..MOST_ROUNDS {
            let (copy, now) = (self.copy(), Timestamp::now());
            let Some(known) = copy.find(name) else {
                return copy.problem.as_ref().map_or(Ok(None), |p| Err(words::vault(p)));
            };
            if let Some(token) = known.at_hand(now) {
                return Ok(Some(token.clone()));
            }
            if let Some(lost) = &known.lost {
                // Somebody may have connected it again a moment ago, and wants to see it work.
                self.read_if_changed().await;
                let now = self.copy();
                if now.find(name).is_none_or(|now| now.lost.is_some()) {
                    return Err(words::lost(known, lost));
                }
                continue;
            }
            let lives = known.lives(now);
            let patience = if lives { PATIENCE_WITH_A_TOKEN } else { PATIENCE_WITHOUT };
            problem = self.renewed(known, Why::Ends, patience).await.err();
            match lives {
                // Whatever became of it: there is a newer one, or this one still does.
                true => {
                    let copy = self.copy();
                    let known = copy.find(name).filter(|k| k.lost.is_none());
                    if let Some(token) = known.and_then(|k| k.token.clone()) {
                        return Ok(Some(token));
                    }
                }
                false if problem.is_some() => break,
                false => {}
            }
        }
        Err(problem.unwrap_or_else(|| words::too_short(name)))
    }

    async fn refused(
        self: Arc<Self>,
        name: &str,
        used: &Secret,
    ) -> Result<Option<Secret>, NoToken> {
        self.read_if_changed().await;
        let copy = self.copy();
        let Some(known) = copy.find(name) else { return Ok(None) };
        if known.lost.is_none() && known.token.as_ref() == Some(used) {
            if known.is_unproven {
                let (inner, known, used) = (self.clone(), known.clone(), used.clone());
                let why = words::refused_by_the_app(&known);
                let done =
                    self.start(async move { fall_back::swap(&inner, &known, used, why).await });
                let _ = done.await;
            } else {
                let Some(life) = known.life else { return Ok(None) };
                let ends = life.is_due(Timestamp::now());
                let why = if ends { Why::Ends } else { Why::Refused };
                self.renewed(known, why, PATIENCE_WITHOUT).await?;
            }
            let copy = self.copy();
            let Some(known) = copy.find(name) else { return Ok(None) };
            if known.lost.is_none() && known.token.as_ref() == Some(used) {
                return Ok(None);
            }
        }
        self.get(name).await
    }

    /// Renews what is known, and waits for it so long. It goes on when nobody waits any more.
    async fn renewed(
        self: &Arc<Self>,
        known: &Known,
        why: Why,
        patience: Duration,
    ) -> Result<(), NoToken> {
        let (inner, known) = (self.clone(), known.clone());
        let name = known.name.clone();
        let renewal = self.start(async move { renewal::renew(&inner, &known, why).await });
        match tokio::time::timeout(patience, renewal).await {
            Ok(Ok(outcome)) => outcome,
            // The process ends.
            Ok(Err(_)) => Err(words::slow(&name)),
            Err(_) => Err(words::slow(&name)),
        }
    }

    /// Does something that nobody's leaving interrupts.
    fn start<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let counted = Counted::new(self.open.clone());
        tokio::spawn(async move {
            let _counted = counted;
            work.await
        })
    }

    fn copy(&self) -> Arc<Copy> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn connection(&self, name: &str) -> Option<Connection> {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn look_is_due(&self) -> bool {
        self.now_ms() >= self.next_look_ms.load(Ordering::Relaxed)
    }

    /// Looks whether the vault has changed, when it is time to. One looks; the others go on with what is
    /// known, once anything is.
    async fn look(self: &Arc<Self>) {
        let due = self.next_look_ms.load(Ordering::Relaxed);
        let now = self.now_ms();
        if now < due && self.copy().is_read {
            return;
        }
        let next = now + u64::try_from(self.pace.look_every.as_millis()).unwrap_or(u64::MAX / 2);
        let set = Ordering::Relaxed;
        let is_mine = self.next_look_ms.compare_exchange(due, next, set, set).is_ok();
        if is_mine || !self.copy().is_read {
            self.read_if_changed().await;
        }
        for known in self.copy().all() {
            let is_there = known.slot.has_unstored.load(Ordering::Relaxed);
            if is_mine && is_there && !known.slot.rests() {
                let (inner, known) = (self.clone(), known.clone());
                self.start(async move { renewal::renew(&inner, &known, Why::Ends).await });
            }
        }
    }

    /// Reads the vault when its file is another one than last time.
    async fn read_if_changed(self: &Arc<Self>) {
        let _one = self.reading.lock().await;
        let (inner, before) = (self.clone(), self.copy());
        let read = move || {
            let stamp = Stamp::of(inner.vault.path());
            (!before.is_read || stamp != before.stamp).then(|| (stamp, inner.vault.read()))
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Some((stamp, Ok(contents)))) => self.take(stamp, &contents),
            Ok(Some((_, Err(problem)))) => self.cannot_read(problem),
            // Nothing is new, or the process ends.
            Ok(None) | Err(_) => {}
        }
    }

    /// This is in the vault; the stamp is from before it was read.
    fn take(&self, stamp: Option<Stamp>, contents: &Contents) {
        let copy = Copy::of(stamp, contents, &mut self.slots());
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(copy);
    }

    /// What was read before stays good.
    fn cannot_read(&self, problem: VaultError) {
        let mut copy = self.copy.write().unwrap_or_else(PoisonError::into_inner);
        if copy.problem.as_ref() != Some(&problem) {
            // Before anything was read, whoever asks is told.
            if copy.is_read {
                error!("what was read before stays good, but {problem}: {}", problem.help);
            }
            Arc::make_mut(&mut copy).problem = Some(problem);
        }
    }
}

/// Something goes on for as long as this is there.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(open: watch::Sender<usize>) -> Counted {
        open.send_modify(|open| *open += 1);
        Counted(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}
