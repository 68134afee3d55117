//! What a run needs besides its plan and its event.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::own_writes::OwnWrites;
use super::record_locks::RecordLocks;
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
    pub accounts: Arc<Accounts>,
    /// How much requests say of themselves.
    pub detail: Detail,
    pub defaults: Arc<Defaults>,
    /// Keeps writers of the same record apart; shared by all runs of a process.
    pub locks: RecordLocks,
    pub care: Care,
    /// What this process has written; shared by all its runs.
    pub own_writes: OwnWrites,
    /// How many of our own writes led to this run, each by an event that followed on the one before.
    pub chain: u32,
    /// How long after a call without an answer it is looked for: longer than one call can last, since
    /// it may still be under way.
    pub settle_after: Duration,
}

/// What holds for the steps that do not say it themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// Before a person is written by e-mail and phone, both are looked up.
    pub check_identity: bool,
    /// What was written is read back.
    pub verify: bool,
    /// What a write would change is shown, also where the step does not compare by itself.
    pub compare: bool,
}

impl Default for Care {
    fn default() -> Care {
        Care { check_identity: true, verify: false, compare: false }
    }
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
