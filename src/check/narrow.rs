//! What a condition tells about the names behind it: a condition comes in, the dotted names that must be
//! there go out.

use crate::template::{Comparison, Expression, Node};

/// The dotted names that must be there when `condition` holds: `event.email and event.phone`.
pub(super) fn filled_by(condition: &Expression, found: &mut Vec<String>) {
    match &condition.node {
        Node::And(a, b) => {
            filled_by(a, found);
            filled_by(b, found);
        }
        Node::Field(..) => found.extend(condition.path().map(|p| p.join("."))),
        Node::Call { .. } => found.extend(question(condition)),
        Node::Compare(a, b, Comparison::Order) => {
            filled_by(a, found);
            filled_by(b, found);
        }
        // A step that was neither skipped nor failed has its results.
        Node::Not(inner)
            if matches!(inner.path().as_deref(), Some(["steps", _, "skipped" | "error"])) =>
        {
            found.extend(inner.path().map(|p| format!("steps.{}.*", p[1])));
        }
        Node::Not(inner) => empty_unless(inner, found),
        Node::Test { name, input, .. } if name == "defined" => filled_by(input, found),
        Node::Filter { name, input: Some(input), .. } if name != "default" => {
            filled_by(input, found)
        }
        // `x == 'something'` holds only when x is there.
        Node::Compare(a, b, Comparison::Equal) if matches!(&b.node, Node::Literal(v) if !v.is_null()) => {
            filled_by(a, found)
        }
        _ => {}
    }
}

/// `linked(…)` as one name: the same question always has the same one. None for what is no such call, or
/// asks for something that is only known in the run.
pub(super) fn question(call: &Expression) -> Option<String> {
    let Node::Call { callee, arguments } = &call.node else { return None };
    if !matches!(&callee.node, Node::Name(name) if name == "linked") {
        return None;
    }
    fn written(argument: &Expression) -> Option<String> {
        match &argument.node {
            Node::Literal(value) => Some(value.to_string()),
            Node::Named(name, value) => Some(format!("{name}={}", written(value)?)),
            _ => argument.path().map(|path| path.join(".")),
        }
    }
    let arguments: Option<Vec<String>> = arguments.iter().map(written).collect();
    Some(format!("linked({})", arguments?.join(", ")))
}

/// The dotted names that must be there when `condition` does not hold: `not event.email`.
pub(super) fn empty_unless(condition: &Expression, found: &mut Vec<String>) {
    match &condition.node {
        Node::Or(a, b) => {
            empty_unless(a, found);
            empty_unless(b, found);
        }
        Node::Not(inner) => filled_by(inner, found),
        Node::Test { name, input, .. } if name == "empty" => filled_by(input, found),
        _ => {}
    }
}

/// A text that stands alone in a condition, where it makes the whole true.
pub(super) fn lone_text(condition: &Expression) -> Option<std::ops::Range<usize>> {
    match &condition.node {
        Node::Literal(value) if value.as_str().is_some_and(|text| !text.is_empty()) => {
            Some(condition.span.clone())
        }
        Node::Or(a, b) => lone_text(a).or_else(|| lone_text(b)),
        _ => None,
    }
}
