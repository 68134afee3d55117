//! Which catalog holds: the one that ships with the program, and the apps of their own of the projects that
//! have been read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

use super::Catalog;

/// `schemas/catalog.jsonl`, unpacked once.
static SHIPPED: LazyLock<&'static str> = LazyLock::new(|| {
    let packed = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.lz4"));
    let text = lz4_flex::block::decompress_size_prepended(packed);
    let text = text.ok().and_then(|text| String::from_utf8(text).ok());
    text.expect("schemas/build.rs has packed a text").leak()
});
static EMBEDDED: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::load(&SHIPPED)
        .expect("schemas/catalog.jsonl is fresh: CI compares it with its sources")
});
/// With apps of projects' own; none where no project has any.
static WITH_OWN: RwLock<Option<&'static Catalog>> = RwLock::new(None);
/// By the folder of the project.
static OWN: Mutex<BTreeMap<PathBuf, Vec<OwnApp>>> = Mutex::new(BTreeMap::new());

/// An app that a project brings along, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnApp {
    pub name: String,
    pub text: String,
}

impl Catalog {
    /// The catalog that ships with the program, with the apps of their own of all projects that have been
    /// read.
    pub fn embedded() -> &'static Catalog {
        let with_own = *WITH_OWN.read().unwrap_or_else(PoisonError::into_inner);
        with_own.unwrap_or_else(|| &EMBEDDED)
    }

    /// Whether the program ships an app of that name.
    pub fn ships(name: &str) -> bool {
        EMBEDDED.app(name).is_some()
    }

    /// From now on a project has these apps of its own. Returns the names that another project has given to
    /// other apps: theirs stay, and nothing is changed. What somebody holds of the catalog stays as it is.
    pub fn know_own(project: &Path, apps: Vec<OwnApp>) -> Result<(), Vec<String>> {
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        if own.get(project).map_or(apps.is_empty(), |known| *known == apps) {
            return Ok(());
        }
        let others = || own.iter().filter(|(other, _)| *other != project).flat_map(|(_, a)| a);
        let clash = |app: &&OwnApp| others().any(|o| o.name == app.name && o.text != app.text);
        let clashes: Vec<String> = apps.iter().filter(clash).map(|app| app.name.clone()).collect();
        if !clashes.is_empty() {
            return Err(clashes);
        }
        own.insert(project.to_owned(), apps);
        let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
        for app in own.values().flatten() {
            by_name.insert(&app.name, &app.text);
        }
        // Entries are asked for as long as the program runs: what was known before stays in memory. An app
        // changes seldom.
        let own_texts = by_name.into_values().map(|text| &*Box::leak(Box::<str>::from(text)));
        let texts: Vec<&'static str> = std::iter::once(*SHIPPED).chain(own_texts).collect();
        let catalog = Catalog::load_all(&texts).expect("what the generator writes can be read");
        let catalog: &'static Catalog = Box::leak(Box::new(catalog));
        *WITH_OWN.write().unwrap_or_else(PoisonError::into_inner) = Some(catalog);
        Ok(())
    }
}
