//! One renewal: alone over tasks and processes, with what the vault holds then; stored before anybody
//! uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{debug, error, warn};

use super::copy::{Known, Life, Stamp};
use super::slot::{Unstored, Work};
use super::{Inner, fall_back, words};
use crate::catalog::Catalog;
use crate::connection::{Lost, NoToken, Secret};
use crate::http::oauth::{Granted, OAuthError, TokenEndpoint, User};
use crate::vault::{Client, Contents, Grant, OAuthGrant, Vault, VaultError, VaultLock};

/// The longest that an app may ask to wait.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(3_600);

/// What a renewal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The token ends soon, or has ended.
    Ends,
    /// The app does not take it before its time.
    Refused,
}

/// Why a renewal did not come about.
struct Setback {
    problem: NoToken,
    /// How long the app asks to wait.
    after: Option<Duration>,
}

/// Renews the token that is known. Good when there is a newer one then, or nothing that could be renewed:
/// what is known afterwards says it.
pub async fn renew(inner: &Arc<Inner>, known: &Known, why: Why) -> Result<(), NoToken> {
    let slot = known.slot.clone();
    let mut work = slot.work.lock().await;
    if work.unstored.is_none() && has_moved_on(inner, known) {
        return Ok(());
    }
    if let Some(problem) = work.problem.clone().filter(|_| slot.is_paused()) {
        return Err(problem);
    }
    if why == Why::Refused && work.unstored.is_none() {
        let lately = |at: Instant| at.elapsed() < inner.pace.refused_every;
        if work.refused_at.is_some_and(lately) {
            return Ok(());
        }
        work.refused_at = Some(Instant::now());
    }
    match attempt(inner, known, &mut work).await {
        Ok(()) => {
            (work.tries, work.problem) = (0, None);
            slot.pause(None);
            Ok(())
        }
        Err(Setback { problem, after }) => {
            let doubled = inner.pace.first_rest.saturating_mul(2u32.saturating_pow(work.tries));
            let most = doubled.min(inner.pace.longest_rest);
            let rest = after.map_or_else(
                || most.mul_f64(0.5 + fastrand::f64() / 2.0),
                |after| after.min(LONGEST_ASKED_FOR),
            );
            work.tries = work.tries.saturating_add(1);
            work.problem = Some(problem.clone());
            slot.pause(Some(rest));
            warn!(connection = %known.name, "{}; the next try is in {rest:.1?}", problem.message);
            Err(problem)
        }
    }
}

/// Whether memory knows something newer.
fn has_moved_on(inner: &Inner, known: &Known) -> bool {
    let copy = inner.copy();
    copy.find(&known.name).is_none_or(|now| now.token != known.token || now.lost.is_some())
}

async fn attempt(inner: &Arc<Inner>, known: &Known, work: &mut Work) -> Result<(), Setback> {
    if let Some(unstored) = work.unstored.take() {
        known.slot.has_unstored.store(false, Ordering::Relaxed);
        return keep(inner, known, work, unstored).await.map(drop);
    }
    let (lock, contents) = alone(inner, &known.name).await.map_err(|e| plain(words::vault(&e)))?;
    // Another process was quicker, or a person has put in another one.
    if has_moved_on(inner, known) {
        return Ok(());
    }
    let Some(stored) = contents.connections.get(&known.name) else { return Ok(()) };
    let Grant::OAuth(grant) = &stored.grant else { return Ok(()) };
    let client = contents.clients.get(&grant.client);
    let client = client.ok_or_else(|| plain(words::no_client(known)))?;
    let connection = inner.connection(&known.name);
    let app = Catalog::embedded().app(&known.app);
    let app = app.ok_or_else(|| plain(words::no_way(known, "there is no such app")))?;
    let base_url = connection.as_ref().map(|c| c.base_url.as_str());
    let endpoint = TokenEndpoint::of(app, base_url);
    let endpoint = endpoint.map_err(|e| plain(words::no_way(known, &e.to_string())))?;
    let mut renewal = Renewal { inner, known, work, endpoint, client, lock: Some(lock) };
    match &stored.facts.company_id {
        None => renewal.pair(grant, User::Location).await.map(drop),
        Some(company_id) => {
            let named = connection.and_then(|c| c.location_id);
            let location_id = named.or_else(|| stored.facts.location_id.clone());
            let location_id = location_id.ok_or_else(|| plain(words::no_location(known)))?;
            renewal.token_of_a_location(grant, company_id, &location_id).await
        }
    }
}

/// Waits until nobody else renews this connection, and reads what is in the vault then.
async fn alone(inner: &Arc<Inner>, name: &str) -> Result<(VaultLock, Contents), VaultError> {
    let (vault, name) = (inner.vault.clone(), name.to_owned());
    let wait = move || {
        let lock = vault.lock(&name)?;
        let stamp = Stamp::of(vault.path());
        Ok((lock, stamp, vault.read()?))
    };
    let (lock, stamp, contents) = blocking(wait).await?;
    inner.take(stamp, &contents);
    Ok((lock, contents))
}

struct Renewal<'a> {
    inner: &'a Arc<Inner>,
    known: &'a Known,
    work: &'a mut Work,
    endpoint: TokenEndpoint,
    client: &'a Client,
    /// Held until everything is stored.
    lock: Option<VaultLock>,
}

impl Renewal<'_> {
    /// A new pair for the refresh token; none when the connection is lost, or another one now.
    async fn pair(
        &mut self,
        grant: &OAuthGrant,
        user: User,
    ) -> Result<Option<OAuthGrant>, Setback> {
        debug!(connection = %self.known.name, "the token is renewed");
        let granted = self.endpoint.refresh(self.client, &grant.refresh, user).await;
        let Granted { scopes, .. } = match &granted {
            Ok(granted) => granted.clone(),
            Err(error) => return self.setback(error, &grant.refresh).await.map(|()| None),
        };
        let granted = granted.expect("errors have been dealt with");
        let renewed = granted.into_grant(&grant.client, Some(&grant.refresh));
        let mut renewed = renewed.expect("there is the refresh token so far");
        renewed.location.clone_from(&grant.location);
        // A company's scopes are not those of its accounts.
        let scopes = scopes.filter(|_| user == User::Location);
        let lock = self.lock.take().expect("it is held from the start");
        let used = grant.refresh.clone();
        let unstored = Unstored { lock, used, grant: renewed.clone(), scopes };
        let kept = keep(self.inner, self.known, self.work, unstored).await?;
        Ok(kept.map(|lock| {
            self.lock = Some(lock);
            renewed
        }))
    }

    async fn token_of_a_location(
        &mut self,
        grant: &OAuthGrant,
        company_id: &str,
        location_id: &str,
    ) -> Result<(), Setback> {
        let mut company = grant.clone();
        let mut is_new = false;
        loop {
            let life = Life::of(company.got_at, company.expires_at);
            if !is_new && life.is_due(Timestamp::now()) {
                let Some(renewed) = self.pair(&company, User::Company).await? else {
                    return Ok(());
                };
                (company, is_new) = (renewed, true);
            }
            let ask = self.endpoint.location_token(&company.access, company_id, location_id);
            match ask.await {
                Ok(granted) => return self.keep_location(&company, granted).await,
                // The company's token has ended before its time.
                Err(OAuthError::Refused(_)) if !is_new => {
                    let Some(renewed) = self.pair(&company, User::Company).await? else {
                        return Ok(());
                    };
                    (company, is_new) = (renewed, true);
                }
                Err(error) => return self.setback(&error, &company.refresh).await,
            }
        }
    }

    async fn keep_location(
        &mut self,
        company: &OAuthGrant,
        granted: Granted,
    ) -> Result<(), Setback> {
        let (vault, name) = (self.inner.vault.clone(), self.known.name.clone());
        let (used, scopes) = (company.refresh.clone(), granted.scopes.clone());
        let location = granted.into_location_token();
        let store = move || {
            vault.change(|contents| {
                let stored = contents.connections.get_mut(&name)?;
                let Grant::OAuth(now) = &mut stored.grant else { return None };
                (now.refresh == used).then(|| now.location = Some(location))?;
                stored.facts.expires_at = stored.grant.expires_at();
                stored.facts.scopes = scopes.or(stored.facts.scopes.take());
                Some(())
            })
        };
        let stored = blocking(store).await;
        stored.map_err(|e| plain(words::cannot_store(&self.known.name, &e)))?;
        self.inner.read_if_changed().await;
        Ok(())
    }

    /// What an error means. A credential that is refused for good is lost, which is no setback: there is
    /// nothing to try again.
    async fn setback(&self, error: &OAuthError, used: &Secret) -> Result<(), Setback> {
        let name = &self.known.name;
        match error {
            OAuthError::NoAnswer { why, after_seconds } => Err(Setback {
                problem: words::not_now(name, why),
                after: after_seconds.map(Duration::from_secs),
            }),
            OAuthError::BadAnswer(why) => Err(plain(words::not_now(name, why))),
            OAuthError::NotActive(why) => Err(plain(words::not_active(name, &self.known.app, why))),
            OAuthError::Refused(why) => lose(self.inner, self.known, used, why.clone())
                .await
                .map_err(|e| plain(words::vault(&e))),
        }
    }
}

/// Stores what was given; the lock comes back. None when a person has put in another one meanwhile.
async fn keep(
    inner: &Arc<Inner>,
    known: &Known,
    work: &mut Work,
    unstored: Unstored,
) -> Result<Option<VaultLock>, Setback> {
    let (vault, name) = (inner.vault.clone(), known.name.clone());
    let store = move || {
        let stored = store(&vault, &name, &unstored);
        (unstored, stored)
    };
    let done = tokio::task::spawn_blocking(store).await;
    let (unstored, stored) = done.map_err(|_| plain(words::slow(&known.name)))?;
    match stored {
        Ok(is_stored) => {
            inner.read_if_changed().await;
            Ok(is_stored.then_some(unstored.lock))
        }
        Err(problem) => {
            work.unstored = Some(unstored);
            known.slot.has_unstored.store(true, Ordering::Relaxed);
            error!(connection = %known.name, "a new token cannot be stored, and is lost if linecook ends now: {problem}: {}", problem.help);
            Err(plain(words::cannot_store(&known.name, &problem)))
        }
    }
}

fn store(vault: &Vault, name: &str, given: &Unstored) -> Result<bool, VaultError> {
    vault.change(|contents| {
        let Some(stored) = contents.connections.get_mut(name) else { return false };
        let Grant::OAuth(now) = &mut stored.grant else { return false };
        if now.refresh != given.used {
            return false;
        }
        *now = given.grant.clone();
        stored.facts.expires_at = stored.grant.expires_at();
        if let Some(scopes) = &given.scopes {
            stored.facts.scopes = Some(scopes.clone());
        }
        true
    })
}

/// The credential is of no use any more: written down once, whoever finds it out.
async fn lose(
    inner: &Arc<Inner>,
    known: &Known,
    used: &Secret,
    why: String,
) -> Result<(), VaultError> {
    let (vault, name, used) = (inner.vault.clone(), known.name.clone(), used.clone());
    let lost = Lost { at: Timestamp::now(), why };
    let told = lost.clone();
    let write = move || {
        vault.change(|contents| {
            let stored = contents.connections.get_mut(&name)?;
            let is_meant = matches!(&stored.grant, Grant::OAuth(now) if now.refresh == used);
            if !is_meant || stored.facts.lost.is_some() {
                return None;
            }
            if fall_back::swap_in(stored, lost.clone()) {
                return Some(Became::Previous);
            }
            stored.facts.lost = Some(lost);
            Some(Became::Lost)
        })
    };
    match blocking(write).await? {
        Some(Became::Lost) => error!(
            connection = %known.name,
            "the connection is lost: {}; connect again: `linecook connect {} --name {}`",
            told.why, known.app, known.name
        ),
        Some(Became::Previous) => fall_back::say(known, &told),
        None => {}
    }
    inner.read_if_changed().await;
    Ok(())
}

/// What became of a connection whose credential is of no use.
enum Became {
    Lost,
    /// The one before is used again.
    Previous,
}

fn plain(problem: NoToken) -> Setback {
    Setback { problem, after: None }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|gone| std::panic::resume_unwind(gone.into_panic()))
}
