//! Source → Recipe, Project or App: a text comes in; a [`RecipeFile`], a [`ProjectFile`] or the document of an
//! app goes out, with everything that is wrong with its form in the sink.

mod form;
mod secrets;
mod shape;
mod yaml;

use crate::catalog::{WrittenApp, spelled_out};
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

/// Reads an app of a project's own. Its form is looked at; what it means is not.
pub fn app(source: &Source, sink: &mut Sink) -> Option<Document> {
    let document = document(source, FileKind::App, sink)?;
    let spelled_out = spelled_out(document.value());
    shape::read_value::<WrittenApp>(spelled_out, &shape::APP, sink)?;
    Some(document)
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
