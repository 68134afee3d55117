//! Which event a command works with: a file, an example of the recipe, or the catalog's own.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::exit::{CommandError, Result};
use super::load::read_beside;
use super::runtime::runtime;
use super::store::StoreArgs;
use super::stored_event::{EventNumber, for_recipe};
use crate::catalog::EventType;
use crate::check::TriggerKind;
use crate::execute::{TriggerEvent, condition_holds};
use crate::plan::Plan;
use crate::recipe::{Example, ExampleEvent, RecipeFile};
use crate::report::minute;
use crate::source::Source;
use crate::value::Defaults;

#[derive(clap::Args)]
pub struct EventArgs {
    /// The event: a JSON file, `-` for standard input, `latest` for the last one that has arrived, or its
    /// number such as event-7; the recipe's first example without it
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Which event it is, where the recipe has several
    #[arg(long, value_name = "EVENT")]
    pub on: Option<String>,
    /// Use this example of the recipe, by its name or number
    #[arg(long, value_name = "NAME", conflicts_with = "event")]
    pub example: Option<String>,
    /// The time it should be, such as 2026-03-02T10:00:00Z
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// An event with where it came from.
pub struct Chosen<'a> {
    pub event: TriggerEvent,
    /// For people: "the example `…`", a file name, …
    pub from: String,
    /// The example it belongs to: its settings and its time hold too.
    pub example: Option<&'a Example>,
    pub now: Timestamp,
}

impl EventArgs {
    /// The event that is meant.
    pub fn choose<'a>(
        &self,
        recipe: &Path,
        file: &'a RecipeFile,
        plan: &Plan,
        defaults: &Defaults,
    ) -> Result<Chosen<'a>> {
        let example = self.example(file)?;
        let now = match self.now.as_deref().or(example.and_then(|e| e.now.as_deref())) {
            None => whole_second(Timestamp::now()),
            Some(text) => text.parse().map_err(|_| {
                CommandError::usage(
                    format!("`{text}` is not a point in time"),
                    "write it like 2026-03-02T10:00:00Z",
                )
            })?,
        };
        if let Some(stored) = self.stored(recipe, plan)? {
            let (event, from) = stored;
            return Ok(Chosen { event, from, example: None, now });
        }
        let (payload, from) = match (&self.event, example) {
            (Some(name), _) => (Some(read(name)?), name.clone()),
            (None, Some(example)) => {
                let from = format!("the example `{}`", example.name);
                (example_payload(recipe, example)?, from)
            }
            (None, None) => match plan.recipe.trigger.kind {
                TriggerKind::Schedule(_) => (None, "the schedule".to_owned()),
                _ => (None, "the catalog's example".to_owned()),
            },
        };
        let on = self.on.as_deref().or(example.and_then(|e| e.on.as_deref()));
        let event = event_type(plan, on, payload.as_ref())?;
        let usual = || plan.recipe.trigger.usual_payload(&event, now, &defaults.timezone);
        let payload = payload.unwrap_or_else(usual);
        let event = TriggerEvent { id: "event-1".into(), received_at: now, event, payload };
        Ok(Chosen { event, from, example, now })
    }

    /// An event that has arrived, when one is meant; and where it came from.
    fn stored(&self, recipe: &Path, plan: &Plan) -> Result<Option<(TriggerEvent, String)>> {
        let number: Option<EventNumber> = match self.event.as_deref() {
            Some("latest") => None,
            Some(name) if name.starts_with("event-") && !Path::new(name).exists() => {
                Some(name.parse().map_err(|why| {
                    CommandError::usage(why, "`linecook events list` shows the newest")
                })?)
            }
            _ => return Ok(None),
        };
        let place = self.store.place_for(recipe)?;
        let store = place.open()?;
        let mut events = plan.recipe.trigger.events.clone();
        if let Some(on) = self.on.as_deref() {
            events = vec![event_type(plan, Some(on), None)?];
        }
        let found = for_recipe(&store, number, &events);
        let (delivery, event, payload) = runtime()?.block_on(found)?;
        let id = EventNumber(delivery.id).to_string();
        let received_at = delivery.received_at;
        let from = format!("{id} of {}", minute(received_at, &place.defaults.timezone));
        Ok(Some((TriggerEvent { id, received_at, event, payload }, from)))
    }

    fn example<'a>(&self, file: &'a RecipeFile) -> Result<Option<&'a Example>> {
        let examples = &file.recipe.examples;
        let Some(wanted) = &self.example else {
            return Ok(examples.first().filter(|_| self.event.is_none()));
        };
        let by_number = wanted.parse::<usize>().ok().and_then(|n| examples.get(n.checked_sub(1)?));
        let found = examples.iter().find(|e| e.name == *wanted).or(by_number);
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = examples.iter().map(|e| e.name.as_str()).collect();
            CommandError::usage(
                format!("the recipe has no example `{wanted}`"),
                match names.is_empty() {
                    true => "it has no examples at all".to_owned(),
                    false => format!("it has: {}", names.join("; ")),
                },
            )
        })
    }
}

/// Nobody reads nanoseconds.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The payload of an example; `None` when it leaves that to the catalog.
pub fn example_payload(recipe: &Path, example: &Example) -> Result<Option<Map<String, Value>>> {
    match &example.event {
        None => Ok(None),
        Some(ExampleEvent::Inline(event)) => Ok(Some(event.clone())),
        Some(ExampleEvent::File(name)) => {
            let text = read_beside(recipe, name).map_err(|why| unusable(name, &why))?;
            object(name, &text).map(Some)
        }
    }
}

/// Which of the recipe's events it is: the one that is named, or the one whose own condition and name
/// fit the payload.
pub fn event_type(
    plan: &Plan,
    on: Option<&str>,
    payload: Option<&Map<String, Value>>,
) -> Result<Arc<EventType>> {
    let events = &plan.recipe.trigger.events;
    if let Some(on) = on {
        return events.iter().find(|e| e.name() == on).cloned().ok_or_else(|| {
            let names: Vec<String> = events.iter().map(|e| e.name()).collect();
            CommandError::usage(
                format!("`{on}` does not start this recipe"),
                format!("it is started by {}", names.join(", ")),
            )
        });
    }
    let says = |event: &EventType| {
        let wire = payload.and_then(|p| p.get("type")).and_then(Value::as_str);
        wire.is_some() && event.wire.as_deref() == wire
    };
    let holds = |event: &EventType| payload.and_then(|p| condition_holds(event, p));
    let named = events.iter().find(|event| says(event));
    let fits = events.iter().find(|event| holds(event) == Some(true));
    let open = events.iter().find(|event| holds(event).is_none());
    let first = events.first().expect("a checked recipe has an event");
    Ok(named.or(fits).or(open).unwrap_or(first).clone())
}

fn read(name: &str) -> Result<Map<String, Value>> {
    let text = if name == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(|e| unusable("-", &e.to_string()))?
    } else {
        let source = Source::read(Path::new(name)).map_err(|e| unusable(name, &e.to_string()))?;
        source.text().to_owned()
    };
    object(name, &text)
}

fn object(name: &str, text: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(event)) => Ok(event),
        Ok(_) => Err(unusable(name, "it holds no object; an event is `{ … }`")),
        Err(e) => Err(unusable(name, &format!("it is not JSON: {e}"))),
    }
}

fn unusable(name: &str, why: &str) -> CommandError {
    CommandError::usage(
        format!("the event file {name} cannot be used: {why}"),
        "name a JSON file with one event as the app sends it",
    )
}
