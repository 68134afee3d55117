//! The nearest known name.

/// The name among `known` that `wrong` most likely means, if any comes near enough.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain_wrong = plain(wrong);
    let limit = (wrong.chars().count() / 4).clamp(1, 4);
    let known: Vec<&str> = known.into_iter().filter(|name| *name != wrong).collect();
    let close = known
        .iter()
        .copied()
        .filter_map(|name| {
            let plain_name = plain(name);
            if plain_name == plain_wrong {
                return Some((0, name));
            }
            // Cheap before dear: a distance is never less than the difference in length.
            if plain_name.len().abs_diff(plain_wrong.len()) > limit * 4 {
                return None;
            }
            let distance = match same_letters(&plain_wrong, &plain_name) {
                true => 1,
                false => strsim::damerau_levenshtein(&plain_wrong, &plain_name),
            };
            (distance <= limit).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = close {
        return Some(name.to_owned());
    }
    // `company` for `companyName`: the one name that begins so.
    let tail = format!("_{wrong}");
    let mut longer = known
        .iter()
        .filter(|name| plain(name).starts_with(&plain_wrong) || name.ends_with(tail.as_str()));
    match (longer.next(), longer.next()) {
        (Some(name), None) if plain_wrong.len() >= 2 => Some((*name).to_owned()),
        _ => None,
    }
}

/// The same letters in another order: a slip of the fingers.
fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// `first_name`, `firstName` and `FirstName` are one word to a person.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn spelling_and_case_are_forgiven() {
        let known = ["firstName", "lastName", "email"];
        assert_eq!(nearest("first_name", known).as_deref(), Some("firstName"));
        assert_eq!(nearest("emial", known).as_deref(), Some("email"));
        assert_eq!(nearest("telephone", known), None);
    }
}
