//! The only module that knows the template engine: a text from a recipe comes in; a compiled
//! [`Template`] goes out, which says what it reads and renders to a typed value.

mod compile;
mod environment;
mod error;
mod expression;
mod filters;
mod linked;
mod own;
mod render;
mod scope;
mod value;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use environment::{MAX_TEXT_BYTES, TESTS};
pub use error::{TemplateError, TemplateErrorKind};
pub use expression::{Comparison, Expression, Node};
pub use filters::{Argument, Filter, Gives, all as all_filters, find as find_filter};
pub use linked::{LINKED, LinkQuestion};
pub use own::{MAX_OWN_DEPTH, OwnFilters};
pub use scope::Scope;
pub use value::Outcome;

use compile::Body;

/// A compiled template. A lone `{{ … }}` and a bare expression keep the type of their value; a text
/// with braces inside gives a text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Template {
    written: Written,
    body: Arc<Body>,
    expressions: Arc<[Expression]>,
    uses_now: bool,
    uses_linked: bool,
}

/// A template as it is stored: what kind of place it stood in, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Expression(String),
    Text(String),
}

impl Template {
    /// Whether a text has anything for the template engine in it.
    pub fn has_template(text: &str) -> bool {
        text.contains("{{") || text.contains("{%") || text.contains("{#")
    }

    fn new(written: Written, body: Body, expressions: Vec<Expression>) -> Template {
        let (mut uses_now, mut uses_linked) = (false, false);
        for expression in &expressions {
            expression.walk(&mut |e| uses_now |= matches!(&e.node, Node::Name(n) if n == "now"));
            expression
                .walk(&mut |e| uses_linked |= matches!(&e.node, Node::Name(n) if n == LINKED));
            // What a filter of one's own asks for is not known here.
            expression.walk(&mut |e| uses_now |= e.own_filter().is_some());
        }
        let (body, expressions) = (Arc::new(body), expressions.into());
        Template { written, body, expressions, uses_now, uses_linked }
    }

    /// The template as written.
    pub fn source(&self) -> &str {
        match &self.written {
            Written::Expression(source) | Written::Text(source) => source,
        }
    }

    /// Whether the result keeps its type; otherwise it is a text.
    pub fn is_whole(&self) -> bool {
        matches!(*self.body, Body::Whole(_))
    }

    /// Whether it loops or decides (`{% … %}`).
    fn has_statements(&self) -> bool {
        matches!(*self.body, Body::Program(_))
    }

    /// Every expression in it, in order.
    pub fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    /// The dotted names it reads, such as `["steps", "contact", "contact_id"]`: the longest of each.
    pub fn reads(&self) -> Vec<Vec<&str>> {
        let mut reads: Vec<Vec<&str>> = Vec::new();
        for expression in self.expressions.iter() {
            expression.walk(&mut |e| {
                if let Some(path) = e.path()
                    && !reads.iter().any(|known| known.starts_with(&path))
                {
                    reads.push(path);
                }
            });
        }
        reads
    }

    /// Whether it asks for the time, or may do so by a filter of one's own.
    pub fn uses_now(&self) -> bool {
        self.uses_now
    }

    /// Whether it asks for links.
    pub fn uses_linked(&self) -> bool {
        self.uses_linked
    }

    /// The kinds of record that it asks for links of, as far as they are written out.
    pub fn linked_kinds(&self) -> Vec<&str> {
        let mut kinds = Vec::new();
        for expression in self.expressions.iter().filter(|_| self.uses_linked) {
            expression.walk(&mut |e| {
                if let Node::Call { callee, arguments } = &e.node
                    && matches!(&callee.node, Node::Name(name) if name == LINKED)
                {
                    for argument in arguments.iter().take(2) {
                        if let Node::Literal(serde_json::Value::String(kind)) = &argument.node {
                            kinds.push(kind.as_str());
                        }
                    }
                }
            });
        }
        kinds
    }

    /// The filters it uses that are not built in.
    pub fn own_filters(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for expression in self.expressions.iter() {
            expression.walk(&mut |e| names.extend(e.own_filter()));
        }
        names
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.written == other.written
    }
}

impl From<Template> for Written {
    fn from(template: Template) -> Written {
        template.written
    }
}

impl TryFrom<Written> for Template {
    type Error = TemplateError;

    fn try_from(written: Written) -> Result<Template, TemplateError> {
        match written {
            Written::Expression(source) => Template::expression(&source),
            Written::Text(source) => Template::text(&source),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::new(Default::default());
        scope.set(
            "event",
            &json!({ "name": "Ada", "none": null, "total": 500, "tags": ["a", "b"] }),
        );
        scope
    }

    fn rendered(source: &str) -> Result<serde_json::Value, TemplateErrorKind> {
        let template = Template::text(source).unwrap();
        template.render(&scope()).map(Outcome::into_value).map_err(|e| e.kind)
    }

    #[test]
    fn a_lone_expression_keeps_its_type_and_a_text_is_a_text() {
        assert_eq!(rendered("{{ event.total }}"), Ok(json!(500)));
        assert_eq!(rendered("{{ event.tags }}"), Ok(json!(["a", "b"])));
        assert_eq!(rendered("{{ event.total == 500 }}"), Ok(json!(true)));
        assert_eq!(
            rendered("{{ 'x' if event.none else {'a': {'b': 1}} }}"),
            Ok(json!({"a": {"b": 1}}))
        );
        assert_eq!(
            rendered("{{ event.name }} is {{ event.total == 500 }}"),
            Ok(json!("Ada is true"))
        );
        assert_eq!(rendered("{{ '}}' }}{{ \"{{\" }}"), Ok(json!("}}{{")));
        assert_eq!(rendered("{# a remark #}x {{ event.name }}"), Ok(json!("x Ada")));
    }

    #[test]
    fn nothing_empty_ever_becomes_a_word() {
        for source in [
            "Hello {{ event.none }}",
            "Hello {{ event.missing.deep | lower }}",
            "{{ 'Hello ' ~ event.none }}",
            "{{ ('Hello ' ~ event.none ~ '!') | upper }}",
            "{{ [event.name ~ (event.none or event.missing)] }}",
            "{{ {'k': event.none}['k'] ~ '' }}",
            "{% if event.name %}{{ event.none }}{% endif %}",
            "{% for tag in event.tags %}{{ (tag ~ 'x') ~ event.none }}{% endfor %}",
        ] {
            assert_eq!(rendered(source), Err(TemplateErrorKind::Empty), "{source}");
        }
        assert_eq!(rendered("{{ event.none | lower | trim }}"), Ok(json!(null)));
        assert_eq!(
            rendered("{{ 'a' ~ event.name ~ (event.none | default('-')) ~ 5 }}"),
            Ok(json!("aAda-5"))
        );
    }

    #[test]
    fn nothing_is_larger_or_smaller_than_what_is_empty() {
        let holds = |source: &str| Template::expression(source).unwrap().holds(&scope()).unwrap();
        assert!(holds("event.total > 10 and not (event.none < 10)"));
        assert!(!holds("event.none < 10"));
        assert!(!holds("10 > event.missing or event.missing >= event.none"));
        assert!(holds("not event.none and event.total in [500]"));
        assert!(holds("{{ (event.total + 1) * 2 > 1000 }}"));
    }

    #[test]
    fn a_template_survives_being_stored() {
        for template in
            [Template::text("a {{ event.name }}"), Template::expression("{{ event.none }}")]
        {
            let template = template.unwrap();
            let stored = serde_json::to_string(&template).unwrap();
            assert_eq!(serde_json::from_str::<Template>(&stored).unwrap(), template);
        }
    }
}
