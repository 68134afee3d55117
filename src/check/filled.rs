//! Settings that are filled in: what a recipe asks for and what somebody wrote come in; all settings with
//! their defaults go out, or what does not fit.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::catalog::{Catalog, Fit};
use crate::diagnostic::{Diagnostic, nearest};
use crate::snapshot::Snapshots;
use crate::source::Route;
use crate::value::{Defaults, ValueError};

use super::CheckedSetting;
use super::picked::picked;

/// A setting that is wrong or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// With the place inside it, such as `onboarding.0.days`.
    pub name: String,
    /// Where, counted from the settings.
    pub at: Route,
    pub problem: SettingProblem,
    pub error: ValueError,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingProblem {
    Unknown {
        near: Option<String>,
    },
    Missing {
        ask: Option<String>,
    },
    Misfit,
    /// The account has nothing of that name; what to say of it, but for the place.
    NotPicked(Box<Diagnostic>),
}

/// The settings of a recipe: what was filled in, and the defaults for the rest. What is picked by its name is
/// the id in the account that `snapshots` knows.
pub fn filled_settings(
    known: &IndexMap<String, CheckedSetting>,
    given: &Map<String, Value>,
    snapshots: &Snapshots,
) -> Result<Map<String, Value>, Vec<SettingError>> {
    let mut settings = Map::new();
    let mut errors = Vec::new();
    let error = |name: &str, problem, error| {
        let (name, at) = (name.to_owned(), Route::root().key(name));
        SettingError { name, at, problem, error }
    };
    for name in given.keys().filter(|name| !known.contains_key(*name)) {
        let near = nearest(name, known.keys().map(String::as_str));
        let instead = match &near {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the recipe has no settings at all".to_owned(),
            None => format!("it has {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        let words = ValueError { problem: "is no setting of this recipe".into(), instead };
        errors.push(error(name, SettingProblem::Unknown { near }, words));
    }
    for (name, setting) in known {
        let Some(value) = given.get(name).or(setting.default.as_ref()) else {
            let ask = setting.ask.clone();
            let question = ask.clone().unwrap_or_else(|| "it has no default".to_owned());
            let words = ValueError {
                problem: format!("has to be filled in ({question})"),
                instead: format!("write --set {name}=…, or a file with --settings"),
            };
            errors.push(error(name, SettingProblem::Missing { ask }, words));
            continue;
        };
        let fit = Fit::convert(&setting.field, value, &Defaults::default());
        let wrong = fit.misfits.into_iter().map(|misfit| SettingError {
            name: format!("{name}{}", misfit.at.pointer().replace('/', ".")),
            at: crate::diagnostic::nested(&Route::root().key(name), &misfit.at),
            problem: SettingProblem::Misfit,
            error: misfit.error,
        });
        errors.extend(wrong);
        let mut value = fit.value;
        let filled = value.as_str().filter(|text| !text.trim().is_empty());
        if let (Some(pick), Some(written)) = (&setting.pick, filled) {
            match picked(Catalog::embedded(), pick, snapshots, written) {
                Ok(sent) => value = sent.into(),
                Err(found) => {
                    let problem = format!("is not there: {}", found.message);
                    let instead = found.help.clone().unwrap_or_default();
                    let words = ValueError { problem, instead };
                    errors.push(error(name, SettingProblem::NotPicked(found), words));
                }
            }
        }
        settings.insert(name.clone(), value);
    }
    if errors.is_empty() { Ok(settings) } else { Err(errors) }
}
