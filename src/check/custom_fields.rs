//! Custom fields by the names that people see: in `with`, and in what the event holds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Checker;
use super::checked::{Content, EventFields, Mapping, NamedField, NamedFields, NamedId, Which};
use super::infer::{Inference, Typed};
use super::known::EventObject;
use crate::catalog::{ByName, Catalog, EventType, Field, Fit, Presence};
use crate::diagnostic::{self, Diagnostic, Place};
use crate::snapshot::{Entry, Part, Snapshot, Snapshots, Unknown, Who};
use crate::source::Route;
use crate::template::{Expression, Template};
use crate::value::{Defaults, Kind};

impl Checker<'_> {
    /// `customFields: { Plan: … }`
    pub(super) fn named_fields(
        &mut self,
        app: &str,
        by_name: &ByName,
        written: &Map<String, Value>,
        here: &Route,
    ) -> Option<Mapping> {
        let known = self.known.snapshots.clone();
        let accounts = known.of(app);
        let title = self.catalog.app(app).map_or(app, |app| app.title.as_str());
        let first_name = written.keys().map(String::as_str).find(|n| !Template::has_template(n));
        let unknown = accounts.iter().filter(|who| who.snapshot.is_none());
        let unknown: Vec<Option<&str>> = match (first_name, accounts.is_empty()) {
            // What a setting picks is looked up when it is filled in.
            (None, _) => Vec::new(),
            (Some(_), true) => vec![None],
            (Some(_), false) => unknown.map(|who| who.connection.as_deref()).collect(),
        };
        for connection in &unknown {
            let place = Place::Key(here.clone());
            self.sink.say(diagnostic::no_snapshot(place, app, title, *connection, first_name));
        }
        let mut good = unknown.is_empty();
        let mut entries = Vec::new();
        for (name, value) in written {
            let at = here.key(name);
            let entry = match Template::has_template(name) {
                true => self.picked_field(app, name, value, &at),
                false if !unknown.is_empty() => None,
                false => self.named_field(app, by_name, name, value, &at),
            };
            match entry {
                Some(entry) => entries.push(entry),
                None => good = false,
            }
        }
        let content =
            Content::ByName(NamedFields { app: app.to_owned(), by_name: by_name.clone(), entries });
        good.then(|| Mapping { place: self.place(here), content })
    }

    fn named_field(
        &mut self,
        app: &str,
        by_name: &ByName,
        name: &str,
        value: &Value,
        at: &Route,
    ) -> Option<NamedField> {
        let known = self.known.snapshots.clone();
        let mut fields: Vec<(&Who, &Entry)> = Vec::new();
        let mut good = true;
        for who in known.of(app) {
            let Some(snapshot) = &who.snapshot else { continue };
            match snapshot.custom_field(&by_name.object, name) {
                Ok(field) => fields.push((who, field)),
                Err(Unknown::Renamed(field)) => {
                    fields.push((who, field));
                    let place = Place::Key(at.clone());
                    let what = Part::CustomFields.one();
                    self.sink.say(diagnostic::renamed_in_account(place, what, name, &field.name));
                }
                Err(unknown) => {
                    let place = Place::Key(at.clone());
                    self.sink.say(unknown_field(self.catalog, app, who, place, name, unknown));
                    good = false;
                }
            }
        }
        let ((_, first), others) = fields.split_first()?;
        let field = first.field();
        let mapping = self.mapping_of(&field, value, at, name, false)?;
        for (who, other) in others {
            // The same field of another account may offer other values.
            if let Content::Literal(literal) = &mapping.content {
                for misfit in Fit::convert(&other.field(), literal, &Defaults::default()).misfits {
                    // Read as one: `Plan` of `boston` does not take …
                    let of = who.connection.as_deref().unwrap_or_default();
                    self.misfit(at, &format!("{name}` of `{of}"), &misfit);
                    good = false;
                }
            }
        }
        let which = Which::Id(first.id.clone());
        good.then(|| NamedField { name: name.to_owned(), which, field, mapping })
    }

    /// `customFields: { "{{ settings.plan_field }}": … }`
    fn picked_field(
        &mut self,
        app: &str,
        name: &str,
        value: &Value,
        at: &Route,
    ) -> Option<NamedField> {
        let (template, _) = super::template::text(name, at, &mut self.known, self.sink)?;
        let picks = match &template.reads()[..] {
            [path] if template.is_whole() => match path[..] {
                ["settings", setting] => self.known.field_picks.contains(setting),
                _ => false,
            },
            _ => false,
        };
        if !picks {
            self.sink.say(diagnostic::field_name_in_braces(at, app));
            return None;
        }
        let field = Field { nullable: true, ..Field::any() };
        let mapping = self.mapping_of(&field, value, at, name, false)?;
        Some(NamedField { name: name.to_owned(), which: Which::Picked(template), field, mapping })
    }

    /// Lets templates read `event.custom_fields`, where the events carry such fields.
    pub(super) fn event_custom_fields(&mut self, events: &[std::sync::Arc<EventType>]) {
        let Some(fields) = &mut self.known.event.fields else { return };
        let mut objects: Vec<EventObject> = Vec::new();
        for event in events {
            let Some((_, by_name)) = event.payload.fields.as_ref().and_then(ByName::among) else {
                continue;
            };
            let object = EventObject {
                app: event.app.clone(),
                object: by_name.object.clone(),
                says_names: by_name.name.is_some(),
            };
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
        if objects.is_empty() {
            return;
        }
        // Some events of other tools hold an object of that name themselves.
        self.known.any_custom_field = fields.contains_key("custom_fields");
        if !self.known.any_custom_field {
            let about = "The custom fields by their names".to_owned();
            let field =
                Field { kind: Kind::Object, presence: Presence::Always, about, ..Field::default() };
            std::sync::Arc::make_mut(fields).insert("custom_fields".to_owned(), field);
        }
        self.known.event_objects = objects;
    }

    /// What a run needs to know to give `event.custom_fields` its names; `None` when nothing reads it.
    pub(super) fn custom_fields_read(&self) -> Option<EventFields> {
        let known = &self.known;
        if !known.reads_custom_fields {
            return None;
        }
        let ids = known.event_objects.iter().filter(|object| !object.says_names);
        let objects = ids.map(|object| (object.app.clone(), object.object.clone())).collect();
        let mut fields =
            EventFields { objects, read: known.custom_fields_read.clone(), names: Vec::new() };
        fields.names = fields.names_in(&known.snapshots);
        Some(fields)
    }
}

impl Inference<'_> {
    /// `event.custom_fields['Plan']`
    pub(super) fn custom_field(&mut self, expression: &Expression, name: &str) -> Typed {
        self.known.custom_fields_read.insert(name.to_owned());
        let filled = self.known.is_filled(&["event", "custom_fields", name]);
        let place = self.place(&self.last_part(expression, name));
        let snapshots = self.known.snapshots.clone();
        let mut kinds: Vec<Field> = Vec::new();
        let mut problems: Vec<Diagnostic> = Vec::new();
        let catalog = Catalog::embedded();
        for object in &self.known.event_objects {
            let title = catalog.app(&object.app).map_or("", |app| app.title.as_str());
            let accounts = snapshots.of(&object.app);
            let nobody = [Who::default()];
            for who in if accounts.is_empty() { &nobody } else { accounts } {
                let connection = who.connection.as_deref();
                match who.snapshot.as_ref().map(|s| s.custom_field(&object.object, name)) {
                    Some(Ok(field)) => kinds.push(field.field()),
                    Some(Err(Unknown::Renamed(field))) => {
                        kinds.push(field.field());
                        let what = Part::CustomFields.one();
                        let place = place.clone();
                        problems.push(diagnostic::renamed_in_account(
                            place,
                            what,
                            name,
                            &field.name,
                        ));
                    }
                    // The app says the names itself: what nobody has seen may be there.
                    Some(Err(Unknown::Nothing { near, .. })) if object.says_names => {
                        problems.push(diagnostic::unseen_custom_field(
                            place.clone(),
                            name,
                            connection,
                            near,
                        ));
                    }
                    Some(Err(_)) | None if object.says_names => {}
                    Some(Err(unknown)) => problems.push(unknown_field(
                        catalog,
                        &object.app,
                        who,
                        place.clone(),
                        name,
                        unknown,
                    )),
                    None => problems.push(diagnostic::no_snapshot(
                        place.clone(),
                        &object.app,
                        title,
                        connection,
                        Some(name),
                    )),
                }
            }
        }
        // Of several events it is enough that one has it.
        let enough = self.known.event_objects.len() > 1 && !kinds.is_empty();
        if !enough && !self.known.any_custom_field {
            problems.into_iter().for_each(|problem| self.say(problem));
        }
        let field = match &kinds[..] {
            [first, others @ ..] if others.iter().all(|other| other.kind == first.kind) => {
                Field { presence: Presence::Sometimes, ..first.clone() }
            }
            _ => Field::any(),
        };
        Typed::of(field, !filled)
    }
}

impl EventFields {
    /// The names of the ids that events carry, as accounts know them: those that people see, and every other
    /// word by which the recipe reads one.
    pub fn names_in(&self, snapshots: &Snapshots) -> Vec<NamedId> {
        let mut names: BTreeMap<(String, String), ()> = BTreeMap::new();
        for (app, object) in &self.objects {
            let known = snapshots.of(app).iter().filter_map(|who| who.snapshot.as_deref());
            for snapshot in known {
                for (name, field) in snapshot.readable_fields(object) {
                    names.insert((name, field.id.clone()), ());
                }
                for name in &self.read {
                    if let Some(field) = found(snapshot, object, name) {
                        names.insert((name.clone(), field.id.clone()), ());
                    }
                }
            }
        }
        names.into_keys().map(|(name, id)| NamedId { id, name }).collect()
    }
}

/// The field of a name, also of an earlier one.
fn found<'a>(snapshot: &'a Snapshot, object: &str, name: &str) -> Option<&'a Entry> {
    match snapshot.custom_field(object, name) {
        Ok(field) | Err(Unknown::Renamed(field)) => Some(field),
        Err(_) => None,
    }
}

/// The scope that a token needs to read a part of an account.
pub(super) fn scope_of(catalog: &Catalog, app: &str, part: Part) -> Option<String> {
    let list = &catalog.app(app)?.pull.get(part.word())?.list;
    catalog.operation(&format!("{app}.{list}")).ok()?.scope.clone()
}

fn unknown_field(
    catalog: &Catalog,
    app: &str,
    who: &Who,
    place: Place,
    name: &str,
    unknown: Unknown<'_>,
) -> Diagnostic {
    let connection = who.connection.as_deref();
    let part = Part::CustomFields;
    match unknown {
        Unknown::Renamed(field) => {
            diagnostic::renamed_in_account(place, part.one(), name, &field.name)
        }
        Unknown::Gone(gone) => {
            diagnostic::gone_custom_field(place, name, connection, &gone.since.to_string())
        }
        Unknown::Several(keys) => diagnostic::ambiguous_name(place, part.one(), name, &keys),
        Unknown::NotRead => {
            let scope = scope_of(catalog, app, part);
            diagnostic::not_read(place, connection, part.several(), scope.as_deref())
        }
        Unknown::Nothing { near, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            diagnostic::unknown_custom_field(place, name, connection, near, &known)
        }
    }
}
