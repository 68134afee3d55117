//! A compiled [`Template`] and a scope → a value.

use std::ops::Range;

use super::compile::{Body, Piece};
use super::environment::{ENVIRONMENT, MAX_TEXT_BYTES};
use super::error::{render_error, text_too_long};
use super::linked::LinkQuestion;
use super::{Outcome, Scope, Template, TemplateError, TemplateErrorKind, value};

impl Template {
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

    /// What a filter of one's own makes of its scope, without the way through JSON: a moment stays one.
    pub(super) fn evaluate(&self, scope: Scope) -> Result<minijinja::Value, TemplateError> {
        match &*self.body {
            Body::Whole(expression) => self.whole(expression, scope),
            _ => self.render(&scope).map(|outcome| value::from_json(&outcome.into_value())),
        }
    }

    /// Fills in the values.
    pub fn render(&self, scope: &Scope) -> Result<Outcome, TemplateError> {
        match &*self.body {
            Body::Whole(expression) => {
                let outcome = value::to_json(&self.whole(expression, scope.clone())?);
                match &outcome {
                    Outcome::Value(serde_json::Value::String(s)) if s.len() > MAX_TEXT_BYTES => {
                        Err(text_too_long())
                    }
                    _ => Ok(outcome),
                }
            }
            Body::Pieces(pieces) => {
                let context = scope.clone().into_engine_value();
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
                let text = ENVIRONMENT.render_str(guarded, scope.clone().into_engine_value());
                let text = text.map_err(|e| render_error(&e, None))?;
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
            Body::Whole(expression) => {
                self.whole(expression, scope.clone()).map(|value| value.is_true())
            }
            _ => self.render(scope).map(|outcome| outcome.value().is_some()),
        }
    }

    /// The value of the one expression that it is.
    fn whole(
        &self,
        expression: &minijinja::Expression<'_, '_>,
        scope: Scope,
    ) -> Result<minijinja::Value, TemplateError> {
        let value = expression.eval(scope.into_engine_value());
        value.map_err(|e| render_error(&e, Some(0..self.source().len())))
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
