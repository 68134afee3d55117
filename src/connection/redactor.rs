//! Hides secrets: texts and values come in; they go out without what is known to be secret, in whatever
//! form it stands there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::Secret;
use super::forms::{Reading, forms};

/// What stands in the place of a secret.
const HIDDEN: &str = "[secret]";
/// A long form is looked for by so many bytes of its end, where a signed token differs from others.
const ANCHOR_BYTES: usize = 32;
/// With so many secrets those that have not been learnt again lately are forgotten.
const MOST: usize = 512;

static PROCESS: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// Knows secrets, and hides them. Clones know the same.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    lately: HashSet<String>,
    before: HashSet<String>,
    /// Made when it is needed, and anew when there is more to know.
    search: Option<Arc<Search>>,
}

impl Redactor {
    /// The one that knows every secret this process has read: that of the log and of all that is printed.
    pub fn process() -> &'static Redactor {
        &PROCESS
    }

    /// One that knows these.
    pub fn knowing<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Redactor {
        let redactor = Redactor::default();
        secrets.into_iter().for_each(|secret| redactor.learn(secret));
        redactor
    }

    /// From now on this is hidden. Costs little for what is known already.
    pub fn learn(&self, secret: &Secret) {
        let text = secret.expose();
        if self.0.read().unwrap_or_else(PoisonError::into_inner).lately.contains(text) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.lately.len() >= MOST {
            known.before = std::mem::take(&mut known.lately);
        }
        let is_new = !known.before.remove(text);
        if known.lately.insert(text.to_owned()) && (is_new || known.lately.len() == 1) {
            known.search = None;
        }
    }

    /// Whether a secret stands in there.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.search().is_some_and(|search| !search.places(bytes).is_empty())
    }

    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let places = self.search().map(|search| search.places(text.as_bytes())).unwrap_or_default();
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        // Forms are made of whole characters, and so are the places where they stand.
        let hidden = replaced(text.as_bytes(), &places);
        Cow::Owned(String::from_utf8_lossy(&hidden).into_owned())
    }

    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let places = self.search().map(|search| search.places(bytes)).unwrap_or_default();
        match places.is_empty() {
            true => Cow::Borrowed(bytes),
            false => Cow::Owned(replaced(bytes, &places)),
        }
    }

    /// Hides what stands in texts and in names of fields; gives whether there was anything.
    pub fn value(&self, value: &mut Value) -> bool {
        let is_in = self.search().is_some_and(|search| search.is_in(value));
        if is_in {
            self.hide_in(value);
        }
        is_in
    }

    /// The same for a value that was read from this text, which spares looking at each part of most.
    pub fn value_of(&self, text: &[u8], value: &mut Value) -> bool {
        let Some(search) = self.search() else { return false };
        // What is escaped in the text is plain in the value, or escaped twice.
        (search.may_escape(text) || search.anchors.is_match(text)) && self.value(value)
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.text(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(map) => {
                for (key, mut inner) in std::mem::take(map) {
                    self.hide_in(&mut inner);
                    map.insert(self.text(&key).into_owned(), inner);
                }
            }
            _ => {}
        }
    }

    /// None while nothing is known.
    fn search(&self) -> Option<Arc<Search>> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if known.search.is_some() || known.lately.is_empty() {
                return known.search.clone();
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.search.is_none() {
            let search = Search::new(known.lately.union(&known.before));
            known.search = Some(Arc::new(search));
        }
        known.search.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secrets]")
    }
}

/// Looks for all forms of all secrets at once.
struct Search {
    /// The ends of the forms.
    anchors: AhoCorasick,
    forms: Vec<String>,
    /// One of them has a blank in it, which a form writes as a plus.
    has_blank: bool,
    /// One of them has a line break or the like in it.
    has_control: bool,
}

impl Search {
    fn new<'a>(secrets: impl Iterator<Item = &'a String>) -> Search {
        let (mut has_blank, mut has_control) = (false, false);
        let secrets = secrets.inspect(|secret| {
            has_blank |= secret.contains(' ');
            has_control |= secret.contains(char::is_control);
        });
        let mut forms: Vec<String> = secrets.flat_map(|secret| forms(secret)).collect();
        forms.sort();
        forms.dedup();
        let anchors = forms.iter().map(|form| anchor(form));
        let anchors = AhoCorasick::new(anchors).expect("so many secrets are not too many");
        Search { anchors, forms, has_blank, has_control }
    }

    /// Whether something stands in a text of JSON that is read as something else, and may be one of them
    /// then.
    fn may_escape(&self, text: &[u8]) -> bool {
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' | b'&' => return true,
                b'+' if self.has_blank => return true,
                // Line breaks and the like: most texts have no other escape.
                b'\\' => match bytes.next() {
                    Some(b'n' | b'r' | b't' | b'b' | b'f') if !self.has_control => {}
                    _ => return true,
                },
                _ => {}
            }
        }
        false
    }

    fn is_in(&self, value: &Value) -> bool {
        let found = |text: &str| !self.places(text.as_bytes()).is_empty();
        match value {
            Value::String(text) => found(text),
            Value::Array(items) => items.iter().any(|item| self.is_in(item)),
            Value::Object(map) => map.iter().any(|(key, inner)| found(key) || self.is_in(inner)),
            _ => false,
        }
    }

    /// Where secrets stand, from left to right.
    fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        Reading::each(bytes, &mut |reading| {
            // This is all that is done for most.
            if !self.anchors.is_match(&*reading.bytes) {
                return;
            }
            for found in self.anchors.find_overlapping_iter(&*reading.bytes) {
                let form = self.forms[found.pattern().as_usize()].as_bytes();
                if reading.bytes[..found.end()].ends_with(form) {
                    places.push(reading.place(found.end() - form.len()..found.end()));
                }
            }
        });
        places.sort_by_key(|place| place.start);
        places.dedup_by(|next, place| {
            let overlaps = next.start < place.end;
            if overlaps {
                place.end = place.end.max(next.end);
            }
            overlaps
        });
        places
    }
}

fn anchor(form: &str) -> &[u8] {
    let bytes = form.as_bytes();
    &bytes[bytes.len().saturating_sub(ANCHOR_BYTES)..]
}

fn replaced(bytes: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for place in places {
        out.extend_from_slice(&bytes[at..place.start]);
        out.extend_from_slice(HIDDEN.as_bytes());
        at = place.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use serde_json::json;

    use super::*;

    /// Every kind of character that any encoding treats in a way of its own.
    const HARD: &str = "k+/=?&\"\\<'`%ü:-_.~ x9";

    #[test]
    fn a_secret_is_hidden_in_every_form_and_the_rest_stays() {
        for secret in ["test-token-1", HARD, "0123456789abcdef0123456789abcdef0123456789abcdef"] {
            let redactor = Redactor::knowing([&Secret::new(secret)]);
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = Value::from(secret).to_string();
            let mut texts = vec![
                secret.to_owned(),
                hex.to_uppercase(),
                hex,
                form.replace('+', "%20"),
                form.replace("%2F", "%2f").replace("%C3%BC", "%c3%bc"),
                form,
                secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
                secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
                json.trim_matches('"').replace('/', "\\/"),
                Value::from(json.as_str()).to_string(),
                json,
            ];
            for around in ["", "a", "ab", "abc", "Basic user:"] {
                texts.push(STANDARD.encode(format!("{around}{secret}")));
                texts.push(URL_SAFE.encode(format!("{around}{secret}{around}")));
            }
            for text in texts {
                let whole = format!("before {text} after");
                let hidden = redactor.text(&whole);
                assert!(hidden.contains(HIDDEN), "{text}");
                assert!(hidden.starts_with("before ") && hidden.ends_with(" after"), "{hidden}");
                assert!(redactor.finds(whole.as_bytes()) && !redactor.finds(hidden.as_bytes()));
                assert_eq!(redactor.bytes(whole.as_bytes()), hidden.as_bytes());
            }
        }
    }

    #[test]
    fn values_are_changed_only_where_a_secret_stands() {
        let redactor =
            Redactor::knowing([&Secret::new("test-token-1"), &Secret::new("test-token-12")]);
        let mut answer = json!({
            "x-test-token-12": [1, null, true, "a test-token-1, a test-token-12", "test-token-"],
            "n": { "k": "746573742d746f6b656e2d31" },
        });
        redactor.value(&mut answer);
        let hidden = json!({
            "x-[secret]": [1, null, true, "a [secret], a [secret]", "test-token-"],
            "n": { "k": "[secret]" },
        });
        assert_eq!(answer, hidden);
    }

    #[test]
    fn answers_are_read_as_whoever_undoes_their_escapes_reads_them() {
        let hides = |secret: &str, text: &str| {
            let redactor = Redactor::knowing([&Secret::new(secret)]);
            let mut value = serde_json::from_str(text).unwrap();
            redactor.value_of(text.as_bytes(), &mut value)
        };
        assert!(hides("two words", r#"{"a": "x=two+words"}"#));
        assert!(hides("two\nlines", r#"{"a": "two\nlines"}"#));
        assert!(hides("a\"quote", r#"{"a": "a\"quote"}"#));
        assert!(hides("plain-token", r#"{"a": "\u0070lain-token"}"#));
        assert!(hides("plain-token", r#"{"a": "one\nplain-token, +1 407"}"#));
        assert!(hides("plain-token", r#"{"a": "plain%2Dtoken"}"#));
        assert!(!hides("plain-token", r#"{"a": "one\ntwo", "phone": "+14075550100"}"#));
    }

    #[test]
    fn a_long_token_is_known_by_all_of_it() {
        let long = |c: &str| format!("{}.{}", c.repeat(500), "signature".repeat(10));
        let redactor = Redactor::knowing([&Secret::new(long("a"))]);
        let text = format!("{} {}", long("b"), long("a"));
        assert_eq!(redactor.text(&text), format!("{} [secret]", long("b")));
    }

    #[test]
    fn what_is_no_secret_hides_nothing() {
        let redactor =
            Redactor::knowing([&Secret::new(""), &Secret::new("a"), &Secret::new("abc")]);
        assert_eq!(redactor.text("abc as it is"), "abc as it is");
        assert_eq!(Redactor::default().text("as it is"), "as it is");
        assert_eq!(format!("{redactor:?}"), "[secrets]");
    }

    #[test]
    fn of_very_many_those_that_are_used_stay_known() {
        let redactor = Redactor::default();
        let used = Secret::new("the one that is used");
        for number in 0..2 * MOST + 10 {
            redactor.learn(&used);
            redactor.learn(&Secret::new(format!("number-{number:05}")));
        }
        let text = format!("the one that is used number-{:05} number-00000", 2 * MOST);
        assert_eq!(redactor.text(&text), "[secret] [secret] number-00000");
    }
}
