//! Does a value fit a field? A field and a value come in; the value in the form the app wants, every
//! conversion, and everything that does not fit go out. One piece serves the checker (literals), the
//! plan (what is sent) and the sandbox (what arrives).

use serde_json::{Map, Number, Value};

use super::{Field, Format, Presence};
use crate::diagnostic::nearest;
use crate::source::Route;
use crate::value::text::{is_email, shortened};
use crate::value::{Defaults, Kind, Moment, ValueError, money, phone, place};

/// The outcome of fitting one value to one field.
#[derive(Debug, Default)]
pub struct Fit {
    pub value: Value,
    pub conversions: Vec<Conversion>,
    pub misfits: Vec<Misfit>,
}

/// A value that was rewritten into the form the app wants.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Conversion {
    /// Where inside the value.
    pub at: Route,
    pub before: Value,
    pub after: Value,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where inside the value.
    pub at: Route,
    pub kind: MisfitKind,
    pub error: ValueError,
}

/// What kind of misfit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MisfitKind {
    Missing(String),
    Unknown { name: String, near: Option<String> },
    Type,
    Null,
    Option { near: Option<String> },
    Form,
}

/// What is asked of the value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Convert to the field's form; say what does not fit.
    Convert,
    /// An app's own words: missing fields and unknown names are its affair.
    Answer,
    /// A request that arrives: everything has to be right already.
    Strict,
}

struct Fitter<'a> {
    mode: Mode,
    defaults: &'a Defaults,
    conversions: Vec<Conversion>,
    misfits: Vec<Misfit>,
}

impl Fit {
    /// Converts `value` to the form of `field`.
    pub fn convert(field: &Field, value: &Value, defaults: &Defaults) -> Fit {
        Fit::run(field, value, defaults, Mode::Convert)
    }

    /// Whether an app's answer or payload is what the catalog says of it.
    pub fn answer(field: &Field, value: &Value) -> Fit {
        Fit::run(field, value, &Defaults::default(), Mode::Answer)
    }

    /// Whether a request that arrived is right as it is.
    pub fn strict(field: &Field, value: &Value) -> Fit {
        Fit::run(field, value, &Defaults::default(), Mode::Strict)
    }

    fn run(field: &Field, value: &Value, defaults: &Defaults, mode: Mode) -> Fit {
        let mut fitter = Fitter { mode, defaults, conversions: Vec::new(), misfits: Vec::new() };
        let value = fitter.fit(field, value, &Route::root());
        Fit { value, conversions: fitter.conversions, misfits: fitter.misfits }
    }
}

impl Fitter<'_> {
    fn fit(&mut self, field: &Field, value: &Value, at: &Route) -> Value {
        if value.is_null() {
            let allowed = field.nullable || field.kind == Kind::Any || self.mode == Mode::Answer;
            if !allowed {
                self.misfit(at, MisfitKind::Null, "cannot be blanked", "leave the field out");
            }
            return Value::Null;
        }
        let value = match self.number(field, value, at) {
            Some(converted) => converted,
            None => value.clone(),
        };
        let kind = Kind::of(&value);
        if !kind.fits(field.kind) {
            self.misfit(
                at,
                MisfitKind::Type,
                format!("wants {}, and gets {}", field.kind.in_words(), describe(&value)),
                type_hint(field, &value),
            );
            return value;
        }
        let value = self.form(field, value, at);
        self.options(field, &value, at);
        self.measure(field, &value, at);
        match value {
            Value::Array(items) => self.list(field, items, at),
            Value::Object(map) => self.object(field, map, at),
            other => other,
        }
    }

    /// `'2.00'` for a field that wants a number.
    fn number(&mut self, field: &Field, value: &Value, at: &Route) -> Option<Value> {
        let text = value.as_str().filter(|_| self.mode == Mode::Convert)?;
        let number: Number = match field.kind {
            Kind::Number => money::number_from_text(text)?,
            Kind::Integer => money::number_from_text(text).filter(|n| !n.is_f64())?,
            _ => return None,
        };
        let after = Value::Number(number);
        self.conversions.push(Conversion {
            at: at.clone(),
            before: value.clone(),
            after: after.clone(),
        });
        Some(after)
    }

    fn form(&mut self, field: &Field, value: Value, at: &Route) -> Value {
        let (Some(format), Some(text)) = (field.format, value.as_str()) else { return value };
        if self.mode == Mode::Answer {
            return value;
        }
        match convert(format, text, self.defaults) {
            Ok(after) if after == text => value,
            Ok(_) if self.mode == Mode::Strict => value,
            Ok(after) => {
                let after = Value::from(after);
                self.conversions.push(Conversion {
                    at: at.clone(),
                    before: value,
                    after: after.clone(),
                });
                after
            }
            Err(error) => {
                let problem = format!("gets `{}`, which {}", short(text), error.problem);
                let error = ValueError { problem, instead: error.instead };
                self.misfits.push(Misfit { at: at.clone(), kind: MisfitKind::Form, error });
                value
            }
        }
    }

    fn options(&mut self, field: &Field, value: &Value, at: &Route) {
        if field.options.is_empty() || field.options.contains(value) {
            return;
        }
        let names: Vec<String> = field.options.iter().map(plain).collect();
        let near = value.as_str().and_then(|v| nearest(v, names.iter().map(String::as_str)));
        let listed = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        self.misfit(
            at,
            MisfitKind::Option { near },
            format!("does not take `{}`", plain(value)),
            format!("write one of {listed}"),
        );
    }

    fn measure(&mut self, field: &Field, value: &Value, at: &Route) {
        if self.mode == Mode::Answer {
            return;
        }
        if let Some(text) = value.as_str() {
            let length = text.chars().count();
            if let Some(most) = field.max_length.filter(|&most| length > most) {
                self.misfit(
                    at,
                    MisfitKind::Form,
                    format!("takes at most {most} characters, and gets {length}"),
                    format!("cut it with `| truncate({most})`"),
                );
            }
            if let Some(least) = field.min_length.filter(|&least| length < least) {
                let problem = format!("wants at least {least} characters, and gets {length}");
                self.misfit(at, MisfitKind::Form, problem, "write more, or leave the field out");
            }
        }
        if let Some(number) = value.as_f64() {
            if let Some(most) = field.maximum.filter(|&most| number > most) {
                let problem = format!("takes at most {most}, and gets {number}");
                self.misfit(at, MisfitKind::Form, problem, "write a smaller number");
            }
            if let Some(least) = field.minimum.filter(|&least| number < least) {
                let problem = format!("wants at least {least}, and gets {number}");
                self.misfit(at, MisfitKind::Form, problem, "write a larger number");
            }
        }
    }

    fn list(&mut self, field: &Field, items: Vec<Value>, at: &Route) -> Value {
        let Some(of) = &field.of else { return Value::Array(items) };
        items.iter().enumerate().map(|(index, item)| self.fit(of, item, &at.item(index))).collect()
    }

    fn object(&mut self, field: &Field, map: Map<String, Value>, at: &Route) -> Value {
        let Some(fields) = &field.fields else { return Value::Object(map) };
        let mut out = Map::with_capacity(map.len());
        for (name, value) in &map {
            let inner = at.key(name);
            match fields.get(name) {
                Some(field) => {
                    out.insert(name.clone(), self.fit(field, value, &inner));
                }
                None => {
                    if self.mode != Mode::Answer && !field.open {
                        let near = nearest(name, fields.keys().map(String::as_str));
                        let instead = match &near {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "leave it out".to_owned(),
                        };
                        self.misfit(
                            &inner,
                            MisfitKind::Unknown { name: name.clone(), near },
                            format!("there is no field `{name}` here"),
                            instead,
                        );
                    }
                    out.insert(name.clone(), value.clone());
                }
            }
        }
        for (name, field) in fields.iter() {
            let wanted = match self.mode {
                Mode::Answer => field.presence == Presence::Always,
                Mode::Convert | Mode::Strict => field.required,
            };
            if wanted && !map.contains_key(name) {
                self.misfit(
                    at,
                    MisfitKind::Missing(name.clone()),
                    format!("`{name}` is missing"),
                    format!("add `{name}`"),
                );
            }
        }
        Value::Object(out)
    }

    fn misfit(
        &mut self,
        at: &Route,
        kind: MisfitKind,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let error = ValueError { problem: problem.into(), instead: instead.into() };
        self.misfits.push(Misfit { at: at.clone(), kind, error });
    }
}

/// A text in the form that `format` wants.
fn convert(format: Format, text: &str, defaults: &Defaults) -> Result<String, ValueError> {
    let wrong = |instead: &str| ValueError {
        problem: format!("is not {}", format.in_words()),
        instead: instead.to_owned(),
    };
    match format {
        Format::PhoneE164 => phone::e164(text, &defaults.country),
        Format::PhoneDigits => phone::digits(text, &defaults.country),
        Format::DateTime => Ok(Moment::parse(text, &defaults.timezone)?.to_utc_text()),
        Format::DateTimeSpace => {
            Ok(Moment::parse(text, &defaults.timezone)?.to_space_text(&jiff::tz::TimeZone::UTC))
        }
        Format::Date => {
            let moment = Moment::parse(text, &defaults.timezone)?;
            // `Z` is how apps write a point in time; its day is the one on the project's clocks.
            Ok(match text.trim_end().ends_with('Z') {
                true => {
                    Moment::from_timestamp(moment.timestamp(), &defaults.timezone).to_date_text()
                }
                false => moment.to_date_text(),
            })
        }
        Format::Country2 => place::country_2(text),
        Format::Country3 => place::country_3(text),
        Format::State2 => place::state_2(text),
        Format::Email => {
            let text = text.trim();
            if is_email(text) {
                Ok(text.to_owned())
            } else {
                Err(wrong("write it like ada@example.com"))
            }
        }
        Format::Url => match url::Url::parse(text.trim()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.trim().to_owned()),
            _ => Err(wrong("write it like https://example.com/page")),
        },
        Format::Uuid => {
            let good = text.len() == 36
                && text.char_indices().all(|(at, c)| match at {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => c.is_ascii_hexdigit(),
                });
            if good { Ok(text.to_owned()) } else { Err(wrong("use the id as the app gives it")) }
        }
    }
}

fn type_hint(field: &Field, value: &Value) -> String {
    match (field.kind, value) {
        (Kind::String, Value::Number(_) | Value::Bool(_)) => {
            "turn it into a text with `| text`".to_owned()
        }
        (Kind::String, Value::Array(_)) => "join the list with `| join(', ')`".to_owned(),
        (Kind::List, _) => "write a list: `[…]`".to_owned(),
        (Kind::Number, Value::String(_)) => "write digits, like 12 or 2.50".to_owned(),
        (Kind::Integer, _) => "write digits, like 12".to_owned(),
        (Kind::Boolean, _) => "write true or false, or a condition".to_owned(),
        _ => format!("write {}", field.kind.in_words()),
    }
}

/// A value as a message names it.
fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text `{}`", short(text)),
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(b) => format!("{b}"),
        other => Kind::of(other).in_words().to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| short(&value.to_string()), short)
}

fn short(text: &str) -> String {
    shortened(text, 60)
}
