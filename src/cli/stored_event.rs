//! Events that have arrived: by number, by name, and the last one that starts a recipe.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::exit::{CommandError, Result};
use crate::catalog::{Catalog, EventType, NotFound};
use crate::execute::condition_holds;
use crate::store::{Deliveries, Delivery, DeliveryFilter, Store};

/// How many events are looked at in one go.
const PAGE: usize = 200;

/// The number of an event: `event-7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNumber(pub i64);

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event-{}", self.0)
    }
}

impl FromStr for EventNumber {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<EventNumber, String> {
        let number = text.strip_prefix("event-").unwrap_or(text).parse();
        number.map(EventNumber).map_err(|_| format!("`{text}` is no event; write it like event-7"))
    }
}

/// Which events are wanted: any of these.
pub struct Wanted(Vec<Arc<EventType>>);

impl Wanted {
    /// The events that a name means: its name with us, or what the app calls it.
    pub fn named(name: &str) -> Result<Wanted> {
        let catalog = Catalog::embedded();
        let wrong = |help: String| CommandError::usage(format!("there is no event `{name}`"), help);
        match catalog.event(name) {
            Ok(event) => Ok(Wanted(vec![event])),
            Err(NotFound::Wire(names) | NotFound::Ambiguous(names)) => {
                Ok(Wanted(names.iter().filter_map(|name| catalog.event(name).ok()).collect()))
            }
            Err(NotFound::Unknown { near: Some(near) }) => {
                Err(wrong(format!("did you mean `{near}`?")))
            }
            Err(NotFound::Unknown { near: None }) => {
                Err(wrong("see all with `linecook catalog list --events`".to_owned()))
            }
        }
    }

    /// Those that start a recipe.
    pub fn of(events: &[Arc<EventType>]) -> Wanted {
        Wanted(events.to_vec())
    }

    /// What the apps call them, and their names.
    fn names(&self) -> Vec<String> {
        let names = self.0.iter().flat_map(|e| e.wire.iter().chain(std::iter::once(&e.id)));
        names.cloned().collect()
    }

    /// Whether something that has arrived is one of them.
    fn fits(&self, delivery: &Delivery) -> bool {
        match payload(delivery) {
            Some(payload) => fitting(&self.0, &delivery.app, &delivery.event, &payload).is_some(),
            // Without its data nobody can tell it from others of the same name.
            None => self.0.iter().any(|event| event.app == delivery.app && event.when.is_none()),
        }
    }

    /// The one that something which has arrived is.
    pub fn which(&self, delivery: &Delivery) -> Option<(Arc<EventType>, Map<String, Value>)> {
        let payload = payload(delivery)?;
        let event = fitting(&self.0, &delivery.app, &delivery.event, &payload)?;
        Some((event.clone(), payload))
    }
}

/// The data of an event; none when it is not kept any more.
pub fn payload(delivery: &Delivery) -> Option<Map<String, Value>> {
    serde_json::from_str(delivery.payload.as_deref()?).ok()
}

fn fitting<'a>(
    events: &'a [Arc<EventType>],
    app: &str,
    name: &str,
    payload: &Map<String, Value>,
) -> Option<&'a Arc<EventType>> {
    events.iter().find(|event| {
        event.app == app
            && (event.wire.as_deref() == Some(name) || event.id == name)
            && condition_holds(event, payload) != Some(false)
    })
}

/// Our name for what an app calls so: with the data where several have the same name there.
pub fn name_of(app: &str, name: &str, payload: Option<&Map<String, Value>>) -> Option<String> {
    let catalog = Catalog::embedded();
    let names = match catalog.event(&format!("{app}.{name}")) {
        Ok(event) => return Some(event.name()),
        Err(NotFound::Wire(names) | NotFound::Ambiguous(names)) => names,
        Err(NotFound::Unknown { .. }) => return None,
    };
    let events: Vec<_> = names.iter().filter_map(|name| catalog.event(name).ok()).collect();
    match (&events[..], payload) {
        ([only], _) => Some(only.name()),
        (_, Some(payload)) => fitting(&events, app, name, payload).map(|event| event.name()),
        (_, None) => None,
    }
}

/// The events that fit, the newest first.
pub async fn find(
    store: &Store,
    filter: DeliveryFilter,
    wanted: Option<&Wanted>,
) -> Result<Vec<Delivery>> {
    let Some(wanted) = wanted else { return Ok(store.deliveries(filter).await?) };
    let mut found = Vec::new();
    let mut before = filter.before;
    loop {
        let page = DeliveryFilter { events: wanted.names(), before, limit: PAGE, ..filter.clone() };
        let page = store.deliveries(page).await?;
        before = page.last().map(|delivery| delivery.id);
        let is_last = page.len() < PAGE;
        found.extend(page.into_iter().filter(|delivery| wanted.fits(delivery)));
        found.truncate(filter.limit);
        if is_last || found.len() == filter.limit {
            return Ok(found);
        }
    }
}

/// The event with this number.
pub async fn known(store: &Store, number: EventNumber) -> Result<Delivery> {
    store.delivery(number.0).await?.ok_or_else(|| {
        CommandError::usage(
            format!("there is no {number}"),
            "`linecook events list` shows the newest",
        )
    })
}

/// An event that a recipe is tried with: the last one that starts it, or the one with this number.
pub async fn for_recipe(
    store: &Store,
    number: Option<EventNumber>,
    events: &[Arc<EventType>],
) -> Result<(Delivery, Arc<EventType>, Map<String, Value>)> {
    let wanted = Wanted::of(events);
    let names: Vec<String> = events.iter().map(|event| event.name()).collect();
    let names = names.join(" or ");
    let Some(number) = number else {
        let filter = DeliveryFilter { limit: 1, ..DeliveryFilter::default() };
        let found = find(store, filter, Some(&wanted)).await?.pop();
        let found =
            found.and_then(|d| wanted.which(&d).map(|(event, payload)| (d, event, payload)));
        return found.ok_or_else(|| {
            CommandError::usage(
                format!("no {names} has arrived yet"),
                "`linecook events list` shows what has; without --event the recipe's first example is taken",
            )
        });
    };
    let delivery = known(store, number).await?;
    if delivery.payload.is_none() {
        return Err(CommandError::usage(
            format!("the data of {number} is not kept any more"),
            "take a newer one, or --event latest",
        ));
    }
    match wanted.which(&delivery) {
        Some((event, payload)) => Ok((delivery, event, payload)),
        None => {
            let name = name_of(&delivery.app, &delivery.event, payload(&delivery).as_ref());
            let name = name.unwrap_or_else(|| format!("{}.{}", delivery.app, delivery.event));
            Err(CommandError::usage(
                format!("{number} is {name}, which does not start this recipe"),
                format!("it is started by {names}; --event latest takes the last one"),
            ))
        }
    }
}
