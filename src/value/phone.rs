//! Phone numbers: text as people write it comes in; `+14075550100` or bare digits go out.
//!
//! A number is accepted when its length is possible in its country. Whether anybody owns it is not
//! asked, so test numbers such as 407 555 0100 pass.

use super::ValueError;
use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Type};

/// A number taken apart: `1` and `4075550100`.
struct Number {
    calling_code: u16,
    national: String,
}

/// The number with `+`, country code and digits only, such as `+14075550100`.
///
/// A number without a country code is taken in `country` (two letters). Spaces, dots, dashes and
/// brackets do not matter; an extension such as `x12` is dropped.
///
/// # Errors
/// The text is not a possible number, or `country` has no phone numbers.
pub fn e164(text: &str, country: &str) -> Result<String, ValueError> {
    let number = read(text, country)?;
    Ok(format!("+{}{}", number.calling_code, number.national))
}

/// The number as bare digits, always 10 to 15 of them.
///
/// A number with the country code of `country` is written without that code when 10 digits or
/// more are left (`4075550100`); every other number is written with its country code.
///
/// # Errors
/// As [`e164`], and when fewer than 10 or more than 15 digits come out.
pub fn digits(text: &str, country: &str) -> Result<String, ValueError> {
    let number = read(text, country)?;
    let at_home = region(country).is_some_and(|(_, home)| {
        home.country_code() == number.calling_code && number.national.len() >= 10
    });
    let digits = match at_home {
        true => number.national,
        false => format!("{}{}", number.calling_code, number.national),
    };
    match digits.len() {
        0..10 => Err(impossible("has fewer than 10 digits, even with its country code")),
        10..=15 => Ok(digits),
        _ => Err(impossible("has more than 15 digits")),
    }
}

fn region(country: &str) -> Option<(Id, &'static Metadata)> {
    let id: Id = country.trim().to_ascii_uppercase().parse().ok()?;
    // The parser panics on a country that is in its list but not in its database.
    DATABASE.by_id(id.as_ref()).map(|home| (id, home))
}

fn read(text: &str, country: &str) -> Result<Number, ValueError> {
    let (id, home) = region(country).ok_or_else(|| {
        ValueError::new(
            "cannot be read, because its country is not known",
            "set a country of two letters, such as US",
        )
    })?;
    let (digits, international) = written_digits(text)?;
    if international {
        return with_country_code(&digits);
    }
    // 00 starts an international number in most of the world, and no number in North America.
    if let Some(rest) = digits.strip_prefix("00") {
        return with_country_code(rest);
    }
    let abroad = home.international_prefix().and_then(|prefix| prefix.find(&digits));
    if let Some(found) = abroad
        && found.start() == 0
        && !is_regular(home, &digits)
    {
        return with_country_code(&digits[found.end()..]);
    }
    number_of(&[home], home.country_code(), &digits, || phonenumber::parse(Some(id), &digits))
}

/// Reads digits that start with a country code.
fn with_country_code(digits: &str) -> Result<Number, ValueError> {
    let unknown = || impossible("does not start with a known country code");
    let (calling_code, national) = (1..=3)
        .filter_map(|length| digits.split_at_checked(length))
        .filter_map(|(code, rest)| Some((code.parse::<u16>().ok()?, rest)))
        .find(|(code, rest)| *code > 0 && !rest.is_empty() && DATABASE.by_code(code).is_some())
        .ok_or_else(unknown)?;
    let regions = DATABASE.by_code(&calling_code).unwrap_or_default();
    // The parser must see the number's own country: it would take the prefix of any other off too.
    let own = regions.first().and_then(|region| region.id().parse().ok());
    number_of(&regions, calling_code, national, || phonenumber::parse(own, format!("+{digits}")))
}

/// The number these digits without a country code are: as they stand, or as the parser reads them.
///
/// The parser takes off digits for calls inside the country, such as a leading zero, and also
/// digits that only look like that; so what is fine as it stands is not shown to it.
fn number_of(
    regions: &[&Metadata],
    calling_code: u16,
    national: &str,
    parse: impl FnOnce() -> Result<phonenumber::PhoneNumber, phonenumber::ParseError>,
) -> Result<Number, ValueError> {
    let possible =
        |national: &str| lengths(regions).any(|length| usize::from(length) == national.len());
    let as_it_stands = Number { calling_code, national: national.to_owned() };
    if possible(national) && regions.iter().any(|region| is_regular(region, national)) {
        return Ok(as_it_stands);
    }
    if national.len() > 20 {
        return Err(impossible("has too many digits for a phone number"));
    }
    let parsed = parse()
        .ok()
        .filter(|parsed| parsed.code().value() == calling_code)
        .map(|parsed| parsed.national().to_string())
        .filter(|national| possible(national));
    match parsed {
        Some(national) => Ok(Number { calling_code, national }),
        None if possible(national) => Ok(as_it_stands),
        None => Err(wrong_length(regions, calling_code, national.len())),
    }
}

fn wrong_length(regions: &[&Metadata], calling_code: u16, found: usize) -> ValueError {
    impossible(if calling_code == 1 && found == 7 {
        "has no area code"
    } else if lengths(regions).all(|possible| found < usize::from(possible)) {
        "has too few digits for a phone number"
    } else if lengths(regions).all(|possible| found > usize::from(possible)) {
        "has too many digits for a phone number"
    } else {
        "does not have the right number of digits for its country"
    })
}

/// Whether the digits follow the country's plan, so that none of them is a prefix to take off.
fn is_regular(region: &Metadata, national: &str) -> bool {
    region.descriptors().general().is_match(national)
}

/// How many digits numbers have in these regions, without the country code.
///
/// The general entry leaves this out, so the entries of every kind of number are put together.
fn lengths(regions: &[&Metadata]) -> impl Iterator<Item = u16> {
    const KINDS: [Type; 10] = [
        Type::FixedLine,
        Type::Mobile,
        Type::TollFree,
        Type::PremiumRate,
        Type::SharedCost,
        Type::PersonalNumber,
        Type::Voip,
        Type::Pager,
        Type::Uan,
        Type::Voicemail,
    ];
    regions
        .iter()
        .flat_map(|region| KINDS.iter().filter_map(|kind| region.descriptors().get(*kind)))
        .flat_map(|kind| kind.possible_length().iter().copied())
}

/// The digits of the number without any extension, and whether a `+` stands before them.
fn written_digits(text: &str) -> Result<(String, bool), ValueError> {
    let number = text.trim();
    if number.len() > 200 {
        return Err(impossible("is too long for a phone number"));
    }
    let lower = number.to_ascii_lowercase();
    let start = if lower.starts_with("tel:") { 4 } else { 0 };
    let end = ["ext", "x", "#", ";", ","].iter().filter_map(|sign| lower[start..].find(sign)).min();
    let (number, extension) = number[start..].split_at(end.unwrap_or(number.len() - start));
    if extension.chars().filter(char::is_ascii_digit).count() > 7 {
        return Err(impossible("looks like two phone numbers"));
    }
    let international = number.trim_start_matches(|sign: char| sign == '(' || ignored(sign));
    let plus = international.starts_with('+');
    // +44 (0)20 …: the zero is for callers inside the country.
    let number = if plus { number.replace("(0)", "") } else { number.to_owned() };
    let mut digits = String::new();
    for sign in number.chars() {
        match sign {
            '0'..='9' => digits.push(sign),
            '+' if plus && digits.is_empty() => {}
            _ if ignored(sign) => {}
            _ if sign.is_alphabetic() => return Err(impossible("has letters in it")),
            _ => return Err(impossible(&format!("has `{}` in it", sign.escape_debug()))),
        }
    }
    if digits.is_empty() {
        return Err(impossible("has no digits"));
    }
    match digits.strip_prefix("00") {
        Some(rest) if plus => Ok((rest.to_owned(), true)),
        _ => Ok((digits, plus)),
    }
}

/// Signs that only part the digits, and invisible ones that come along when text is copied.
fn ignored(sign: char) -> bool {
    sign.is_whitespace()
        || matches!(sign, '-' | '.' | '(' | ')' | '[' | ']' | '/' | '\u{2010}'..='\u{2015}')
        || matches!(sign, '\u{2212}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(sign, '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn impossible(problem: &str) -> ValueError {
    ValueError::new(problem, "write a number such as +14075550100 or (407) 555-0100")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        e164(text, "US").unwrap_err().problem
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for text in [
            "(407) 555-0100",
            "407.555.0100",
            "4075550100",
            "1 407 555 0100",
            "14075550100",
            "+1 (407) 555-0100",
            "tel:+1-407-555-0100",
            "407 555 0100 x12",
            "407-555-0100 ext. 1234",
            "\u{202a}+1 407\u{2011}555\u{2011}0100\u{202c}",
            "001 407 555 0100",
            "(+1) 407 555 0100",
        ] {
            assert_eq!(e164(text, "us").as_deref(), Ok("+14075550100"), "{text}");
        }
        assert_eq!(e164("+1 888-888-8888", "US").as_deref(), Ok("+18888888888"));
        assert_eq!(e164("1234567898", "US").as_deref(), Ok("+11234567898"));
    }

    #[test]
    fn numbers_of_other_countries_keep_every_digit() {
        for (text, country, expected) in [
            ("0049 30 123456", "US", "+4930123456"),
            ("011 49 1512 3456789", "US", "+4915123456789"),
            ("+49 1512 3456789", "US", "+4915123456789"),
            ("+49 (0)30 123456", "US", "+4930123456"),
            ("+44 020 7946 0958", "US", "+442079460958"),
            ("+0049 30 123456", "US", "+4930123456"),
            ("030 123456", "DE", "+4930123456"),
            ("020 7946 0958", "GB", "+442079460958"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("+39 06 1234 5678", "US", "+390612345678"),
            ("0011 1 407 555 0100", "AU", "+14075550100"),
            ("8 912 345 67 89", "RU", "+79123456789"),
            ("+7 800 555 35 35", "US", "+78005553535"),
            ("416 555 0123", "CA", "+14165550123"),
            ("+800 1234 5678", "US", "+80012345678"),
        ] {
            assert_eq!(e164(text, country).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_number_is_refused_with_the_reason() {
        assert_eq!(problem("555-0100"), "has no area code");
        assert_eq!(problem("12345"), "has too few digits for a phone number");
        assert_eq!(problem("407555010012345"), "has too many digits for a phone number");
        assert_eq!(problem("407 555 0100, 407 555 0101"), "looks like two phone numbers");
        assert_eq!(problem("1-800-FLOWERS"), "has letters in it");
        assert_eq!(problem(""), "has no digits");
        assert_eq!(problem("407_555_0100"), "has `_` in it");
        assert_eq!(problem("+999 123456789"), "does not start with a known country code");
        assert!(e164("4075550100", "ZZ").unwrap_err().problem.contains("country is not known"));
    }

    #[test]
    fn bare_digits_leave_out_the_country_code_at_home_only() {
        assert_eq!(digits("+1 407 555 0100", "US").as_deref(), Ok("4075550100"));
        assert_eq!(digits("+49 30 123456", "US").as_deref(), Ok("4930123456"));
        // Nine digits at home are too few, so the country code stays.
        assert_eq!(digits("030 1234567", "DE").as_deref(), Ok("49301234567"));
        assert!(digits("+49 30 1234", "DE").unwrap_err().problem.contains("fewer than 10"));
    }
}
