//! Shapes that several fields share: a field that names one comes in; it goes out with the fields of that
//! shape. A shape that holds itself stays open on the second level.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Field, Fields};

/// The shapes of all apps, read as they are asked for.
pub(super) struct Shapes {
    /// The text that begins with the line of each shape, by `app.Name`.
    lines: HashMap<String, &'static str>,
    /// Those that were cut at nothing that lies outside of them: they are the same wherever they stand.
    ready: Mutex<HashMap<String, Fields>>,
}

impl Shapes {
    pub(super) fn new(lines: HashMap<String, &'static str>) -> Shapes {
        Shapes { lines, ready: Mutex::default() }
    }

    /// Gives every field inside `fields` the fields of its shape.
    pub(super) fn fill_all(&self, app: &str, fields: &mut Fields) {
        for field in Arc::make_mut(fields).values_mut() {
            self.fill(app, field);
        }
    }

    /// Gives a field, and every field inside it, the fields of its shape.
    pub(super) fn fill(&self, app: &str, field: &mut Field) {
        self.fill_inside(app, field, &mut Vec::new());
    }

    /// Returns the outermost shape at which something had to be cut, as its place in `inside`.
    fn fill_inside(&self, app: &str, field: &mut Field, inside: &mut Vec<String>) -> Option<usize> {
        if let Some(name) = &field.shape {
            let cut = inside.iter().position(|open| open == name);
            if cut.is_some() {
                return cut;
            }
            let (fields, cut) = self.fields(app, name, inside);
            field.fields = Some(fields);
            return cut;
        }
        let mut cut = None;
        if let Some(fields) = &mut field.fields {
            for inner in Arc::make_mut(fields).values_mut() {
                cut = outermost(cut, self.fill_inside(app, inner, inside));
            }
        }
        if let Some(of) = &mut field.of {
            cut = outermost(cut, self.fill_inside(app, Arc::make_mut(of), inside));
        }
        cut
    }

    fn fields(&self, app: &str, name: &str, inside: &mut Vec<String>) -> (Fields, Option<usize>) {
        let key = format!("{app}.{name}");
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fields) = ready().get(&key) {
            return (fields.clone(), None);
        }
        let line = self.lines.get(&key).copied().map_or("{}", super::first_line);
        let mut fields: Fields = serde_json::from_str(line).expect(
            "a shape of schemas/catalog.jsonl was written by the generator of this version",
        );
        let own = inside.len();
        inside.push(name.to_owned());
        let mut cut = None;
        for field in Arc::make_mut(&mut fields).values_mut() {
            cut = outermost(cut, self.fill_inside(app, field, inside));
        }
        inside.pop();
        // Cut at itself or inside of itself, it would be cut there anywhere.
        let cut = cut.filter(|&place| place < own);
        if cut.is_none() {
            ready().insert(key, fields.clone());
        }
        (fields, cut)
    }
}

fn outermost(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
