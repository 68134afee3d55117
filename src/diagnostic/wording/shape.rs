//! What is wrong with the form of a recipe: keys, words, kinds of value.

use serde_json::Value;

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place, nearest};
use crate::source::Route;
use crate::value::Kind;

pub fn not_a_recipe(found: &Value) -> Diagnostic {
    let kind = Kind::of(found).in_words();
    new(
        Code::NotARecipe,
        Place::File,
        format!("a recipe is a set of keys with values; this file holds {kind}"),
    )
    .help("start with `name:`, `trigger:` and `steps:`")
}

pub fn unreadable_recipe(why: &str) -> Diagnostic {
    new(Code::NotARecipe, Place::File, format!("the recipe cannot be read: {why}"))
        .help("compare it with `linecook schema`")
}

pub fn unknown_key(route: &Route, name: &str, known: &[String]) -> Diagnostic {
    if name.contains('\u{a0}') {
        return new(
            Code::UnknownKey,
            key(&route.key(name)),
            "a space that is none stands in front of the key",
        )
        .help("delete the space and type it again: it was copied from a web page or a letter");
    }
    let near = other_word(name)
        .filter(|word| known.iter().any(|k| k == word))
        .map(str::to_owned)
        .or_else(|| nearest(name, known.iter().map(String::as_str)));
    let holder = match route.last() {
        None => "a recipe".to_owned(),
        Some(last) if last.parse::<usize>().is_ok() => {
            match route.parent().and_then(|p| p.last()).as_deref() {
                Some("steps" | "do") => "a step".to_owned(),
                Some("examples") => "an example".to_owned(),
                Some(parent) => format!("an entry of `{parent}`"),
                None => "this place".to_owned(),
            }
        }
        Some(last) => format!("`{last}`"),
    };
    new(Code::UnknownKey, key(&route.key(name)), format!("{holder} has no key `{name}`"))
        .help(format!("known here: {}", list(known)))
        .near(near)
}

/// Words of other tools for what we call otherwise.
fn other_word(name: &str) -> Option<&'static str> {
    Some(match name {
        "if" | "condition" | "only_if" => "when",
        "foreach" | "loop" | "each" | "with_items" => "for_each",
        "action" | "uses" | "endpoint" | "operation" | "request" | "http" => "call",
        "body" | "params" | "parameters" | "data" | "fields" | "input" | "inputs" | "args"
        | "payload" => "with",
        "description" | "desc" | "summary" => "about",
        "triggers" | "on" | "event" => "trigger",
        "vars" | "variables" | "assign" | "let" => "set",
        "exit" | "end" | "return" => "stop",
        "group" | "block" | "then" => "do",
        "actions" | "tasks" | "jobs" => "steps",
        "title" => "name",
        "options" | "config" => "settings",
        "tests" | "test" => "examples",
        "output" | "outputs" | "extract" | "results" => "save",
        "whit" | "wiht" | "wtih" => "with",
        "sleep" | "delay" | "pause" => "wait",
        "ask" | "approve" | "approval" | "confirm" => "hold",
        "include" | "import" | "recipe" => "use",
        _ => return None,
    })
}

pub fn missing_key(route: &Route, name: &str) -> Diagnostic {
    let place = if *route == Route::root() { Place::File } else { key(route) };
    let help = match name {
        "name" if *route == Route::root() => "add `name:` with what the recipe does, in one line",
        "trigger" => "add `trigger:` with `on:` and an event, such as stax.customer_created",
        "steps" => "add `steps:` with at least one `- call:`",
        "on" => "add `on:` with an event, such as stax.customer_created",
        "call" => "add `call:` with an operation, such as POST /contacts/upsert",
        "text" => "add `text:` with the question",
        _ => "add it",
    };
    new(Code::MissingKey, place, format!("`{name}` is missing")).help(help)
}

pub fn wrong_shape(route: &Route, wanted: &[String], found: &Value) -> Diagnostic {
    let name = route.last().unwrap_or_else(|| "the recipe".to_owned());
    let name = match name.parse::<usize>() {
        Ok(at) => format!(
            "entry {} of `{}`",
            at + 1,
            route.parent().and_then(|p| p.last()).unwrap_or_default()
        ),
        Err(_) => format!("`{name}`"),
    };
    if *route == Route::root().key("trigger") && found.is_string() {
        let event = found.as_str().unwrap_or_default();
        return new(Code::WrongShape, value(route), "`trigger` wants the key `on` below it")
            .help(format!("write `trigger: {{ on: {} }}`", short(event, 60)));
    }
    let words: Vec<&str> = wanted.iter().map(|w| in_words(w)).collect();
    let wanted = words.join(" or ");
    if found.is_null() {
        return new(
            Code::WrongShape,
            key(route),
            format!("{name} is there, but nothing stands behind it"),
        )
        .help(format!("write {wanted} behind it, or leave it out"));
    }
    let gets = Kind::of(found).in_words();
    let help = match route.last().as_deref().and_then(form_of) {
        Some(form) => format!("write it like {form}"),
        None => format!("write {wanted}"),
    };
    new(Code::WrongShape, value(route), format!("{name} wants {wanted}, and gets {gets}"))
        .help(help)
}

/// How a key is written, for those who wrote something else.
fn form_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "for" | "first" | "at_most" | "every" => "30s, 15m, 2h or 3d",
        "wait" => "wait: 2h, wait: 3d, or wait: \"{{ event.due_at }}\"",
        "hold" => "hold: { text: May this be sent?, choices: [Send it, Leave it] }",
        "choices" => "choices: [Send it, Leave it]",
        "use" => "use: other-recipe.yaml",
        "cron" => "cron: \"0 9 * * 1\"",
        "answers" => "answers: { ask: Send it }",
        "when" => "when: event.email and event.phone",
        "unless_exists" => "unless_exists: { title: Welcome call }",
        "find" => "find: { title: Welcome call }",
        "with" => "with: { email: \"{{ event.email }}\" }",
        "set" => "set: { name: \"{{ event.firstname }}\" }",
        "save" => "save: { city: $.contact.city }",
        "stop" => "stop: No contact is known",
        "retry" => "retry: { for: 24h }, or retry: off",
        "steps" | "do" => "a line that begins with `- call:`, and below it `with:`",
        "examples" => "a line that begins with `- name:`",
        "trigger" => "trigger: { on: stax.customer_created }",
        "settings" => "settings: and below it a name with its `type:` and `ask:`",
        "replace_tags" => "replace_tags: true",
        _ => return None,
    })
}

fn in_words(json_type: &str) -> &str {
    match json_type {
        "string" => "a text",
        "array" => "a list (lines that begin with `-`)",
        "object" => "keys with values",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

pub fn unknown_word(route: &Route, options: &[String], found: &Value) -> Diagnostic {
    let name = route.last().unwrap_or_default();
    let word = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let near = other_type(&word)
        .filter(|near| options.iter().any(|o| o == near))
        .map(str::to_owned)
        .or_else(|| nearest(&word, options.iter().map(String::as_str)));
    new(
        Code::UnknownWord,
        value(route),
        format!("`{name}` does not know the word `{}`", short(&word, 40)),
    )
    .help(format!("write one of {}", list(options)))
    .near(near)
}

/// Types by the names of other tools.
fn other_type(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "text" | "str" | "date" | "datetime" | "email" | "phone" => "string",
        "int" | "whole number" => "integer",
        "float" | "decimal" | "double" | "amount" | "money" => "number",
        "bool" | "yes/no" | "checkbox" | "true/false" => "boolean",
        "array" | "tags" => "list",
        "dict" | "map" | "hash" | "table" => "object",
        _ => return None,
    })
}

pub fn other_shape(route: &Route, message: &str) -> Diagnostic {
    new(Code::WrongShape, value(route), message.to_owned())
        .help("compare it with `linecook schema`")
}
