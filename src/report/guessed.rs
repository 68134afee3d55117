//! Which values of a dry run are guessed: those that come from an answer which no app has given.

use std::collections::HashSet;

use crate::check::{Action, CheckedStep};
use crate::plan::Origin;
use crate::template::Template;

/// The results that are the catalog's examples: `contact` for all of a call, `who.contact_id` for one
/// value of a `set`.
pub(super) fn collect(steps: &[CheckedStep], guessed: &mut HashSet<String>) {
    for step in steps {
        match &step.action {
            Action::Call(_) => {
                guessed.insert(step.id.clone());
            }
            Action::Set(values) => {
                for (name, mapping) in values {
                    let reads = mapping
                        .templates()
                        .into_iter()
                        .any(|t| reads_guessed(t, &step.id, guessed));
                    if reads {
                        guessed.insert(format!("{}.{name}", step.id));
                    }
                }
            }
            Action::Group(_) | Action::Use(_) => collect(step.inner(), guessed),
            Action::Stop(_) | Action::Wait(_) | Action::Hold(_) | Action::Link(_) => {}
        }
    }
}

fn reads_guessed(template: &Template, step: &str, guessed: &HashSet<String>) -> bool {
    template.reads().iter().any(|path| match path[..] {
        ["steps", id, name, ..] => is_guessed(&format!("{id}.{name}"), step, guessed),
        ["steps", id] => is_guessed(id, step, guessed),
        _ => false,
    })
}

/// Whether a result that a step reads is an example. `name` is as the step's own file says it:
/// `contact`, `contact.contact_id`, or `used.contact` for a step of a recipe in `use`.
pub(super) fn is_guessed(name: &str, step: &str, guessed: &HashSet<String>) -> bool {
    let file = step.rfind('/').map_or("", |at| &step[..=at]);
    let whole = format!("{file}{name}");
    let id = whole.split_once('.').map_or(&whole[..], |(id, _)| id);
    guessed.contains(&whole)
        || guessed.contains(id)
        || guessed.contains(&whole.replacen('.', "/", 1))
}

/// The steps among a value's origins whose results are examples; `step` is the one that sends it.
pub(super) fn guessed_of<'a>(
    origin: &'a Origin,
    step: &str,
    guessed: &HashSet<String>,
) -> Vec<&'a str> {
    let from = origin.from_results.iter().filter(|name| is_guessed(name, step, guessed));
    from.map(|name| name.split('.').next().unwrap_or(name)).collect()
}
