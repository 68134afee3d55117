//! Whether a field of a record means something else than it did before: the form does not count.

use serde_json::{Map, Value};

use super::results::comparable;
use crate::catalog::{Field, Format};
use crate::value::{Defaults, Moment, phone, text};

/// Whether a field has changed. Missing, null and a blank text are the same; so are e-mail addresses in
/// capitals, phone numbers and dates in another form, and lists in another order.
pub fn is_changed(
    name: &str,
    field: Option<&Field>,
    before: &Value,
    now: &Value,
    defaults: &Defaults,
) -> bool {
    let any = Field::any();
    let field = field.unwrap_or(&any);
    normal(name, field, before, defaults) != normal(name, field, now, defaults)
}

/// The one form of everything that means the same.
fn normal(name: &str, field: &Field, value: &Value, defaults: &Defaults) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(written) => match written.trim() {
            "" => Value::Null,
            written => text_form(name, field, written, defaults),
        },
        Value::Number(number) => match number.as_f64() {
            // 5 and 5.0 are the same.
            Some(float) => Value::from(float),
            None => value.clone(),
        },
        Value::Bool(_) => value.clone(),
        Value::Array(items) => {
            let any = Field::any();
            let of = field.of.as_deref().unwrap_or(&any);
            let mut all: Vec<Value> =
                items.iter().map(|item| normal(name, of, item, defaults)).collect();
            all.retain(|item| !item.is_null());
            all.sort_by_cached_key(Value::to_string);
            if all.is_empty() { Value::Null } else { Value::Array(all) }
        }
        Value::Object(map) => {
            let any = Field::any();
            let inner = |key: &str| field.fields.as_ref().and_then(|fields| fields.get(key));
            let mut all: Vec<(String, Value)> = map
                .iter()
                .map(|(key, value)| {
                    let field = inner(key).unwrap_or(&any);
                    (key.clone(), normal(key, field, value, defaults))
                })
                .filter(|(_, value)| !value.is_null())
                .collect();
            all.sort_by(|(a, _), (b, _)| a.cmp(b));
            if all.is_empty() { Value::Null } else { Value::Object(Map::from_iter(all)) }
        }
    }
}

fn text_form(name: &str, field: &Field, written: &str, defaults: &Defaults) -> Value {
    if text::is_email(written) {
        return written.to_lowercase().into();
    }
    // Many events write phone numbers in any way, and say so nowhere.
    let is_phone = matches!(field.format, Some(Format::PhoneE164 | Format::PhoneDigits))
        || ["phone", "mobile", "sms"].iter().any(|word| name.to_lowercase().contains(word));
    if is_phone && let Ok(number) = phone::e164(written, &defaults.country) {
        return number.into();
    }
    if field.format.is_some_and(Format::is_date)
        && let Ok(moment) = Moment::parse(written, &defaults.timezone)
    {
        return moment.timestamp().to_string().into();
    }
    comparable(field, &Value::from(written), defaults)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_has_not_changed() {
        let changed = |name: &str, before: Value, now: Value| {
            is_changed(name, None, &before, &now, &Defaults::default())
        };
        for (name, before, now) in [
            ("email", json!("Ada@Example.com "), json!("ada@example.com")),
            ("phone", json!("(407) 555-0100"), json!("+14075550100")),
            ("tags", json!(["b", "a"]), json!(["a", "b"])),
            ("notes", json!(null), json!("  ")),
            ("total", json!(5), json!(5.0)),
            ("address", json!({ "a": 1, "b": null }), json!({ "a": 1 })),
            ("list", json!([]), json!(null)),
        ] {
            assert!(!changed(name, before, now), "{name}");
        }
        for (name, before, now) in [
            ("name", json!("Ada"), json!("ada")),
            ("phone", json!("4075550100"), json!("4075550111")),
            ("reference", json!("4075550100"), json!("+14075550100")),
            ("tags", json!(["a"]), json!(["a", "b"])),
            ("email", json!("ada@example.com"), json!(null)),
            ("vip", json!(false), json!(true)),
        ] {
            assert!(changed(name, before, now), "{name}");
        }
    }

    #[test]
    fn dates_and_countries_are_compared_in_their_form() {
        let of = |format| Field { format: Some(format), ..Field::default() };
        let same = |format, before: &str, now: &str| {
            let field = of(format);
            !is_changed("x", Some(&field), &before.into(), &now.into(), &Defaults::default())
        };
        assert!(same(Format::DateTime, "2026-03-02T10:00:00Z", "2026-03-02 10:00:00"));
        assert!(same(Format::Country2, "USA", "US"));
        assert!(!same(Format::Country2, "USA", "CA"));
    }
}
