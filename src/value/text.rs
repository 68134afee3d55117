//! Names and other text: text comes in; a part of it, or a tidier form, goes out.

use unicode_segmentation::UnicodeSegmentation;

/// What may follow a comma without being a first name: `Ada Lovelace, Ph.D.`
const SUFFIXES: [&str; 12] =
    ["jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds", "cpa", "inc", "llc"];

/// The first name: the first word, or for `Lovelace, Ada` the first word after the comma.
///
/// Nothing when there is no word at all.
pub fn first_name(full_name: &str) -> Option<String> {
    let (first, _) = name_parts(full_name);
    first
}

/// The last name: all words but the first, or for `Lovelace, Ada` what stands before the comma.
///
/// Nothing when there is only one word.
pub fn last_name(full_name: &str) -> Option<String> {
    let (_, last) = name_parts(full_name);
    last
}

fn name_parts(full_name: &str) -> (Option<String>, Option<String>) {
    let name = full_name.trim_matches(|sign: char| sign == ',' || sign.is_whitespace());
    let reversed = name.split_once(',').filter(|(_, after)| !is_suffix(after));
    match reversed {
        Some((last, rest)) => {
            let first = rest.split([' ', '\t', '\n', ',']).find(|word| !word.trim().is_empty());
            (first.map(|word| word.trim().to_owned()), joined(last.split_whitespace()))
        }
        None => {
            let mut words = name.split_whitespace();
            (words.next().map(|word| word.trim_matches(',').to_owned()), joined(words))
        }
    }
}

fn is_suffix(text: &str) -> bool {
    let letters: String =
        text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    SUFFIXES.contains(&letters.as_str())
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let text = words.collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// Lower-case words joined by dashes, in plain Latin letters: `Café Zürich!` gives `cafe-zurich`.
///
/// Other scripts are spelled out roughly; the result is empty when nothing is left.
pub fn slug(text: &str) -> String {
    slug::slugify(text)
}

/// The text cut to at most `max_chars` characters, `ending` included.
///
/// A character is what a reader sees as one: an accented letter or a family emoji counts once and
/// is never split. The cut goes back to the end of a word when that loses less than half. Text
/// that fits is handed back as it is; an ending that would not fit is left out.
pub fn truncate(text: &str, max_chars: usize, ending: &str) -> String {
    if text.graphemes(true).nth(max_chars).is_none() {
        return text.to_owned();
    }
    let ending_length = ending.graphemes(true).count();
    let (room, ending) = match max_chars.checked_sub(ending_length) {
        Some(room) if room > 0 => (room, ending),
        _ => (max_chars, ""),
    };
    let mut starts = text.grapheme_indices(true).map(|(start, _)| start).skip(room);
    let kept = &text[..starts.next().unwrap_or(text.len())];
    let cut_inside_word = !text[kept.len()..].starts_with(char::is_whitespace)
        && !kept.ends_with(char::is_whitespace);
    let at_word = match kept.rfind(char::is_whitespace) {
        Some(space) if cut_inside_word => kept[..space].trim_end(),
        _ => kept.trim_end(),
    };
    let kept = if at_word.len() * 2 > kept.len() { at_word } else { kept.trim_end() };
    format!("{kept}{ending}")
}

/// A capital at the start of every word and after a dash, the rest lower-case.
///
/// `ada o'neil-KING` gives `Ada O'Neil-King`. After an apostrophe a capital follows only when one
/// letter stands before it, so `don't` gives `Don't`. A word that mixes capitals and small letters
/// already (`McDonald`) stays as it is, because its writer knew better.
pub fn title_case(text: &str) -> String {
    text.split_inclusive(|sign: char| sign.is_whitespace() || sign == '-').map(title_word).collect()
}

fn title_word(word: &str) -> String {
    let after_first = || word.chars().filter(|sign| sign.is_alphabetic()).skip(1);
    if after_first().any(char::is_uppercase) && word.chars().any(char::is_lowercase) {
        return word.to_owned();
    }
    let mut text = String::with_capacity(word.len());
    let mut letters = 0;
    let mut capital = true;
    for sign in word.chars() {
        if matches!(sign, '\'' | '\u{2019}') {
            capital = capital || letters == 1;
            text.push(sign);
        } else if capital && sign.is_alphanumeric() {
            text.extend(sign.to_uppercase());
            capital = false;
        } else {
            text.extend(sign.to_lowercase());
        }
        letters += usize::from(sign.is_alphabetic());
    }
    text
}

/// Whether a text has the form of an e-mail address: a name, `@`, and a host with a dot in it.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

/// A text as a shell takes it for one word.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '\\' | ':' | '@' | '+')
    };
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A name without capitals and signs between its words: `first_name` and `firstName` give `firstname`.
pub fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The first `most` characters of a text, fit to be shown in a message: line breaks and whatever else
/// could steer a terminal become spaces.
pub fn shortened(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    match text.char_indices().nth(most) {
        Some((at, _)) => text[..at].chars().map(plain).chain(['…']).collect(),
        None => text.chars().map(plain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (Option<String>, Option<String>) {
        (first_name(text), last_name(text))
    }

    #[test]
    fn names_are_parted_after_the_first_word() {
        let two = |first: &str, last: &str| (Some(first.to_owned()), Some(last.to_owned()));
        assert_eq!(names("Ada King Lovelace"), two("Ada", "King Lovelace"));
        assert_eq!(names("  Ada   Lovelace "), two("Ada", "Lovelace"));
        assert_eq!(names("Lovelace, Ada"), two("Ada", "Lovelace"));
        assert_eq!(names("King Lovelace,Ada Augusta"), two("Ada", "King Lovelace"));
        assert_eq!(names("Ada Lovelace, Ph.D."), two("Ada", "Lovelace, Ph.D."));
        assert_eq!(names("Ada"), (Some("Ada".to_owned()), None));
        assert_eq!(names("Ada,"), (Some("Ada".to_owned()), None));
        assert_eq!(names(" , "), (None, None));
        assert_eq!(names(""), (None, None));
    }

    #[test]
    fn slugs_are_plain_words_and_dashes() {
        assert_eq!(slug("Café Zürich!"), "cafe-zurich");
        assert_eq!(slug("  Paid -- in full  "), "paid-in-full");
        assert_eq!(slug("!?"), "");
    }

    #[test]
    fn cutting_prefers_the_end_of_a_word_and_counts_the_ending() {
        assert_eq!(truncate("Monthly payment plan", 40, "…"), "Monthly payment plan");
        assert_eq!(truncate("Monthly payment plan", 17, "…"), "Monthly payment…");
        assert_eq!(truncate("Monthly payment plan", 16, "…"), "Monthly payment…");
        assert_eq!(truncate("Monthly payment plan", 15, "..."), "Monthly...");
        assert_eq!(truncate("A verylongwordindeed", 10, "…"), "A verylon…");
        assert_eq!(truncate("abcdef", 6, "…"), "abcdef");
        assert_eq!(truncate("abcdef", 3, ""), "abc");
        assert_eq!(truncate("abcdef", 2, "..."), "ab");
        assert_eq!(truncate("abcdef", 0, "…"), "");
    }

    #[test]
    fn cutting_never_splits_what_reads_as_one_character() {
        assert_eq!(truncate("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2, ""), "👨‍👩‍👧👨‍👩‍👧");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2, ""), "e\u{301}e\u{301}");
    }

    #[test]
    fn titles_get_capitals() {
        assert_eq!(title_case("ada o'neil-KING"), "Ada O'Neil-King");
        assert_eq!(title_case("JOHN SMITH"), "John Smith");
        assert_eq!(title_case("ronald McDonald"), "Ronald McDonald");
        assert_eq!(title_case("don't  stop"), "Don't  Stop");
        assert_eq!(title_case("élodie (au pair)"), "Élodie (Au Pair)");
    }
}
