//! Webhooks over HTTP: letters come in; they are signed where the app signs, posted, and posted again when
//! they are not taken.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::sync::{Semaphore, mpsc};

use crate::catalog::Catalog;
use crate::value::ed25519;

use super::outbox::{Fate, Letter, MOST_WAITING};
use super::serve::lock;
use super::world::World;

/// How many are on their way at once.
const AT_ONCE: usize = 16;
/// How long is waited before one is sent again; after the last it is given up.
const WAITS: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// How long one may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is repeated, in characters.
const WORDS_KEPT: usize = 200;

/// The key with which the sandbox signs, in the place of the apps.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// A new key, and what it can be made of again: PKCS #8 in base64.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<(SigningKey, String), String> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| "the system gives no random bytes".to_owned())?;
        let text = STANDARD.encode(document.as_ref());
        SigningKey::parse(&text).map(|key| (key, text))
    }

    /// A key from its PKCS #8 form in base64.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<SigningKey, String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "it is not base64".to_owned())?;
        let key = Ed25519KeyPair::from_pkcs8(&bytes);
        key.map(SigningKey).map_err(|_| "it is no Ed25519 key".to_owned())
    }

    /// The public key as `webhooks` of a project names it.
    pub fn public(&self) -> String {
        STANDARD.encode(ed25519::published(self.0.public_key().as_ref()))
    }

    fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.0.sign(bytes).as_ref())
    }
}

/// Who carries webhooks to their addresses.
pub struct Courier {
    pub key: SigningKey,
    /// Is told in a sentence which webhook was given up, and why.
    pub complain: Box<dyn Fn(&str) + Send + Sync>,
}

impl Courier {
    /// Starts carrying; letters go into what comes out.
    pub(super) fn start(
        self,
        world: Arc<Mutex<World>>,
    ) -> Result<mpsc::Sender<Letter>, reqwest::Error> {
        let (sender, mut letters) = mpsc::channel::<Letter>(MOST_WAITING);
        let client = client()?;
        let courier = Arc::new(self);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        tokio::spawn(async move {
            while let Some(letter) = letters.recv().await {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let (courier, client, world) = (courier.clone(), client.clone(), world.clone());
                tokio::spawn(async move {
                    courier.carry(&client, &world, &letter).await;
                    drop(place);
                });
            }
        });
        Ok(sender)
    }

    async fn carry(&self, client: &reqwest::Client, world: &Mutex<World>, letter: &Letter) {
        let mut waits = WAITS.iter();
        loop {
            let (status, problem) = self.send(client, letter).await;
            let wait = waits.next().filter(|_| problem.is_some());
            let fate = match (&problem, wait) {
                (None, _) => Fate::Delivered,
                (Some(_), Some(_)) => Fate::Waiting,
                (Some(_), None) => Fate::Failed,
            };
            lock(world).outbox.note(letter.number, |posted| {
                posted.tries += 1;
                posted.status = status;
                posted.problem.clone_from(&problem);
                posted.fate = fate;
            });
            match (wait, problem) {
                (Some(wait), _) => tokio::time::sleep(*wait).await,
                (None, Some(problem)) => {
                    let Letter { app, wire, to, .. } = letter;
                    (self.complain)(&format!("{to} did not take `{wire}` of {app}: {problem}"));
                    return;
                }
                (None, None) => return,
            }
        }
    }

    /// Sends a letter once; gives the status, and why it was not taken.
    async fn send(
        &self,
        client: &reqwest::Client,
        letter: &Letter,
    ) -> (Option<u16>, Option<String>) {
        let mut request = client.post(&letter.to).header("content-type", "application/json");
        if let Some(app) = Catalog::embedded().app(&letter.app) {
            if let Some(header) = &app.event_by.header {
                request = request.header(header, &letter.wire);
            }
            if let Some(signature) = &app.signature {
                request = request.header(&signature.header, self.key.sign(&letter.body));
            }
        }
        match request.body(letter.body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => (Some(answer.status().as_u16()), None),
            Ok(answer) => {
                let status = answer.status().as_u16();
                let words = answer.text().await.unwrap_or_default();
                let words: String = words.trim().chars().take(WORDS_KEPT).collect();
                (Some(status), Some(format!("it answered {status} {words}").trim().to_owned()))
            }
            Err(error) if error.is_connect() => (None, Some("nothing listens there".to_owned())),
            Err(error) if error.is_timeout() => {
                (None, Some(format!("no answer came within {} seconds", TIMEOUT.as_secs())))
            }
            Err(_) => (None, Some("the connection broke".to_owned())),
        }
    }
}

/// Straight to its address: no proxy, and nowhere else because an answer says so.
fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Several may live in one process; the first one installs the provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.timeout(TIMEOUT).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text() {
        let (key, text) = SigningKey::generate().unwrap();
        assert_eq!(SigningKey::parse(&text).unwrap().public(), key.public());
        assert!(key.public().starts_with("MCowBQYDK2VwAyEA"));
        assert!(SigningKey::parse("x").is_err());
    }
}
