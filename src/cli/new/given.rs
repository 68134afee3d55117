//! What flags say of a recipe in the making: fields, settings, and what is still missing.

use serde_json::Value;

use super::super::exit::{CommandError, Result};
use super::super::options::{name_and_value, read_value};
use super::Args;
use crate::catalog::FieldError;
use crate::diagnostic::nearest;
use crate::suggest::{Choice, Draft, Missing};
use crate::template::Template;
use crate::value::text::shell_word;
use crate::value::yaml;

/// Puts into the draft what flags say.
pub fn apply(args: &Args, draft: &mut Draft<'_>) -> Result<()> {
    if let Some(name) = &args.name {
        draft.name = name.clone();
    }
    for pair in &args.setting {
        let (name, value) = name_and_value(pair, "--setting days='{ type: integer, default: 2 }'")?;
        let (setting, _) = read_value(value);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !setting.is_object() || !name.chars().all(is_name) {
            return Err(CommandError::usage(
                format!("`{pair}` is no setting"),
                "write it like --setting days='{ type: integer, ask: After how many days?, default: 2 }'",
            ));
        }
        draft.settings.insert(name.to_owned(), setting);
    }
    for pair in &args.with {
        let (key, value) = name_and_value(pair, "--with email='{{ event.email }}'")?;
        if let Err(FieldError::Several(first, second)) = draft.operation.field(key) {
            let (first, second) = (first.name(), second.name());
            return Err(CommandError::usage(
                format!("`{}` has two fields `{key}`", draft.operation.call),
                format!("say which one: {first}.{key} or {second}.{key}"),
            ));
        }
        if !draft.has_field(key) {
            let near = nearest(key, draft.fields.iter().map(|field| field.key.as_str()));
            let help = match (draft.operation.refused.get(key), near) {
                (Some(instead), _) => instead.clone(),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => {
                    format!("`linecook catalog show {}` lists its fields", draft.operation.name())
                }
            };
            let what = format!("`{}` has no field `{key}`", draft.operation.call);
            return Err(CommandError::usage(what, help));
        }
        draft.choose(key, written(value).map(Choice::Written));
    }
    Ok(())
}

/// A value as `with` holds it; none where it is empty.
pub fn written(value: &str) -> Option<Value> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    // Braces of a template are no mapping of YAML.
    let is_template = Template::has_template(value)
        && (value.starts_with("{{") || !value.starts_with(['[', '{']));
    match is_template {
        true => Some(value.into()),
        false => Some(read_value(value).0).filter(|value| !value.is_null()),
    }
}

/// What has to be said yet.
pub fn lacks(draft: &Draft<'_>, missing: &[Missing]) -> CommandError {
    let lines: Vec<String> = missing.iter().map(|missing| line(draft, missing)).collect();
    CommandError::usage(
        format!(
            "`{}` needs more than `{}` tells\n  {}",
            draft.operation.call,
            draft.event.name(),
            lines.join("\n  ")
        ),
        format!(
            "say what goes into these fields, as a text or as a field of the event: \
             `linecook catalog show {}` lists them",
            draft.event.name()
        ),
    )
}

/// ``--with total=21.4   Amount in dollars``
fn line(draft: &Draft<'_>, missing: &Missing) -> String {
    let flag = |key: &String| {
        let value = match &missing.example {
            Value::String(text) => text.clone(),
            other => yaml::on_one_line(other),
        };
        let value = shell_word(&value);
        format!("--with {key}={value}")
    };
    let first = missing.keys.first().map(flag).unwrap_or_default();
    let field = missing.keys.first().and_then(|key| draft.fields.iter().find(|f| f.key == *key));
    let options: Vec<String> = field
        .iter()
        .flat_map(|field| &field.field.options)
        .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
        .collect();
    let mut more = Vec::new();
    if missing.keys.len() > 1 {
        more.push(format!("one of {}", missing.keys.join(", ")));
    }
    if !missing.about.is_empty() {
        more.push(missing.about.clone());
    }
    if !options.is_empty() {
        more.push(format!("one of {}", options.join(", ")));
    }
    match more.is_empty() {
        true => first,
        false => format!("{first}   ({})", more.join("; ")),
    }
}
