//! `use`: another recipe as a step. Its file is read and checked where it is used, with the event and
//! the settings that it meets there.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Checker;
use super::checked::{CheckedSetting, CheckedUse, Content, Inside, Place, UsedSetting};
use super::known::{Known, from_shape};
use super::narrow::filled_by;
use crate::catalog::{Field, Presence};
use crate::diagnostic::{self, Severity, Sink, nearest};
use crate::parse;
use crate::recipe::{RecipeFile, Step, Trigger};
use crate::source::{Route, Source};

/// How many recipes may use each other in a row.
const MAX_DEPTH: usize = 8;

/// Where in the recipes that use each other a file is checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Within {
    /// The files from the recipe itself down to this one, as the recipe itself would name them.
    chain: Vec<String>,
    /// What stands before the ids of this file's steps: `outer/`.
    prefix: String,
    /// Where the recipe itself says `use`.
    outermost: Option<Place>,
    /// The steps that have been counted so far, over all files.
    pub count: usize,
}

impl Within {
    /// The recipe itself.
    pub(super) fn recipe(source: &Source) -> Within {
        let name = source.name().rsplit(['/', '\\']).next().unwrap_or_default();
        Within { chain: vec![name.to_owned()], ..Within::default() }
    }

    pub(super) fn place(&self, route: &Route, line: usize) -> Place {
        let Some(outermost) = &self.outermost else {
            return Place { route: route.clone(), line, inside: None };
        };
        let file = self.chain.last().map_or("", String::as_str).into();
        Place { inside: Some(Box::new(Inside { file, line })), ..outermost.clone() }
    }

    pub(super) fn named(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }
}

impl Checker<'_> {
    pub(super) fn used(&mut self, step: &Step, here: &Route) -> Option<CheckedUse> {
        let route = here.key("use");
        let within = self.entered(step, here, &route)?;
        let name = within.chain.last().cloned().unwrap_or_default();
        let text = match (self.read_file)(&name) {
            Ok(text) => text,
            Err(why) => {
                self.sink.say(diagnostic::unreadable_use(&route, &name, &why));
                return None;
            }
        };
        let source = Source::new(&name, text);
        let mut sink = Sink::default();
        let file = parse::recipe(source.clone(), &mut sink);
        let checked = file.as_ref().and_then(|file| {
            let mut inner = Checker {
                file,
                catalog: self.catalog,
                sink: &mut sink,
                known: self.known_inside(&file.recipe.trigger),
                read_file: self.read_file,
                last_type: None,
                set_types: HashMap::new(),
                used_types: IndexMap::new(),
                within,
            };
            let checked = inner.as_step(file);
            self.within.count = inner.within.count;
            self.used_types = inner.known.steps;
            self.known.filters_used.extend(inner.known.filters_used);
            self.known.reads_custom_fields |= inner.known.reads_custom_fields;
            self.known.custom_fields_read.extend(inner.known.custom_fields_read);
            checked
        });
        let document = file.as_ref().map(|file| &file.document);
        let errors = sink.has_errors();
        for found in sink.into_sorted(&source, document) {
            if found.severity != Severity::Note {
                let line = source.position(found.place.span(&source, document).start).line;
                self.sink.say(diagnostic::in_used_recipe(&route, &name, line, &found));
            }
        }
        let mut used = checked.filter(|_| !errors)?;
        let known = std::mem::take(&mut used.settings);
        let (settings, good) = self.used_settings(&known, step, here, &name);
        used.settings = settings;
        good.then_some(CheckedUse { file: name, ..used })
    }

    /// The file that is meant, unless it is one that leads here.
    fn entered(&mut self, step: &Step, here: &Route, route: &Route) -> Option<Within> {
        let written = step.used.as_deref()?;
        let name = beside(self.within.chain.last().map_or("", String::as_str), written);
        if self.within.chain.contains(&name) {
            self.sink.say(diagnostic::use_circle(route, &self.within.chain, &name));
            return None;
        }
        if self.within.chain.len() > MAX_DEPTH {
            self.sink.say(diagnostic::use_too_deep(route, MAX_DEPTH));
            return None;
        }
        let mut chain = self.within.chain.clone();
        chain.push(name);
        Some(Within {
            chain,
            prefix: format!("{}/", self.id(step, here)),
            outermost: self.within.outermost.clone().or_else(|| Some(self.place(route))),
            count: self.within.count,
        })
    }

    /// What the other recipe sees: the same event, nothing of the steps around it.
    fn known_inside(&self, trigger: &Trigger) -> Known {
        let mut event = self.known.event.clone();
        if let Some(fields) = &mut event.fields {
            for (name, shape) in &trigger.fields {
                let declared = Field { presence: Presence::Unknown, ..from_shape(shape) };
                Arc::make_mut(fields).entry(name.clone()).or_insert(declared);
            }
        }
        let of_event = |name: &&String| name.starts_with("event.");
        Known {
            event,
            event_name: self.known.event_name.clone(),
            event_shown: self.known.event_shown.clone(),
            events: self.known.events.clone(),
            records: self.known.records.clone(),
            previous: self.known.previous.clone(),
            kinds: self.known.kinds.clone(),
            filled: self.known.filled.iter().filter(of_event).cloned().collect(),
            snapshots: self.known.snapshots.clone(),
            event_objects: self.known.event_objects.clone(),
            any_custom_field: self.known.any_custom_field,
            ..Known::nothing(self.known.own.clone())
        }
    }

    /// This file as a step of another: its settings, its condition and its steps.
    fn as_step(&mut self, file: &RecipeFile) -> Option<CheckedUse> {
        let recipe = &file.recipe;
        let settings = self.settings(&recipe.settings);
        let at = Route::root().key("trigger").key("when");
        let when = recipe.trigger.when.as_ref().map(|when| self.condition(&when.0, &at));
        if let Some(Some((_, template))) = &when {
            let mut filled = Vec::new();
            template.expressions().iter().for_each(|e| filled_by(e, &mut filled));
            self.known.filled.extend(filled);
        }
        let steps = self.steps(&recipe.steps, &Route::root().key("steps"));
        let settings = settings.into_iter().map(|(name, setting)| {
            let CheckedSetting { field, default, pick, .. } = setting;
            UsedSetting { name, field, mapping: None, default, pick }
        });
        Some(CheckedUse {
            file: String::new(),
            name: recipe.name.clone(),
            settings: settings.collect(),
            when: when.flatten(),
            steps,
        })
    }

    /// `with`: is every setting one of the other recipe, and is every one that it needs there?
    fn used_settings(
        &mut self,
        known: &[UsedSetting],
        step: &Step,
        here: &Route,
        file: &str,
    ) -> (Vec<UsedSetting>, bool) {
        let route = here.key("with");
        let given = step.with.iter().flatten();
        let mut good = true;
        for (name, _) in given.clone().filter(|(name, _)| !known.iter().any(|k| k.name == **name)) {
            let near = nearest(name, known.iter().map(|k| k.name.as_str()));
            let names: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
            self.sink.say(diagnostic::no_such_used_setting(&route.key(name), file, &names, near));
            good = false;
        }
        let mut settings = Vec::new();
        for setting in known {
            let written = given.clone().find(|(name, _)| **name == setting.name);
            let required = setting.default.is_none();
            let mapping = match written {
                None if required && !self.file.is_broken(&route.key(&setting.name)) => {
                    self.sink.say(diagnostic::missing_used_setting(here, file, &setting.name));
                    good = false;
                    None
                }
                None => None,
                Some((name, value)) => {
                    let at = route.key(name);
                    let mapping = self.mapping_of(&setting.field, value, &at, name, required);
                    good &= mapping.is_some();
                    if let (Some(pick), Some(Content::Literal(literal))) =
                        (&setting.pick, mapping.as_ref().map(|mapping| &mapping.content))
                    {
                        let place = diagnostic::Place::Value(at.clone());
                        self.can_be_picked(pick, literal, place);
                    }
                    mapping
                }
            };
            settings.push(UsedSetting { mapping, ..setting.clone() });
        }
        (settings, good)
    }
}

/// `written`, counted from the folder of `file`, without `.` and `..` where they can be done without.
fn beside(file: &str, written: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = match written.starts_with('/') || folder.is_empty() {
        true => written.to_owned(),
        false => format!("{folder}/{written}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn files_are_named_from_the_recipe_itself() {
        for (file, written, name) in [
            ("a.yaml", "./b.yaml", "b.yaml"),
            ("parts/a.yaml", "b.yaml", "parts/b.yaml"),
            ("parts/a.yaml", "../b.yaml", "b.yaml"),
            ("a.yaml", "../parts/../b.yaml", "../b.yaml"),
            ("parts/a.yaml", "/b.yaml", "/b.yaml"),
        ] {
            assert_eq!(beside(file, written), name);
        }
    }
}
