//! What holds for the webhooks of an app: public keys as the app publishes them come in; their bytes go out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::diagnostic::{self, Place, nearest};
use crate::project::WebhookSettings;
use crate::source::Route;
use crate::value::ed25519;

use super::ProjectChecker;

/// "This is RSA" in the usual form of public keys (RFC 3279).
const RSA_NAME: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl ProjectChecker<'_> {
    pub(super) fn webhooks(&mut self) -> BTreeMap<String, WebhookSettings> {
        let route = Route::root().key("webhooks");
        let file = self.file;
        let mut webhooks = BTreeMap::new();
        for (app, written) in &file.written.webhooks {
            let here = route.key(app);
            if self.catalog.app(app).is_none() {
                let known = self.app_names();
                let near = nearest(app, known.iter().copied());
                let place = Place::Key(here.clone());
                self.sink.say(diagnostic::unknown_app(place, app, near, &known));
            }
            let mut settings = WebhookSettings::default();
            for (at, text) in written.keys.iter().enumerate() {
                let at = here.key("keys").item(at);
                let key = self.public_key(&at, text, "Ed25519", ed25519::bare);
                settings.ed25519.extend(key);
            }
            if let Some(text) = &written.rsa_key {
                settings.rsa = self.public_key(&here.key("rsa_key"), text, "RSA", rsa);
            }
            settings.retries = written.retries;
            settings.retry_code = written.retry_code;
            if written.retry_every.is_some() {
                let every = self.length(&here.key("retry_every"), &written.retry_every, 300);
                settings.retry_every = Some(every);
            }
            webhooks.insert(app.clone(), settings);
        }
        webhooks
    }

    fn public_key<T>(
        &mut self,
        route: &Route,
        text: &str,
        kind: &str,
        read: fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.file.is_touched(route) {
            return None;
        }
        if text.contains("PRIVATE KEY") {
            self.sink.say(diagnostic::private_key_in_file(route));
            return None;
        }
        let plain: String = text
            .lines()
            .filter(|line| !line.contains("-----"))
            .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
            .collect();
        let why = match STANDARD.decode(&plain) {
            Ok(bytes) => match read(&bytes) {
                Some(key) => return Some(key),
                None => "it is a key of another kind, or a part of one",
            },
            Err(_) => "it has other letters in it than keys have",
        };
        self.sink.say(diagnostic::bad_public_key(route, kind, why));
        None
    }
}

/// The key as PKCS #1, alone or out of the usual form.
fn rsa(bytes: &[u8]) -> Option<Vec<u8>> {
    let inner = sequence(bytes)?;
    let Some(rest) = inner.strip_prefix(RSA_NAME) else {
        // A key as such: the number it is made of comes first.
        return (inner.first() == Some(&0x02) && bytes.len() >= 256).then(|| bytes.to_vec());
    };
    let key = content(rest, 0x03)?.strip_prefix(&[0])?;
    (sequence(key)?.first() == Some(&0x02) && key.len() >= 256).then(|| key.to_vec())
}

fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    content(bytes, 0x30)
}

/// What is in a DER value of this kind, which has to be all there is.
fn content(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let (&first, rest) = bytes.strip_prefix(&[kind])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (head, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (head.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (rest.len() == length).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(kind: u8, inner: &[u8]) -> Vec<u8> {
        let length = (inner.len() as u16).to_be_bytes();
        [&[kind, 0x82, length[0], length[1]], inner].concat()
    }

    #[test]
    fn a_key_is_read_alone_and_in_its_usual_form() {
        let raw = [7u8; 32];
        assert_eq!(ed25519::bare(&raw), Some(raw));
        assert_eq!(ed25519::bare(&ed25519::published(&raw)), Some(raw));
        assert_eq!(ed25519::bare(&raw[1..]), None);
        let modulus = der(0x02, &[1; 257]);
        let pkcs1 = der(0x30, &[&modulus[..], &[0x02, 0x03, 1, 0, 1]].concat());
        let spki = der(0x30, &[RSA_NAME, &der(0x03, &[&[0], &pkcs1[..]].concat())].concat());
        assert_eq!(rsa(&pkcs1).as_ref(), Some(&pkcs1));
        assert_eq!(rsa(&spki).as_ref(), Some(&pkcs1));
        assert_eq!(rsa(&spki[..200]), None);
        assert_eq!(rsa(&raw), None);
    }
}
