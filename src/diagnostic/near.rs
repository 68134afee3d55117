//! The nearest known name.

/// The name among `known` that `wrong` most likely means, if any comes near enough.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain_wrong = plain(wrong);
    let limit = (wrong.chars().count() / 3).clamp(1, 6);
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
            let distance = strsim::damerau_levenshtein(&plain_wrong, &plain_name);
            (distance <= limit).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = close {
        return Some(name.to_owned());
    }
    // `company` for `companyName`: the one name that begins so.
    let mut longer = known.iter().filter(|name| plain(name).starts_with(&plain_wrong));
    match (longer.next(), longer.next()) {
        (Some(name), None) if plain_wrong.len() >= 3 => Some((*name).to_owned()),
        _ => None,
    }
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
