//! A trigger that has been checked: what starts a recipe, and how that is noticed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::checked::{CheckedCall, EventFields, Place};
use crate::catalog::EventType;
use crate::recipe::{Missed, Take};
use crate::template::Template;
use crate::value::{Cron, Defaults};

/// What starts a recipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedTrigger {
    pub kind: TriggerKind,
    /// What may have happened. For a schedule and a poll the one event that is made of it.
    pub events: Vec<Arc<EventType>>,
    pub when: Option<(Place, Template)>,
    pub one_at_a_time_per: Option<(Place, Template)>,
    /// None when nothing reads `event.custom_fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<EventFields>,
    /// It starts on first sight of a record, and then when one of these fields has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<CheckedChanged>,
}

/// Fields that are compared with what they were the last time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedChanged {
    pub place: Place,
    /// At least one.
    pub fields: Vec<String>,
}

/// How it is noticed that something happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// Somebody tells: an app, another tool, or linecook itself.
    Webhook,
    Schedule(Schedule),
    Poll(Box<Poll>),
}

/// A recipe starts at times that come again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    pub place: Place,
    pub times: Times,
    pub missed: Missed,
}

/// An app is asked for its records; each that is taken is an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Poll {
    pub place: Place,
    /// Reads all pages. Its fields read nothing but `settings` and `now()`.
    pub call: CheckedCall,
    pub often: Often,
    pub take: Take,
}

/// When an app is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Often {
    Every(Duration),
    At(Times),
}

/// Times that come again, on the clocks of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Five parts, such as `0 9 * * 1`.
    pub cron: String,
    /// The project's without it.
    pub timezone: Option<String>,
}

impl Times {
    /// The first time later than `after`. `zone` holds where the recipe names none.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (cron, zone) = self.read(zone);
        cron.next(after, &zone)
    }

    /// The last time not later than `until`. `zone` holds where the recipe names none.
    pub fn last(&self, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (cron, zone) = self.read(zone);
        cron.last(until, &zone)
    }

    fn read(&self, zone: &TimeZone) -> (Cron, TimeZone) {
        let cron = Cron::parse(&self.cron).expect("`check` has read it");
        let own = self.timezone.as_deref().map(|name| Defaults::new(name, "US"));
        let own = own.map(|found| found.expect("`check` has found it").timezone);
        (cron, own.unwrap_or_else(|| zone.clone()))
    }
}

impl Schedule {
    /// The event of one time. `previous` is the time before it at which the recipe started.
    pub fn payload(&self, scheduled: Timestamp, previous: Option<Timestamp>) -> Map<String, Value> {
        let payload = json!({
            "scheduled_at": scheduled.to_string(),
            "previous_at": previous.map(|time| time.to_string()),
        });
        payload.as_object().cloned().unwrap_or_default()
    }
}

impl CheckedTrigger {
    /// What the event holds when nobody says: of a schedule the last time before `now`, else the
    /// catalog's example.
    pub fn usual_payload(
        &self,
        event: &EventType,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Map<String, Value> {
        if let TriggerKind::Schedule(schedule) = &self.kind
            && let Some(last) = schedule.times.last(now, zone)
        {
            let before = last.checked_sub(Duration::from_secs(1)).unwrap_or(last);
            return schedule.payload(last, schedule.times.last(before, zone));
        }
        event.example.as_object().cloned().unwrap_or_default()
    }
}
