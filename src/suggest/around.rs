//! What stands around the call of a recipe in the making: how its records are found, when it starts, what is
//! linked, and which fields of the event all that reads.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::draft::{Choice, Draft, Need, Proposal};
use super::names::{Concept, concept};
use super::record::{Finder, is_person, person_of};
use crate::catalog::Effect;
use crate::snapshot::Pick;
use crate::template::{Expression, Node, Template};

impl Draft<'_> {
    /// How records are found that the call is about, each once.
    pub(super) fn finders(&self) -> Vec<Finder> {
        let mut kinds: Vec<&String> = Vec::new();
        for field in &self.fields {
            if let Some(Choice::Found(kind)) = &field.choice
                && !kinds.contains(&kind)
            {
                kinds.push(kind);
            }
        }
        kinds.iter().filter_map(|kind| Finder::of(self.catalog, &self.event, kind)).collect()
    }

    /// What the person who installs the recipe fills in: what is picked, and what a person has added.
    pub(super) fn all_settings(&self) -> Map<String, Value> {
        let picked = self.picks().into_iter().map(|pick| {
            let app = self.catalog.app(&pick.app).map_or(pick.app.clone(), |app| app.title.clone());
            let ask = format!("Which {} of {app}?", pick.kind.in_words());
            (pick.kind.word().to_owned(), json!({ "pick": pick.name(), "ask": ask }))
        });
        let own = self.settings.iter().map(|(name, setting)| (name.clone(), setting.clone()));
        picked.chain(own).collect()
    }

    pub(super) fn picks(&self) -> Vec<&Pick> {
        let mut picks: Vec<&Pick> = Vec::new();
        for field in &self.fields {
            if let Some(Choice::Picked(pick)) = &field.choice
                && !picks.contains(&pick)
            {
                picks.push(pick);
            }
        }
        picks
    }

    /// The paths of the event that have to be filled for a run to make sense, in groups: of each group one is
    /// enough.
    pub(super) fn needed(&self) -> Vec<Vec<String>> {
        let told = self.told();
        let may_be_empty = |path: &String| {
            told.iter().find(|told| told.path == *path).is_none_or(|told| told.may_be_empty)
        };
        let path = |field: &Proposal| self.path(field);
        let mut groups: Vec<Vec<String>> = Vec::new();
        let mut add = |group: Vec<String>| {
            if !group.is_empty() && !groups.contains(&group) {
                groups.push(group);
            }
        };
        for field in self.fields.iter().filter(|field| field.need == Need::Required) {
            add(path(field).filter(may_be_empty).into_iter().collect());
        }
        let chosen = self.one_of().filter(|field| field.choice.is_some());
        let paths: Option<Vec<String>> = chosen.map(path).collect();
        if let Some(paths) = paths.filter(|paths| paths.iter().all(may_be_empty)) {
            add(paths);
        }
        if self.makes_person() && self.one_of().next().is_none() {
            let reachable = self.fields.iter().filter(|field| is_reachable(field));
            let reachable = reachable.filter(|field| field.choice.is_some());
            let paths: Option<Vec<String>> = reachable.map(path).collect();
            if let Some(paths) = paths.filter(|paths| paths.iter().all(may_be_empty)) {
                add(paths);
            }
        }
        groups
    }

    /// The trigger's condition.
    pub(super) fn when(&self) -> Option<String> {
        let groups = self.needed();
        let written = groups.iter().map(|group| match (group.len(), groups.len()) {
            (0 | 1, _) | (_, 1) => group.join(" or "),
            _ => format!("({})", group.join(" or ")),
        });
        (!groups.is_empty()).then(|| written.collect::<Vec<_>>().join(" and "))
    }

    /// Whether the call makes a person, or takes the one that is there.
    pub(super) fn makes_person(&self) -> bool {
        let record = self.operation.record.as_ref();
        let is_new =
            record.is_some_and(|record| record.id.is_none() || self.operation.path.is_empty());
        let writes = matches!(self.operation.effect, Effect::Create | Effect::Update);
        record.is_some_and(|record| is_person(&record.kind)) && is_new && writes
    }

    /// The link between the event's person and the one that the call gives back.
    pub(super) fn link(&self, step: &str) -> Option<Map<String, Value>> {
        let record = self.operation.record.as_ref().filter(|_| self.makes_person())?;
        let kind = record.full_kind(&self.operation.app);
        let (person, path) = person_of(&self.event).filter(|(person, _)| *person != kind)?;
        let told = self.told();
        let is_there = told.iter().any(|told| told.path == path && !told.may_be_empty);
        let result = format!("{}_id", record.kind);
        if !is_there || !self.operation.results.contains_key(&result) {
            return None;
        }
        Some(Map::from_iter([
            (person, format!("{{{{ {path} }}}}").into()),
            (kind, format!("{{{{ steps.{step}.{result} }}}}").into()),
        ]))
    }

    /// What a record that is there already has in common with a new one.
    pub(super) fn unless_exists(&self) -> Option<Map<String, Value>> {
        let lookup = self.operation.lookup.as_ref()?;
        if self.operation.effect != Effect::Create {
            return None;
        }
        let with = self.with();
        let names = ["email", "title", "body", "name"].into_iter().filter(|name| {
            let can_be_asked = lookup.query.contains_key(*name) || lookup.query.is_empty();
            can_be_asked && with.contains_key(*name)
        });
        let is_required = |name: &str| {
            self.fields.iter().any(|field| field.key == name && field.need == Need::Required)
        };
        let names: Vec<&str> = names.collect();
        let name = names.iter().find(|name| is_required(name)).or(names.first()).copied()?;
        let mut there = Map::from_iter([(name.to_owned(), with[name].clone())]);
        let completed = self.operation.field("completed");
        if completed.is_ok_and(|(_, _, field)| field.usual == Some(false.into())) {
            there.insert("completed".into(), false.into());
        }
        Some(there)
    }

    /// Whether the record is read first, and only what differs is written.
    pub(super) fn is_patch(&self) -> bool {
        let record = self.operation.record.as_ref();
        let id = record.and_then(|record| record.id.as_ref());
        self.operation.effect == Effect::Update
            && self.operation.method() == "PUT"
            && id.is_some_and(|id| self.operation.path.contains_key(id))
            && self
                .operation
                .path_pattern()
                .trim_end_matches('/')
                .ends_with(&format!(":{}", id.map_or("", |id| id)))
            && self.catalog.reader(&self.operation).is_some()
    }

    /// Every path of the event that the recipe reads.
    pub(super) fn reads(&self) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        let mut read = |template: Result<Template, _>| {
            let Ok::<_, crate::template::TemplateError>(template) = template else { return };
            for path in template.reads() {
                if let ["event", rest @ ..] = &path[..] {
                    found.insert(rest.iter().map(|name| (*name).to_owned()).collect());
                }
            }
        };
        texts(&Value::Object(self.with()), &mut |text| read(Template::text(text)));
        texts(&json!(Finder::steps(&self.finders(), self.catalog)), &mut |text| {
            // Conditions stand there without braces.
            match Template::has_template(text) {
                true => read(Template::text(text)),
                false => read(Template::expression(text)),
            }
        });
        if let Some(link) = self.link("made") {
            texts(&Value::Object(link), &mut |text| read(Template::text(text)));
        }
        let conditions = self.event.when.iter().cloned().chain(self.when());
        conditions.for_each(|condition| read(Template::expression(&condition)));
        found
    }
}

/// Whether a field is one by which people are found again.
pub(super) fn is_reachable(field: &Proposal) -> bool {
    matches!(concept(&field.key), Some(Concept::Email | Concept::Phone))
}

/// Every text inside a value.
fn texts(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, see)),
        Value::Object(map) => map.values().for_each(|value| texts(value, see)),
        _ => {}
    }
}

/// The path of the event that a template needs, where it is nothing but that, with filters.
pub(super) fn lone_path(text: &str) -> Option<String> {
    fn path(expression: &Expression) -> Option<String> {
        match &expression.node {
            Node::Filter { name, input: Some(input), .. } if name != "default" => path(input),
            Node::Choice { then, otherwise: None, .. } => path(then),
            _ => {
                let path = expression.path()?;
                (path.first() == Some(&"event") && path.len() > 1).then(|| path.join("."))
            }
        }
    }
    let template = Template::text(text).ok()?;
    match template.expressions() {
        [one] if template.is_whole() => path(one),
        _ => None,
    }
}
