//! What starts a recipe.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BareExpression, OneOrMore, Shape};

/// What starts a recipe.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["on"]))]
pub struct Trigger {
    /// The event that starts it, such as `stax.customer_created`; a list when several do.
    pub on: OneOrMore,
    /// Fields that your account adds to the event: `{ plan: string }`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, Shape>,
    /// Start only when this holds, for example `event.email or event.phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<BareExpression>,
    /// Runs for the same value go one after the other; without it, runs for the same record do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_at_a_time_per: Option<BareExpression>,
}
