//! What is wrong with the form of a recipe: keys, words, kinds of value.

use serde_json::Value;

use super::{key, list, new, short, value};
use crate::diagnostic::{Code, Diagnostic, Place, nearest};
use crate::source::Route;
use crate::value::Kind;

/// What a person writes for linecook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Recipe,
    /// `linecook.yaml`
    Project,
    /// An app of a project's own, in `apps`.
    App,
}

impl FileKind {
    pub(super) fn one(self) -> &'static str {
        match self {
            FileKind::Recipe => "a recipe",
            FileKind::Project => "a project file",
            FileKind::App => "an app",
        }
    }

    pub(super) fn many(self) -> &'static str {
        match self {
            FileKind::Recipe => "recipes",
            FileKind::Project => "project files",
            FileKind::App => "apps",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            FileKind::Recipe => "recipe",
            FileKind::Project => "project",
            FileKind::App => "app",
        }
    }

    /// How such a file begins.
    pub(super) fn start(self) -> &'static str {
        match self {
            FileKind::Recipe => "start with `name:`, `trigger:` and `steps:`",
            FileKind::Project => "start with `recipes:` and below it `- recipe: recipes/….yaml`",
            FileKind::App => "start with `base_url:` and `operations:`",
        }
    }

    fn code(self) -> Code {
        match self {
            FileKind::Recipe => Code::NotARecipe,
            FileKind::Project => Code::NotAProject,
            FileKind::App => Code::NotAnApp,
        }
    }

    fn schema(self) -> &'static str {
        match self {
            FileKind::Recipe => "compare it with `linecook schema`",
            FileKind::Project => "compare it with `linecook schema --project`",
            FileKind::App => "compare it with `linecook schema --app`",
        }
    }
}

pub fn not_a_mapping(file: FileKind, found: &Value) -> Diagnostic {
    let kind = Kind::of(found).in_words();
    let message = format!("{} is a set of keys with values; this file holds {kind}", file.one());
    new(file.code(), Place::File, message).help(file.start())
}

pub fn unreadable_form(file: FileKind, why: &str) -> Diagnostic {
    new(file.code(), Place::File, format!("the file cannot be read: {why}")).help(file.schema())
}

pub fn unknown_key(file: FileKind, route: &Route, name: &str, known: &[String]) -> Diagnostic {
    if name.contains('\u{a0}') {
        return new(
            Code::UnknownKey,
            key(&route.key(name)),
            "a space that is none stands in front of the key",
        )
        .help("delete the space and type it again: it was copied from a web page or a letter");
    }
    let words = match file {
        FileKind::Recipe => other_word(name).into_iter().collect(),
        FileKind::Project => other_words_of_projects(name),
        FileKind::App => other_words_of_apps(name),
    };
    let near = words
        .into_iter()
        .find(|word| known.iter().any(|k| k == word))
        .map(str::to_owned)
        .or_else(|| nearest(name, known.iter().map(String::as_str)));
    let holder = match route.last() {
        None => file.one().to_owned(),
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

/// The same for the project file; several where it depends on the place.
fn other_words_of_projects(name: &str) -> Vec<&'static str> {
    match name {
        "tz" | "time_zone" | "zone" => vec!["timezone"],
        "url" | "host" | "address" | "server" => vec!["public_url", "base_url"],
        "port" | "bind" => vec!["listen"],
        "database" | "db" | "storage" => vec!["store"],
        "accounts" | "connection" => vec!["connections"],
        "installations" | "workflows" | "automations" => vec!["recipes"],
        "rate_limits" | "quota" => vec!["quotas"],
        "limit" | "quotas" | "budget" => vec!["limits"],
        "customers" | "people" | "records" => vec!["contacts"],
        "tags" | "removed_tags" | "tag_removals" => vec!["tags_removed"],
        "request" | "requests" => vec!["calls"],
        "calls_per_day" | "requests_per_day" => vec!["calls", "per_day"],
        "live" | "go_live" | "auto_live" => vec!["live_at_once"],
        "timeout" => vec!["request_timeout"],
        "retention" => vec!["keep"],
        "alerts" | "notifications" => vec!["notify"],
        "file" | "path" | "uses" | "use" => vec!["recipe"],
        "with" | "inputs" | "config" | "options" | "values" => vec!["settings"],
        "active" | "on" => vec!["enabled"],
        "location" | "account" | "account_id" | "locationId" => vec!["location_id"],
        "type" | "service" => vec!["app"],
        "id" | "title" => vec!["name", "location_id"],
        "username" | "login" => vec!["user"],
        "recipients" | "address_to" => vec!["to"],
        _ => Vec::new(),
    }
}

pub fn missing_key(file: FileKind, route: &Route, name: &str) -> Diagnostic {
    let place = if *route == Route::root() { Place::File } else { key(route) };
    let help = match name {
        "name" if *route == Route::root() => "add `name:` with what the recipe does, in one line",
        "trigger" => "add `trigger:` with `on:` and an event, such as stax.customer_created",
        "steps" => "add `steps:` with at least one `- call:`",
        "on" => "add `on:` with an event, such as stax.customer_created",
        "call" => "add `call:` with an operation, such as POST /contacts/upsert",
        "text" => "add `text:` with the question",
        _ if file == FileKind::Project => missing_in_project(name),
        _ => "add it",
    };
    new(Code::MissingKey, place, format!("`{name}` is missing")).help(help)
}

fn missing_in_project(name: &str) -> &'static str {
    match name {
        "recipes" => "add `recipes:` and below it `- recipe: recipes/….yaml`; [] for none yet",
        "recipe" => "add `recipe:` with a file, such as recipes/new-customer.yaml",
        "app" => "add `app:` with an app, such as stax or highlevel",
        "to" => "add `to:` with addresses: [ada@example.com]",
        "from" => "add `from:` with the address that it comes from",
        "smtp" => "add `smtp:` with the mail server, such as smtp.example.com:587",
        _ => "add it",
    }
}

pub fn wrong_shape(file: FileKind, route: &Route, wanted: &[String], found: &Value) -> Diagnostic {
    let name = route.last().unwrap_or_else(|| "the file".to_owned());
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
    let form = match file {
        FileKind::Recipe => route.last().as_deref().and_then(form_of),
        FileKind::Project => form_in_project(route),
        FileKind::App => None,
    };
    let help = match form {
        Some(form) => format!("write it like {form}"),
        None => format!("write {wanted}"),
    };
    new(Code::WrongShape, value(route), format!("{name} wants {wanted}, and gets {gets}"))
        .help(help)
}

/// Keys of apps by what other descriptions call them.
fn other_words_of_apps(name: &str) -> Vec<&'static str> {
    match name {
        "url" | "server" | "host" | "baseUrl" | "base" | "address" => vec!["base_url"],
        "name" => vec!["app", "title"],
        "description" | "summary" => vec!["about", "title"],
        "endpoint" | "method" | "request" | "route" => vec!["call"],
        "actions" | "paths" | "endpoints" | "calls" => vec!["operations"],
        "triggers" | "webhooks" => vec!["events"],
        "schemas" | "shapes" => vec!["types"],
        "parameters" | "params" => vec!["query"],
        "properties" => vec!["fields"],
        "items" => vec!["of"],
        "optional" => vec!["required"],
        "default" => vec!["usual"],
        "fields" => vec!["body", "payload"],
        _ => Vec::new(),
    }
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

/// The same for the project file: a key under `connections`, `quotas` … has a name of the author's own.
fn form_in_project(route: &Route) -> Option<&'static str> {
    let parent = route.parent().and_then(|p| p.last());
    Some(match (parent.as_deref(), route.last()?.as_str()) {
        (Some("recipes"), _) => "- recipe: recipes/new-customer.yaml",
        (Some("connections"), _) => "main: { app: highlevel, location_id: abc123 }",
        (Some("quotas"), _) => "main: { requests: 100, per: 10s }",
        (Some("filters"), _) => "shout: \"{{ value | upper }}!\"",
        (Some("webhooks"), _) => "highlevel: { keys: [the public key] }",
        (_, "recipes") => "a line that begins with `- recipe:`",
        (_, "connections") => "main: { app: highlevel, location_id: abc123 }",
        (_, "limits") => "limits: { contacts: 200, tags_removed: 50, calls: 2000 }",
        (_, "listen") => "127.0.0.1:8377",
        (_, "keep") => "keep: { payloads: 30d, runs: 90d }",
        (_, "per" | "failures_per" | "request_timeout" | "payloads" | "runs" | "every") => {
            "30s, 15m, 2h or 3d"
        }
        (_, "to") => "to: [ada@example.com]",
        (_, "email") => "email: { to: [ada@example.com], from: …, smtp: smtp.example.com:587 }",
        (_, "notify") => "notify: { webhook: https://… }",
        (_, "enabled") => "enabled: false",
        (_, "location_id" | "smtp") => "a text in quotes",
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

pub fn other_shape(file: FileKind, route: &Route, message: &str) -> Diagnostic {
    new(Code::WrongShape, value(route), message.to_owned()).help(file.schema())
}
