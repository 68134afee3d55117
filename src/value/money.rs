//! Money and plain numbers: a JSON number or text comes in; `$1,234.50` or a JSON number goes out.
//!
//! Everything is done on decimal digits, never on binary fractions, so no cent is lost.

use super::ValueError;
use serde_json::{Number, Value};

/// Currencies with a sign everybody reads; all others are shown as `CHF 1,234.50`.
const SIGNS: [(&str, &str); 4] = [("CAD", "CA$"), ("USD", "$"), ("EUR", "€"), ("GBP", "£")];

/// More digits than any amount has, and few enough that nothing grows without bound.
const MOST_DIGITS: usize = 30;

/// An amount with two decimals and commas: `1,234.50`, with a currency `$1,234.50`, `-$5.00`.
///
/// `amount` is in whole units (dollars, not cents): a number, or text such as `2.00` or `$1,234.5`.
/// Halves of a cent are rounded away from zero. `currency` is a code of three letters; the decimals
/// are two for every currency.
///
/// # Errors
/// The amount is not a plain decimal number, carries the sign of another currency, or has more than
/// 30 digits; or the currency is not three letters.
pub fn money(amount: &Value, currency: Option<&str>) -> Result<String, ValueError> {
    let currency = currency.map(currency_code).transpose()?;
    let text = match amount {
        Value::String(text) => text.trim().to_owned(),
        // Written out in full: JSON writes large and small numbers with an exponent.
        Value::Number(number) => match number.as_f64() {
            Some(fraction) if number.is_f64() => fraction.to_string(),
            _ => number.to_string(),
        },
        _ => return Err(not_an_amount("is not an amount of money")),
    };
    let (negative, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.as_str()),
    };
    let bare = without_sign(unsigned, currency.as_deref())?;
    // The minus may also stand between the sign and the digits: $-5.
    let (negative, bare) = match bare.strip_prefix(['-', '\u{2212}']) {
        Some(rest) if bare.len() < unsigned.len() && !negative => (true, rest),
        _ => (negative, bare),
    };
    let (whole, fraction) = decimal(bare)?;
    let (whole, cents) = rounded(&whole, &fraction);
    let minus = if negative && (whole != "0" || cents != "00") { "-" } else { "" };
    let sign = match &currency {
        None => String::new(),
        Some(code) => match SIGNS.iter().find(|(known, _)| known == code) {
            Some((_, sign)) => (*sign).to_owned(),
            None => format!("{code} "),
        },
    };
    Ok(format!("{minus}{sign}{}.{cents}", with_commas(&whole)))
}

/// A JSON number for plain decimal text such as `2.00` or `-3`; whole numbers stay whole.
///
/// Nothing for any other text: separators, exponents, a leading `+`, a leading zero (`02134` is a
/// postal code, not a number), and numbers with more digits than a JSON number keeps.
pub fn number_from_text(text: &str) -> Option<Number> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if digits.contains('.') {
        // Fifteen digits are what a binary fraction is sure to keep.
        let kept = whole.trim_start_matches('0').len() + fraction.trim_end_matches('0').len();
        return text.parse().ok().filter(|_| kept <= 15).and_then(Number::from_f64);
    }
    let unsigned = || text.parse::<u64>().ok().map(Number::from);
    text.parse::<i64>().ok().map(Number::from).or_else(unsigned)
}

fn currency_code(text: &str) -> Result<String, ValueError> {
    let code = text.trim().to_ascii_uppercase();
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(ValueError::new(
        "cannot be shown, because its currency is not a code of three letters",
        "write a currency such as USD",
    ))
}

/// Takes a currency sign or code off the front (or a code off the end).
fn without_sign<'a>(text: &'a str, currency: Option<&str>) -> Result<&'a str, ValueError> {
    let code_at_end = text.get(text.len().saturating_sub(3)..).filter(|end| is_code(end));
    let code_at_start = text.get(..3).filter(|start| is_code(start));
    let (found, rest) = if let Some(code) = code_at_start {
        (Some(code.to_ascii_uppercase()), &text[3..])
    } else if let Some((code, sign)) = SIGNS.iter().find(|(_, sign)| text.starts_with(sign)) {
        // Many currencies are called dollar, so a plain $ says only that it is one of them.
        let code = (*sign != "$").then(|| (*code).to_owned());
        (code, &text[sign.len()..])
    } else if let Some(code) = code_at_end {
        (Some(code.to_ascii_uppercase()), &text[..text.len() - 3])
    } else {
        (None, text)
    };
    let dollar_elsewhere = text.starts_with('$') && matches!(currency, Some("EUR" | "GBP"));
    match (found, currency) {
        (Some(found), Some(currency)) if found != currency => {
            Err(not_an_amount(&format!("is in {found}, not {currency}")))
        }
        (None, Some(currency)) if dollar_elsewhere => {
            Err(not_an_amount(&format!("is in dollars, not {currency}")))
        }
        _ => Ok(rest.trim()),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The digits before and after the point, commas checked and gone; at least one before it.
fn decimal(text: &str) -> Result<(String, String), ValueError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() == 1
        || (matches!(groups[0].len(), 1..=3) && groups[1..].iter().all(|group| group.len() == 3));
    let empty = whole.is_empty() && fraction.is_empty();
    if empty || !grouped || !all_digits(fraction) || !groups.iter().all(|group| all_digits(group)) {
        return Err(not_an_amount("is not an amount of money"));
    }
    let joined = groups.concat();
    let whole = joined.trim_start_matches('0');
    if whole.len() > MOST_DIGITS {
        return Err(not_an_amount("is too large for an amount of money"));
    }
    Ok((if whole.is_empty() { "0" } else { whole }.to_owned(), fraction.to_owned()))
}

/// Rounds to two decimals, half a cent upward; the third decimal alone decides.
fn rounded(whole: &str, fraction: &str) -> (String, String) {
    let cents = fraction.bytes().chain(*b"00").take(2);
    let mut digits: Vec<u8> = whole.bytes().chain(cents).collect();
    if fraction.as_bytes().get(2).is_some_and(|digit| *digit >= b'5') {
        let nines = digits.iter().rev().take_while(|digit| **digit == b'9').count();
        let kept = digits.len() - nines;
        digits[kept..].fill(b'0');
        match digits[..kept].last_mut() {
            Some(digit) => *digit += 1,
            None => digits.insert(0, b'1'),
        }
    }
    let text: String = digits.into_iter().map(char::from).collect();
    let (whole, cents) = text.split_at(text.len() - 2);
    (whole.to_owned(), cents.to_owned())
}

fn with_commas(whole: &str) -> String {
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn not_an_amount(problem: &str) -> ValueError {
    ValueError::new(problem, "write an amount such as 1234.50")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(amount: Value) -> String {
        money(&amount, None).unwrap()
    }

    fn dollars(amount: Value) -> String {
        money(&amount, Some("USD")).unwrap()
    }

    #[test]
    fn amounts_get_two_decimals_and_commas() {
        assert_eq!(plain(json!(2)), "2.00");
        assert_eq!(plain(json!(1234.5)), "1,234.50");
        assert_eq!(plain(json!("2.00")), "2.00");
        assert_eq!(plain(json!("$1,234.5")), "1,234.50");
        assert_eq!(plain(json!(".5")), "0.50");
        assert_eq!(plain(json!(1_000_000)), "1,000,000.00");
        assert_eq!(plain(json!(100)), "100.00");
        assert_eq!(plain(json!(1e20)), "100,000,000,000,000,000,000.00");
    }

    #[test]
    fn a_currency_shows_as_people_write_it() {
        assert_eq!(dollars(json!(1234.5)), "$1,234.50");
        assert_eq!(dollars(json!(-5)), "-$5.00");
        assert_eq!(dollars(json!("-$5")), "-$5.00");
        assert_eq!(dollars(json!("$-5")), "-$5.00");
        assert_eq!(dollars(json!("5.00 USD")), "$5.00");
        for (code, text) in
            [("eur", "€5.00"), ("GBP", "£5.00"), ("CAD", "CA$5.00"), ("CHF", "CHF 5.00")]
        {
            assert_eq!(money(&json!(5), Some(code)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn halves_of_a_cent_are_rounded_by_their_decimal_digits() {
        // As binary fractions, 1.005 and 2.675 are a little less than they look.
        assert_eq!(plain(json!(1.005)), "1.01");
        assert_eq!(plain(json!("2.675")), "2.68");
        assert_eq!(plain(json!("-2.675")), "-2.68");
        assert_eq!(plain(json!("2.6749999")), "2.67");
        assert_eq!(plain(json!("999.995")), "1,000.00");
        assert_eq!(plain(json!(0.1 + 0.2)), "0.30");
        assert_eq!(plain(json!("-0.001")), "0.00");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for amount in [
            json!(""),
            json!("abc"),
            json!("1.234,50"),
            json!("1,5"),
            json!("1e5"),
            json!("--5"),
            json!("."),
            json!(","),
            json!("$"),
            json!(null),
            json!(true),
            json!([1]),
            json!("9".repeat(31)),
            json!(1e300),
        ] {
            assert!(money(&amount, None).is_err(), "{amount}");
        }
        let error = money(&json!("€5"), Some("USD")).unwrap_err();
        assert_eq!(error.problem, "is in EUR, not USD");
        assert!(money(&json!("$5"), Some("EUR")).is_err());
        assert!(money(&json!(5), Some("dollars")).is_err());
    }

    #[test]
    fn plain_decimals_become_numbers_and_whole_ones_stay_whole() {
        let read = |text: &str| number_from_text(text).map(|number| number.to_string());
        assert_eq!(read("-3").as_deref(), Some("-3"));
        assert_eq!(read(" 42 ").as_deref(), Some("42"));
        assert_eq!(read("2.00").as_deref(), Some("2.0"));
        assert_eq!(read("0.1").as_deref(), Some("0.1"));
        assert_eq!(read("18446744073709551615").as_deref(), Some("18446744073709551615"));
        for text in
            ["", "1,234", "1e5", "+3", "02134", ".5", "5.", "1.2.3", "NaN", "inf", "0x10", "- 3"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        // These would come back with other digits.
        assert_eq!(read("99999999999999999999"), None);
        assert_eq!(read("0.1234567890123456789"), None);
    }
}
