//! Whether a webhook was sent by the app that it names: over the bytes as they came, before anything reads
//! them.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::catalog::App;
use crate::value::ed25519;

/// The public keys of apps that sign what they send.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    /// By app. Where an app is missing the catalog's keys hold.
    keys: BTreeMap<String, SigningKeys>,
}

/// The keys of one app. While a key is being replaced both are good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningKeys {
    /// Ed25519.
    pub keys: Vec<PublicKey>,
    /// Of the app's older way to sign; without one nothing signed that way is taken.
    pub rsa_keys: Vec<PublicKey>,
}

/// A public key as a verifier wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// An Ed25519 key as base64 of its SPKI form or of its 32 bytes, with or without PEM lines.
    pub fn ed25519(text: &str) -> Result<PublicKey, String> {
        let key = ed25519::bare(&decoded(text)?);
        key.map(|key| PublicKey(key.to_vec())).ok_or("it is no Ed25519 public key".to_owned())
    }

    /// A key as ring takes it: 32 bytes of Ed25519, or PKCS #1 of RSA.
    pub fn of_bytes(bytes: Vec<u8>) -> PublicKey {
        PublicKey(bytes)
    }

    /// An RSA key in PEM: as SPKI (`BEGIN PUBLIC KEY`) or PKCS #1.
    pub fn rsa(text: &str) -> Result<PublicKey, String> {
        let bytes = decoded(text)?;
        let key = pkcs1(&bytes).ok_or("it is no RSA public key")?;
        Ok(PublicKey(key.to_vec()))
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(body).map_err(|_| "it is not base64".to_owned())
}

/// The PKCS #1 key inside of SPKI, or the bytes when they are one already.
fn pkcs1(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, inside, _) = element(bytes)?;
    if tag != 0x30 {
        return None;
    }
    match element(inside)? {
        // INTEGER: the modulus, so this is the key itself.
        (0x02, ..) => Some(bytes),
        // SEQUENCE: the algorithm; the BIT STRING behind it holds the key.
        (0x30, _, rest) => match element(rest)? {
            (0x03, bits, _) => bits.strip_prefix(&[0]),
            _ => None,
        },
        _ => None,
    }
}

/// The tag, the content and the rest of one DER element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        _ => {
            let count = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(count).filter(|_| count <= 3)?;
            (digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

impl Verifier {
    pub fn new(keys: BTreeMap<String, SigningKeys>) -> Verifier {
        Verifier { keys }
    }

    /// Whether the body was signed by the app; else why it is not taken.
    pub fn verify(&self, app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        let signed = app.signature.as_ref().ok_or("this app signs nothing")?;
        let configured = self.keys.get(&app.app);
        let shipped;
        let keys = match configured.map(|k| &k.keys[..]) {
            Some(keys) if !keys.is_empty() => keys,
            _ => {
                shipped =
                    signed.keys.iter().flat_map(|k| PublicKey::ed25519(k)).collect::<Vec<_>>();
                &shipped[..]
            }
        };
        let rsa_keys = configured.map_or(&[][..], |k| &k.rsa_keys);
        // One that was signed in the newer way is judged by that alone: no falling back.
        if let Some(signature) = signature(headers, &signed.header) {
            return check(keys, &ED25519, &signature?, body);
        }
        let older = signed.rsa_header.as_deref().filter(|_| !rsa_keys.is_empty());
        if let Some(signature) = older.and_then(|header| signature(headers, header)) {
            return check(rsa_keys, &RSA_PKCS1_2048_8192_SHA256, &signature?, body);
        }
        Err(format!("it is not signed: there is no {}", signed.header))
    }
}

fn signature(headers: &HeaderMap, name: &str) -> Option<Result<Vec<u8>, String>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Err("it is signed twice".to_owned()));
    }
    let text = value.to_str().ok()?.trim();
    // What HighLevel writes where it has not signed.
    if text.is_empty() || text == "N/A" {
        return None;
    }
    Some(STANDARD.decode(text).map_err(|_| "its signature is not base64".to_owned()))
}

fn check(
    keys: &[PublicKey],
    algorithm: &'static dyn ring::signature::VerificationAlgorithm,
    signature: &[u8],
    body: &[u8],
) -> Result<(), String> {
    let fits =
        |key: &PublicKey| UnparsedPublicKey::new(algorithm, &key.0).verify(body, signature).is_ok();
    match keys.iter().any(fits) {
        true => Ok(()),
        false => Err("its signature does not fit".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::catalog::Catalog;

    fn key_pair() -> Ed25519KeyPair {
        let seed = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(seed.as_ref()).unwrap()
    }

    fn verifier(keys: &[&Ed25519KeyPair]) -> Verifier {
        let keys = keys
            .iter()
            .map(|k| PublicKey::ed25519(&STANDARD.encode(k.public_key().as_ref())).unwrap())
            .collect();
        let keys = SigningKeys { keys, rsa_keys: Vec::new() };
        Verifier::new(BTreeMap::from([("highlevel".to_owned(), keys)]))
    }

    fn signed(key: &Ed25519KeyPair, body: &[u8]) -> HeaderMap {
        let signature = STANDARD.encode(key.sign(body).as_ref());
        let mut headers = HeaderMap::new();
        headers.insert("x-ghl-signature", HeaderValue::from_str(&signature).unwrap());
        headers
    }

    #[test]
    fn only_what_was_signed_with_a_known_key_is_taken() {
        let (one, two, stranger) = (key_pair(), key_pair(), key_pair());
        let app = Catalog::embedded().app("highlevel").unwrap();
        let verifier = verifier(&[&one, &two]);
        let body = br#"{"type":"ContactCreate"}"#;
        // Both keys are good while one replaces the other.
        assert_eq!(verifier.verify(app, &signed(&one, body), body), Ok(()));
        assert_eq!(verifier.verify(app, &signed(&two, body), body), Ok(()));
        assert!(verifier.verify(app, &signed(&stranger, body), body).is_err());
        assert!(verifier.verify(app, &HeaderMap::new(), body).is_err());
        let changed = br#"{"type":"ContactDelete"}"#;
        assert!(verifier.verify(app, &signed(&one, body), changed).is_err());
        let mut twice = signed(&one, body);
        twice.append("x-ghl-signature", HeaderValue::from_static("AAAA"));
        assert!(verifier.verify(app, &twice, body).is_err());
    }

    #[test]
    fn the_keys_of_the_catalog_can_be_read() {
        for app in Catalog::embedded().apps() {
            for key in app.signature.iter().flat_map(|s| &s.keys) {
                PublicKey::ed25519(key).unwrap();
            }
        }
    }
}
