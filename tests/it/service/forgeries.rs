//! Forged, changed and repeated signed webhooks: not one is taken, and every genuine one is. The README
//! names the long form: `LINECOOK_FORGERIES` says how many there are.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use fastrand::Rng;
use linecook::catalog::Catalog;
use linecook::sandbox::World;
use linecook::server::{PublicKey, SigningKeys, Verifier};
use linecook::store::{RunState, Runs};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::{Kitchen, Menu};

const RECIPE: &str = "
name: Nothing
trigger:
  on: highlevel.contact_created
steps:
  - stop: nothing to do
";

const SIGNATURE: HeaderName = HeaderName::from_static("x-ghl-signature");
const OLDER: HeaderName = HeaderName::from_static("x-wh-signature");

pub fn pair(random: &mut Rng) -> Ed25519KeyPair {
    let seed: [u8; 32] = std::array::from_fn(|_| random.u8(..));
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

pub fn keys(pairs: &[&Ed25519KeyPair]) -> BTreeMap<String, SigningKeys> {
    let keys = pairs.iter().map(|pair| PublicKey::of_bytes(pair.public_key().as_ref().to_vec()));
    let keys = SigningKeys { keys: keys.collect(), rsa_keys: Vec::new() };
    BTreeMap::from([("highlevel".to_owned(), keys)])
}

fn body(number: usize) -> Vec<u8> {
    json!({
        "type": "ContactCreate",
        "locationId": World::location_id(),
        "webhookId": format!("w{number}"),
        "id": format!("c{number}"),
        "email": format!("c{number}@example.com"),
    })
    .to_string()
    .into_bytes()
}

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
}

/// A request that nobody with a known key has signed as it is, from one that somebody has.
fn forged(
    random: &mut Rng,
    stranger: &Ed25519KeyPair,
    body: &[u8],
    signature: &[u8],
) -> (HeaderMap, Vec<u8>) {
    let mut body = body.to_vec();
    let mut signature = signature.to_vec();
    let signed = |signature: &[u8]| headers(SIGNATURE, &STANDARD.encode(signature));
    let kind = random.usize(0..16);
    match kind {
        0 => {
            let at = random.usize(0..body.len());
            body[at] ^= 1 << random.u32(0..8);
        }
        1 => {
            let at = random.usize(0..signature.len());
            signature[at] ^= 1 << random.u32(0..8);
        }
        2 => body.insert(random.usize(0..=body.len()), b' '),
        3 => drop(body.remove(random.usize(0..body.len()))),
        4 => signature.truncate(random.usize(0..64)),
        5 => signature.push(random.u8(..)),
        6 => signature = stranger.sign(&body).as_ref().to_vec(),
        7 => signature.rotate_left(32),
        // The same number in another form: S plus the order of the group.
        8 => add_order(&mut signature[32..]),
        9 => signature = vec![0; 64],
        // A point of small order as R, and nothing as S.
        10 => {
            signature = vec![0; 64];
            signature[0] = 1;
        }
        11 => signature = (0..64).map(|_| random.u8(..)).collect(),
        12 => return (HeaderMap::new(), body),
        13 => return (headers(OLDER, &STANDARD.encode(&signature)), body),
        14 => {
            let mut twice = signed(&signature);
            twice.append(SIGNATURE, HeaderValue::from_str(&STANDARD.encode(&signature)).unwrap());
            return (twice, body);
        }
        _ => {
            let text = match random.u32(0..4) {
                0 => "N/A".to_owned(),
                1 => URL_SAFE.encode(&signature) + "_",
                2 => STANDARD_NO_PAD.encode(&signature),
                _ => format!("ed25519={}", STANDARD.encode(&signature)),
            };
            return (headers(SIGNATURE, &text), body);
        }
    }
    (signed(&signature), body)
}

/// 2^252 + 27742317777372353535851937790883648493, the lowest byte first; source: RFC 8032.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn add_order(number: &mut [u8]) {
    let mut carry = 0;
    for (byte, more) in number.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forgery_is_taken_and_everything_genuine_is() {
    let asked = std::env::var("LINECOOK_FORGERIES").ok().and_then(|n| n.parse().ok());
    let count: usize = asked.unwrap_or(2_000);
    let seed = fastrand::u64(..);
    let mut random = Rng::with_seed(seed);
    let (one, two, stranger) = (pair(&mut random), pair(&mut random), pair(&mut random));
    let known = keys(&[&one, &two]);
    let kitchen =
        Kitchen::open(Menu { keys: known.clone(), ..Menu::of(&[("nothing", RECIPE)]) }).await;
    let door = format!("http://{}/hooks/app/highlevel", kitchen.running.address);
    let send = async |headers: &HeaderMap, body: &[u8]| {
        let request = kitchen.client.post(&door).headers(headers.clone()).body(body.to_vec());
        request.send().await.unwrap().status().as_u16()
    };
    let verifier = Verifier::new(known);
    let app = Catalog::embedded().app("highlevel").unwrap();
    let (mut genuine, mut repeated, mut through_the_door) = (0_u64, 0, 0);
    for number in 0..count {
        let written = body(number);
        let key = if random.bool() { &one } else { &two };
        let signature = key.sign(&written);
        let (headers_of_it, changed) = forged(&mut random, &stranger, &written, signature.as_ref());
        let verdict = verifier.verify(app, &headers_of_it, &changed);
        assert!(verdict.is_err(), "seed {seed}, {number}: {headers_of_it:?}");
        // The judgement itself is quick; one in ten goes all the way through the door.
        if number % 10 != 0 {
            continue;
        }
        through_the_door += 1;
        assert_eq!(send(&headers_of_it, &changed).await, 401, "seed {seed}, {number}");
        let genuine_headers = headers(SIGNATURE, &STANDARD.encode(signature.as_ref()));
        assert_eq!(verifier.verify(app, &genuine_headers, &written), Ok(()));
        assert_eq!(send(&genuine_headers, &written).await, 202, "seed {seed}, {number}");
        genuine += 1;
        for _ in 0..random.usize(0..3) {
            assert_eq!(send(&genuine_headers, &written).await, 200, "seed {seed}, {number}");
            repeated += 1;
        }
    }
    kitchen.quiet().await;
    assert_eq!(kitchen.store().counts().await.unwrap(), [(RunState::Stopped, genuine)]);
    println!(
        "{count} forgeries, {through_the_door} of them through the door: 0 taken; {genuine} genuine: \
         all taken, {repeated} repeated: no run; seed {seed}"
    );
}
