//! One field of a request, an answer or a payload: what it holds and in which form.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ByName;
use crate::value::Kind;

/// Fields by name, in the order of the catalog.
pub type Fields = Arc<IndexMap<String, Field>>;

/// What a field holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    #[serde(rename = "type", default)]
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The app takes null, which blanks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "Presence::is_unsaid")]
    pub presence: Presence,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Value>,
    /// In characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What the items of a list are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Arc<Field>>,
    /// What an object holds; any key is taken where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    /// The shared shape that its fields come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Other names than those in `fields` are taken too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// It holds the fields that an account adds, which people know by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_name: Option<ByName>,
    /// Sent when a recipe leaves the field out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Value>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// Whether an app sends a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    Always,
    Sometimes,
    /// Nobody has said.
    #[default]
    Unknown,
}

impl Presence {
    fn is_unsaid(&self) -> bool {
        *self == Presence::Unknown
    }
}

/// How a value is written. Values convert to it by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// +14075550100
    #[serde(rename = "phone-e164")]
    PhoneE164,
    /// 4075550100
    PhoneDigits,
    Email,
    /// 2026-03-03T09:00:00Z
    DateTime,
    /// 2026-03-03 09:00:00, without a zone
    DateTimeSpace,
    /// 2026-03-03
    Date,
    /// US
    #[serde(rename = "country-2")]
    Country2,
    /// USA
    #[serde(rename = "country-3")]
    Country3,
    /// FL
    #[serde(rename = "state-2")]
    State2,
    Url,
    Uuid,
}

impl Format {
    /// As the catalog and `catalog show` write it.
    pub fn name(self) -> &'static str {
        match self {
            Format::PhoneE164 => "phone-e164",
            Format::PhoneDigits => "phone-digits",
            Format::Email => "email",
            Format::DateTime => "date-time",
            Format::DateTimeSpace => "date-time-space",
            Format::Date => "date",
            Format::Country2 => "country-2",
            Format::Country3 => "country-3",
            Format::State2 => "state-2",
            Format::Url => "url",
            Format::Uuid => "uuid",
        }
    }

    /// What a person calls it.
    pub fn in_words(self) -> &'static str {
        match self {
            Format::PhoneE164 => "a phone number with + and country code",
            Format::PhoneDigits => "a phone number in digits only",
            Format::Email => "an e-mail address",
            Format::DateTime | Format::DateTimeSpace => "a date and time",
            Format::Date => "a date",
            Format::Country2 => "a country in two letters",
            Format::Country3 => "a country in three letters",
            Format::State2 => "a state in two letters",
            Format::Url => "a web address",
            Format::Uuid => "an id (UUID)",
        }
    }

    /// Whether a date is expected.
    pub fn is_date(self) -> bool {
        matches!(self, Format::DateTime | Format::DateTimeSpace | Format::Date)
    }
}

/// Which record an operation works on, or an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// `contact`, `task`, `customer`, …
    pub kind: String,
    /// The app that has it, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The field with its id: of the path for an operation, of the payload for an event (there it may be a
    /// dotted path, such as `contact.id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The path field with the id of the record it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Where the answer holds it: a dotted path from `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Record {
    /// App and kind, such as `stax.customer`; `app` is that of the operation or event.
    pub fn full_kind(&self, app: &str) -> String {
        format!("{}.{}", self.app.as_deref().unwrap_or(app), self.kind)
    }
}

/// What is known of a name inside a field.
pub enum Inner<'a> {
    Known(&'a Field),
    /// Nothing is known of the inside: any name may be there.
    Open,
    /// There is no such name.
    Absent,
}

impl Field {
    /// A field of which nothing is known.
    pub fn any() -> Field {
        Field::default()
    }

    /// An object with these fields.
    pub fn object(fields: Fields) -> Field {
        Field { kind: Kind::Object, fields: Some(fields), ..Field::default() }
    }

    /// Whether it may be missing or null in what an app sends.
    pub fn may_be_empty(&self) -> bool {
        self.nullable || self.presence != Presence::Always
    }

    /// What stands at `name` inside it.
    pub fn inner(&self, name: &str) -> Inner<'_> {
        match (&self.fields, self.kind) {
            (Some(fields), _) => match fields.get(name) {
                Some(field) => Inner::Known(field),
                None if self.open => Inner::Open,
                None => Inner::Absent,
            },
            (None, Kind::Object | Kind::Any) => Inner::Open,
            (None, _) => Inner::Absent,
        }
    }

    /// Whether something on the way to a dotted path may be null.
    pub fn may_end_at_null(&self, path: &str) -> bool {
        let mut field = self;
        for part in path.trim_start_matches('$').split('.').filter(|p| !p.is_empty()) {
            match field.fields.as_ref().and_then(|f| f.get(part.trim_end_matches("[0]"))) {
                Some(inner) => field = inner,
                None => return false,
            }
            if field.nullable {
                return true;
            }
        }
        false
    }

    /// The field that a dotted path such as `$.contact.id` leads to, as far as it is known.
    pub fn at_path(&self, path: &str) -> Option<&Field> {
        let mut field = self;
        for part in path.trim_start_matches('$').split('.').filter(|p| !p.is_empty()) {
            let part = part.trim_end_matches("[0]");
            field = field.fields.as_ref()?.get(part)?;
        }
        Some(field)
    }
}

/// The value at a dotted path such as `$.contact.id` or `$`.
pub fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    for part in path.trim_start_matches('$').split('.').filter(|p| !p.is_empty()) {
        value = value.get(part)?;
    }
    Some(value)
}
