//! A recipe in the making: an event, an operation, and what goes into each field of the call.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::around::{is_reachable, lone_path};
use super::field::Proposer;
use super::record::Finder;
use super::told::{Told, told};
use crate::catalog::{Catalog, Effect, EventType, Field, FieldError, Operation, Slot};
use crate::snapshot::Pick;
use crate::value::Kind;

/// What goes into a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// As `with` holds it: a text, a template, or any other value.
    Written(Value),
    /// The id of a record of that kind, which the steps before the call find.
    Found(String),
    /// What the person who installs the recipe picks in the account.
    Picked(Pick),
}

impl Choice {
    /// A value that is nothing but an expression.
    pub(super) fn template(expression: &str) -> Choice {
        Choice::Written(format!("{{{{ {expression} }}}}").into())
    }
}

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    /// One of several has to be there.
    OneOf,
    Optional,
}

/// A field of the call, with what goes into it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// As `with` writes it: `email`, or `path.id` where several have that name.
    pub key: String,
    pub field: Field,
    /// The kind of record whose id it takes: `highlevel.contact`.
    pub kind: Option<String>,
    pub need: Need,
    /// None where it is left out.
    pub choice: Option<Choice>,
    /// A person has said so: it is not ours to change.
    pub is_said: bool,
}

/// A field that has to be there and has no value yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// One field, or several of which one is enough.
    pub keys: Vec<String>,
    /// What belongs there, where the catalog says.
    pub about: String,
    /// A value that fits.
    pub example: Value,
}

/// A recipe in the making.
#[derive(Clone)]
pub struct Draft<'a> {
    pub(super) catalog: &'a Catalog,
    pub event: Arc<EventType>,
    pub operation: Arc<Operation>,
    pub name: String,
    pub about: String,
    /// The path from the recipe to the schema that editors follow.
    pub schema: String,
    /// The fields of the operation, in its order, and those that a person has added.
    pub fields: Vec<Proposal>,
    /// Settings of the person's own, as the recipe writes them.
    pub settings: IndexMap<String, Value>,
}

impl<'a> Draft<'a> {
    /// Everything that one can think of is proposed.
    pub fn new(
        catalog: &'a Catalog,
        event: Arc<EventType>,
        operation: Arc<Operation>,
    ) -> Draft<'a> {
        let proposer = Proposer::new(catalog, &event, &operation);
        let mut fields: Vec<Proposal> = Vec::new();
        for (slot, name, field) in operation.fields() {
            let need = match () {
                () if slot == Slot::Path || field.required => Need::Required,
                () if slot == Slot::Body && operation.one_of.contains(name) => Need::OneOf,
                () => Need::Optional,
            };
            let need = if field.usual.is_some() { Need::Optional } else { need };
            let key = match operation.field(name) {
                Err(FieldError::Several(..)) => format!("{}.{name}", slot.name()),
                _ => name.clone(),
            };
            let kind = proposer.record_kind(slot, name);
            let choice = proposer.choice(slot, name, field, need);
            fields.push(Proposal { key, field: field.clone(), kind, need, choice, is_said: false });
        }
        if let Some(item) = &operation.body_list {
            let of = Some(Arc::new(item.clone()));
            let field = Field { kind: Kind::List, of, ..Field::default() };
            fields.push(Proposal {
                key: "body".into(),
                field,
                kind: None,
                need: Need::Required,
                choice: None,
                is_said: false,
            });
        }
        let (happens, does) = (lower_first(&event.title), lower_first(&operation.title));
        let name = format!("When {happens}, {does}");
        let app = |app: &str| catalog.app(app).map_or(app.to_owned(), |app| app.title.clone());
        let about = format!(
            "Starts when {} tells {}, and calls {} in {}.",
            app(&event.app),
            event.name(),
            operation.call,
            app(&operation.app)
        );
        let schema = "../schemas/recipe.schema.json".to_owned();
        let settings = IndexMap::new();
        let mut draft = Draft { catalog, event, operation, name, about, schema, fields, settings };
        draft.leave_out_what_finds();
        draft
    }

    /// Who is found by an e-mail address has it already.
    fn leave_out_what_finds(&mut self) {
        let finders = self.finders();
        let only_searched = finders.iter().filter(|finder| !finder.is_linked);
        let paths: Vec<String> =
            only_searched.flat_map(|finder| finder.searched()).map(|(_, path)| path).collect();
        let is_spare = |field: &Proposal| {
            let path = self.path(field).filter(|_| field.need == Need::Optional);
            path.is_some_and(|path| paths.contains(&path))
        };
        let spare: Vec<bool> = self.fields.iter().map(is_spare).collect();
        for (field, spare) in self.fields.iter_mut().zip(spare) {
            if spare {
                field.choice = None;
            }
        }
    }

    /// Everything that the event tells, for people to choose from.
    pub fn told(&self) -> Vec<Told> {
        told(&self.event)
    }

    /// Whether the call has a field of that name.
    pub fn has_field(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.key == key)
            || self.operation.body_unknown
            || self.operation.field(key).is_ok()
    }

    /// Puts something into a field, or leaves it out.
    pub fn choose(&mut self, key: &str, choice: Option<Choice>) {
        // `body.email` is `email` where nothing else has that name.
        let short = key.split_once('.').map_or(key, |(_, name)| name);
        let at = self.fields.iter().position(|field| field.key == key);
        let at = at.or_else(|| self.fields.iter().position(|field| field.key == short));
        match at {
            Some(at) => {
                self.fields[at].choice = choice;
                self.fields[at].is_said = true;
            }
            None => self.fields.push(Proposal {
                key: key.to_owned(),
                field: Field::any(),
                kind: None,
                need: Need::Optional,
                choice,
                is_said: true,
            }),
        }
    }

    /// Leaves out a proposal of ours that turned out to be none. False where the field has to be there, or a
    /// person has said what goes into it.
    pub fn give_up(&mut self, key: &str) -> bool {
        let found = self.fields.iter_mut().find(|field| field.key == key);
        match found.filter(|field| !field.is_said && field.choice.is_some()) {
            Some(field) => {
                field.choice = None;
                true
            }
            None => false,
        }
    }

    /// What has to be there and is not.
    pub fn missing(&self) -> Vec<Missing> {
        let lacks = |field: &&Proposal| field.need == Need::Required && field.choice.is_none();
        let one = |field: &Proposal| Missing {
            keys: vec![field.key.clone()],
            about: field.field.about.clone(),
            example: self.sample(field),
        };
        let mut missing: Vec<Missing> = self.fields.iter().filter(lacks).map(one).collect();
        let mut one_of: Vec<&Proposal> = self.one_of().collect();
        // Whoever is made without e-mail and phone is found again by nobody.
        if self.makes_person() && one_of.is_empty() {
            one_of = self.fields.iter().filter(|field| is_reachable(field)).collect();
        }
        // A call that writes nothing is none.
        let is_written = |field: &&Proposal| self.writes(field);
        let writes = matches!(self.operation.effect, Effect::Create | Effect::Update);
        if writes && one_of.is_empty() && missing.is_empty() {
            one_of = self.fields.iter().filter(is_written).collect();
        }
        if let Some(first) = one_of.first()
            && one_of.iter().all(|field| field.choice.is_none())
        {
            missing.push(Missing {
                keys: one_of.iter().map(|field| field.key.clone()).collect(),
                about: String::new(),
                example: self.sample(first),
            });
        }
        missing
    }

    /// The path of the event that goes into a field, where nothing else does.
    pub(super) fn path(&self, field: &Proposal) -> Option<String> {
        match field.choice.as_ref()? {
            Choice::Written(Value::String(text)) => lone_path(text),
            _ => None,
        }
    }

    /// Whether a field is one of what the call writes.
    pub(super) fn writes(&self, field: &Proposal) -> bool {
        let name = field.key.split_once('.').map_or(field.key.as_str(), |(_, name)| name);
        let in_body = self.operation.body.as_ref().is_some_and(|body| body.contains_key(name));
        in_body && field.field.usual.is_none() && !self.operation.path.contains_key(name)
    }

    pub(super) fn one_of(&self) -> impl Iterator<Item = &Proposal> {
        self.fields.iter().filter(|field| field.need == Need::OneOf)
    }

    /// A value that fits into a field, as the catalog's example has it.
    pub(super) fn sample(&self, field: &Proposal) -> Value {
        let name = field.key.split_once('.').map_or(field.key.as_str(), |(_, name)| name);
        let example = &self.operation.example.with;
        let known = example.get(&field.key).or_else(|| example.get(name)).cloned();
        let word = field.kind.as_ref().and_then(|kind| kind.rsplit('.').next());
        known.unwrap_or_else(|| match word {
            Some(word) if field.field.kind == Kind::String => format!("{word}-1").into(),
            _ => field.field.sample(name),
        })
    }

    /// The value that `with` holds for a choice.
    pub fn value(&self, choice: &Choice) -> Value {
        match choice {
            Choice::Written(value) => value.clone(),
            Choice::Found(kind) => match Finder::of(self.catalog, &self.event, kind) {
                Some(finder) => finder.result().into(),
                None => Value::Null,
            },
            Choice::Picked(pick) => format!("{{{{ settings.{} }}}}", pick.kind.word()).into(),
        }
    }

    /// What is written under `with`.
    pub(super) fn with(&self) -> Map<String, Value> {
        let chosen = self.fields.iter().filter_map(|field| Some((field, field.choice.as_ref()?)));
        chosen.map(|(field, choice)| (field.key.clone(), self.value(choice))).collect()
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}
