//! Filters of one's own: names and their templates over `value` come in; what they make of a value goes
//! out, with a limit on how deep and how often they call each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use minijinja::value::{Object, Rest};
use minijinja::{Error, ErrorKind, State, Value};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::value::is_empty;
use super::{Template, TemplateError, TemplateErrorKind};

/// How deep filters of one's own may use each other.
pub const MAX_OWN_DEPTH: usize = 8;
/// How much one template may ask of them, their calls of each other counted: a call is one, that of a
/// filter with a loop or a condition ten.
const MAX_WORK: u32 = 1_000;
const STATEMENTS_WORK: u32 = 10;

/// The filters of a project. A run keeps those that its recipe uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnFilters {
    templates: BTreeMap<String, Template>,
    /// Names whose template is wrong, which has been said where they stand.
    #[serde(skip)]
    wrong: BTreeSet<String>,
}

impl OwnFilters {
    pub fn add(&mut self, name: &str, template: Template) {
        self.templates.insert(name.to_owned(), template);
    }

    /// A filter that is there and cannot be used.
    pub fn add_wrong(&mut self, name: &str) {
        self.templates.remove(name);
        self.wrong.insert(name.to_owned());
    }

    pub fn get(&self, name: &str) -> Option<&Template> {
        self.templates.get(name)
    }

    pub fn is_wrong(&self, name: &str) -> bool {
        self.wrong.contains(name)
    }

    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().chain(&self.wrong).map(String::as_str)
    }

    /// These filters and all that they use.
    pub fn with_used<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> OwnFilters {
        let mut kept = OwnFilters::default();
        let mut open: Vec<&str> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(template) = self.templates.get(name) else { continue };
            if kept.templates.insert(name.to_owned(), template.clone()).is_none() {
                open.extend(template.own_filters());
            }
        }
        kept
    }
}

/// The name under which the filter below finds the project's filters; no recipe can write it.
pub(super) const OWN: &str = " own";

/// The filter that stands for all filters of one's own: its first argument names the one that is meant.
pub(super) const OWN_FILTER: &str = "__own";

/// The scope on its way to the filter.
pub(super) struct OwnValue(pub(super) Arc<Scope>);

impl fmt::Debug for OwnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("own filters")
    }
}

impl Object for OwnValue {}

/// What was asked of filters of one's own while one template is filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Work(Arc<AtomicU32>);

impl Work {
    fn allows(&self, template: &Template) -> bool {
        let work = if template.has_statements() { STATEMENTS_WORK } else { 1 };
        self.0.fetch_add(work, Ordering::Relaxed) + work <= MAX_WORK
    }
}

/// What a filter of one's own makes of a value. Empty stays empty unless the filter says otherwise.
pub(super) fn apply(
    state: &mut State,
    input: Value,
    name: String,
    arguments: Rest<Value>,
) -> Result<Value, Error> {
    let fail = |kind, message: String| Err(Error::new(kind, message));
    let found = state.lookup(OWN);
    let scope = found.as_ref().and_then(|v| v.downcast_object_ref::<OwnValue>()).map(|own| &own.0);
    let Some((scope, template)) = scope.and_then(|s| Some((s, s.own().get(&name)?))) else {
        return fail(ErrorKind::UnknownFilter, format!("there is no filter `{name}`"));
    };
    if !arguments.is_empty() {
        let message = format!("`{name}` takes nothing in brackets");
        return fail(ErrorKind::InvalidOperation, message);
    }
    if !scope.own_work().allows(template) {
        return fail(ErrorKind::OutOfFuel, format!("`{name}` is called too often"));
    }
    let empty = is_empty(&input);
    let Some(inner) = scope.for_own_filter(input) else {
        return fail(ErrorKind::OutOfFuel, format!("`{name}` uses other filters too deep"));
    };
    match template.evaluate(inner) {
        Ok(value) => Ok(value),
        Err(error) if empty && error.kind == TemplateErrorKind::Empty => Ok(Value::UNDEFINED),
        Err(error) => Err(engine_error(&name, error)),
    }
}

fn engine_error(name: &str, error: TemplateError) -> Error {
    let kind = match error.kind {
        TemplateErrorKind::Limit => ErrorKind::OutOfFuel,
        TemplateErrorKind::Empty => ErrorKind::UndefinedError,
        TemplateErrorKind::Value | TemplateErrorKind::Syntax => ErrorKind::InvalidOperation,
    };
    Error::new(kind, format!("in the filter `{name}`: {}", error.message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn filters(written: &[(&str, &str)]) -> OwnFilters {
        let mut own = OwnFilters::default();
        for (name, text) in written {
            own.add(name, Template::text(text).unwrap());
        }
        own
    }

    fn rendered(own: &OwnFilters, source: &str) -> Result<Value, TemplateErrorKind> {
        let mut scope = Scope::new(Default::default());
        scope.set_event(json!({ "name": "Ada", "none": null, "tags": ["a", "b"], "n": 4 }));
        scope.set_own(Arc::new(own.clone()));
        let template = Template::text(source).unwrap();
        template.render(&scope).map(|outcome| outcome.into_value()).map_err(|e| e.kind)
    }

    fn good() -> OwnFilters {
        filters(&[
            ("shout", "{{ value | upper }}!"),
            ("twice", "{{ value * 2 }}"),
            ("greet", "Hello {{ value | shout }}"),
            ("friend", "{{ value | default('friend') }}"),
        ])
    }

    #[test]
    fn they_work_wherever_a_filter_may_stand() {
        let own = good();
        for (source, expected) in [
            ("{{ event.name | shout }}", json!("ADA!")),
            ("{{ (event.name ~ 'x')|shout }}", json!("ADAX!")),
            (
                "{{ event.name | greet }} / {{ event.name | lower | shout }}",
                json!("Hello ADA! / ADA!"),
            ),
            ("{{ event.n | twice }}", json!(8)),
            ("{{ event.n | twice | twice }}", json!(16)),
            ("{{ event.n | twice() }}", json!(8)),
            ("{{ (event.n | twice) < 9 and 3 < (event.n | twice) }}", json!(true)),
            ("{{ 'shout' | shout }}", json!("SHOUT!")),
            ("{{ (event.name | shout) ~ (event.name | shout) }}", json!("ADA!ADA!")),
            ("{% for t in event.tags %}{{ t | shout }}{% endfor %}", json!("A!B!")),
            ("{% filter shout %}x{% endfilter %}", json!("X!")),
        ] {
            assert_eq!(rendered(&own, source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn empty_stays_empty_unless_the_filter_says_otherwise() {
        assert_eq!(rendered(&good(), "{{ event.none | shout }}"), Ok(Value::Null));
        assert_eq!(rendered(&good(), "{{ event.none | greet }}"), Ok(Value::Null));
        assert_eq!(rendered(&good(), "{{ event.none | friend }}"), Ok(json!("friend")));
        let text = rendered(&good(), "to {{ event.none | shout }}");
        assert_eq!(text, Err(TemplateErrorKind::Empty));
    }

    #[test]
    fn work_without_end_is_stopped() {
        let circle = filters(&[("a", "{{ value | b }}"), ("b", "{{ value | a }}")]);
        assert_eq!(rendered(&circle, "{{ event.name | a }}"), Err(TemplateErrorKind::Limit));
        let own = filters(&[
            (
                "many",
                "{% for i in value %}{% for i in value %}{{ i | lower }}{% endfor %}{% endfor %}",
            ),
            ("more", "{% for i in value %}{{ value | many }}{% endfor %}"),
        ]);
        let mut scope = Scope::new(Default::default());
        scope.set_event(json!({ "list": vec!["x"; 60] }));
        scope.set_own(Arc::new(own));
        let bomb = "{% for i in event.list %}{{ event.list | more }}{% endfor %}";
        let error = Template::text(bomb).unwrap().render(&scope).unwrap_err();
        assert_eq!(error.kind, TemplateErrorKind::Limit);
    }

    #[test]
    fn they_survive_being_stored_and_only_those_in_use_are_kept() {
        let kept = good().with_used(["greet"]);
        assert_eq!(kept.names().collect::<Vec<_>>(), ["greet", "shout"]);
        let stored = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<OwnFilters>(&stored).unwrap(), kept);
    }
}
