//! What has arrived already.

use std::future::Future;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// What makes two arrivals the same one: a digest of whatever identifies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of several parts, none of which can run into the next.
    pub fn of(parts: &[&[u8]]) -> Fingerprint {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let digest = digest.finish();
        let mut short = [0; 16];
        short.copy_from_slice(&digest.as_ref()[..16]);
        Fingerprint(short)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A number for what only has to be told apart.
    pub fn number(&self) -> i64 {
        i64::from_le_bytes(self.0[..8].try_into().expect("eight bytes are eight bytes"))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Remembers what has been seen.
pub trait Seen {
    /// Notes all of them, and says for each whether it is new.
    fn first_time(
        &self,
        fingerprints: Vec<Fingerprint>,
    ) -> impl Future<Output = Result<Vec<bool>, StoreError>> + Send;

    /// Notes that they are still there, so that they are not forgotten.
    fn still_seen(
        &self,
        fingerprints: Vec<Fingerprint>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Seen for Store {
    async fn first_time(&self, fingerprints: Vec<Fingerprint>) -> Result<Vec<bool>, StoreError> {
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| fingerprints.iter().map(|f| note(c, *f, now)).collect()).await
    }

    async fn still_seen(&self, fingerprints: Vec<Fingerprint>) -> Result<(), StoreError> {
        let now = Timestamp::now().as_millisecond();
        self.write(move |c| {
            let mut update = c.prepare_cached(
                "UPDATE seen SET at_ms = ?2 WHERE fingerprint = ?1 AND at_ms < ?2 - ?3",
            )?;
            for fingerprint in &fingerprints {
                update.execute(params![fingerprint.bytes(), now, DAY_MS])?;
            }
            Ok(())
        })
        .await
    }
}

/// A day in milliseconds: noting it more often changes nothing.
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Whether it is new.
pub(super) fn note(c: &Connection, fingerprint: Fingerprint, now: i64) -> rusqlite::Result<bool> {
    let mut insert = c.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2)")?;
    Ok(insert.execute(params![fingerprint.bytes(), now])? == 1)
}
