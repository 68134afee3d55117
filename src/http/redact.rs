//! What an app answers may repeat what was sent to it: a text or a value comes in, and goes out without
//! the secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::connection::Secret;

const HIDDEN: &str = "[secret]";

/// The forms in which a secret may come back.
pub struct Forms(Vec<String>);

impl Forms {
    /// As it is.
    pub fn plain(secret: &Secret) -> Forms {
        Forms(
            Some(secret.expose())
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect(),
        )
    }

    /// As it is, and encoded in the usual ways: for answers that say what was wrong with the request.
    pub fn all(secret: &Secret) -> Forms {
        let text = secret.expose();
        if text.is_empty() {
            return Forms(Vec::new());
        }
        let in_form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let in_hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let in_base64 = STANDARD.encode(text);
        Forms(vec![
            text.to_owned(),
            in_form.replace('+', "%20"),
            in_form,
            in_hex.to_uppercase(),
            in_hex,
            in_base64.trim_end_matches('=').to_owned(),
        ])
    }

    /// A text without them.
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, form| match text.contains(form) {
            true => text.replace(form, HIDDEN),
            false => text,
        })
    }

    /// Takes them out of a value, keys and all.
    pub fn hide_in(&self, value: &mut Value) {
        if self.are_in(value) {
            self.replace_in(value);
        }
    }

    fn are_in(&self, value: &Value) -> bool {
        let is_in = |text: &str| self.0.iter().any(|form| text.contains(form));
        match value {
            Value::String(text) => is_in(text),
            Value::Array(items) => items.iter().any(|item| self.are_in(item)),
            Value::Object(map) => map.iter().any(|(key, inner)| is_in(key) || self.are_in(inner)),
            _ => false,
        }
    }

    fn replace_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace_in(item)),
            Value::Object(map) => {
                for (key, mut inner) in std::mem::take(map) {
                    self.replace_in(&mut inner);
                    map.insert(self.hide(&key), inner);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form_and_the_rest_stays() {
        let forms = Forms::all(&Secret::new("a+b/c d"));
        let mut answer = json!({
            "a+b/c d": ["a%2Bb%2Fc+d", "a%2Bb%2Fc%20d", { "k": "hex 612b622f632064." }],
            "n": [1, null, true, "YStiL2MgZA==", "612B622F632064", "else"],
        });
        forms.hide_in(&mut answer);
        let hidden = json!({
            "[secret]": ["[secret]", "[secret]", { "k": "hex [secret]." }],
            "n": [1, null, true, "[secret]==", "[secret]", "else"],
        });
        assert_eq!(answer, hidden);
        let empty = Forms::all(&Secret::new(""));
        assert_eq!(empty.hide("as it is"), "as it is");
    }
}
