//! Where the renewals of one connection queue in this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::{NoToken, Secret};
use crate::vault::{OAuthGrant, VaultLock};

/// One connection's.
#[derive(Default)]
pub struct Slot {
    /// Held by the one renewal that goes on.
    pub work: tokio::sync::Mutex<Work>,
    /// No try before.
    rests_until: Mutex<Option<Instant>>,
    proof_is_claimed: AtomicBool,
    /// Whether [`Work::unstored`] holds something.
    pub has_unstored: AtomicBool,
}

/// What a renewal leaves to the next one.
#[derive(Default)]
pub struct Work {
    /// Tries in a row without success.
    pub tries: u32,
    /// What the last one found.
    pub problem: Option<NoToken>,
    /// When a token was last renewed because the app had refused it.
    pub refused_at: Option<Instant>,
    /// What was given and could not be stored.
    pub unstored: Option<Unstored>,
}

/// Tokens that were given and are not stored. Nobody may use them, and no other process may renew.
pub struct Unstored {
    pub lock: VaultLock,
    /// The refresh token that they were given for.
    pub used: Secret,
    pub grant: OAuthGrant,
    pub scopes: Option<Vec<String>>,
}

impl Slot {
    /// Whether nothing is to be started: a renewal goes on, or one has just failed.
    pub fn rests(&self) -> bool {
        self.work.try_lock().is_err() || self.is_paused()
    }

    /// Whether one has just failed.
    pub fn is_paused(&self) -> bool {
        let until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    pub fn pause(&self, length: Option<Duration>) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) =
            length.map(|length| Instant::now() + length);
    }

    /// Whether nobody else writes down that its credential is proven.
    pub fn claim_proof(&self) -> bool {
        !self.proof_is_claimed.swap(true, Ordering::Relaxed)
    }

    pub fn give_proof_back(&self) {
        self.proof_is_claimed.store(false, Ordering::Relaxed);
    }
}
