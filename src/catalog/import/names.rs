//! Names of our own: what a description calls a thing comes in; ids, titles and names of types in our
//! spelling go out.

use std::collections::HashSet;

/// `socialMediaPosting` and `social-media-posting` → `social_media_posting`
pub(super) fn resource(name: &str) -> String {
    let words = words(name);
    if words.is_empty() { "operations".to_owned() } else { words.join("_") }
}

/// `getContactById` → `get-contact-by-id`; where a description gives none, from the method and the path:
/// `GET /contacts/{contactId}/tasks` → `get-contacts-by-contact-id-tasks`.
pub(super) fn id(operation_id: Option<&str>, method: &str, path: &str) -> String {
    let given = operation_id.map(words).unwrap_or_default();
    let starts_well =
        given.first().is_some_and(|w| w.starts_with(|c: char| c.is_ascii_lowercase()));
    if starts_well {
        return given.join("-");
    }
    let mut all = vec![method.to_lowercase()];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let name = part.trim_start_matches('{').trim_end_matches('}');
        if name.len() != part.len() {
            all.push("by".to_owned());
        }
        all.extend(words(name));
    }
    all.join("-")
}

/// `get-contact-by-id` → `Get contact by id`
pub(crate) fn title(id: &str) -> String {
    let mut text = id.replace('-', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// The name of a type: letters and digits, with a capital first.
pub(super) fn type_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
    let mut plain = if plain.is_empty() { "Type".to_owned() } else { plain };
    plain[..1].make_ascii_uppercase();
    plain
}

/// The name itself, or with a number behind it where it is in use; it is in use from now on.
pub(super) fn unused(name: &str, between: &str, used: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}{between}{n}"));
    let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !used.contains(name));
    let free = free.expect("there is no end of numbers");
    used.insert(free.clone());
    free
}

/// The words of a name in any spelling, in small letters. Letters of other alphabets part them.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let behind = letters.get(at + 1);
        // `contactId` and the last capital of `HTTPServer` begin a word.
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(|b| b.is_ascii_uppercase())
                    && behind.is_some_and(|b| b.is_ascii_lowercase())));
        if begins {
            words.push(String::new());
        }
        let word = words.last_mut().expect("there is always one");
        word.push(letter.to_ascii_lowercase());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_spelling_come_out_in_ours() {
        assert_eq!(id(Some("getContactById"), "GET", "/x"), "get-contact-by-id");
        assert_eq!(id(Some("GET-all-or-email"), "GET", "/x"), "get-all-or-email");
        assert_eq!(
            id(Some("create-integration provider"), "POST", "/x"),
            "create-integration-provider"
        );
        assert_eq!(id(Some("HTTPServer_list"), "GET", "/x"), "http-server-list");
        assert_eq!(
            id(None, "GET", "/contacts/{contactId}/tasks"),
            "get-contacts-by-contact-id-tasks"
        );
        assert_eq!(id(Some("日本"), "POST", "/"), "post");
        assert_eq!(resource("social-media-posting"), "social_media_posting");
        assert_eq!(resource("…"), "operations");
        assert_eq!(title("get-contact-by-id"), "Get contact by id");
        assert_eq!(type_name("api.Task«List»"), "ApiTaskList");
        assert_eq!(type_name("42"), "Type");
    }
}
