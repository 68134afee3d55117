//! The form of the file: what anybody may read stands open, what is secret is sealed, and a change to
//! either is noticed.
//!
//! Three lines: which form this is; what is known of the connections, as JSON; the secrets, as JSON in
//! XChaCha20-Poly1305 and base64, with the first two lines as the data that is authenticated with them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::contents::{Client, Contents, Grant, Previous, Stored};
use super::error::{VaultError, VaultErrorKind};
use super::hooks::HookSecret;
use super::key::{Key, KeyPlace};
use crate::connection::Facts;

const FORM: &str = "linecook vault ";
const VERSION: u32 = 1;
const NONCE_BYTES: usize = 24;

/// What anybody may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Which key it is sealed with.
    pub key: String,
    pub key_place: KeyPlace,
    #[serde(default)]
    pub connections: BTreeMap<String, Facts>,
    #[serde(default)]
    pub renamed: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    grants: BTreeMap<String, SealedGrant>,
    clients: BTreeMap<String, Client>,
    hooks: BTreeMap<String, Vec<HookSecret>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedGrant {
    grant: Grant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

/// The text of the file.
pub fn seal(contents: Contents, key: &Key, key_place: KeyPlace) -> String {
    let mut open =
        Open { key: key.id(), key_place, connections: BTreeMap::new(), renamed: contents.renamed };
    let mut sealed =
        Sealed { grants: BTreeMap::new(), clients: contents.clients, hooks: contents.hooks };
    for (name, Stored { facts, grant, previous }) in contents.connections {
        open.connections.insert(name.clone(), facts);
        sealed.grants.insert(name, SealedGrant { grant, previous });
    }
    let open = serde_json::to_string(&open).expect("facts are plain data");
    let head = format!("{FORM}{VERSION}\n{open}\n");
    let secrets = Zeroizing::new(serde_json::to_vec(&sealed).expect("secrets are plain data"));
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).expect("the system gives random numbers");
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let payload = Payload { msg: &secrets, aad: head.as_bytes() };
    let boxed = cipher.encrypt(&XNonce::from(nonce), payload).expect("a vault is not that large");
    let body = STANDARD.encode([nonce.as_slice(), &boxed].concat());
    format!("{head}{body}\n")
}

/// What anybody may read of the file. Only [`unseal`] proves that nobody has changed it.
pub fn open(text: &str) -> Result<Open, VaultError> {
    split(text).and_then(|(_, open, _)| {
        serde_json::from_str(open).map_err(|_| damaged("the part that can be read is not whole"))
    })
}

/// What the file holds, when it is as linecook wrote it.
pub fn unseal(text: &str, key: &Key) -> Result<Contents, VaultError> {
    let (head, _, body) = split(text)?;
    let open = open(text)?;
    let bytes = STANDARD.decode(body).map_err(|_| damaged("the sealed part is not whole"))?;
    let Some((nonce, boxed)) = bytes.split_at_checked(NONCE_BYTES) else {
        return Err(damaged("the sealed part is not whole"));
    };
    let nonce = XNonce::try_from(nonce).expect("it is as long as a nonce");
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let payload = Payload { msg: boxed, aad: head.as_bytes() };
    let secrets = cipher.decrypt(&nonce, payload);
    let secrets =
        Zeroizing::new(secrets.map_err(|_| damaged("it is not as linecook has written it"))?);
    // Whoever sealed it had the key: what does not fit is of another linecook.
    let mut sealed: Sealed = serde_json::from_slice(&secrets).map_err(|_| newer())?;
    let mut connections = BTreeMap::new();
    for (name, facts) in open.connections {
        let Some(SealedGrant { grant, previous }) = sealed.grants.remove(&name) else {
            return Err(damaged("a connection in it has no credentials"));
        };
        connections.insert(name, Stored { facts, grant, previous });
    }
    Ok(Contents {
        connections,
        clients: sealed.clients,
        hooks: sealed.hooks,
        renamed: open.renamed,
    })
}

/// The head with its line breaks, the open part, and the sealed part.
fn split(text: &str) -> Result<(&str, &str, &str), VaultError> {
    let mut lines = text.split('\n');
    let (Some(form), Some(open), Some(body), Some(""), None) =
        (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Err(damaged("it does not have the three lines of a vault"));
    };
    let version = form.strip_prefix(FORM).and_then(|v| v.parse::<u32>().ok());
    match version {
        None => return Err(damaged("its first line is not that of a vault")),
        Some(version) if version > VERSION => return Err(newer()),
        Some(_) => {}
    }
    Ok((&text[..form.len() + open.len() + 2], open, body))
}

fn damaged(why: &str) -> VaultError {
    VaultError::new(
        VaultErrorKind::Damaged,
        format!("the vault is damaged, or somebody has changed it: {why}"),
        "put back a copy of it; without one delete it and connect every account again. If it may have been more than an accident, revoke the tokens at the apps too",
    )
}

fn newer() -> VaultError {
    VaultError::new(
        VaultErrorKind::Newer,
        "the vault was written by a newer linecook",
        "use that version, or delete the vault and connect every account again",
    )
}
