//! How a record looked when a recipe saw it last.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What `trigger.changed` compares with the next time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LastSeen {
    /// The fields as the event had them; null for what was empty.
    pub fields: Map<String, Value>,
    /// They had changed, and the trigger's `when` did not hold then: the next time that it does the recipe
    /// has to run, whatever has changed since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owed: bool,
}
