//! Which record is meant: an event and a kind of record come in; how a recipe finds the id of the one that
//! belongs to the event goes out.

use serde_json::{Map, Value, json};

use super::around::lone_path;
use super::names::Concept;
use super::told::{Told, told, told_of_itself};
use crate::catalog::{Catalog, EventType};
use crate::value::app_of;
use crate::value::text::plain_name;

/// Whether a kind of record is a person whom two apps know.
pub fn is_person(kind: &str) -> bool {
    matches!(kind.rsplit('.').next(), Some("contact" | "customer"))
}

/// How a person is looked for by what an event tells.
struct Way {
    kind: &'static str,
    call: &'static str,
    /// The fields of the call.
    by: &'static [(Concept, &'static str)],
    /// It is a list to be searched, and not one answer.
    finds: bool,
}

const WAYS: &[Way] = &[
    Way {
        kind: "highlevel.contact",
        call: "GET /contacts/search/duplicate",
        by: &[(Concept::Email, "email"), (Concept::Phone, "number")],
        finds: false,
    },
    Way { kind: CUSTOMER, call: "GET /customer", by: &[(Concept::Email, "email")], finds: true },
];

const CUSTOMER: &str = "stax.customer";
/// Who has paid, as the step `payment` gives it.
const PAYER: &str = "steps.payment.response.customer_id";

/// The path in the event that holds the id of its own record of a kind, or of the one that it belongs to.
pub(super) fn named_by(event: &EventType, kind: &str) -> Option<String> {
    let records = event.record.iter().chain(&event.about_record);
    let mut of_kind = records.filter(|record| record.full_kind(&event.app) == kind);
    Some(format!("event.{}", of_kind.next()?.id.as_ref()?))
}

/// The person that an event is about: the kind, and the path with the id.
pub(super) fn person_of(event: &EventType) -> Option<(String, String)> {
    let records = event.record.iter().chain(&event.about_record);
    let mut people = records.filter(|record| is_person(&record.kind) && event.app != "bridge");
    let known = people.next().or_else(|| {
        // What a tool of one's own posts has ids of its own; the person it is about is another app's.
        event.about_record.as_ref().filter(|record| is_person(&record.kind))
    })?;
    Some((known.full_kind(&event.app), format!("event.{}", known.id.as_ref()?)))
}

/// The steps that find a record, where the event does not name it.
#[derive(Clone, Debug)]
pub(super) struct Finder {
    /// `highlevel.contact`
    pub kind: String,
    /// Paths in the event that may hold the id.
    pub told: Vec<String>,
    /// The link of the event's record is asked for.
    pub is_linked: bool,
    search: Option<Search>,
    /// The path with the id of a payment, where the event names that and no person.
    pub payment: Option<String>,
}

#[derive(Clone, Debug)]
struct Search {
    call: &'static str,
    with: Map<String, Value>,
    /// What has to be there; nothing where it is there always.
    when: Option<String>,
    finds: bool,
}

impl Finder {
    /// How the record of that kind is found which belongs to an event; none where nobody can say.
    pub(super) fn of(catalog: &Catalog, event: &EventType, kind: &str) -> Option<Finder> {
        let own = |told: &Told| plain_name(&told.name) == plain_name(&format!("{kind}_id"));
        let named = told(event).into_iter().filter(own).map(|told| told.path).collect();
        let is_linked = match is_person(kind) {
            true => person_of(event).is_some_and(|(person, _)| person != kind),
            false => event.record.as_ref().is_some_and(|record| {
                record.app.as_ref().unwrap_or(&event.app) != app_of(kind) && event.app != "linecook"
            }),
        };
        let found = Finder {
            kind: kind.to_owned(),
            told: named,
            is_linked: is_linked && catalog.kinds().iter().any(|known| known == kind),
            search: search(catalog, event, kind),
            payment: None,
        };
        if found.is_linked || !found.told.is_empty() || found.search.is_some() {
            return Some(found);
        }
        // A dispute names the payment, and the payment its customer.
        let is_payment = |told: &Told| {
            event.app == "stax" && plain_name(&told.name) == "transactionid" && !told.may_be_empty
        };
        let payment =
            told_of_itself(event).into_iter().find(is_payment).filter(|_| is_person(kind));
        payment.map(|told| Finder { payment: Some(told.path), ..found })
    }

    /// `contact`
    pub(super) fn word(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or(&self.kind)
    }

    /// The name under which the step `who` has the id.
    fn name(&self) -> String {
        format!("{}_id", self.word())
    }

    /// As `with` reads the id.
    pub(super) fn result(&self) -> String {
        format!("{{{{ steps.who.{} }}}}", self.name())
    }

    fn search_id(&self) -> String {
        format!("search_{}", self.word())
    }

    /// Where the id is looked for before anybody searches.
    fn known(&self) -> Vec<String> {
        let linked = self.is_linked.then(|| format!("linked('{}')", self.kind));
        let through = self.payment.as_ref().map(|_| match self.kind.as_str() {
            CUSTOMER => PAYER.to_owned(),
            kind => format!("linked('{kind}', '{CUSTOMER}', {PAYER})"),
        });
        self.told.iter().cloned().chain(linked).chain(through).collect()
    }

    /// What the search asks for: the field of a record, and the path in the event.
    pub(super) fn searched(&self) -> Vec<(String, String)> {
        let with = self.search.iter().flat_map(|search| &search.with);
        let field = |name: &str| if name == "number" { "phone" } else { name }.to_owned();
        with.filter_map(|(name, value)| Some((field(name), lone_path(value.as_str()?)?))).collect()
    }

    fn search_step(&self) -> Option<Value> {
        let search = self.search.as_ref()?;
        let known = self.known();
        let unknown = match known.len() {
            0 => None,
            1 => Some(format!("not {}", known[0])),
            _ => Some(format!("not ({})", known.join(" or "))),
        };
        let when = match (unknown, &search.when) {
            (Some(unknown), Some(when)) if when.contains(" or ") => {
                Some(format!("{unknown} and ({when})"))
            }
            (Some(unknown), Some(when)) => Some(format!("{unknown} and {when}")),
            (unknown, when) => unknown.or_else(|| when.clone()),
        };
        let mut step = Map::new();
        step.insert("id".into(), self.search_id().into());
        if let Some(when) = when {
            step.insert("when".into(), when.into());
        }
        step.insert("call".into(), search.call.into());
        if search.finds {
            step.insert("find".into(), json!(search.with));
        }
        step.insert("with".into(), json!(search.with));
        if !search.finds {
            step.insert("on_not_found".into(), "continue".into());
        }
        Some(Value::Object(step))
    }

    /// The steps that find several records, each under a name of its own in the step `who`.
    pub(super) fn steps(finders: &[Finder], catalog: &Catalog) -> Vec<Value> {
        let mut steps: Vec<Value> = finders.iter().filter_map(Finder::search_step).collect();
        if finders.is_empty() {
            return steps;
        }
        let payment = finders.iter().find_map(|finder| finder.payment.as_ref());
        if let Some(payment) = payment {
            steps.push(json!({
                "id": "payment",
                "call": "GET /transaction/:id",
                "with": { "id": format!("{{{{ {payment} }}}}") },
            }));
        }
        let mut set = Map::new();
        for finder in finders {
            let mut from = finder.known();
            if finder.search.is_some() {
                from.push(format!("steps.{}.{}", finder.search_id(), finder.name()));
            }
            set.insert(finder.name(), format!("{{{{ {} }}}}", from.join(" or ")).into());
        }
        steps.push(match payment {
            Some(_) => json!({ "id": "who", "when": PAYER, "set": set }),
            None => json!({ "id": "who", "set": set }),
        });
        for finder in finders {
            let app = app_of(&finder.kind);
            let app = catalog.app(app).map_or(app, |app| app.title.as_str());
            let which = match finder.search {
                Some(_) => "belongs to this event",
                None if finder.payment.is_some() => "belongs to this payment",
                None => "is linked to the record of this event",
            };
            let word = finder.word().replace('_', " ");
            steps.push(json!({
                "when": format!("not steps.who.{}", finder.name()),
                "stop": format!("No {word} in {app} {which}"),
            }));
        }
        steps
    }
}

fn search(catalog: &Catalog, event: &EventType, kind: &str) -> Option<Search> {
    let Way { call, by, finds, .. } = WAYS.iter().find(|way| way.kind == kind)?;
    catalog.operation(call).ok()?;
    let told = told_of_itself(event);
    let mut with = Map::new();
    let mut paths = Vec::new();
    let mut is_always_there = false;
    for (concept, field) in *by {
        let Some(told) = told.iter().find(|told| told.concept() == Some(*concept)) else {
            continue;
        };
        with.insert((*field).to_owned(), format!("{{{{ {} }}}}", told.tidy(*concept)).into());
        paths.push(told.path.clone());
        is_always_there |= !told.may_be_empty;
    }
    let when = (!is_always_there).then(|| paths.join(" or "));
    (!with.is_empty()).then_some(Search { call, with, when, finds: *finds })
}
