//! The filters of the language: one table, which the engine runs, the checker types and the
//! reference page lists.

mod lists;
mod moments;
mod numbers;
mod texts;

use minijinja::Value;

use super::value::is_empty;
use crate::value::{Defaults, Kind, ValueError};

/// A filter: what it takes, what it gives, and how.
pub struct Filter {
    pub name: &'static str,
    /// What stands before the `|`.
    pub takes: &'static [Kind],
    pub arguments: &'static [Argument],
    pub gives: Gives,
    /// One sentence.
    pub about: &'static str,
    /// `input | filter` and what comes out.
    pub example: (&'static str, &'static str),
    apply: Apply,
}

/// A value in the brackets behind a filter's name.
pub struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// What comes out of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    Kind(Kind),
    /// The same as went in.
    Same,
    /// An item of the list that went in.
    Item,
    /// Whatever went in, or what the argument says instead.
    InputOrArgument,
}

/// Empty goes through every filter unharmed, but for the two that are about being empty.
enum Apply {
    Filled(fn(&Defaults, &Value, &[Value]) -> Result<Value, ValueError>),
    Any(fn(&Value, &[Value]) -> Value),
}

const fn needed(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: false }
}

impl Filter {
    pub(super) fn run(
        &self,
        defaults: &Defaults,
        input: &Value,
        arguments: &[Value],
    ) -> Result<Value, ValueError> {
        if let Some(missing) = self.arguments.get(arguments.len()).filter(|a| a.required) {
            return Err(problem(
                format!("`{}` needs its {} in brackets", self.name, missing.name),
                format!("write `{}`", self.example.0),
            ));
        }
        if arguments.len() > self.arguments.len() || arguments.iter().any(Value::is_kwargs) {
            return Err(problem(
                match self.arguments.len() {
                    0 => format!("`{}` takes nothing in brackets", self.name),
                    most => format!("`{}` takes at most {most} in brackets", self.name),
                },
                format!("write `{}`", self.example.0),
            ));
        }
        match self.apply {
            Apply::Any(apply) => Ok(apply(input, arguments)),
            Apply::Filled(_) if is_empty(input) => Ok(Value::UNDEFINED),
            Apply::Filled(apply) => apply(defaults, input, arguments),
        }
    }
}

/// All filters, by topic.
pub fn all() -> impl Iterator<Item = &'static Filter> {
    texts::FILTERS.iter().chain(moments::FILTERS).chain(numbers::FILTERS).chain(lists::FILTERS)
}

/// The filter of that name.
pub fn find(name: &str) -> Option<&'static Filter> {
    all().find(|filter| filter.name == name)
}

fn problem(problem: impl Into<String>, instead: impl Into<String>) -> ValueError {
    ValueError { problem: problem.into(), instead: instead.into() }
}

/// An error of `crate::value`, which completes a sentence about the value, as a sentence of its own.
fn about(value: &Value, error: ValueError) -> ValueError {
    let shown: String = super::value::to_text(value).chars().take(60).collect();
    problem(format!("`{shown}` {}", error.problem), error.instead)
}

fn text(value: &Value) -> Result<String, ValueError> {
    use minijinja::value::ValueKind::{Map, Seq};
    if matches!(value.kind(), Map | Seq) {
        return Err(problem("a list or an object is not a text", "name the field inside it"));
    }
    Ok(super::value::to_text(value))
}

fn whole_number(value: &Value) -> Result<i64, ValueError> {
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    number.ok_or_else(|| {
        problem(
            format!("`{value}` is not a whole number"),
            "write a number without a decimal point",
        )
    })
}
