//! The template engine as linecook sets it up: our filters only, limits on everything, empty values
//! handled as the language says.

use std::sync::LazyLock;

use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use super::expression::FILLED;
use super::filters;
use super::own::{self, OWN_FILTER};
use super::scope::{DEFAULTS, DefaultsValue};
use super::value::{is_empty, to_text};
use crate::value::Defaults;

/// The longest text that a template may give, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;
/// How much work one template may do, in the engine's own units (about one per instruction).
const FUEL: u64 = 100_000;

/// The tests behind `is`, and what each means.
pub const TESTS: &[(&str, &str)] = &[
    ("empty", "there is nothing: missing or null"),
    ("defined", "there is something"),
    ("string", "it is a text"),
    ("number", "it is a number"),
    ("boolean", "it is true or false"),
    ("list", "it is a list"),
    ("object", "it is an object"),
    ("phone", "it is a phone number"),
    ("email", "it is an e-mail address"),
    ("country", "it is a country"),
    ("state", "it is a state of the United States or a province of Canada"),
    ("startingwith", "the text begins so"),
    ("endingwith", "the text ends so"),
    ("containing", "the text or list holds that"),
];

pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    use minijinja::value::ValueKind;

    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_fuel(Some(FUEL));
    env.set_debug(true);
    env.set_formatter(|out, _, value| {
        if is_empty(value) {
            return Err(Error::new(ErrorKind::UndefinedError, "this is empty here"));
        }
        out.write_str(&to_text(value)).map_err(Error::from)
    });
    for filter in filters::all() {
        env.add_filter(
            filter.name,
            move |state: &mut State, input: Value, arguments: Rest<Value>| {
                let fallback;
                let defaults = state.lookup(DEFAULTS);
                let defaults = match defaults
                    .as_ref()
                    .and_then(|v| v.downcast_object_ref::<DefaultsValue>())
                {
                    Some(defaults) => &*defaults.0,
                    None => {
                        fallback = Defaults::default();
                        &fallback
                    }
                };
                let value = filter
                    .run(defaults, &input, &arguments)
                    .map_err(|e| Error::new(ErrorKind::InvalidOperation, e.to_string()))?;
                match value.as_str() {
                    Some(text) if text.len() > MAX_TEXT_BYTES => {
                        Err(Error::new(ErrorKind::OutOfFuel, "the text gets too long"))
                    }
                    _ => Ok(value),
                }
            },
        );
    }
    env.add_filter(OWN_FILTER, own::apply);
    env.add_filter(FILLED, |value: Value, written: String| match is_empty(&value) {
        false => Ok(Value::from(to_text(&value))),
        true => Err(Error::new(
            ErrorKind::UndefinedError,
            format!("`{written}` is empty, and stands inside a text"),
        )),
    });
    env.add_test("empty", |v: Value| is_empty(&v));
    env.add_test("defined", |v: Value| !is_empty(&v));
    env.add_test("string", |v: Value| v.kind() == ValueKind::String);
    env.add_test("number", |v: Value| v.kind() == ValueKind::Number);
    env.add_test("boolean", |v: Value| v.kind() == ValueKind::Bool);
    env.add_test("list", |v: Value| v.kind() == ValueKind::Seq);
    env.add_test("object", |v: Value| v.kind() == ValueKind::Map);
    env.add_test("phone", |state: &mut State, v: Value| {
        let defaults = state.lookup(DEFAULTS);
        let defaults = defaults.as_ref().and_then(|v| v.downcast_object_ref::<DefaultsValue>());
        let country = defaults.map_or("US", |d| d.0.country.as_str()).to_owned();
        !is_empty(&v) && crate::value::phone::e164(&to_text(&v), &country).is_ok()
    });
    env.add_test("email", |v: Value| v.as_str().is_some_and(crate::value::text::is_email));
    env.add_test("country", |v: Value| crate::value::place::country_2(&to_text(&v)).is_ok());
    env.add_test("state", |v: Value| crate::value::place::state_2(&to_text(&v)).is_ok());
    env.add_test("startingwith", |v: Value, start: String| {
        v.as_str().is_some_and(|text| text.starts_with(&start))
    });
    env.add_test("endingwith", |v: Value, end: String| {
        v.as_str().is_some_and(|text| text.ends_with(&end))
    });
    env.add_test("containing", |v: Value, part: Value| match (v.as_str(), part.as_str()) {
        (Some(text), Some(part)) => text.contains(part),
        _ => v.try_iter().is_ok_and(|mut items| items.any(|item| item == part)),
    });
    env
}
