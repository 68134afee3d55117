//! Looks for secrets by undoing what may have been done to them, and knows nothing of how they are hidden.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A shorter run of letters holds no secret.
const SHORTEST_RUN: usize = 10;

/// Looks for all at once.
pub struct Search {
    names: Vec<String>,
    texts: AhoCorasick,
    engines: [GeneralPurpose; 2],
}

impl Search {
    pub fn new(secrets: &[(String, String)]) -> Search {
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = |alphabet| GeneralPurpose::new(alphabet, config);
        Search {
            names: secrets.iter().map(|(name, _)| name.clone()).collect(),
            texts: AhoCorasick::new(secrets.iter().map(|(_, text)| text)).unwrap(),
            engines: [engine(&alphabet::STANDARD), engine(&alphabet::URL_SAFE)],
        }
    }

    /// What was found, and in which form.
    pub fn found(&self, bytes: &[u8]) -> BTreeMap<String, &'static str> {
        let mut found = BTreeMap::new();
        let mut see = |bytes: &[u8], form: &'static str| {
            for hit in self.texts.find_overlapping_iter(bytes) {
                found.entry(self.names[hit.pattern().as_usize()].clone()).or_insert(form);
            }
        };
        let once = unescaped(bytes);
        let twice = unescaped(&once);
        let page = without_entities(bytes);
        let views = [
            (bytes.to_vec(), "raw"),
            (once, "JSON-escaped"),
            (twice, "JSON-escaped twice"),
            (page, "HTML-escaped"),
        ];
        for (view, form) in &views {
            see(view, form);
            see(&percent_decoded(view, false), "URL-encoded");
            see(&percent_decoded(view, true), "form-encoded");
        }
        // In base64 and hex nothing but letters, `+` and `/` can be escaped.
        for view in [&views[0].0, &views[1].0, &percent_decoded(bytes, false)] {
            let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
            for run in view.split(|byte| !is_letter(byte)).filter(|r| r.len() >= SHORTEST_RUN) {
                for engine in &self.engines {
                    for start in 0..4 {
                        // What is of the other alphabet ends it.
                        for part in run[start..].split(|byte| engine_lacks(engine, *byte)) {
                            let whole = part.len() - usize::from(part.len() % 4 == 1);
                            if let Ok(bytes) = engine.decode(&part[..whole]) {
                                see(&bytes, "base64");
                            }
                        }
                    }
                }
                for part in run.split(|byte| !byte.is_ascii_hexdigit()) {
                    for start in 0..2.min(part.len()) {
                        see(&hex_decoded(&part[start..]), "hex");
                    }
                }
            }
        }
        found
    }
}

fn engine_lacks(engine: &GeneralPurpose, byte: u8) -> bool {
    engine.decode([b'A', byte, b'A', b'A']).is_err()
}

fn hex_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.as_chunks().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

fn percent_decoded(text: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                rest = &behind[2..];
                continue;
            }
            (b'+', ..) if plus_is_blank => out.push(b' '),
            _ => out.push(byte),
        }
        rest = behind;
    }
    out
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut units: Vec<u16> = Vec::new();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let escape = (byte == b'\\').then(|| behind.first()).flatten();
        let unit = || u16::from_str_radix(std::str::from_utf8(behind.get(1..5)?).ok()?, 16).ok();
        if escape == Some(&b'u')
            && let Some(unit) = unit()
        {
            units.push(unit);
            rest = &behind[5..];
            continue;
        }
        out.extend(String::from_utf16_lossy(&std::mem::take(&mut units)).into_bytes());
        match escape {
            Some(c @ (b'"' | b'\\' | b'/' | b'\'')) => {
                out.push(*c);
                rest = &behind[1..];
            }
            _ => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out.extend(String::from_utf16_lossy(&units).into_bytes());
    out
}

fn without_entities(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.iter().fold(text.into_owned(), |text, (from, to)| text.replace(from, to)).into_bytes()
}
