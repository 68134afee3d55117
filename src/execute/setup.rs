//! What a run needs besides its plan and its event.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::catalog::Catalog;
use crate::check::filled_settings;
use crate::plan::{Accounts, Detail, Plan};
use crate::snapshot::Snapshots;
use crate::value::Defaults;

pub use crate::check::SettingError;

/// What a run needs besides its plan and its event.
#[derive(Clone)]
pub struct Setup {
    pub catalog: &'static Catalog,
    pub run_id: String,
    pub settings: Map<String, Value>,
    pub accounts: Accounts,
    /// How much requests say of themselves.
    pub detail: Detail,
    pub defaults: Arc<Defaults>,
    /// How long after a call without an answer it is looked for: longer than one call can last, since
    /// it may still be under way.
    pub settle_after: Duration,
}

/// The settings of a recipe: what was filled in, and the defaults for the rest; what is picked by its name,
/// as the accounts of `snapshots` know it.
pub fn settings(
    plan: &Plan,
    given: &Map<String, Value>,
    snapshots: &Snapshots,
) -> Result<Map<String, Value>, Vec<SettingError>> {
    filled_settings(&plan.recipe.settings, given, snapshots)
}
