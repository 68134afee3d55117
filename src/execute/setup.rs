//! What a run needs besides its plan and its event.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::catalog::{Catalog, Fit};
use crate::diagnostic::nearest;
use crate::plan::{Accounts, Plan};
use crate::value::{Defaults, ValueError};

/// What a run needs besides its plan and its event.
#[derive(Clone)]
pub struct Setup {
    pub catalog: &'static Catalog,
    pub run_id: String,
    pub settings: Map<String, Value>,
    pub accounts: Accounts,
    pub defaults: Arc<Defaults>,
    /// How long after a call without an answer it is looked for: longer than one call can last, since
    /// it may still be under way.
    pub settle_after: Duration,
}

/// A setting that is wrong or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    pub name: String,
    pub error: ValueError,
}

/// The settings of a recipe: what was filled in, and the defaults for the rest.
pub fn settings(
    plan: &Plan,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<SettingError>> {
    let known = &plan.recipe.settings;
    let mut settings = Map::new();
    let mut errors = Vec::new();
    for name in given.keys().filter(|name| !known.contains_key(*name)) {
        let near = nearest(name, known.keys().map(String::as_str));
        let instead = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the recipe has no settings at all".to_owned(),
            None => format!("it has {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        let error = ValueError { problem: "is no setting of this recipe".into(), instead };
        errors.push(SettingError { name: name.clone(), error });
    }
    for (name, setting) in known {
        let Some(value) = given.get(name).or(setting.default.as_ref()) else {
            let question = setting.ask.clone().unwrap_or_else(|| "it has no default".to_owned());
            let error = ValueError {
                problem: format!("has to be filled in ({question})"),
                instead: format!("write --set {name}=…, or a file with --settings"),
            };
            errors.push(SettingError { name: name.clone(), error });
            continue;
        };
        let fit = Fit::convert(&setting.field, value, &Defaults::default());
        let wrong = fit.misfits.into_iter().map(|misfit| SettingError {
            name: format!("{name}{}", misfit.at.pointer().replace('/', ".")),
            error: misfit.error,
        });
        errors.extend(wrong);
        settings.insert(name.clone(), fit.value);
    }
    if errors.is_empty() { Ok(settings) } else { Err(errors) }
}
