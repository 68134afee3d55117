//! Filters of one's own: do they read, do they use only what they see, do they come to an end?

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::check::infer::Typed;
use crate::check::known::Known;
use crate::check::template;
use crate::diagnostic::{self, Sink};
use crate::project::ProjectFile;
use crate::source::Route;
use crate::template::{MAX_OWN_DEPTH, OwnFilters, Template, find_filter};

/// The filters of a project. Those that are wrong are known by their names alone.
pub(super) fn filters(file: &ProjectFile, sink: &mut Sink) -> OwnFilters {
    let route = Route::root().key("filters");
    let mut own = OwnFilters::default();
    for (name, written) in &file.written.filters {
        let here = route.key(name);
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            sink.say(diagnostic::bad_filter_name(&here, name));
        } else if let Some(filter) = find_filter(name) {
            sink.say(diagnostic::filter_name_taken(&here, name, filter.about));
            continue;
        }
        match Template::text(written) {
            Ok(template) => own.add(name, template),
            Err(error) => {
                let (message, range) = (&error.message, error.range);
                sink.say(diagnostic::bad_template(&here, written, message, range));
                own.add_wrong(name);
            }
        }
    }
    // Names under `filters` whose value is no text have been reported.
    for broken in file.broken.iter().filter(|b| b.parent().as_ref() == Some(&route)) {
        own.add_wrong(&broken.last().unwrap_or_default());
    }
    nesting(file, &route, &mut own, sink);
    let all = Arc::new(own.clone());
    for (name, written) in &file.written.filters {
        let Some(template) = all.get(name) else { continue };
        let here = route.key(name);
        let mut found = Sink::default();
        let mut known = Known::of_value(all.clone(), Typed::any());
        template::text(written, &here, &mut known, &mut found);
        let is_wrong = found.has_errors();
        found.into_found().into_iter().for_each(|d| sink.say(d));
        if is_wrong {
            own.add_wrong(name);
        } else if !Template::has_template(written) {
            sink.say(diagnostic::filter_without_braces(&here, written));
        } else if !template.reads().iter().any(|path| path.first() == Some(&"value")) {
            sink.say(diagnostic::filter_ignores_value(&here));
        }
    }
    own
}

/// Filters that use each other in a circle, or too deep, are taken out.
fn nesting(file: &ProjectFile, route: &Route, own: &mut OwnFilters, sink: &mut Sink) {
    let all = own.clone();
    let mut depths = HashMap::new();
    let mut too_deep = Vec::new();
    for name in file.written.filters.keys() {
        let mut path = vec![name.as_str()];
        match depth(&all, &mut path, &mut depths) {
            Some(depth) if depth <= MAX_OWN_DEPTH => continue,
            Some(_) => too_deep.push(name.as_str()),
            None if path.last() == Some(&name.as_str()) => {
                sink.say(diagnostic::filter_circle(&route.key(name), &path));
            }
            // The circle lies in a filter that it uses, and is said there.
            None => {}
        }
        own.add_wrong(name);
    }
    // What such a filter uses may be too deep as well: said once, where it begins.
    let used: HashSet<&str> =
        too_deep.iter().filter_map(|name| all.get(name)).flat_map(Template::own_filters).collect();
    for name in too_deep.into_iter().filter(|name| !used.contains(name)) {
        sink.say(diagnostic::filter_too_deep(&route.key(name), MAX_OWN_DEPTH));
    }
}

/// How deep the last filter of `path` uses others, itself counted. `None` for a circle, which stays in
/// `path` then.
fn depth<'a>(
    all: &'a OwnFilters,
    path: &mut Vec<&'a str>,
    depths: &mut HashMap<&'a str, usize>,
) -> Option<usize> {
    if path.len() > 4 * MAX_OWN_DEPTH {
        return Some(MAX_OWN_DEPTH + 1);
    }
    let last = path[path.len() - 1];
    if let Some(known) = depths.get(last) {
        return Some(*known);
    }
    let mut deepest = 0;
    for used in all.get(last).into_iter().flat_map(Template::own_filters) {
        let circle = path.contains(&used);
        path.push(used);
        if circle {
            return None;
        }
        deepest = deepest.max(depth(all, path, depths)?);
        path.pop();
    }
    depths.insert(last, deepest + 1);
    Some(deepest + 1)
}
