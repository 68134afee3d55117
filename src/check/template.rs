//! One template of a recipe: does it read, does it know its names, what does it give.

use crate::diagnostic::{self, Place, Sink};
use crate::source::Route;
use crate::template::{Template, TemplateError};

use super::infer::{Inference, Typed};
use super::known::Known;

/// A value that is a text with braces in it.
pub(super) fn text(
    written: &str,
    route: &Route,
    known: &mut Known,
    sink: &mut Sink,
) -> Option<(Template, Typed)> {
    let template = compiled(Template::text(written), written, route, sink)?;
    let trimmed = written.trim();
    if trimmed != written
        && trimmed.starts_with("{{")
        && let Ok(meant) = Template::text(trimmed)
        && meant.is_whole()
    {
        sink.say(diagnostic::space_around_template(route, trimmed, written.contains('\n')));
        // One mistake, one message: what is meant is checked, not what the spaces make of it.
        let typed = infer(&meant, route, known, sink);
        return Some((template, typed));
    }
    let typed = infer(&template, route, known, sink);
    Some((template, typed))
}

/// A bare expression, as `when` holds it.
pub(super) fn expression(
    written: &str,
    route: &Route,
    known: &mut Known,
    sink: &mut Sink,
) -> Option<(Template, Typed)> {
    let template = compiled(Template::expression(written), written, route, sink)?;
    let typed = infer(&template, route, known, sink);
    Some((template, typed))
}

pub(super) fn infer(
    template: &Template,
    route: &Route,
    known: &mut Known,
    sink: &mut Sink,
) -> Typed {
    let mut typed = Typed::any();
    for expression in template.expressions() {
        typed = Inference { known: &mut *known, text: template.source(), route, sink: &mut *sink }
            .infer(expression);
        if !template.is_whole() && typed.may_be_empty && is_shown(template, expression.span.start) {
            let written = template.source().get(expression.span.clone()).unwrap_or_default();
            sink.say(diagnostic::may_be_empty_in_text(
                Place::Inside(route.clone(), expression.span.clone()),
                written,
            ));
        }
    }
    if !template.is_whole() {
        typed = Typed {
            field: super::known::always(crate::value::Kind::String),
            may_be_empty: false,
            clears: false,
        };
    }
    typed
}

/// Whether the expression at `start` is one that is written out (`{{ … }}`), not one that decides
/// (`{% if … %}`).
fn is_shown(template: &Template, start: usize) -> bool {
    let before = &template.source()[..start.min(template.source().len())];
    match (before.rfind("{{"), before.rfind("{%")) {
        (Some(shown), Some(decides)) => shown > decides,
        (shown, _) => shown.is_some(),
    }
}

fn compiled(
    result: Result<Template, TemplateError>,
    written: &str,
    route: &Route,
    sink: &mut Sink,
) -> Option<Template> {
    match result {
        Ok(template) => Some(template),
        Err(error) => {
            sink.say(diagnostic::bad_template(route, written, &error.message, error.range));
            None
        }
    }
}
