//! Other people's data out of what is shown to others: the same value gets the same made-up one everywhere,
//! in the same form, so that what belongs together still does.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Made-up values for real ones, and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Disguise {
    known: HashMap<String, String>,
    /// How many of each kind there are.
    counts: HashMap<&'static str, usize>,
}

const FIRST_NAMES: [&str; 8] = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo"];
const LAST_NAMES: [&str; 8] =
    ["Example", "Sample", "Model", "Pattern", "Probe", "Trial", "Form", "Case"];

/// Shorter texts are not looked for inside others.
const SHORTEST_PART: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Email,
    Phone,
    FirstName,
    LastName,
    Name,
    Company,
    Street,
    City,
    Zip,
    Birthday,
    Site,
    Id,
    Text,
    Secret,
    Other,
}

impl Disguise {
    /// Says what a value becomes, before anything is disguised.
    pub fn fix(&mut self, real: &str, made_up: &str) {
        self.known.insert(real.to_owned(), made_up.to_owned());
    }

    /// A record or event without what belongs to people.
    pub fn fields(&mut self, fields: &Map<String, Value>) -> Map<String, Value> {
        let of = |(name, value): (&String, &Value)| (name.clone(), self.value(name, value));
        fields.iter().map(of).collect()
    }

    /// The value of a field; its name says what it may be.
    pub fn value(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.fields(fields)),
            Value::Array(items) => items.iter().map(|item| self.value(name, item)).collect(),
            Value::String(text) if !text.trim().is_empty() => self.text(name, text).into(),
            Value::Number(number) if what(name, "") == What::Id => {
                let made_up = self.made_up(What::Id, &number.to_string());
                made_up.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
            }
            Value::Number(_) if matches!(what(name, ""), What::Secret | What::Phone) => 0.into(),
            other => other.clone(),
        }
    }

    /// An id of a record, as it is written everywhere.
    pub fn id(&mut self, id: &str) -> String {
        self.made_up(What::Id, id)
    }

    fn text(&mut self, name: &str, text: &str) -> String {
        if let Some(known) = self.known.get(text.trim()) {
            return known.clone();
        }
        match what(name, text) {
            What::Other => self.parts(text),
            what => self.made_up(what, text.trim()),
        }
    }

    /// What is known to belong to somebody is replaced inside a longer text, too.
    fn parts(&self, text: &str) -> String {
        let mut parts: Vec<(&String, &String)> =
            self.known.iter().filter(|(real, _)| real.chars().count() >= SHORTEST_PART).collect();
        // The longest first: a name stands inside an address.
        parts.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then(a.cmp(b)));
        let mut found = text.to_owned();
        for (real, made_up) in parts {
            if found.contains(real.as_str()) {
                found = found.replace(real.as_str(), made_up);
            }
        }
        found
    }

    fn made_up(&mut self, what: What, real: &str) -> String {
        // Capitals and lower case are one address.
        let key = if what == What::Email { real.to_lowercase() } else { real.to_owned() };
        if let Some(known) = self.known.get(&key).or_else(|| self.known.get(real)) {
            return known.clone();
        }
        let (kind, make): (&'static str, fn(usize, &str) -> String) = match what {
            What::Email => ("email", |n, _| format!("person{n}@example.com")),
            What::Phone => ("phone", phone),
            What::FirstName => ("first", |n, _| FIRST_NAMES[(n - 1) % 8].to_owned()),
            What::LastName => ("last", |n, _| LAST_NAMES[(n - 1) % 8].to_owned()),
            What::Name => {
                ("name", |n, _| format!("{} {}", FIRST_NAMES[(n - 1) % 8], LAST_NAMES[(n - 1) % 8]))
            }
            What::Company => ("company", |n, _| format!("Example Company {n}")),
            What::Street => ("street", |n, _| format!("{n} Test Way")),
            What::City => ("city", |_, _| "Orlando".to_owned()),
            What::Zip => ("zip", |_, _| "32801".to_owned()),
            What::Birthday => ("birthday", |_, _| "1990-01-01".to_owned()),
            What::Site => ("site", |n, _| format!("https://example.com/{n}")),
            What::Id => ("id", id),
            What::Text => ("text", |n, _| format!("A text, number {n}.")),
            What::Secret => ("secret", |_, _| "removed".to_owned()),
            What::Other => return real.to_owned(),
        };
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let made_up = make(*count, real);
        self.known.insert(key, made_up.clone());
        made_up
    }
}

fn phone(number: usize, real: &str) -> String {
    let digits = format!("407555{:04}", 100 + number % 9_900);
    match real.starts_with('+') {
        true => format!("+1{digits}"),
        false => digits,
    }
}

/// In the form of the real one: a UUID, a number, or letters and digits of the same length.
fn id(number: usize, real: &str) -> String {
    let is_uuid = real.len() == 36 && real.bytes().filter(|b| *b == b'-').count() == 4;
    if is_uuid {
        return format!("00000000-0000-4000-8000-{number:012}");
    }
    if real.bytes().all(|b| b.is_ascii_digit()) {
        return format!("{}", 1_000 + number);
    }
    let width = real.chars().count().clamp(6, 24) - 2;
    format!("id{number:0width$}")
}

/// What a field may hold, by its name and by how the value looks.
fn what(name: &str, value: &str) -> What {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let has_capital_id = name.ends_with("Id") || name.ends_with("ID") || name.ends_with("Ids");
    let name = name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let is = |names: &[&str]| names.contains(&name.as_str());
    let looks_like_email = value.contains('@') && value.contains('.') && !value.contains(' ');
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let looks_like_phone = value.starts_with('+')
        && (8..=15).contains(&digits)
        && value.chars().all(|c| c.is_ascii_digit() || " +-()".contains(c));
    if has(&["token", "secret", "password", "apikey", "authorization", "cardnumber", "cvv", "ssn"])
    {
        return What::Secret;
    }
    if looks_like_email || (has(&["email"]) && value.contains('@')) {
        return What::Email;
    }
    if looks_like_phone || (has(&["phone", "mobile"]) || is(&["number", "fax"])) && digits >= 7 {
        return What::Phone;
    }
    match () {
        () if has(&["firstname", "givenname"]) => What::FirstName,
        () if has(&["lastname", "surname", "familyname"]) => What::LastName,
        () if is(&[
            "name",
            "fullname",
            "fullnamelowercase",
            "contactname",
            "personname",
            "customername",
        ]) =>
        {
            What::Name
        }
        () if has(&["company", "businessname", "merchantname"]) => What::Company,
        () if has(&["address", "street"]) && !has(&["city", "state", "zip", "country"]) => {
            What::Street
        }
        () if has(&["city"]) => What::City,
        () if has(&["zip", "postal"]) => What::Zip,
        () if has(&["birth", "dob"]) => What::Birthday,
        () if is(&["website", "url", "link"]) => What::Site,
        () if has_capital_id || is(&["id", "ids"]) || name.ends_with("id") && value.len() >= 8 => {
            What::Id
        }
        () if is(&[
            "notes",
            "note",
            "body",
            "message",
            "memo",
            "description",
            "comment",
            "internalnotes",
        ]) =>
        {
            What::Text
        }
        () => What::Other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_value_becomes_the_same_everywhere_and_nothing_real_is_left() {
        let mut disguise = Disguise::default();
        let event = json!({
            "id": "59327746-fbca-4fb6-adf0-e88c99245548", "firstname": "Grace", "email": "Grace@navy.mil",
            "phone": "+12025550143", "notes": "Call Grace", "total": 21.4, "api_token": "s3cr3t",
            "address_1": "1 Pier", "address_state": "VA", "tags": ["vip"], "customer_id": "c-77",
        });
        let first = disguise.fields(event.as_object().unwrap());
        assert_eq!(first["id"], "00000000-0000-4000-8000-000000000001");
        assert_eq!((&first["total"], &first["address_state"]), (&json!(21.4), &json!("VA")));
        assert_eq!(first["tags"], json!(["vip"]));
        let text = Value::Object(first.clone()).to_string();
        for real in ["Grace", "navy", "2025550143", "s3cr3t", "Pier", "59327746"] {
            assert!(!text.contains(real), "{real} is still in {text}");
        }
        let again = json!({ "contact": { "email": "grace@navy.mil", "title": "About Grace" } });
        let again = disguise.fields(again.as_object().unwrap());
        assert_eq!(again["contact"]["email"], first["email"]);
        assert_eq!(
            again["contact"]["title"],
            format!("About {}", first["firstname"].as_str().unwrap())
        );
    }
}
