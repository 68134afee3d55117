//! Filters on words: case, names, phone numbers.

use minijinja::Value;

use super::{Apply, Filter, Gives, about, needed, optional, problem, text, whole_number};
use crate::value::{Defaults, Kind, ValueError, phone, text as words};

const WORDS: &[Kind] = &[Kind::String, Kind::Number, Kind::Integer, Kind::Boolean];
const STRING: Gives = Gives::Kind(Kind::String);

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "lower",
        takes: WORDS,
        arguments: &[],
        gives: STRING,
        about: "Small letters.",
        example: ("'Ada@Example.com' | lower", "ada@example.com"),
        apply: Apply::Filled(|_, input, _| Ok(text(input)?.to_lowercase().into())),
    },
    Filter {
        name: "upper",
        takes: WORDS,
        arguments: &[],
        gives: STRING,
        about: "Capital letters.",
        example: ("'fl' | upper", "FL"),
        apply: Apply::Filled(|_, input, _| Ok(text(input)?.to_uppercase().into())),
    },
    Filter {
        name: "title",
        takes: WORDS,
        arguments: &[],
        gives: STRING,
        about: "Each word with a capital first letter.",
        example: ("'ada lovelace' | title", "Ada Lovelace"),
        apply: Apply::Filled(|_, input, _| Ok(words::title_case(&text(input)?).into())),
    },
    Filter {
        name: "trim",
        takes: WORDS,
        arguments: &[],
        gives: STRING,
        about: "Without spaces and line breaks at both ends.",
        example: ("'  Ada ' | trim", "Ada"),
        apply: Apply::Filled(|_, input, _| Ok(text(input)?.trim().into())),
    },
    Filter {
        name: "replace",
        takes: WORDS,
        arguments: &[needed("text to find", Kind::String), needed("replacement", Kind::String)],
        gives: STRING,
        about: "Every occurrence of one text replaced by another.",
        example: ("'a-b' | replace('-', ' ')", "a b"),
        apply: Apply::Filled(|_, input, arguments| {
            let (input, from, to) = (text(input)?, text(&arguments[0])?, text(&arguments[1])?);
            if from.is_empty() {
                return Err(problem("there is no text to find", "name the text to replace"));
            }
            if input.matches(&from).count().saturating_mul(to.len()) > super::super::MAX_TEXT_BYTES
            {
                return Err(problem("the result is too long", "replace by something shorter"));
            }
            Ok(input.replace(&from, &to).into())
        }),
    },
    Filter {
        name: "truncate",
        takes: WORDS,
        arguments: &[needed("most characters", Kind::Integer), optional("ending", Kind::String)],
        gives: STRING,
        about: "At most so many characters, cut between words, with `…` at the end.",
        example: ("'A long remark' | truncate(8)", "A long…"),
        apply: Apply::Filled(|_, input, arguments| {
            let most = usize::try_from(whole_number(&arguments[0])?).unwrap_or(0);
            let ending = arguments.get(1).map(text).transpose()?;
            Ok(words::truncate(&text(input)?, most, ending.as_deref().unwrap_or("…")).into())
        }),
    },
    Filter {
        name: "slug",
        takes: WORDS,
        arguments: &[],
        gives: STRING,
        about: "Small letters and digits joined by hyphens, for tags and ids.",
        example: ("'Crème brûlée!' | slug", "creme-brulee"),
        apply: Apply::Filled(|_, input, _| Ok(words::slug(&text(input)?).into())),
    },
    Filter {
        name: "first_name",
        takes: &[Kind::String],
        arguments: &[],
        gives: STRING,
        about: "The first name out of a full name.",
        example: ("'Ada King Lovelace' | first_name", "Ada"),
        apply: Apply::Filled(|_, input, _| Ok(words::first_name(&text(input)?).into())),
    },
    Filter {
        name: "last_name",
        takes: &[Kind::String],
        arguments: &[],
        gives: STRING,
        about: "Everything behind the first name; empty when there is only one word.",
        example: ("'Ada King Lovelace' | last_name", "King Lovelace"),
        apply: Apply::Filled(|_, input, _| {
            Ok(words::last_name(&text(input)?).map_or(Value::UNDEFINED, Value::from))
        }),
    },
    Filter {
        name: "phone",
        takes: &[Kind::String, Kind::Integer],
        arguments: &[optional("country", Kind::String)],
        gives: STRING,
        about: "A phone number with + and country code (E.164).",
        example: ("'(407) 555-0100' | phone('US')", "+14075550100"),
        apply: Apply::Filled(|defaults, input, arguments| {
            let country = country(defaults, arguments)?;
            Ok(phone::e164(&text(input)?, &country).map_err(|e| about(input, e))?.into())
        }),
    },
    Filter {
        name: "phone_digits",
        takes: &[Kind::String, Kind::Integer],
        arguments: &[optional("country", Kind::String)],
        gives: STRING,
        about: "A phone number as bare digits, as Stax wants it.",
        example: ("'+1 407 555 0100' | phone_digits('US')", "4075550100"),
        apply: Apply::Filled(|defaults, input, arguments| {
            let country = country(defaults, arguments)?;
            Ok(phone::digits(&text(input)?, &country).map_err(|e| about(input, e))?.into())
        }),
    },
    Filter {
        name: "split",
        takes: &[Kind::String],
        arguments: &[needed("separator", Kind::String)],
        gives: Gives::Kind(Kind::List),
        about: "A text cut into a list; empty parts are left out.",
        example: ("'a, b' | split(',')", r#"["a","b"]"#),
        apply: Apply::Filled(|_, input, arguments| {
            let separator = text(&arguments[0])?;
            let parts = text(input)?;
            let parts = parts.split(separator.as_str()).map(str::trim).filter(|p| !p.is_empty());
            Ok(parts.map(Value::from).collect::<Vec<_>>().into())
        }),
    },
    Filter {
        name: "text",
        takes: &[Kind::Any],
        arguments: &[],
        gives: STRING,
        about: "A number, a date or true/false as a text.",
        example: ("12 | text", "12"),
        apply: Apply::Filled(|_, input, _| Ok(text(input)?.into())),
    },
];

fn country(defaults: &Defaults, arguments: &[Value]) -> Result<String, ValueError> {
    arguments.first().map_or_else(|| Ok(defaults.country.clone()), text)
}
