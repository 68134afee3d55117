//! Filters on lists, and the one that stands in for what is empty.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::super::MAX_TEXT_BYTES;
use super::super::value::{is_empty, to_json, to_text};
use super::{Apply, Filter, Gives, needed, optional, problem, text};
use crate::value::{Kind, ValueError};

const LIST: &[Kind] = &[Kind::List];

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "default",
        takes: &[Kind::Any],
        arguments: &[needed("value", Kind::Any)],
        gives: Gives::InputOrArgument,
        about: "What to write when there is nothing.",
        example: ("event.nickname | default('friend')", "friend"),
        apply: Apply::Any(
            |input, arguments| {
                if is_empty(input) { arguments[0].clone() } else { input.clone() }
            },
        ),
    },
    Filter {
        name: "length",
        takes: &[Kind::List, Kind::String, Kind::Object],
        arguments: &[],
        gives: Gives::Kind(Kind::Integer),
        about: "How many items or characters; 0 when there is nothing.",
        example: ("['a', 'b'] | length", "2"),
        apply: Apply::Any(|input, _| Value::from(input.len().unwrap_or(0))),
    },
    Filter {
        name: "join",
        takes: LIST,
        arguments: &[optional("separator", Kind::String)],
        gives: Gives::Kind(Kind::String),
        about: "The items of a list as one text; empty items are left out, and nothing of nothing is empty.",
        example: ("['a', 'b'] | join(', ')", "a, b"),
        apply: Apply::Filled(|_, input, arguments| {
            let separator = arguments.first().map_or(Ok(", ".to_owned()), text)?;
            let mut out = String::new();
            let items = items(input)?;
            if items.iter().all(is_empty) {
                return Ok(Value::UNDEFINED);
            }
            for (at, item) in items.iter().filter(|v| !is_empty(v)).enumerate() {
                if at > 0 {
                    out.push_str(&separator);
                }
                out.push_str(&to_text(item));
                if out.len() > MAX_TEXT_BYTES {
                    return Err(problem("the text gets too long", "join fewer items"));
                }
            }
            Ok(out.into())
        }),
    },
    Filter {
        name: "map",
        takes: &[Kind::Any],
        arguments: &[needed("field or table", Kind::Any), optional("otherwise", Kind::Any)],
        gives: Gives::Kind(Kind::Any),
        about: "One field of every item of a list, or a value translated by a table.",
        example: ("'PAID' | map({'PAID': 'paid', 'SENT': 'open'}, 'unknown')", "paid"),
        apply: Apply::Filled(|_, input, arguments| match arguments[0].kind() {
            ValueKind::String => {
                let field = text(&arguments[0])?;
                let pick = |item: &Value| item.get_attr(&field).unwrap_or_default();
                Ok(items(input)?
                    .iter()
                    .map(pick)
                    .filter(|v| !is_empty(v))
                    .collect::<Vec<_>>()
                    .into())
            }
            ValueKind::Map => {
                let otherwise = arguments.get(1).cloned().unwrap_or(Value::UNDEFINED);
                let key = Value::from(to_text(input));
                let found = arguments[0].get_item(&key).unwrap_or_default();
                Ok(if is_empty(&found) { otherwise } else { found })
            }
            _ => Err(problem(
                "`map` needs the name of a field, or a table",
                "write `map('title')` for a list, `map({'PAID': 'paid'})` for a single value",
            )),
        }),
    },
    Filter {
        name: "where",
        takes: LIST,
        arguments: &[needed("field", Kind::String), needed("value", Kind::Any)],
        gives: Gives::Same,
        about: "The items of a list whose field has that value.",
        example: ("event.lines | where('kind', 'fee')", "[…]"),
        apply: Apply::Filled(|_, input, arguments| {
            let field = text(&arguments[0])?;
            let keep = |item: &Value| item.get_attr(&field).is_ok_and(|v| v == arguments[1]);
            Ok(items(input)?.into_iter().filter(keep).collect::<Vec<_>>().into())
        }),
    },
    Filter {
        name: "first",
        takes: LIST,
        arguments: &[],
        gives: Gives::Item,
        about: "The first item of a list; empty when there is none.",
        example: ("['a', 'b'] | first", "a"),
        apply: Apply::Filled(|_, input, _| Ok(items(input)?.first().cloned().unwrap_or_default())),
    },
    Filter {
        name: "last",
        takes: LIST,
        arguments: &[],
        gives: Gives::Item,
        about: "The last item of a list; empty when there is none.",
        example: ("['a', 'b'] | last", "b"),
        apply: Apply::Filled(|_, input, _| Ok(items(input)?.last().cloned().unwrap_or_default())),
    },
    Filter {
        name: "sum",
        takes: LIST,
        arguments: &[],
        gives: Gives::Kind(Kind::Number),
        about: "The numbers of a list added up.",
        example: ("[1, 2.5] | sum", "3.5"),
        apply: Apply::Filled(|_, input, _| {
            let mut whole = Some(0i64);
            let mut sum = 0f64;
            for item in items(input)? {
                let number = f64::try_from(item.clone()).map_err(|_| {
                    problem(format!("`{item}` is not a number"), "add up a list of numbers")
                })?;
                whole = item
                    .as_i64()
                    .filter(|_| item.is_integer())
                    .zip(whole)
                    .and_then(|(n, sum)| sum.checked_add(n));
                sum += number;
            }
            Ok(whole.map_or(Value::from(sum), Value::from))
        }),
    },
    Filter {
        name: "unique",
        takes: LIST,
        arguments: &[],
        gives: Gives::Same,
        about: "A list without repetitions.",
        example: ("['a', 'b', 'a'] | unique", r#"["a","b"]"#),
        apply: Apply::Filled(|_, input, _| {
            let mut seen = std::collections::HashSet::new();
            let items = items(input)?.into_iter();
            Ok(items.filter(|item| seen.insert(item.clone())).collect::<Vec<_>>().into())
        }),
    },
    Filter {
        name: "tojson",
        takes: &[Kind::Any],
        arguments: &[],
        gives: Gives::Kind(Kind::String),
        about: "The value as JSON text.",
        example: ("['a', 1] | tojson", r#"["a",1]"#),
        apply: Apply::Filled(|_, input, _| Ok(to_json(input).into_value().to_string().into())),
    },
];

fn items(value: &Value) -> Result<Vec<Value>, ValueError> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            Ok(value.try_iter().into_iter().flatten().collect())
        }
        _ => Err(problem(
            format!("`{}` is not a list", to_text(value).chars().take(40).collect::<String>()),
            "name a list",
        )),
    }
}
