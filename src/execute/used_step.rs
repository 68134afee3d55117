//! A step that is another recipe: its steps run here, with the same event and settings of their own.

use serde_json::{Map, Value};

use super::drive::{Drive, End};
use crate::catalog::Fit;
use crate::check::{CheckedStep, CheckedUse, UsedSetting};
use crate::journal::{CallKey, Decision};
use crate::plan::{DataError, render};
use crate::template::Scope;

/// Runs the steps; gives their results by their ids.
pub(super) async fn run(
    drive: &mut Drive<'_>,
    step: &CheckedStep,
    used: &CheckedUse,
    scope: &Scope,
    item: &mut Vec<usize>,
) -> Result<Map<String, Value>, End> {
    let settings = settings(used, scope).map_err(|e| drive.data(step, e))?;
    let mut inner = scope.of_used_recipe(&Value::Object(settings));
    if let Some((place, when)) = &used.when {
        let asks = (step.id.as_str(), &item[..], "links-used");
        drive.learn_links(asks, [when], place, &mut inner).await?;
    }
    if let Some((place, when)) = &used.when
        && !drive.holds(&step.id, place, when, &inner)?
    {
        let why = format!("the `when` of {} does not hold: {}", used.file, when.source());
        let key = CallKey::new(&step.id, item, "skip");
        drive.record(&key, Decision::Skipped(why), &step.place).await?;
        return Ok(Map::from_iter([("skipped".to_owned(), true.into())]));
    }
    drive.steps(&used.steps, &mut inner, item).await?;
    let mut results = Map::from_iter([("skipped".to_owned(), false.into())]);
    collect(&used.steps, &inner, &mut results);
    Ok(results)
}

/// The settings that the other recipe sees: what `with` gives, and its defaults for what is empty.
fn settings(used: &CheckedUse, scope: &Scope) -> Result<Map<String, Value>, DataError> {
    let mut settings = Map::new();
    for setting in &used.settings {
        if let Some(value) = setting_value(used, setting, scope)? {
            settings.insert(setting.name.clone(), value);
        }
    }
    Ok(settings)
}

fn setting_value(
    used: &CheckedUse,
    setting: &UsedSetting,
    scope: &Scope,
) -> Result<Option<Value>, DataError> {
    let Some(mapping) = &setting.mapping else { return Ok(setting.default.clone()) };
    let wrong = |problem: String, instead: String| DataError {
        place: mapping.place.clone(),
        field: Some(setting.name.clone()),
        problem,
        instead,
    };
    let Some(value) = render(mapping, scope)?.value() else {
        if setting.default.is_none() {
            let problem = format!("is empty, and {} has no default for it", used.file);
            return Err(wrong(problem, "say what it is then with `| default('…')`".into()));
        }
        return Ok(setting.default.clone());
    };
    let fit = Fit::convert(&setting.field, &value, scope.defaults());
    match fit.misfits.into_iter().next() {
        Some(misfit) => Err(wrong(misfit.error.problem, misfit.error.instead)),
        None => Ok(Some(fit.value)),
    }
}

/// The results of the steps of a file, those inside groups among them.
fn collect(steps: &[CheckedStep], scope: &Scope, results: &mut Map<String, Value>) {
    for step in steps {
        if let Some(own) = scope.step(step.name()) {
            results.insert(step.name().to_owned(), own);
        }
        if let crate::check::Action::Group(steps) = &step.action {
            collect(steps, scope, results);
        }
    }
}
