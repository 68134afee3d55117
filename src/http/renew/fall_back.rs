//! A new credential beside the one before: the first call that the app takes proves it; refused, it makes
//! room for the one before.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{error, info};

use super::Inner;
use super::copy::Known;
use crate::connection::{Lost, Secret};
use crate::vault::{Previous, Stored};

/// The app has taken a call with `used`: what was good before goes.
pub async fn proven(inner: &Arc<Inner>, known: &Known, used: Secret) {
    let (vault, name) = (inner.vault.clone(), known.name.clone());
    let forget = move || {
        vault.change(|contents| {
            let stored = contents.connections.get_mut(&name)?;
            let is_meant = *stored.grant.token() == used;
            stored.previous.take_if(|previous| is_meant && previous.facts.lost.is_none())
        })
    };
    match tokio::task::spawn_blocking(forget).await {
        Ok(Ok(Some(_))) => {
            info!(connection = %known.name, "the new credential is good; the one before is forgotten");
        }
        Ok(Err(problem)) => error!("{problem}: {}", problem.help),
        Ok(Ok(None)) | Err(_) => {}
    }
    inner.read_if_changed().await;
    known.slot.give_proof_back();
}

/// The app does not take `used`: the credential from before is used again.
pub async fn swap(inner: &Arc<Inner>, known: &Known, used: Secret, why: String) {
    let (vault, name) = (inner.vault.clone(), known.name.clone());
    let lost = Lost { at: Timestamp::now(), why };
    let told = lost.clone();
    let swap = move || {
        vault.change(|contents| {
            let stored = contents.connections.get_mut(&name)?;
            (*stored.grant.token() == used && swap_in(stored, lost)).then_some(())
        })
    };
    match tokio::task::spawn_blocking(swap).await {
        Ok(Ok(Some(()))) => say(known, &told),
        Ok(Err(problem)) => error!("{problem}: {}", problem.help),
        Ok(Ok(None)) | Err(_) => {}
    }
    inner.read_if_changed().await;
}

/// Puts the credential from before in place of one that is of no use; false when there is none.
pub fn swap_in(stored: &mut Stored, lost: Lost) -> bool {
    let Some(before) = stored.previous.take_if(|previous| previous.facts.lost.is_none()) else {
        return false;
    };
    let mut facts = std::mem::replace(&mut stored.facts, before.facts);
    let grant = std::mem::replace(&mut stored.grant, before.grant);
    let replaced_at = lost.at;
    facts.lost = Some(lost);
    // It stays, so that people are told of it, until another one is put in.
    stored.previous = Some(Previous { facts, grant, replaced_at });
    true
}

pub fn say(known: &Known, lost: &Lost) {
    error!(
        connection = %known.name,
        "the new credential is of no use, so the one before is used: {}; put in another with `linecook connections rotate {}`",
        lost.why,
        known.name
    );
}
