//! A text from a recipe → a compiled [`Template`].

use std::ops::Range;

use minijinja::machinery;

use super::environment::ENVIRONMENT;
use super::error::{syntax_error, too_long};
use super::{Expression, Template, TemplateError, Written, expression};

/// The longest text that is read as a template, in bytes.
pub(super) const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// What is filled in.
pub(super) enum Body {
    Whole(minijinja::Expression<'static, 'static>),
    Pieces(Vec<Piece>),
    /// A text with statements, guarded.
    Program(String),
}

pub(super) enum Piece {
    Text(String),
    Value { expression: minijinja::Expression<'static, 'static>, span: Range<usize> },
}

impl Body {
    /// One value alone keeps its type.
    fn of(mut pieces: Vec<Piece>) -> Body {
        match (pieces.len(), pieces.pop()) {
            (1, Some(Piece::Value { expression, .. })) => Body::Whole(expression),
            (_, last) => {
                pieces.extend(last);
                Body::Pieces(pieces)
            }
        }
    }
}

impl Template {
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
            Body::of(pieces(source, children, &reader.found)?)
        };
        Ok(Template::new(Written::Text(source.to_owned()), body, reader.found))
    }
}

/// What stands in a text without statements, in order. `trees` are the expressions among them.
fn pieces(
    source: &str,
    children: &[machinery::ast::Stmt<'_>],
    trees: &[Expression],
) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::with_capacity(children.len());
    let (mut cursor, mut trees) = (0, trees.iter());
    for child in children {
        match child {
            machinery::ast::Stmt::EmitRaw(raw) => pieces.push(Piece::Text(raw.raw.to_owned())),
            machinery::ast::Stmt::EmitExpr(_) => {
                let span = next_expression(source, cursor);
                cursor = span.end;
                let tree = trees.next().expect("the reader finds what is written out");
                let tree = std::slice::from_ref(tree);
                let expression = compile(&source[span.clone()], tree, span.start)?;
                pieces.push(Piece::Value { expression, span });
            }
            _ => {}
        }
    }
    Ok(pieces)
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
