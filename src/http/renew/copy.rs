//! What memory keeps of the vault: the tokens to call with, and nothing that only renewing needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use super::slot::Slot;
use crate::connection::{Lost, Secret};
use crate::vault::{Contents, Grant, Stored, VaultError};

/// A token is renewed when less than this is left of it, or less than a tenth of its life.
const MOST_LEFT: SignedDuration = SignedDuration::from_secs(600);

/// What is known of a vault.
#[derive(Clone, Default)]
pub struct Copy {
    /// Which file it was.
    pub stamp: Option<Stamp>,
    /// Whether it was ever read.
    pub is_read: bool,
    /// Why it could not be read the last time.
    pub problem: Option<VaultError>,
    /// Whether any connection has a credential that has to prove itself.
    pub has_unproven: bool,
    connections: BTreeMap<String, Known>,
    /// Names from before → names now.
    renamed: BTreeMap<String, String>,
}

/// What is known of a connection.
#[derive(Clone)]
pub struct Known {
    pub name: String,
    pub app: String,
    /// None where there is only that of a company, which is not for calls.
    pub token: Option<Secret>,
    /// Of the token; for ever without it.
    pub life: Option<Life>,
    pub lost: Option<Lost>,
    /// It was put in place of another, which is kept until the app has taken a call with this one.
    pub is_unproven: bool,
    /// A newer credential that the app has refused.
    pub refused_newer: Option<Lost>,
    pub slot: Arc<Slot>,
}

/// When a token is renewed, and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    renew_at: Timestamp,
    ends_at: Timestamp,
}

/// Tells one state of a file from another. Each change of a vault is a new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Copy {
    /// What memory keeps of a vault; each connection keeps its slot.
    pub fn of(
        stamp: Option<Stamp>,
        contents: &Contents,
        slots: &mut BTreeMap<String, Arc<Slot>>,
    ) -> Copy {
        slots.retain(|name, _| contents.connections.contains_key(name));
        let known = |(name, stored): (&String, &Stored)| {
            let slot = slots.entry(name.clone()).or_default().clone();
            (name.clone(), Known::of(name, stored, slot))
        };
        let connections: BTreeMap<_, _> = contents.connections.iter().map(known).collect();
        Copy {
            stamp,
            is_read: true,
            problem: None,
            has_unproven: connections.values().any(|known| known.is_unproven),
            connections,
            renamed: contents.renamed.clone(),
        }
    }

    /// The connection of this name, or that had it before.
    pub fn find(&self, name: &str) -> Option<&Known> {
        self.connections.get(name).or_else(|| self.connections.get(self.renamed.get(name)?))
    }

    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.connections.values()
    }
}

impl Known {
    fn of(name: &str, stored: &Stored, slot: Arc<Slot>) -> Known {
        let (token, life) = match &stored.grant {
            Grant::Token(token) => (Some(token), None),
            Grant::OAuth(grant) => match (&grant.location, &stored.facts.company_id) {
                (Some(own), _) => (Some(&own.access), Some(Life::of(own.got_at, own.expires_at))),
                (None, Some(_)) => (None, Some(Life::of(grant.got_at, grant.got_at))),
                (None, None) => {
                    (Some(&grant.access), Some(Life::of(grant.got_at, grant.expires_at)))
                }
            },
        };
        let before = stored.previous.as_ref();
        Known {
            name: name.to_owned(),
            app: stored.facts.app.clone(),
            token: token.cloned(),
            life,
            lost: stored.facts.lost.clone(),
            is_unproven: before.is_some_and(|previous| previous.facts.lost.is_none()),
            refused_newer: before.and_then(|previous| previous.facts.lost.clone()),
            slot,
        }
    }

    /// The token to call with, where nothing has to be done first.
    pub fn at_hand(&self, now: Timestamp) -> Option<&Secret> {
        if self.lost.is_some() {
            return None;
        }
        let rests = || self.lives(now) && self.slot.rests();
        let is_good = self.life.is_none_or(|life| !life.is_due(now) || rests());
        self.token.as_ref().filter(|_| is_good)
    }

    /// Whether its token is good, be it for a moment.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.token.is_some() && self.life.is_none_or(|life| now < life.ends_at)
    }
}

impl Life {
    pub fn of(got_at: Timestamp, ends_at: Timestamp) -> Life {
        let life = ends_at.duration_since(got_at).max(SignedDuration::ZERO);
        let left = (life / 10).min(MOST_LEFT);
        Life { renew_at: ends_at.checked_sub(left).unwrap_or(ends_at), ends_at }
    }

    /// Whether it is time to renew it.
    pub fn is_due(self, now: Timestamp) -> bool {
        now >= self.renew_at
    }
}

impl Stamp {
    /// None when there is no file.
    pub fn of(path: &Path) -> Option<Stamp> {
        let found = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&found);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Stamp { modified: found.modified().ok(), bytes: found.len(), inode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_ten_minutes_or_a_tenth_of_its_life_before_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = Life::of(at("2026-03-02T10:00:00Z"), at("2026-03-03T10:00:00Z"));
        assert!(!day.is_due(at("2026-03-03T09:49:59Z")));
        assert!(day.is_due(at("2026-03-03T09:50:00Z")));
        let minutes = Life::of(at("2026-03-02T10:00:00Z"), at("2026-03-02T10:10:00Z"));
        assert!(!minutes.is_due(at("2026-03-02T10:08:59Z")));
        assert!(minutes.is_due(at("2026-03-02T10:09:00Z")));
        // A clock that was set back in between.
        let none = Life::of(at("2026-03-02T10:00:00Z"), at("2026-03-02T09:00:00Z"));
        assert!(none.is_due(at("2026-03-02T09:00:00Z")));
    }
}
