//! The only module that knows the template engine: a text from a recipe comes in; a compiled
//! [`Template`] goes out, which says what it reads and renders to a typed value.

mod environment;
mod expression;
mod filters;
mod linked;
mod own;
mod scope;
mod value;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery;
use serde::{Deserialize, Serialize};

pub use environment::{MAX_TEXT_BYTES, TESTS};
pub use expression::{Comparison, Expression, Node};
pub use filters::{Argument, Filter, Gives, all as all_filters, find as find_filter};
pub use linked::{LINKED, LinkQuestion};
pub use own::{MAX_OWN_DEPTH, OwnFilters};
pub use scope::Scope;
pub use value::Outcome;

use environment::ENVIRONMENT;

/// The longest text that is read as a template, in bytes.
const MAX_SOURCE_BYTES: usize = 64 * 1024;

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

enum Body {
    Whole(minijinja::Expression<'static, 'static>),
    Pieces(Vec<Piece>),
    /// A text with statements, guarded.
    Program(String),
}

enum Piece {
    Text(String),
    Value { expression: minijinja::Expression<'static, 'static>, span: Range<usize> },
}

/// What is wrong with a template, or went wrong while rendering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    pub kind: TemplateErrorKind,
    /// A lower-case phrase.
    pub message: String,
    /// The bytes of the template it is about, where known.
    pub range: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateErrorKind {
    /// It is not a template.
    Syntax,
    /// Something inside a text is empty.
    Empty,
    /// It does too much.
    Limit,
    /// A value does not fit what is done with it.
    Value,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Whether a text has anything for the template engine in it.
    pub fn has_template(text: &str) -> bool {
        text.contains("{{") || text.contains("{%") || text.contains("{#")
    }

    /// Compiles a bare expression, as `when` holds it. Braces around it are accepted.
    pub fn expression(source: &str) -> Result<Template, TemplateError> {
        let written = Written::Expression(source.to_owned());
        if source.len() > MAX_SOURCE_BYTES {
            return Err(too_long());
        }
        let trimmed = source.trim();
        let inner = trimmed.strip_prefix("{{").and_then(|s| s.strip_suffix("}}"));
        let inner = inner.filter(|s| !s.contains("}}")).unwrap_or(trimmed);
        let shift = inner.as_ptr() as usize - source.as_ptr() as usize;
        let tree = machinery::parse_expr(inner).map_err(|e| syntax_error(inner, &e, shift))?;
        let expression = expression::Reader::new(shift).expression(&tree);
        let body = Body::Whole(compile(inner, std::slice::from_ref(&expression), shift)?);
        Ok(Template::new(written, body, vec![expression]))
    }

    /// Compiles a value as a recipe writes it: text with `{{ … }}` in it.
    pub fn text(source: &str) -> Result<Template, TemplateError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(too_long());
        }
        let tree = machinery::parse(source, "template", Default::default())
            .map_err(|e| syntax_error(source, &e, 0))?;
        let mut reader = expression::Reader::new(0);
        reader.statements(std::slice::from_ref(&tree));
        let children = match &tree {
            machinery::ast::Stmt::Template(template) => &template.children[..],
            _ => &[],
        };
        let body = if reader.has_statements || source.contains("{#") {
            // Compiled once here so that every mistake is found before anything runs.
            let guarded = expression::guarded(source, &reader.found, 0);
            ENVIRONMENT.template_from_str(&guarded).map_err(|e| syntax_error(source, &e, 0))?;
            Body::Program(guarded)
        } else {
            let mut pieces = Vec::with_capacity(children.len());
            let mut cursor = 0;
            let mut trees = reader.found.iter();
            for child in children {
                match child {
                    machinery::ast::Stmt::EmitRaw(raw) => {
                        pieces.push(Piece::Text(raw.raw.to_owned()))
                    }
                    machinery::ast::Stmt::EmitExpr(_) => {
                        let span = next_expression(source, cursor);
                        cursor = span.end;
                        let tree = trees.next().expect("the reader finds what is written out");
                        let expression =
                            compile(&source[span.clone()], std::slice::from_ref(tree), span.start)?;
                        pieces.push(Piece::Value { expression, span });
                    }
                    _ => {}
                }
            }
            match (pieces.len(), pieces.pop()) {
                (1, Some(Piece::Value { expression, .. })) => Body::Whole(expression),
                (_, Some(last)) => {
                    pieces.push(last);
                    Body::Pieces(pieces)
                }
                (_, None) => Body::Pieces(pieces),
            }
        };
        Ok(Template::new(Written::Text(source.to_owned()), body, reader.found))
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

    /// What it asks of `linked` in this scope and has no answer to yet. An answer may lead to more.
    pub fn asks(&self, scope: &Scope) -> Vec<LinkQuestion> {
        if !self.uses_linked {
            return Vec::new();
        }
        let (scope, heard) = scope.listening();
        let context = scope.into_engine_value();
        // What fails here fails again when it is filled in, and is told then.
        match &*self.body {
            Body::Whole(expression) => drop(expression.eval(context)),
            Body::Pieces(pieces) => pieces.iter().for_each(|piece| match piece {
                Piece::Text(_) => {}
                Piece::Value { expression, .. } => drop(expression.eval(context.clone())),
            }),
            Body::Program(guarded) => drop(ENVIRONMENT.render_str(guarded, context)),
        }
        heard.asked()
    }

    /// The filters it uses that are not built in.
    pub fn own_filters(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for expression in self.expressions.iter() {
            expression.walk(&mut |e| names.extend(e.own_filter()));
        }
        names
    }

    /// What a filter of one's own makes of its scope, without the way through JSON: a moment stays one.
    fn evaluate(&self, scope: Scope) -> Result<minijinja::Value, TemplateError> {
        match &*self.body {
            Body::Whole(expression) => expression
                .eval(scope.into_engine_value())
                .map_err(|e| render_error(&e, Some(0..self.source().len()))),
            _ => self.render(&scope).map(|outcome| value::from_json(&outcome.into_value())),
        }
    }

    /// Fills in the values.
    pub fn render(&self, scope: &Scope) -> Result<Outcome, TemplateError> {
        let context = scope.clone().into_engine_value();
        match &*self.body {
            Body::Whole(expression) => {
                let value = expression
                    .eval(context)
                    .map_err(|e| render_error(&e, Some(0..self.source().len())))?;
                let outcome = value::to_json(&value);
                match &outcome {
                    Outcome::Value(serde_json::Value::String(s)) if s.len() > MAX_TEXT_BYTES => {
                        Err(text_too_long())
                    }
                    _ => Ok(outcome),
                }
            }
            Body::Pieces(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(piece) => text.push_str(piece),
                        Piece::Value { expression, span } => {
                            let value = expression
                                .eval(context.clone())
                                .map_err(|e| render_error(&e, Some(span.clone())))?;
                            text.push_str(&self.inside_text(&value, span)?);
                        }
                    }
                    if text.len() > MAX_TEXT_BYTES {
                        return Err(text_too_long());
                    }
                }
                Ok(Outcome::Value(text.into()))
            }
            Body::Program(guarded) => {
                let text =
                    ENVIRONMENT.render_str(guarded, context).map_err(|e| render_error(&e, None))?;
                if text.len() > MAX_TEXT_BYTES {
                    return Err(text_too_long());
                }
                Ok(Outcome::Value(text.into()))
            }
        }
    }

    /// Whether the condition holds: empty, false, 0 and '' do not.
    pub fn holds(&self, scope: &Scope) -> Result<bool, TemplateError> {
        match &*self.body {
            Body::Whole(expression) => expression
                .eval(scope.clone().into_engine_value())
                .map(|value| value.is_true())
                .map_err(|e| render_error(&e, Some(0..self.source().len()))),
            _ => self.render(scope).map(|outcome| outcome.value().is_some()),
        }
    }

    fn inside_text(
        &self,
        value: &minijinja::Value,
        span: &Range<usize>,
    ) -> Result<String, TemplateError> {
        let written = self.source()[span.clone()].trim();
        match value::to_json(value) {
            Outcome::Value(_) => Ok(value::to_text(value)),
            Outcome::Empty => Err(TemplateError {
                kind: TemplateErrorKind::Empty,
                message: format!("`{written}` is empty, and stands inside a text"),
                range: Some(span.clone()),
            }),
            Outcome::Omit | Outcome::Clear => Err(TemplateError {
                kind: TemplateErrorKind::Value,
                message: format!(
                    "`{written}` stands inside a text; it only works as a whole value"
                ),
                range: Some(span.clone()),
            }),
        }
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

fn compile(
    source: &str,
    trees: &[Expression],
    shift: usize,
) -> Result<minijinja::Expression<'static, 'static>, TemplateError> {
    ENVIRONMENT
        .compile_expression_owned(expression::guarded(source, trees, shift))
        .map_err(|e| syntax_error(source, &e, shift))
}

/// The text between the next `{{` behind `cursor` and its `}}`: the engine's own spans leave out
/// brackets.
fn next_expression(source: &str, cursor: usize) -> Range<usize> {
    let start = source[cursor..].find("{{").map_or(source.len(), |at| cursor + at + 2);
    let mut quote = None;
    let bytes = source.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') && !is_map_end(bytes, start, at) => {
                break;
            }
            _ => {}
        }
        at += 1;
    }
    let at = at.min(source.len());
    let text = source[start..at].trim_matches('-').trim();
    let from = text.as_ptr() as usize - source.as_ptr() as usize;
    from..from + text.len()
}

/// Whether the brace at `at` closes a `{` opened since `start`.
fn is_map_end(bytes: &[u8], start: usize, at: usize) -> bool {
    let mut open = 0i32;
    let mut quote = None;
    for &byte in &bytes[start..at] {
        match (quote, byte) {
            (Some(q), byte) if byte == q => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => open += 1,
            (None, b'}') => open -= 1,
            _ => {}
        }
    }
    open > 0
}

fn syntax_error(source: &str, error: &minijinja::Error, shift: usize) -> TemplateError {
    let range = error.range().map(|r| r.start + shift..r.end.max(r.start + 1) + shift);
    let detail = error.detail().unwrap_or("it cannot be read");
    let message = if source.trim().is_empty() {
        "there is nothing between the braces".to_owned()
    } else {
        detail.to_owned()
    };
    TemplateError { kind: TemplateErrorKind::Syntax, message, range }
}

fn render_error(error: &minijinja::Error, range: Option<Range<usize>>) -> TemplateError {
    use minijinja::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::OutOfFuel => TemplateErrorKind::Limit,
        Kind::UndefinedError => TemplateErrorKind::Empty,
        _ => TemplateErrorKind::Value,
    };
    let message = match error.kind() {
        Kind::OutOfFuel => "the template does too much work and was stopped".to_owned(),
        _ => error.detail().map_or_else(|| error.to_string(), str::to_owned),
    };
    TemplateError { kind, message, range }
}

fn too_long() -> TemplateError {
    TemplateError {
        kind: TemplateErrorKind::Limit,
        message: format!("the template has more than {} KB", MAX_SOURCE_BYTES / 1024),
        range: None,
    }
}

fn text_too_long() -> TemplateError {
    TemplateError {
        kind: TemplateErrorKind::Limit,
        message: format!("the text gets longer than {} KB", MAX_TEXT_BYTES / 1024),
        range: None,
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
