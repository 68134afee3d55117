//! The forms in which a secret may come back, from an app that says what it got or in a line of a log: in
//! base64 and hex by its forms, and in what is escaped by reading that.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A shorter text is no secret: hiding it would hide half of everything.
const SHORTEST: usize = 4;
/// A shorter form stands in too many texts that have nothing to do with it.
const SHORTEST_FORM: usize = 5;

/// The text as it is, in base64 and in hex; none for a text that is too short to be a secret.
pub fn forms(text: &str) -> Vec<String> {
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = in_base64(text);
    forms.extend([hex.to_uppercase(), hex]);
    forms.retain(|form| form.len() >= SHORTEST_FORM);
    forms.push(text.to_owned());
    forms
}

/// The part that is the same whatever stands around the text: it begins at any of three places.
fn in_base64(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for (before, first) in [(0, 0), (1, 2), (2, 3)] {
            let bytes = [&[0; 2][..before], text.as_bytes()].concat();
            let whole = bytes.len() * 8 / 6;
            forms.push(engine.encode(bytes)[first..whole].to_owned());
        }
    }
    forms
}

/// A text as it is read by whoever undoes its escapes, and where each byte of that came from.
pub struct Reading<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// The place in the text of each byte and of the end; none where they are the same.
    places: Option<Vec<usize>>,
}

impl<'a> Reading<'a> {
    /// Shows all readings that differ, one after the other: most texts have only one.
    pub fn each(bytes: &'a [u8], see: &mut impl FnMut(&Reading)) {
        let plain = Reading { bytes: Cow::Borrowed(bytes), places: None };
        plain.as_in_addresses(see);
        if plain.has(b'&') {
            plain.undo(html).as_in_addresses(see);
        }
        if plain.has(b'\\') {
            let once = plain.undo(backslash);
            once.as_in_addresses(see);
            if once.has(b'\\') {
                once.undo(backslash).as_in_addresses(see);
            }
        }
    }

    fn as_in_addresses(&self, see: &mut impl FnMut(&Reading)) {
        see(self);
        if self.has(b'%') {
            see(&self.undo(percent));
        }
        // A blank in the data of a form.
        if self.has(b'+') {
            see(&self.undo(percent_of_forms));
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.bytes.contains(&byte)
    }

    /// Where a part of what is read stands in the text.
    pub fn place(&self, part: Range<usize>) -> Range<usize> {
        match &self.places {
            Some(places) => places[part.start]..places[part.end],
            None => part,
        }
    }

    /// `escape` gives what stands at the beginning of a text when it is one, and how long it is there.
    fn undo(&self, escape: fn(&[u8]) -> Option<(char, usize)>) -> Reading<'static> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::with_capacity(self.bytes.len() + 1);
        let mut at = 0;
        while at < self.bytes.len() {
            let from = self.place(at..at).start;
            match escape(&self.bytes[at..]) {
                // A byte of several that make a character, which have an escape each.
                Some((byte @ '\u{80}'..='\u{ff}', length)) if self.bytes[at] == b'%' => {
                    bytes.push(byte as u8);
                    places.push(from);
                    at += length;
                }
                Some((c, length)) => {
                    let encoded = c.encode_utf8(&mut [0; 4]).len();
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    places.extend(std::iter::repeat_n(from, encoded));
                    at += length;
                }
                None => {
                    bytes.push(self.bytes[at]);
                    places.push(from);
                    at += 1;
                }
            }
        }
        places.push(self.place(at..at).start);
        Reading { bytes: Cow::Owned(bytes), places: Some(places) }
    }
}

/// `%2F` → `/`
fn percent(text: &[u8]) -> Option<(char, usize)> {
    let byte = number(text.strip_prefix(b"%")?.get(..2)?, 16)?;
    Some((char::from(u8::try_from(byte).ok()?), 3))
}

fn percent_of_forms(text: &[u8]) -> Option<(char, usize)> {
    match text.first() {
        Some(b'+') => Some((' ', 1)),
        _ => percent(text),
    }
}

/// As JSON and many languages write it: `\/`, `\"`, `\u002f`.
fn backslash(text: &[u8]) -> Option<(char, usize)> {
    let unit = |text: &[u8]| number(text.strip_prefix(b"\\u")?.get(..4)?, 16);
    match text.strip_prefix(b"\\")?.first()? {
        b'u' => {
            let first = unit(text)?;
            match (char::from_u32(first), unit(&text[6..])) {
                (Some(c), _) => Some((c, 6)),
                (None, Some(second)) => {
                    let pair = [first as u16, second as u16];
                    Some((char::decode_utf16(pair).next()?.ok()?, 12))
                }
                (None, None) => None,
            }
        }
        b'x' => Some((char::from_u32(number(text.get(2..4)?, 16)?)?, 4)),
        b'n' => Some(('\n', 2)),
        b'r' => Some(('\r', 2)),
        b't' => Some(('\t', 2)),
        same @ (b'/' | b'"' | b'\\' | b'\'') => Some((char::from(*same), 2)),
        _ => None,
    }
}

/// `&amp;` → `&`
fn html(text: &[u8]) -> Option<(char, usize)> {
    let inside = text.strip_prefix(b"&")?;
    let length = inside.iter().take(10).position(|byte| *byte == b';')?;
    let c = match &inside[..length] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((c, length + 2))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_and_found_again() {
        for (text, inside) in [
            ("a%2fb%2Fc", "a/b/c"),
            ("a%c3%bc", "aü"),
            ("a+%2B", "a +"),
            (r"a\/b\u002fc\u00fc\ud83d\ude00\x41", "a/b/cü😀A"),
            (r#"a\\\"b\\\/c"#, r#"a"b/c"#),
            (r"a\u0025\/%2f", "a%//"),
            ("a&amp;b&#39;&#x27;&lt;&no;&", "a&b''<&no;&"),
            // What is no escape stays.
            (r"%zz%2 %41\u12\ud83d\q", r"%zz%2 A\u12\ud83d\q"),
        ] {
            let mut found = false;
            Reading::each(text.as_bytes(), &mut |reading| {
                if *reading.bytes == *inside.as_bytes() {
                    found = true;
                    assert_eq!(reading.place(0..inside.len()), 0..text.len(), "{text}");
                    assert_eq!(reading.place(0..1), 0..1, "{text}");
                }
            });
            assert!(found, "{text} can be read as {inside}");
        }
        let mut readings = 0;
        Reading::each(b"nothing is escaped", &mut |_| readings += 1);
        assert_eq!(readings, 1);
    }
}
