//! Source → Recipe: a text comes in; a [`RecipeFile`] goes out, with everything that is wrong with its
//! form in the sink.

mod shape;
mod yaml;

use crate::diagnostic::{self, Sink};
use crate::recipe::RecipeFile;
use crate::source::{Document, Source, find_traps};

/// Reads a recipe. `None` when the text is not YAML, or no mapping: then the sink says why. A recipe
/// whose form is wrong in places comes back without them, so that the rest can be checked too.
pub fn recipe(source: Source, sink: &mut Sink) -> Option<RecipeFile> {
    let document = match Document::parse(&source) {
        Ok(document) => document,
        Err(error) => {
            yaml::report(&source, &error, sink);
            return None;
        }
    };
    for trap in find_traps(&source, true) {
        sink.say(diagnostic::trap(&source, &trap));
    }
    let (recipe, broken) = shape::read(&document, sink)?;
    Some(RecipeFile { source, document, recipe, broken })
}
