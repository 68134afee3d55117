//! The parts of a recipe in words: its trigger, its settings, a value, how carefully a step works.

use serde_json::Value;

use crate::catalog::{App, Catalog, Operation, Slot};
use crate::check::{
    CheckedCall, CheckedLink, CheckedRecipe, CheckedSetting, Content, Mapping, Often, Search,
    Times, TriggerKind,
};
use crate::recipe::{Missed, OnConflict, Patch, Take};
use crate::report::plural;
use crate::template::Template;

pub(super) fn setting(name: &str, setting: &CheckedSetting) -> String {
    let default = match &setting.default {
        Some(Value::String(text)) if text.is_empty() => {
            " (empty unless you say otherwise)".to_owned()
        }
        Some(value) => format!(" ({value} unless you say otherwise)"),
        None => String::new(),
    };
    match &setting.ask {
        Some(ask) => format!("{name}: {ask}{default}"),
        None => format!("{name}{default}"),
    }
}

pub(super) fn when(recipe: &CheckedRecipe, catalog: &Catalog) -> Vec<String> {
    let trigger = &recipe.trigger;
    let mut lines = Vec::new();
    match &trigger.kind {
        TriggerKind::Webhook => {
            for event in &trigger.events {
                let app = title(catalog, &event.app);
                lines.push(format!("{}, as {app} tells ({})", event.title, event.name()));
            }
        }
        TriggerKind::Schedule(schedule) => {
            let missed = match schedule.missed {
                Missed::Once => "a time that was missed is made up for once",
                Missed::Skip => "a time that was missed is left out",
            };
            lines.push(format!("at the times {}; {missed}", times(&schedule.times)));
        }
        TriggerKind::Poll(poll) => {
            let often = match &poll.often {
                Often::Every(length) => format!("every {}", length_in_words(length)),
                Often::At(at) => format!("at the times {}", times(at)),
            };
            let take = match poll.take {
                Take::New => "one run for each record that was not there before",
                Take::All => "one run for each record, every time",
            };
            let app = title(catalog, &poll.call.operation.app);
            lines.push(format!("{often} {app} is asked for {}: {take}", poll.call.operation.call));
        }
    }
    if let Some((_, when)) = &trigger.when {
        lines.push(format!("only if {}", code(when)));
    }
    if let Some(changed) = &trigger.changed {
        let fields = changed.fields.join(", ");
        lines.push(format!("the first time, and then only if one of these has changed: {fields}"));
    }
    match &trigger.one_at_a_time_per {
        Some((_, key)) => {
            lines.push(format!("one after the other where {} is the same", code(key)))
        }
        None => lines.push("what is about the same record runs one after the other".to_owned()),
    }
    lines
}

fn times(times: &Times) -> String {
    let zone = times.timezone.as_deref().unwrap_or("the project's time zone");
    format!("`{}` in {zone}", times.cron)
}

pub(super) fn length_in_words(length: &std::time::Duration) -> String {
    let seconds = length.as_secs();
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    plural(number as usize, unit)
}

/// What an app is called.
pub(in crate::report) fn title(catalog: &Catalog, app: &str) -> String {
    catalog.app(app).map_or_else(|| app.to_owned(), |app: &App| app.title.clone())
}

pub(super) fn code(template: &Template) -> String {
    format!("`{}`", condition(template))
}

/// An expression as it is written, on one line and without its braces.
pub(in crate::report) fn condition(template: &Template) -> String {
    let source = template.source().trim();
    let inner = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let plain = inner.filter(|inner| !inner.contains("}}")).unwrap_or(source);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a field is filled with.
pub(super) fn value(mapping: &Mapping) -> String {
    match &mapping.content {
        Content::Literal(Value::String(text)) => format!("“{}”", shortened(text)),
        Content::Literal(value) => shortened(&value.to_string()),
        Content::Template(template) if template.is_whole() => shortened(&code(template)),
        Content::Template(template) => {
            let text = template.source().split_whitespace().collect::<Vec<_>>().join(" ");
            format!("“{}”", shortened(&text))
        }
        Content::List(items) => items.iter().map(value).collect::<Vec<_>>().join(", "),
        Content::Object(entries) => {
            let entries = entries.iter().map(|(name, inner)| format!("{name} {}", value(inner)));
            entries.collect::<Vec<_>>().join(", ")
        }
        Content::ByName(named) => {
            let entries = named.entries.iter();
            let entries = entries.map(|entry| format!("{} {}", entry.name, value(&entry.mapping)));
            entries.collect::<Vec<_>>().join(", ")
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

pub(super) fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {what}")
}

/// The kind of record that an operation works on, as people say it.
pub(super) fn kind(operation: &Operation) -> String {
    let kind = operation.record.as_ref().map(|record| record.kind.as_str());
    let plural = operation.resource.trim_end_matches('s');
    kind.unwrap_or(plural).replace('_', " ")
}

/// How carefully a step works.
pub(super) fn details(call: &CheckedCall) -> Vec<String> {
    let mut lines = Vec::new();
    let conditions = |of: &[(String, Mapping)]| {
        let all = of.iter().map(|(name, wanted)| format!("{name} is {}", value(wanted)));
        all.collect::<Vec<_>>().join(" and ")
    };
    match &call.search {
        Some(Search::Find(of)) => lines.push(format!("the first one whose {}", conditions(of))),
        Some(Search::AllPages) => lines.push("all pages of the list".to_owned()),
        Some(Search::UnlessExists { conditions: of, .. }) => {
            lines.push(format!("only if there is none whose {}", conditions(of)));
        }
        None => {}
    }
    match call.safe.patch.as_ref().map(|patch| patch.mode) {
        Some(Patch::Differs) => lines.push("only what differs is sent".to_owned()),
        Some(Patch::Fill) => lines.push("only what is empty there is filled in".to_owned()),
        _ => {}
    }
    if let Some(on_conflict) = call.safe.unless_changed {
        let then = match on_conflict {
            OnConflict::Retry => "it is compared anew",
            OnConflict::Skip => "the record stays as it is",
            OnConflict::Stop => "the run ends",
            OnConflict::Hold => "a person decides",
        };
        lines.push(format!("if somebody else changes the record meanwhile, {then}"));
    }
    if call.safe.verify == Some(true) {
        lines.push("read again afterwards, and compared with what was sent".to_owned());
    }
    let path = call.inputs.iter().filter(|input| input.slot == Slot::Path);
    let path: Vec<String> = path.map(|i| format!("{} {}", i.name, value(&i.mapping))).collect();
    if !path.is_empty() {
        lines.push(format!("of {}", path.join(", ")));
    }
    lines
}

pub(super) fn link_in_words(link: &CheckedLink) -> String {
    let records =
        link.records.iter().map(|record| format!("{} {}", record.kind, value(&record.id)));
    let records: Vec<String> = records.collect();
    let name = match link.name.is_empty() {
        true => String::new(),
        false => format!(", as {}", link.name),
    };
    match (link.ends, records.len()) {
        (true, 1) => format!("Forget what {} is linked with{name}", records[0]),
        (true, _) => format!("Unlink {}{name}", records.join(" from ")),
        (false, _) => format!("Link {}{name}", records.join(" with ")),
    }
}
