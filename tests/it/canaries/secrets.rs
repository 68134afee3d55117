//! Secrets that can be told from everything else, of all the shapes that credentials have.

use std::sync::{Arc, Mutex};

use fastrand::Rng;

/// All that were made. Clones share them.
#[derive(Clone)]
pub struct Canaries(Arc<Mutex<Made>>);

struct Made {
    random: Rng,
    all: Vec<(String, String)>,
}

/// What may stand in a header.
const HARD: &[u8] = b"+/=?&%\"\\<>'`~!*();:@,$[]{}|^#.-_";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Canaries {
    pub fn new(seed: u64) -> Canaries {
        Canaries(Arc::new(Mutex::new(Made { random: Rng::with_seed(seed), all: Vec::new() })))
    }

    /// What is sent in a header.
    pub fn token(&self, what: &str) -> String {
        self.make(what, |random| {
            let mut text = |length: usize, from: &[u8]| -> String {
                (0..length).map(|_| char::from(from[random.usize(..from.len())])).collect()
            };
            let core = text(10, LETTERS);
            match random.usize(..6) {
                0 => format!("pit-{core}-{}", hex(random, 12)),
                1 => {
                    let rest: Vec<String> =
                        (0..2).map(|_| letters(random, 60 + core.len())).collect();
                    format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}.{core}{}", rest[0], rest[1])
                }
                2 => format!("{core}+/{}==", letters(random, 30)),
                3 => {
                    let hard: String =
                        (0..16).map(|_| char::from(HARD[random.usize(..HARD.len())])).collect();
                    format!("k{hard}{core}")
                }
                4 => core,
                _ => format!("{core}{}", letters(random, 1_000)),
            }
        })
    }

    /// What stands in an address.
    pub fn hook(&self, what: &str) -> String {
        self.make(what, |random| {
            let first = ["-", "_", "a"][random.usize(..3)];
            format!("{first}{}", letters(random, 31))
        })
    }

    /// What a person has thought of.
    pub fn password(&self, what: &str) -> String {
        self.make(what, |random| format!("Süß & \"{}\" <%/+>", letters(random, 8)))
    }

    fn make(&self, what: &str, text: impl FnOnce(&mut Rng) -> String) -> String {
        let mut made = self.0.lock().unwrap();
        let text = text(&mut made.random);
        made.all.push((what.to_owned(), text.clone()));
        text
    }

    /// What each is, and its text.
    pub fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().all.clone()
    }
}

fn letters(random: &mut Rng, length: usize) -> String {
    (0..length).map(|_| char::from(LETTERS[random.usize(..LETTERS.len())])).collect()
}

fn hex(random: &mut Rng, length: usize) -> String {
    (0..length).map(|_| char::from(b"0123456789abcdef"[random.usize(..16)])).collect()
}
