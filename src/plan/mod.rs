//! Checked → Plan, and a planned step with its scope → requests: everything that a dry run shows,
//! without sending anything.

mod account;
mod changed;
mod for_accounts;
mod mark;
mod named;
mod patch;
mod request;
mod render;
mod results;

use serde::{Deserialize, Serialize};

use crate::check::{Checked, CheckedRecipe};

pub use account::{Account, Accounts};
pub use changed::is_changed;
pub use for_accounts::{for_accounts, named_apps};
pub use mark::{mark, reference, sent_at, unmarked_body, without_mark};
pub use named::{by_names, with_custom_fields};
pub use patch::{FieldChange, Patched, is_blank, moved_on, not_stored, patch};
pub use render::{DataError, Detail, Origin, render};
pub(crate) use render::{evaluate, template_error};
pub use request::{
    LeftOut, PlannedRequest, bulk_request, page, page_size, request, tag_request, tags_left,
};
pub use results::{comparable, give_zones_to_fields, list_results, matches, results, with_zones};

/// What is stored with a run says which form it has.
const VERSION: u32 = 1;

/// A checked recipe with everything resolved. A started run keeps its own, whatever happens to the
/// file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub version: u32,
    pub recipe: CheckedRecipe,
}

/// The plan of a checked recipe. Nothing can go wrong any more.
pub fn recipe(checked: Checked) -> Plan {
    Plan { version: VERSION, recipe: checked.0 }
}
