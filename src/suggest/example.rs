//! Examples of a recipe in the making: an event with nothing but what the recipe reads, and what has to be there
//! already; and the same event where nothing is done, with the reason.

use serde_json::{Map, Value, json};

use super::around::lone_path;
use super::draft::{Choice, Draft, Need, Proposal};
use super::names::{Concept, concept};
use super::record::{Finder, is_person, person_of};
use crate::catalog::{Field, Format};
use crate::recipe::{Example, ExampleEvent, Expect, ExpectedOutcome, Given};
use crate::template::Template;
use crate::value::Kind;
use crate::value::text::is_email;

/// The time in examples that ask for it.
const NOW: &str = "2026-03-02T10:00:00Z";
/// The kind of record that a payment is.
const PAYMENT: &str = "stax.transaction";

impl Draft<'_> {
    /// The examples. What the first expects is known when it has been played.
    pub fn examples(&self) -> Vec<Example> {
        let event = self.example_event();
        let given = self.given(&event);
        let uses_now = self.with().values().any(asks_for_time);
        let first = Example {
            name: "what it does".to_owned(),
            event: Some(ExampleEvent::Inline(event.clone())),
            settings: self.example_settings(),
            given: (given != Given::default()).then_some(given),
            now: uses_now.then(|| NOW.to_owned()),
            ..Example::default()
        };
        let mut examples = vec![first.clone()];
        let nothing = |name: String, event: Map<String, Value>| Example {
            name,
            event: Some(ExampleEvent::Inline(event)),
            given: None,
            expect: Some(Expect {
                calls: Some(Vec::new()),
                outcome: Some(ExpectedOutcome::Stopped),
                links: None,
            }),
            ..first.clone()
        };
        if let Some(group) = self.needed().first() {
            let mut without = event.clone();
            group.iter().for_each(|path| remove(&mut without, &parts(path)));
            let names = group.iter().filter_map(|path| path.rsplit('.').next());
            let name =
                format!("without {}, so nothing is done", listed(&names.collect::<Vec<_>>()));
            examples.push(nothing(name, without));
        }
        let finders = self.finders();
        if let Some(finder) = finders.first() {
            let mut unknown = event;
            finders.iter().flat_map(|finder| &finder.told).for_each(|path| {
                remove(&mut unknown, &parts(path));
            });
            let name =
                format!("there is no {}, so nothing is done", finder.word().replace('_', " "));
            // The payment is there all the same.
            let payment =
                first.given.as_ref().and_then(|given| given.records.get_key_value(PAYMENT));
            let given = payment.filter(|_| finder.payment.is_some()).map(|(kind, records)| Given {
                records: [(kind.clone(), records.clone())].into_iter().collect(),
                ..Given::default()
            });
            examples.push(Example { given, ..nothing(name, unknown) });
        }
        examples
    }

    /// The catalog's example of the event, with nothing but what is read; what has to be there is there.
    fn example_event(&self) -> Map<String, Value> {
        let mut event = Map::new();
        let told = self.told();
        let mut needed = self.needed();
        // Where the catalog's example has nothing of what is written, something is made up.
        let written: Vec<String> = self
            .fields
            .iter()
            .filter(|field| self.writes(field))
            .filter_map(|f| self.path(f))
            .collect();
        let is_there = |path: &String| value_at(&self.event.example, &parts(path)).is_some();
        if !written.iter().any(is_there) {
            needed.push(written);
        }
        let records = self.event.record.iter().chain(&self.event.about_record);
        let ids = records.filter_map(|record| record.id.as_deref());
        let mut paths: Vec<Vec<String>> =
            ids.map(|id| id.split('.').map(str::to_owned).collect()).collect();
        paths.extend(self.reads());
        for path in paths.iter().filter(|path| !path.is_empty()) {
            let dotted = format!("event.{}", path.join("."));
            let known = told.iter().find(|told| told.path == dotted);
            let is_needed = needed.iter().any(|group| group.contains(&dotted));
            let example = value_at(&self.event.example, path);
            let made_up = || {
                let told = known.filter(|told| is_needed || !told.may_be_empty)?;
                Some(told.field.sample(&told.name))
            };
            // What is made up in the catalog is not always what its name says.
            let form = match known.and_then(|told| told.concept()) {
                Some(Concept::Email) if !example.is_some_and(reads_as_email) => Some(Format::Email),
                Some(Concept::Phone) if !example.is_some_and(reads_as_phone) => {
                    Some(Format::PhoneE164)
                }
                _ => None,
            };
            let tidy = form.filter(|_| example.is_some()).map(|format| {
                Field { kind: Kind::String, format: Some(format), ..Field::default() }.sample("")
            });
            match tidy.or_else(|| example.cloned()).or_else(made_up) {
                Some(value) => insert(&mut event, path, value),
                // Inside something of which nobody knows what it holds.
                None if known.is_none() => {
                    let whole = &path[..1];
                    if let Some(value) = value_at(&self.event.example, whole) {
                        insert(&mut event, whole, value.clone());
                    }
                }
                None => {}
            }
        }
        event
    }

    /// The records and links that have to be there for the call to go well.
    fn given(&self, event: &Map<String, Value>) -> Given {
        let mut given = Given::default();
        let event = Value::Object(event.clone());
        let at = |path: &str| value_at(&event, &parts(path)).cloned();
        // Field, kind and id of each record, and whether the search has to find it.
        let mut ids: Vec<(&Proposal, String, Value, bool)> = Vec::new();
        for field in self.fields.iter().filter(|field| field.need != Need::Optional) {
            let Some(kind) = &field.kind else { continue };
            let mut is_searched = false;
            let id = match &field.choice {
                Some(Choice::Found(kind)) => {
                    let Some(finder) = Finder::of(self.catalog, &self.event, kind) else {
                        continue;
                    };
                    let told = finder.told.iter().find_map(|path| at(path));
                    let id = told.clone().unwrap_or_else(|| self.sample(field));
                    if let Some(payment) = finder.payment.as_ref().and_then(|path| at(path)) {
                        // The payment says who has paid.
                        let payer = match kind.as_str() {
                            "stax.customer" => id.clone(),
                            _ => "customer-1".into(),
                        };
                        let payment = json!({ "id": payment, "customer_id": payer });
                        let payment = payment.as_object().cloned().unwrap_or_default();
                        given.records.insert(PAYMENT.to_owned(), vec![payment]);
                        if kind != "stax.customer" {
                            given.links.push(Map::from_iter([
                                ("stax.customer".to_owned(), payer),
                                (kind.clone(), id.clone()),
                            ]));
                        }
                    }
                    let link = self.link_of_event(kind, &at).filter(|_| finder.is_linked);
                    match link.filter(|_| told.is_none()) {
                        Some((of, own)) => given
                            .links
                            .push(Map::from_iter([(of, own), (kind.clone(), id.clone())])),
                        None => is_searched = told.is_none() && finder.payment.is_none(),
                    }
                    id
                }
                Some(Choice::Written(Value::String(text))) => match lone_path(text) {
                    Some(path) => at(&path).unwrap_or_default(),
                    None if Template::has_template(text) => continue,
                    None => text.as_str().into(),
                },
                _ => continue,
            };
            if !id.is_null() {
                ids.push((field, kind.clone(), id, is_searched));
            }
        }
        let kinds = self.catalog.record_kinds();
        let record = self.operation.record.as_ref();
        for (_, kind, id, is_searched) in &ids {
            if !kinds.contains(kind) || given.records.contains_key(kind) {
                continue;
            }
            let mut fields = Map::from_iter([("id".to_owned(), id.clone())]);
            // By what the search asks for the record is found.
            let finder = Finder::of(self.catalog, &self.event, kind);
            if let Some(finder) = finder.filter(|_| *is_searched) {
                for (name, path) in finder.searched() {
                    if let Some(value) = at(&path) {
                        fields.insert(name, value);
                    }
                }
            }
            // What belongs to another record says to which.
            let is_own = record.is_some_and(|of| of.full_kind(&self.operation.app) == *kind);
            // Nobody is without a name.
            let last_name = self.fields.iter().find(|field| {
                is_own && field.choice.is_none() && concept(&field.key) == Some(Concept::LastName)
            });
            fields.extend(last_name.map(|field| (field.key.clone(), "Example".into())));
            let parent = record.filter(|_| is_own).and_then(|record| record.parent.as_ref());
            if let Some(parent) = parent
                && let Some((_, _, id, _)) = ids.iter().find(|(field, ..)| field.key == *parent)
            {
                fields.insert(parent.clone(), id.clone());
            }
            given.records.insert(kind.clone(), vec![fields]);
        }
        given
    }

    /// The event's own side of a link with a record of that kind: the kind, and the id.
    fn link_of_event(
        &self,
        with: &str,
        at: &dyn Fn(&str) -> Option<Value>,
    ) -> Option<(String, Value)> {
        let own = || {
            let record = self.event.record.as_ref()?;
            let id = format!("event.{}", record.id.as_ref()?);
            Some((record.full_kind(&self.event.app), id))
        };
        let (kind, path) = match is_person(with) {
            true => person_of(&self.event)?,
            false => own()?,
        };
        Some((kind, at(&path)?))
    }

    fn example_settings(&self) -> Map<String, Value> {
        let mut settings = Map::new();
        for field in &self.fields {
            if let Some(Choice::Picked(pick)) = &field.choice {
                settings.insert(pick.kind.word().to_owned(), self.sample(field));
            }
        }
        for (name, setting) in &self.settings {
            if setting.get("default").is_some() {
                continue;
            }
            let kind = serde_json::from_value(setting["type"].clone()).unwrap_or_default();
            let field = Field { kind, ..Field::default() };
            let first = setting["options"].get(0).cloned();
            settings.insert(name.clone(), first.unwrap_or_else(|| field.sample(name)));
        }
        settings
    }
}

/// `a, b and c`
fn listed(names: &[&str]) -> String {
    match names {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => names.concat(),
    }
}

fn reads_as_email(value: &Value) -> bool {
    value.as_str().is_some_and(is_email)
}

fn reads_as_phone(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().filter(char::is_ascii_digit).count() >= 7)
}

/// Whether a template asks what time it is.
fn asks_for_time(value: &Value) -> bool {
    match value {
        Value::String(text) => Template::text(text).is_ok_and(|template| template.uses_now()),
        Value::Array(items) => items.iter().any(asks_for_time),
        Value::Object(map) => map.values().any(asks_for_time),
        _ => false,
    }
}

/// The names behind `event`.
fn parts(path: &str) -> Vec<String> {
    path.split('.').skip(1).map(str::to_owned).collect()
}

fn value_at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let found = path.iter().try_fold(value, |value, name| value.get(name))?;
    (!found.is_null() && found != "").then_some(found)
}

fn insert(map: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => drop(map.insert(name.clone(), value)),
        [name, rest @ ..] => {
            let inner = map.entry(name.clone()).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                insert(inner, rest, value);
            }
        }
    }
}

fn remove(map: &mut Map<String, Value>, path: &[String]) {
    match path {
        [] => {}
        [name] => drop(map.shift_remove(name)),
        [name, rest @ ..] => {
            if let Some(inner) = map.get_mut(name).and_then(Value::as_object_mut) {
                remove(inner, rest);
            }
        }
    }
}
