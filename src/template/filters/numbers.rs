//! Filters on numbers and amounts of money.

use minijinja::Value;

use super::super::value::{from_json, to_json};
use super::{Apply, Filter, Gives, about, optional, problem, text, whole_number};
use crate::value::{Kind, ValueError, money};

const NUMBERS: &[Kind] = &[Kind::Number, Kind::Integer, Kind::String];
const NUMBER: Gives = Gives::Kind(Kind::Number);

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "money",
        takes: NUMBERS,
        arguments: &[optional("currency", Kind::String)],
        gives: Gives::Kind(Kind::String),
        about: "An amount with two decimals, and the sign of its currency if you name it.",
        example: ("1234.5 | money('USD')", "$1,234.50"),
        apply: Apply::Filled(|_, input, arguments| {
            let currency = arguments.first().map(text).transpose()?;
            let amount = to_json(input).into_value();
            let money = money::money(&amount, currency.as_deref()).map_err(|e| about(input, e))?;
            Ok(money.into())
        }),
    },
    Filter {
        name: "number",
        takes: NUMBERS,
        arguments: &[],
        gives: NUMBER,
        about: "A text such as '2.00' as a number.",
        example: ("'2.50' | number", "2.5"),
        apply: Apply::Filled(|_, input, _| {
            if input.is_number() {
                return Ok(input.clone());
            }
            let words = text(input)?;
            money::number_from_text(&words).map(|n| from_json(&n.into())).ok_or_else(|| {
                problem(format!("`{words}` is not a number"), "write digits and a point, like 2.50")
            })
        }),
    },
    Filter {
        name: "round",
        takes: &[Kind::Number, Kind::Integer],
        arguments: &[optional("decimals", Kind::Integer)],
        gives: NUMBER,
        about: "Rounded to so many decimals, to a whole number without.",
        example: ("2.345 | round(1)", "2.3"),
        apply: Apply::Filled(|_, input, arguments| {
            let decimals = arguments.first().map_or(Ok(0), whole_number)?.clamp(0, 10);
            let scale = 10f64.powi(decimals as i32);
            let rounded = (float(input)? * scale).round() / scale;
            Ok(match decimals {
                0 if rounded.abs() < 9e15 => Value::from(rounded as i64),
                _ => Value::from(rounded),
            })
        }),
    },
];

fn float(value: &Value) -> Result<f64, ValueError> {
    f64::try_from(value.clone()).map_err(|_| {
        problem(format!("`{value}` is not a number"), "turn a text into a number with `| number`")
    })
}
