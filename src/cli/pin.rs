//! What tells the content of an installation from every other: the recipe and the recipes that it uses, its
//! settings and its accounts. Remarks, layout and examples do not count: they change nothing that is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::diagnostic::Sink;
use crate::parse;
use crate::recipe::{Recipe, Step};
use crate::source::Source;
use crate::store::Fingerprint;

/// The pin of an installation whose recipe has been checked.
pub fn pin(
    recipe: &Path,
    settings: &Map<String, Value>,
    connections: &BTreeMap<String, String>,
) -> String {
    let mut files = BTreeSet::new();
    let mut contents = Vec::new();
    read(recipe, &mut files, &mut contents);
    let content = json!({ "recipes": contents, "settings": settings, "connections": connections });
    Fingerprint::of(&[content.to_string().as_bytes()]).to_string()
}

/// The recipe in a file, and those that it uses, each once.
fn read(path: &Path, files: &mut BTreeSet<PathBuf>, contents: &mut Vec<Value>) {
    if !files.insert(path.to_owned()) {
        return;
    }
    let file =
        Source::read(path).ok().and_then(|source| parse::recipe(source, &mut Sink::default()));
    let Some(file) = file else { return };
    let content = Recipe { schema: None, examples: Vec::new(), ..file.recipe };
    contents.push(json!(content));
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut used = Vec::new();
    uses(&content.steps, &mut used);
    used.into_iter().for_each(|name| read(&folder.join(name), files, contents));
}

fn uses<'a>(steps: &'a [Step], used: &mut Vec<&'a str>) {
    for step in steps {
        used.extend(step.used.as_deref());
        uses(step.group.as_deref().unwrap_or_default(), used);
    }
}
