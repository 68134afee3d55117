//! What starts a recipe.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BareExpression, OneOrMore, Shape};

/// What starts a recipe.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["on"]))]
pub struct Trigger {
    /// The event that starts it, such as `stax.customer_created`; a list when several do. `schedule`
    /// starts it at times that come again, `poll` by asking an app for its records.
    pub on: OneOrMore,
    /// When it starts, or when the app is asked: minute, hour, day, month, weekday. `0 9 * * 1` is
    /// every Monday at 9:00.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// On which clocks `cron` is read, such as America/New_York; those of the project without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What to do about times of a schedule that passed while nothing ran: start `once` (the usual
    /// way) or `skip` them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// The list operation that is asked, such as `GET /customer`; one run per record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The fields of the list operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Map<String, Value>>,
    /// How long between two times that the app is asked, such as 5m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// Which records start a run: the `new` ones (the usual way), or `all` each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<Take>,
    /// Fields that your account adds to the event: `{ plan: string }`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, Shape>,
    /// Start on first sight of a record, and then only when one of these fields differs from what it was
    /// the last time; `previous.<field>` holds what that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<OneOrMore>,
    /// Start only when this holds, for example `event.email or event.phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<BareExpression>,
    /// Runs for the same value go one after the other; without it, runs for the same record do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_at_a_time_per: Option<BareExpression>,
}

/// What to do about times of a schedule that passed while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Start once, however many there were.
    #[default]
    Once,
    /// Wait for the next one.
    Skip,
}

/// Which records of a list start a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// Those that were not there the last time.
    #[default]
    New,
    /// Every one, each time.
    All,
}
