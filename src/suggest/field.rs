//! One field of a call: what it wants and what an event tells come in; the value that belongs there most likely
//! goes out, or none.

use serde_json::{Value, json};

use super::draft::{Choice, Need};
use super::names::{Concept, concept, id_of, in_words};
use super::record::{Finder, named_by};
use super::told::{Told, told_of_itself};
use crate::catalog::{Catalog, Effect, EventType, Field, Format, Operation, Slot};
use crate::snapshot::{Pick, PickKind};
use crate::value::Kind;
use crate::value::text::plain_name;

/// Names that say little: the same name in two apps is no sign that the same thing is meant.
const VAGUE: &[&str] = &[
    "id",
    "type",
    "status",
    "key",
    "version",
    "source",
    "name",
    "url",
    "meta",
    "data",
    "active",
    "deleted",
    "enabled",
    "locale",
    "timestamp",
    "createdat",
    "updatedat",
    "dateadded",
    "dateupdated",
    "code",
    "value",
    "method",
    "reference",
    "timezone",
];

/// What something new usually begins as, where a field wants one of several words.
const BEGINNINGS: &[&str] = &["open", "draft", "new", "active"];

/// Proposes values for the fields of an operation, from what an event tells.
pub(super) struct Proposer<'a> {
    catalog: &'a Catalog,
    event: &'a EventType,
    operation: &'a Operation,
    told: Vec<Told>,
    picks: Vec<Pick>,
}

impl<'a> Proposer<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        event: &'a EventType,
        operation: &'a Operation,
    ) -> Proposer<'a> {
        let (told, picks) = (told_of_itself(event), Pick::all(catalog));
        Proposer { catalog, event, operation, told, picks }
    }

    /// What belongs into a field most likely.
    pub(super) fn choice(
        &self,
        slot: Slot,
        name: &str,
        field: &Field,
        need: Need,
    ) -> Option<Choice> {
        if field.usual.is_some() || (slot == Slot::Query && need == Need::Optional) {
            return None;
        }
        // What a record tells of itself stands there already.
        let is_own = self.is_own_record();
        if is_own && need != Need::Required {
            return None;
        }
        if let Some(kind) = self.record_kind(slot, name) {
            return self.record(name, &kind, need);
        }
        if id_of(name).is_some() || plain_name(name) == "id" {
            let same = self.same_name(name, field).filter(|_| need != Need::Optional);
            return same.map(|told| Choice::template(&told.path));
        }
        if self.is_said_better(name) {
            return None;
        }
        let told = self.same_name(name, field).or_else(|| self.same_meaning(name, field));
        let told = told.filter(|_| !is_own);
        let told = told.and_then(|told| self.written(name, field, told));
        told.or_else(|| self.usual(name, field).filter(|_| need == Need::Required))
    }

    /// Whether the call writes the very record that the event is about.
    fn is_own_record(&self) -> bool {
        let kind = |record: &crate::catalog::Record, app: &str| record.full_kind(app);
        let written = self.operation.record.as_ref().map(|r| kind(r, &self.operation.app));
        let told = self.event.record.as_ref().map(|r| kind(r, &self.event.app));
        written.is_some() && written == told
    }

    /// A full name where its parts are written too.
    fn is_said_better(&self, name: &str) -> bool {
        concept(name) == Some(Concept::FullName)
            && self.takes(Concept::FirstName)
            && self.told.iter().any(|told| told.concept() == Some(Concept::FirstName))
    }

    fn takes(&self, wanted: Concept) -> bool {
        self.operation.fields().any(|(_, name, _)| concept(name) == Some(wanted))
    }

    /// The kind of record whose id a field takes: `highlevel.contact`.
    pub(super) fn record_kind(&self, slot: Slot, name: &str) -> Option<String> {
        let record = self.operation.record.as_ref();
        let own = record.filter(|record| slot == Slot::Path && record.id.as_deref() == Some(name));
        let of = own.map(|record| record.kind.clone()).or_else(|| id_of(name))?;
        let app = &self.operation.app;
        let kind = format!("{app}.{of}");
        let is_known = |kind: &String| self.catalog.kinds().contains(kind);
        if is_known(&kind) {
            return Some(kind);
        }
        // `pipelineStageId` holds a stage.
        let last = of.rsplit('_').next().unwrap_or(&of);
        let picked = self.picks.iter().find(|pick| pick.app == *app && pick.kind.word() == last);
        picked.map(Pick::name)
    }

    fn record(&self, name: &str, kind: &str, need: Need) -> Option<Choice> {
        if let Some(path) = named_by(self.event, kind) {
            return Some(Choice::template(&path));
        }
        let same = |told: &&Told| {
            self.event.app == self.operation.app && plain_name(&told.name) == plain_name(name)
        };
        if let Some(told) = self.told.iter().find(same) {
            return Some(Choice::template(&told.path));
        }
        if need != Need::Required {
            return None;
        }
        let names_something = |pick: &&Pick| {
            pick.name() == kind && !matches!(pick.kind, PickKind::Tag | PickKind::CustomField)
        };
        if let Some(pick) = self.picks.iter().find(names_something) {
            return Some(Choice::Picked(pick.clone()));
        }
        Finder::of(self.catalog, self.event, kind).map(|_| Choice::Found(kind.to_owned()))
    }

    fn same_name(&self, name: &str, field: &Field) -> Option<&Told> {
        let plain = plain_name(name);
        let is_vague = VAGUE.contains(&plain.as_str()) && concept(name).is_none();
        if is_vague {
            return None;
        }
        let same = |told: &&Told| plain_name(&told.name) == plain && fits(&told.field, field);
        // A full name is somebody's only where the event is about a person.
        let is_clear = concept(name) != Some(Concept::FullName) || self.is_about_person();
        self.told.iter().filter(|_| is_clear).find(same)
    }

    fn same_meaning(&self, name: &str, field: &Field) -> Option<&Told> {
        let wanted = concept(name)?;
        // A name or an address means little where the call is not about a person.
        if wanted.is_personal() && !self.is_about_person() {
            return None;
        }
        let same = |told: &&Told| told.concept() == Some(wanted) && fits(&told.field, field);
        self.told.iter().find(same)
    }

    /// Whether the operation writes a person.
    fn is_about_person(&self) -> bool {
        let record = self.operation.record.as_ref();
        record.is_some_and(|record| super::record::is_person(&record.kind))
            || self.takes(Concept::FirstName)
    }

    /// What an event tells, in the form that the field takes; none where it has no such form.
    fn written(&self, name: &str, field: &Field, told: &Told) -> Option<Choice> {
        let path = &told.path;
        let of = &told.field;
        let number = |kind| matches!(kind, Kind::Number | Kind::Integer);
        let whole = match concept(name) {
            Some(concept @ (Concept::Email | Concept::Phone)) => told.tidy(concept),
            Some(Concept::State) if field.format == Some(Format::State2) && of.format.is_none() => {
                format!("{path} if {path} is state")
            }
            Some(Concept::Country) if field.format.is_some() && of.format.is_none() => {
                format!("{path} if {path} is country")
            }
            Some(Concept::Street) if !self.takes(Concept::Street2) => {
                let second = self.told.iter().find(|told| told.concept() == Some(Concept::Street2));
                match second {
                    Some(second) => format!("[{path}, {}] | join(', ')", second.path),
                    None => path.clone(),
                }
            }
            Some(Concept::Title | Concept::Text)
                if field.max_length.is_some_and(|most| of.max_length.is_none_or(|m| m > most)) =>
            {
                format!("{path} | truncate({})", field.max_length.unwrap_or_default())
            }
            _ if number(field.kind) && of.kind == Kind::String => format!("{path} | number"),
            _ if field.kind == Kind::String && number(of.kind) => format!("{path} | text"),
            _ => path.clone(),
        };
        Some(Choice::template(&whole))
    }

    /// What a field that must be there usually holds, where the event tells nothing of it.
    fn usual(&self, name: &str, field: &Field) -> Option<Choice> {
        let short = |text: &str| match field.max_length {
            Some(most) => crate::value::text::truncate(text, most, "…"),
            None => text.to_owned(),
        };
        if !field.options.is_empty() {
            let is_new = matches!(self.operation.effect, Effect::Create | Effect::Action);
            let begins = |word: &&&str| field.options.iter().any(|option| option == **word);
            let word = BEGINNINGS.iter().find(begins).filter(|_| is_new)?;
            return Some(Choice::Written((*word).into()));
        }
        if field.format.is_some_and(Format::is_date) {
            let is_due = concept(name) == Some(Concept::Due);
            return is_due.then(|| Choice::template("now() | add_days(1) | at('09:00')"));
        }
        if field.format.is_some() || field.pattern.is_some() {
            return None;
        }
        let happened = &self.event.title;
        match (field.kind, concept(name)?) {
            (Kind::String, Concept::Title) => Some(Choice::Written(short(happened).into())),
            (Kind::String, Concept::Text) => {
                Some(Choice::Written(short(&format!("{happened}.")).into()))
            }
            (Kind::String, Concept::FullName) if !self.is_about_person() => {
                Some(Choice::Written(short(happened).into()))
            }
            (Kind::List, Concept::Tags) => Some(Choice::Written(json!([in_words(&self.event.id)]))),
            _ => None,
        }
    }
}

/// Whether what an event tells can stand in a field, as far as types and forms say.
fn fits(told: &Field, field: &Field) -> bool {
    let is_within = |told: &[Value], wanted: &[Value]| {
        wanted.is_empty() || (!told.is_empty() && told.iter().all(|value| wanted.contains(value)))
    };
    let of_list = |field: &Field| field.of.as_ref().map(|of| of.kind);
    let kinds = match (told.kind, field.kind) {
        (Kind::Object | Kind::Any, _) | (_, Kind::Object | Kind::Any) => false,
        (Kind::List, Kind::List) => {
            of_list(told) == of_list(field) && of_list(told) == Some(Kind::String)
        }
        (Kind::List, _) | (_, Kind::List) => false,
        (Kind::Boolean, other) | (other, Kind::Boolean) => other == Kind::Boolean,
        (Kind::Number, Kind::Integer) => false,
        _ => true,
    };
    let is_date = |field: &Field| field.format.is_some_and(Format::is_date);
    let forms = match (told.format, field.format) {
        _ if is_date(field) => is_date(told),
        (_, Some(Format::Uuid | Format::Url)) => told.format == field.format,
        _ => !is_date(told) || field.kind == Kind::String,
    };
    let patterns =
        field.pattern.is_none() || field.format.is_some() || told.pattern == field.pattern;
    kinds && forms && patterns && is_within(&told.options, &field.options)
}
