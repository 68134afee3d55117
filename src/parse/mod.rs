//! Source → Recipe or Project: a text comes in; a [`RecipeFile`] or a [`ProjectFile`] goes out, with
//! everything that is wrong with its form in the sink.

mod secrets;
mod shape;
mod yaml;

use crate::diagnostic::{self, FileKind, Sink};
use crate::project::ProjectFile;
use crate::recipe::RecipeFile;
use crate::source::{Document, Source, find_traps};

/// How many mistakes of YAML are cut out before the rest is left alone.
const MAX_ROUNDS: usize = 20;

/// Reads a recipe. `None` when the text is not YAML, or no mapping: then the sink says why. A recipe
/// whose form is wrong in places comes back without them, so that the rest can be checked too.
pub fn recipe(source: Source, sink: &mut Sink) -> Option<RecipeFile> {
    let document = document(&source, FileKind::Recipe, sink)?;
    let (recipe, broken) = shape::read(&document, &shape::RECIPE, sink)?;
    Some(RecipeFile { source, document, recipe, broken })
}

/// Reads a project file, in the same way.
pub fn project(source: Source, sink: &mut Sink) -> Option<ProjectFile> {
    let document = document(&source, FileKind::Project, sink)?;
    let (written, broken) = shape::read(&document, &shape::PROJECT, sink)?;
    let source = secrets::masked(&source, &document);
    Some(ProjectFile { source, document, written, broken })
}

fn document(source: &Source, kind: FileKind, sink: &mut Sink) -> Option<Document> {
    // What is blanked out keeps its length: places stay true.
    let mut readable = source.clone();
    let mut rounds = 0;
    let document = loop {
        let error = match Document::parse(&readable) {
            Ok(document) => break document,
            Err(error) => error,
        };
        yaml::report(source, &error, kind, sink);
        rounds += 1;
        if rounds == MAX_ROUNDS {
            return None;
        }
        readable = yaml::without(&readable, &error)?;
    };
    for trap in find_traps(source, true) {
        sink.say(diagnostic::trap(source, &trap));
    }
    Some(document)
}
