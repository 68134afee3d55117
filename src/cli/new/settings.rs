//! The settings of a recipe that is installed: what flags say, what is asked, what is missing.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::ask;
use super::super::exit::{CommandError, Result};
use super::super::options::{name_and_value, read_value};
use super::super::print;
use super::super::project::Near;
use super::Args;
use crate::check::{CheckedSetting, SettingError, SettingProblem, filled_settings};
use crate::plan::Plan;
use crate::recipe::Recipe;
use crate::value::{Kind, yaml};

/// What is filled in: everything that flags say, and what is not as it is anyway.
pub fn fill(
    args: &Args,
    recipe: &Recipe,
    plan: &Plan,
    near: &Near,
    path: &Path,
) -> Result<Map<String, Value>> {
    let settings = &plan.recipe.settings;
    let snapshots = near.snapshots_for(path);
    let mut given = Map::new();
    for pair in &args.set {
        let (name, value) = name_and_value(pair, "--set days=3")?;
        let setting = settings.get(name);
        given.insert(name.to_owned(), fitted(setting, value));
    }
    let problems = |given: &Map<String, Value>| {
        filled_settings(settings, given, &snapshots).err().unwrap_or_default()
    };
    if args.asks() {
        for name in recipe.settings.keys().filter(|name| !args.says(name)) {
            let Some(setting) = settings.get(name) else { continue };
            loop {
                let Some(value) = ask_one(name, setting, near, path)? else { break };
                given.insert(name.clone(), value);
                let own: Vec<SettingError> = problems(&given)
                    .into_iter()
                    .filter(|error| error.name.split('.').next() == Some(name))
                    .collect();
                if own.is_empty() {
                    break;
                }
                own.iter().for_each(|error| print::talk(line(error)));
                given.shift_remove(name);
            }
        }
    }
    let wrong = problems(&given);
    if wrong.is_empty() {
        return Ok(given);
    }
    let lines: Vec<String> = wrong.iter().map(line).collect();
    Err(CommandError::usage(
        format!("the settings do not fit the recipe\n  {}", lines.join("\n  ")),
        "say them with --set NAME=VALUE, once for each; the value is read as YAML",
    ))
}

impl Args {
    fn says(&self, name: &str) -> bool {
        self.set.iter().any(|pair| pair.split('=').next().map(str::trim) == Some(name))
    }
}

/// What is given for a text is its text: 12345, yes, 1.10.
fn fitted(setting: Option<&CheckedSetting>, value: &str) -> Value {
    let is_text = setting.is_some_and(|setting| setting.field.kind == Kind::String);
    match read_value(value) {
        (value, written) if is_text && !value.is_null() => written.into(),
        (Value::Null, _) if is_text => "".into(),
        (value, _) => value,
    }
}

/// `chase: Which workflow of HighLevel tells the customer? --set chase=…`
fn line(error: &SettingError) -> String {
    let name = &error.name;
    match &error.problem {
        SettingProblem::Missing { ask: Some(question) } => {
            format!("`{name}` is missing: {question} --set {name}=…")
        }
        SettingProblem::Missing { ask: None } => format!("`{name}` is missing: --set {name}=…"),
        SettingProblem::NotPicked(found) => match &found.help {
            Some(help) => format!("`{name}`: {}; {help}", found.message),
            None => format!("`{name}`: {}", found.message),
        },
        _ => format!("`{name}` {}; {}", error.error.problem, error.error.instead),
    }
}

/// Asks for one setting; nothing where it is to be as it is anyway.
fn ask_one(
    name: &str,
    setting: &CheckedSetting,
    near: &Near,
    path: &Path,
) -> Result<Option<Value>> {
    let otherwise = format!("say it with --set {name}=VALUE");
    // The question stands on a line of its own; behind the name is the answer.
    print::talk(format_args!("\n{}", setting.ask.as_deref().unwrap_or("What is it?")));
    let question = name;
    let usual = setting.default.as_ref();
    if !setting.field.options.is_empty() || setting.field.kind == Kind::Boolean {
        let mut options = setting.field.options.clone();
        if options.is_empty() {
            options = vec![true.into(), false.into()];
        }
        // What it is anyway stands first.
        options.sort_by_key(|option| Some(option) != usual);
        let word = |option: &Value| match option {
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            other => yaml::on_one_line(other),
        };
        let words: Vec<String> = options.iter().map(word).collect();
        let chosen = options.swap_remove(ask::choose(question, &words, otherwise)?);
        return Ok(Some(chosen).filter(|chosen| Some(chosen) != usual));
    }
    if let Some(pick) = &setting.pick {
        let snapshots = near.snapshots_for(path);
        let known = snapshots.first(&pick.app).and_then(|snapshot| snapshot.to_pick(pick.kind));
        if let Some(known) = known.filter(|known| !known.is_empty()) {
            let mut lines: Vec<String> = known.iter().map(|(shown, _)| shown.clone()).collect();
            if usual.is_some() {
                lines.insert(0, "(none)".to_owned());
            }
            let at = ask::search(question, &lines, otherwise)?;
            let at = if usual.is_some() { at.checked_sub(1) } else { Some(at) };
            return Ok(at.map(|at| known[at].1.clone().into()));
        }
        print::talk(
            "Its name as you see it, or its id. After `linecook pull` it can be chosen here.",
        );
    }
    if matches!(setting.field.kind, Kind::List | Kind::Object) {
        print::talk("On one line, as YAML: [first, second], or what is shown there.");
    }
    let shown = match usual {
        Some(Value::String(text)) => text.clone(),
        Some(value) => yaml::on_one_line(value),
        None => String::new(),
    };
    let typed = ask::line_or(question, &shown, otherwise)?;
    if typed.is_empty() || typed == shown {
        return Ok(None);
    }
    let value = fitted(Some(setting), &typed);
    // `vip, new` is meant as a list where a list is wanted.
    let is_list = setting.field.kind == Kind::List && !value.is_array();
    let value = match (is_list, &value) {
        (true, Value::String(text)) => {
            text.split(',').map(|part| Value::from(part.trim())).collect()
        }
        _ => value,
    };
    Ok(Some(value).filter(|value| Some(value) != usual))
}
