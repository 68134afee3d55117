//! What is wrong with another recipe that is used as a step.

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Route;

pub fn unreadable_use(route: &Route, file: &str, why: &str) -> Diagnostic {
    let message = format!("the recipe `{}` cannot be used: {why}", short(file, 80));
    new(Code::UnreadableUse, value(route), message)
        .help("name a recipe, counted from the folder of this one")
}

/// A problem of the other recipe, told where it is used.
pub fn in_used_recipe(route: &Route, file: &str, line: usize, found: &Diagnostic) -> Diagnostic {
    let message = format!("{file}, line {line}: {} [{}]", found.message, found.code);
    let mut told = new(Code::UsedRecipe, value(route), message);
    told.severity = found.severity;
    told.help = found.help.clone();
    told
}

pub fn use_circle(route: &Route, chain: &[String], file: &str) -> Diagnostic {
    let from = chain.iter().position(|name| name == file).unwrap_or(0);
    let mut names: Vec<&str> = chain[from..].iter().map(String::as_str).collect();
    names.push(file);
    let message = match names.len() {
        2 => format!("`{file}` uses itself"),
        _ => format!("these recipes use each other in a circle: {}", names.join(" → ")),
    };
    new(Code::UseCircle, value(route), message).help("take one of the uses out")
}

pub fn use_too_deep(route: &Route, most: usize) -> Diagnostic {
    let message = format!("more than {most} recipes use each other in a row");
    new(Code::UseCircle, value(route), message).help("put steps of the inner ones together")
}

pub fn no_such_used_setting(
    route: &Route,
    file: &str,
    names: &[&str],
    near: Option<String>,
) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    let help = match names.is_empty() {
        true => "it has no settings at all: leave `with` out".to_owned(),
        false => format!("it has {}", list(names)),
    };
    new(Code::UnknownSetting, key(route), format!("`{file}` has no setting `{}`", short(&name, 40)))
        .help(help)
        .near(near)
}

pub fn missing_used_setting(route: &Route, file: &str, name: &str) -> Diagnostic {
    let message = format!("`{file}` needs the setting `{name}`, which has no default");
    new(Code::MissingField, value(route), message).help(format!("add it: `with: {{ {name}: … }}`"))
}
