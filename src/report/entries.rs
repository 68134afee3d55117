//! The catalog as a person and a program read it: lists, one operation, one event.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table};
use owo_colors::OwoColorize;
use serde_json::{Map, Value, json};

use super::plural;
use crate::catalog::{
    App, Catalog, EntryKind, EventType, Field, Fields, InDoubt, IndexEntry, NamedResult, Operation,
    PayloadSource, Presence, Slot, request_schema, response_schema,
};
use crate::value::Kind;

/// One line per entry.
pub fn list_text(entries: &[&IndexEntry], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for entry in entries {
        let mut about = entry.title.clone();
        if entry.deprecated {
            about.push_str(" (deprecated)");
        }
        if !entry.documented {
            about.push_str(match entry.kind() {
                EntryKind::Operation => " (body not documented)",
                EntryKind::Event => " (payload not documented)",
            });
        }
        let call = match entry.kind() {
            EntryKind::Operation => entry.call.clone(),
            EntryKind::Event => match &entry.wire {
                Some(wire) => format!("event {wire}"),
                None if names_itself(entry) => "event, by no documented name".to_owned(),
                None => "event".to_owned(),
            },
        };
        table.add_row([entry.name().to_owned(), call, about]);
    }
    let operations = entries.iter().filter(|e| e.kind() == EntryKind::Operation).count();
    let mut out = table.trim_fmt();
    let _ = write!(
        out,
        "\n\n{} and {}",
        plural(operations, "operation"),
        plural(entries.len() - operations, "event")
    );
    out
}

/// Whether the app of an event says in its webhooks which event it is.
fn names_itself(entry: &IndexEntry) -> bool {
    let app = Catalog::embedded().app(&entry.app);
    app.is_some_and(|app| app.event_by.body.is_some() || app.event_by.header.is_some())
}

/// For other programs.
pub fn list_json(entries: &[&IndexEntry]) -> Value {
    let all = entries.iter().map(|e| {
        json!({
            "kind": match e.kind() { EntryKind::Operation => "operation", EntryKind::Event => "event" },
            "id": e.id, "name": e.name(), "app": e.app, "title": e.title,
            "call": (!e.call.is_empty()).then_some(&e.call), "wire": e.wire,
            "deprecated": e.deprecated, "documented": e.documented,
        })
    });
    json!({ "format_version": 1, "entries": all.collect::<Vec<_>>() })
}

/// Everything a recipe's author needs of an operation.
pub fn operation_text(operation: &Operation, app: Option<&App>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", operation.name().bold(), operation.title);
    let _ = writeln!(out, "{}", operation.call.green());
    if let Some(why) = &operation.unsupported {
        let _ = writeln!(out, "not for recipes: {why}");
    }
    if let Some(instead) = &operation.deprecated {
        let _ = writeln!(out, "deprecated: {instead}");
    }
    match &operation.scope {
        Some(scope) if operation.scope_inferred => {
            let _ = writeln!(out, "scope {scope} (most likely; the app does not say)");
        }
        Some(scope) => {
            let _ = writeln!(out, "scope {scope}");
        }
        None => {
            let title = app.map_or(operation.app.as_str(), |a| a.title.as_str());
            let _ = writeln!(out, "no scope: {title} has none");
        }
    }
    let _ = writeln!(out, "if it may already have happened: {}", in_doubt(operation));
    for (slot, fields) in [
        (Slot::Path, Some(&operation.path)),
        (Slot::Query, Some(&operation.query)),
        (Slot::Body, operation.body.as_ref()),
    ] {
        if let Some(fields) = fields.filter(|f| !f.is_empty()) {
            let _ = writeln!(out, "\n{}", slot.name().bold());
            out.push_str(&fields_text(fields, slot == Slot::Path));
        }
    }
    if operation.body_unknown {
        let _ = writeln!(
            out,
            "\n{}\n  body not documented: any field is sent as written",
            "body".bold()
        );
    }
    if let Some(item) = &operation.body_list {
        let _ = writeln!(out, "\n{}\n  a list of {}", "body".bold(), item.kind.in_words());
    }
    if !operation.one_of.is_empty() {
        let _ = writeln!(out, "  one of {} is needed", operation.one_of.join(", "));
    }
    if !operation.refused.is_empty() {
        let _ = writeln!(out, "\n{}", "refused".bold());
        for (name, instead) in &operation.refused {
            let _ = writeln!(out, "  {name}: {instead}");
        }
    }
    results_text(&mut out, "results", &operation.results);
    if let Some(list) = &operation.list {
        results_text(&mut out, "results with `find`", &list.results);
    }
    if operation.response_unknown {
        let _ = writeln!(out, "\nThe answer is not documented.");
    }
    if !operation.notes.is_empty() {
        let _ = writeln!(out, "\n{}", "know this".bold());
        for note in &operation.notes {
            let _ = writeln!(out, "  - {note}");
        }
    }
    if operation.unsupported.is_none() {
        let _ = writeln!(out, "\n{}", "a step to paste".bold());
        out.push_str(&step_yaml(operation));
    }
    out
}

/// Everything a recipe's author needs of an event.
pub fn event_text(event: &EventType, app: Option<&App>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", event.name().bold(), event.title);
    let title = app.map_or(event.app.as_str(), |a| a.title.as_str());
    match (&event.wire, app.is_some_and(App::is_told_by_others)) {
        _ if app.is_some_and(|a| a.own) => {
            let _ = writeln!(out, "told by linecook itself; nobody can post it");
        }
        (Some(wire), false) => {
            let _ = writeln!(out, "{title} calls it {wire}");
        }
        (None, false) if app.is_some_and(|a| a.event_by.url) => {
            let _ = writeln!(
                out,
                "known by the address it is posted to, which `linecook webhooks list` shows"
            );
        }
        (None, false) => {
            let _ = writeln!(
                out,
                "{title} does not document what it calls it: it is known only at an address that names it, \
                 which `linecook webhooks list` shows"
            );
        }
        (_, true) => {
            let _ = writeln!(out, "not sent by an app by itself: a tool has to post it");
        }
    }
    match &event.scope {
        Some(scope) if event.scope_inferred => {
            let _ = writeln!(out, "scope {scope} (most likely; the app does not say)");
        }
        Some(scope) => {
            let _ = writeln!(out, "scope {scope}");
        }
        None => {}
    }
    if let Some(when) = &event.when {
        let _ = writeln!(out, "only when {when}");
    }
    if let Some(nearest) = &event.nearest {
        let _ = writeln!(out, "what an app sends by itself and comes nearest: {nearest}");
    }
    match &event.payload.fields {
        Some(fields) => {
            let _ = writeln!(out, "\n{}", "fields".bold());
            out.push_str(&fields_text(fields, false));
            if event.source == PayloadSource::Assumed {
                let _ = writeln!(
                    out,
                    "  (the app names no payload; this is what it most likely sends)"
                );
            }
        }
        None => {
            let _ = writeln!(out, "\npayload not documented: any name is accepted");
        }
    }
    if !event.notes.is_empty() {
        let _ = writeln!(out, "\n{}", "know this".bold());
        for note in &event.notes {
            let _ = writeln!(out, "  - {note}");
        }
    }
    let example = serde_json::to_string_pretty(&event.example).unwrap_or_default();
    let _ = writeln!(out, "\n{}\n{example}", "example".bold());
    let _ = writeln!(out, "\n{}\ntrigger:\n  on: {}", "a trigger to paste".bold(), event.name());
    out
}

fn fields_text(fields: &Fields, all_required: bool) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (name, field) in fields.iter() {
        table.add_row([format!("  {name}"), shape(field), remarks(field, all_required)]);
        // A small object shows what is in it; a large one is a record with a page of its own.
        let inner = field.fields.as_ref().filter(|inner| inner.len() <= 12);
        for (inner_name, inner) in inner.into_iter().flat_map(|inner| inner.iter()) {
            let name = format!("  {name}.{inner_name}");
            table.add_row([name, shape(inner), remarks(inner, false)]);
        }
    }
    format!("{}\n", table.trim_fmt())
}

fn shape(field: &Field) -> String {
    match (field.kind, field.format, &field.of) {
        (_, Some(format), _) => format.name().to_owned(),
        (Kind::List, _, Some(of)) => format!("list of {}", shape(of)),
        (kind, ..) => format!("{kind:?}").to_lowercase(),
    }
}

fn remarks(field: &Field, all_required: bool) -> String {
    let mut parts = Vec::new();
    match &field.usual {
        Some(usual) => parts.push(format!("usually {}", plain(usual))),
        None if field.required || all_required => parts.push("required".to_owned()),
        None => {}
    }
    match field.presence {
        Presence::Always => parts.push("always there".to_owned()),
        Presence::Sometimes => parts.push("sometimes there".to_owned()),
        Presence::Unknown => {}
    }
    if !field.options.is_empty() {
        let options: Vec<String> = field.options.iter().map(plain).collect();
        parts.push(format!("one of {}", options.join(", ")));
    }
    if let Some(most) = field.max_length {
        parts.push(format!("at most {most} characters"));
    }
    if field.nullable && field.presence == Presence::Unknown {
        parts.push("may be cleared".to_owned());
    }
    if !field.about.is_empty() {
        parts.push(field.about.clone());
    }
    parts.join("; ")
}

fn results_text(out: &mut String, title: &str, results: &indexmap::IndexMap<String, NamedResult>) {
    if results.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", title.bold());
    for (name, result) in results {
        let about =
            if result.about.is_empty() { String::new() } else { format!("  {}", result.about) };
        let _ = writeln!(out, "  {name} ({}){about}", shape(&result.field));
    }
}

/// What happens when it may already have happened.
fn in_doubt(operation: &Operation) -> String {
    match operation.in_doubt {
        InDoubt::Idempotent => "sent again; a second time changes nothing more".to_owned(),
        InDoubt::Probe => {
            let by = operation.probe.iter().flat_map(|probe| &probe.by);
            let by: Vec<String> = by.map(|field| format!("`{field}`")).collect();
            format!(
                "looked for by {}, and sent again only when it is not there",
                by.join(", then ")
            )
        }
        InDoubt::Marker => {
            let field = operation.marker.as_ref().map_or("", |marker| &marker.field);
            format!(
                "looked for by a reference that linecook writes into `{field}`, and sent again only \
                 when it is not there"
            )
        }
        InDoubt::Key => "sent again; the app recognises it by a key".to_owned(),
        InDoubt::Unprotected => "never sent again by itself: a person decides".to_owned(),
    }
}

/// The catalog's example as a step.
fn step_yaml(operation: &Operation) -> String {
    let mut out = format!("  - call: {}\n", operation.call);
    if !operation.example.with.is_empty() {
        out.push_str("    with:\n");
        let with = Value::Object(operation.example.with.clone());
        let yaml = serde_yaml::to_string(&with).unwrap_or_default();
        for line in yaml.lines() {
            let _ = writeln!(out, "      {line}");
        }
    }
    out
}

/// For other programs, with JSON Schema.
pub fn operation_json(operation: &Operation) -> Value {
    let field_map = |fields: &Fields| serde_json::to_value(&**fields).unwrap_or_default();
    json!({
        "format_version": 1,
        "id": operation.long_id(), "name": operation.name(), "title": operation.title,
        "call": operation.call, "records": operation.records, "scope": operation.scope, "effect": operation.effect,
        "in_doubt": operation.in_doubt, "marker": operation.marker, "probe": operation.probe,
        "deprecated": operation.deprecated,
        "unsupported": operation.unsupported,
        "path": field_map(&operation.path), "query": field_map(&operation.query),
        "request_schema": request_schema(operation),
        "response_schema": response_schema(operation),
        "results": operation.results.iter().map(|(n, r)| (n.clone(), r.path.as_str().into())).collect::<Map<_, _>>(),
        "refused": operation.refused, "notes": operation.notes,
        "example": { "with": operation.example.with, "response": operation.example.response },
    })
}

/// For other programs.
pub fn event_json(event: &EventType) -> Value {
    json!({
        "format_version": 1,
        "name": event.name(), "title": event.title, "wire": event.wire, "scope": event.scope,
        "when": event.when,
        "payload": event.payload, "source": event.source, "nearest": event.nearest,
        "notes": event.notes, "example": event.example,
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
