//! What tells the content of an installation from every other: the recipe and the recipes that it uses, its
//! settings and its accounts. Remarks, layout and examples do not count: they change nothing that is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::diagnostic::Sink;
use crate::parse;
use crate::recipe::Recipe;
use crate::source::Source;
use crate::store::Fingerprint;

/// What counts of a recipe as it was read from a file, and of those that it uses, each once.
pub fn contents(path: &Path, recipe: &Recipe) -> Vec<Value> {
    let mut contents = Vec::new();
    gather(path, recipe, &mut BTreeSet::from([path.to_owned()]), &mut contents);
    contents
}

fn gather(path: &Path, recipe: &Recipe, files: &mut BTreeSet<PathBuf>, contents: &mut Vec<Value>) {
    contents.push(json!(Recipe { schema: None, examples: Vec::new(), ..recipe.clone() }));
    let folder = path.parent().unwrap_or(Path::new(""));
    for path in recipe.used().into_iter().map(|name| folder.join(name)) {
        if !files.insert(path.clone()) {
            continue;
        }
        let source = Source::read(&path).ok();
        let file = source.and_then(|source| parse::recipe(source, &mut Sink::default()));
        if let Some(file) = file {
            gather(&path, &file.recipe, files, contents);
        }
    }
}

/// The pin of an installation of a recipe with these contents.
pub fn pin(
    contents: &[Value],
    settings: &Map<String, Value>,
    connections: &BTreeMap<String, String>,
) -> String {
    let content = json!({ "recipes": contents, "settings": settings, "connections": connections });
    Fingerprint::of(&[content.to_string().as_bytes()]).to_string()
}
