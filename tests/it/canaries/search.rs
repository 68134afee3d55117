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
        let has = |text: &[u8], byte: u8| text.contains(&byte);
        let mut views = vec![(bytes.to_vec(), "raw")];
        if has(bytes, b'\\') {
            let once = unescaped(bytes);
            if has(&once, b'\\') {
                views.push((unescaped(&once), "JSON-escaped twice"));
            }
            views.push((once, "JSON-escaped"));
        }
        if has(bytes, b'&') {
            views.push((without_entities(bytes), "HTML-escaped"));
        }
        for at in 0..views.len() {
            if has(&views[at].0, b'%') {
                views.push((percent_decoded(&views[at].0, false), "URL-encoded"));
            }
            if has(&views[at].0, b'+') {
                views.push((percent_decoded(&views[at].0, true), "form-encoded"));
            }
        }
        for (view, form) in &views {
            self.see(view, form, &mut found);
            // A blank is no letter, whatever stood there.
            if *form != "form-encoded" {
                self.decoded(view, &mut found);
            }
        }
        found
    }

    fn see(&self, bytes: &[u8], form: &'static str, found: &mut BTreeMap<String, &'static str>) {
        for hit in self.texts.find_overlapping_iter(bytes) {
            found.entry(self.names[hit.pattern().as_usize()].clone()).or_insert(form);
        }
    }

    /// Undoes base64 and hex, wherever that may be.
    fn decoded(&self, view: &[u8], found: &mut BTreeMap<String, &'static str>) {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        for run in view.split(|byte| !is_letter(byte)).filter(|run| run.len() >= SHORTEST_RUN) {
            for (engine, others) in self.engines.iter().zip([b"-_", b"+/"]) {
                // What is of the other alphabet ends it.
                let parts = run.split(|byte| others.contains(byte));
                for part in parts.filter(|part| part.len() >= SHORTEST_RUN) {
                    for start in 0..4 {
                        let part = &part[start..];
                        let whole = part.len() - usize::from(part.len() % 4 == 1);
                        if let Ok(bytes) = engine.decode(&part[..whole]) {
                            self.see(&bytes, "base64", found);
                        }
                    }
                }
            }
            let parts = run.split(|byte| !byte.is_ascii_hexdigit());
            for part in parts.filter(|part| part.len() >= 2 * SHORTEST_RUN) {
                self.see(&hex_decoded(part), "hex", found);
                self.see(&hex_decoded(&part[1..]), "hex", found);
            }
        }
    }
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
