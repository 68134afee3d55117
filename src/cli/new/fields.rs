//! Asks what goes into the fields of a call: each is shown with what is proposed and what comes out in the
//! example, and can be taken, changed or left out.

use serde_json::Value;

use super::super::ask;
use super::super::exit::Result;
use super::super::print;
use super::given::written;
use crate::catalog::Field;
use crate::suggest::{Choice, Draft, Need, Proposal, Told};
use crate::template::{Scope, Template};
use crate::value::text::shortened;
use crate::value::yaml;

/// How much of a value a line shows, in characters.
const SHOWN: usize = 60;
const OTHERWISE: &str = "say it with --with FIELD=VALUE";

/// Asks until somebody goes on. What is missing is asked for first.
pub fn ask_all(draft: &mut Draft<'_>, first: &[String]) -> Result<()> {
    for key in first {
        change(draft, key)?;
    }
    loop {
        while let Some(missing) = draft.missing().into_iter().next() {
            let key = match &missing.keys[..] {
                [key] => key.clone(),
                keys => {
                    let at = ask::choose("One of these has to be there", keys, OTHERWISE)?;
                    keys[at].clone()
                }
            };
            change(draft, &key)?;
        }
        let chosen: Vec<String> = draft
            .fields
            .iter()
            .filter(|field| field.choice.is_some())
            .map(|field| field.key.clone())
            .collect();
        let mut lines = vec!["Go on with these fields".to_owned()];
        lines.extend(chosen.iter().map(|key| line(draft, key)));
        lines.push("Add another field".to_owned());
        let question =
            format!("What goes into {} (pick a line to change it)", draft.operation.call);
        match ask::choose(&question, &lines, OTHERWISE)? {
            0 => return Ok(()),
            at if at <= chosen.len() => change(draft, &chosen[at - 1])?,
            _ => add(draft)?,
        }
    }
}

fn add(draft: &mut Draft<'_>) -> Result<()> {
    let rest: Vec<&Proposal> = draft.fields.iter().filter(|field| field.choice.is_none()).collect();
    if rest.is_empty() {
        print::talk("The call has no other field.");
        return Ok(());
    }
    let lines: Vec<String> =
        rest.iter().map(|field| format!("{}   {}", field.key, wants(&field.field))).collect();
    let at = ask::search("Which field (type a word)", &lines, OTHERWISE)?;
    let key = rest[at].key.clone();
    change(draft, &key)
}

/// Asks what goes into one field.
fn change(draft: &mut Draft<'_>, key: &str) -> Result<()> {
    let Some(field) = draft.fields.iter().find(|field| field.key == key).cloned() else {
        return Ok(());
    };
    let now = field.choice.as_ref().map(|choice| draft.value(choice));
    let mut ways = Vec::new();
    if let Some(now) = &now {
        ways.push((0, format!("Keep {}", shortened(&yaml::on_one_line(now), SHOWN))));
    }
    ways.push((1, "Take something that the event tells".to_owned()));
    if field.field.options.is_empty() {
        ways.push((2, "Write a text, or a template such as {{ event.id }}".to_owned()));
    } else {
        ways.push((3, "Take one of the words that it knows".to_owned()));
        ways.push((2, "Write a template such as {{ event.id }}".to_owned()));
    }
    if field.need != Need::Required {
        ways.push((4, "Leave it out".to_owned()));
    }
    let question = match wants(&field.field) {
        wanted if wanted.is_empty() => format!("What goes into `{key}`"),
        wanted => format!("What goes into `{key}` ({wanted})"),
    };
    let lines: Vec<String> = ways.iter().map(|(_, line)| line.clone()).collect();
    match ways[ask::choose(&question, &lines, OTHERWISE)?].0 {
        1 => {
            let told = draft.told();
            let lines: Vec<String> = told.iter().map(told_line).collect();
            if lines.is_empty() {
                print::talk("Nobody knows what this event tells: write a template.");
                return Ok(());
            }
            let at = ask::search("What the event tells (type a word)", &lines, OTHERWISE)?;
            let value = format!("{{{{ {} }}}}", told[at].path);
            draft.choose(key, Some(Choice::Written(value.into())));
        }
        2 => {
            let text = ask::line_or(key, "", OTHERWISE)?;
            let value = written(&text);
            if value.is_some() || field.need != Need::Required {
                draft.choose(key, value.map(Choice::Written));
            }
        }
        3 => {
            let words: Vec<String> = field
                .field
                .options
                .iter()
                .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
                .collect();
            let at = ask::choose(key, &words, OTHERWISE)?;
            draft.choose(key, Some(Choice::Written(field.field.options[at].clone())));
        }
        4 => draft.choose(key, None),
        _ => {}
    }
    Ok(())
}

/// `email   {{ event.email | lower }}   such as ada@example.com`
fn line(draft: &Draft<'_>, key: &str) -> String {
    let field = draft.fields.iter().find(|field| field.key == key);
    let Some(choice) = field.and_then(|field| field.choice.as_ref()) else {
        return key.to_owned();
    };
    let value = draft.value(choice);
    let written = shortened(value.as_str().unwrap_or(&yaml::on_one_line(&value)), SHOWN);
    let shown = match choice {
        Choice::Found(kind) => format!("the {} that belongs to the event", last_word(kind)),
        Choice::Picked(pick) => {
            format!("the {} that is picked at installation", pick.kind.in_words())
        }
        Choice::Written(_) => written,
    };
    match example(draft, &value) {
        Some(example) => format!("{key}: {shown}   such as {example}"),
        None => format!("{key}: {shown}"),
    }
}

fn last_word(kind: &str) -> String {
    kind.rsplit('.').next().unwrap_or(kind).replace('_', " ")
}

/// What a template gives for the catalog's example of the event.
fn example(draft: &Draft<'_>, value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| Template::has_template(text))?;
    let template = Template::text(text).ok()?;
    if template.reads().iter().any(|path| path.first() != Some(&"event")) || template.uses_now() {
        return None;
    }
    let mut scope = Scope::new(Default::default());
    scope.set("event", &draft.event.example);
    let shown = match template.render(&scope).ok()?.into_value() {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    (!shown.trim().is_empty()).then(|| shortened(&shown, SHOWN))
}

fn told_line(told: &Told) -> String {
    match &told.example {
        Some(Value::String(text)) => format!("{}   such as {}", told.path, shortened(text, SHOWN)),
        Some(value) => format!("{}   such as {}", told.path, shortened(&value.to_string(), SHOWN)),
        None => format!("{}   {}", told.path, told.field.about),
    }
}

/// What a field wants, as a person says it.
fn wants(field: &Field) -> String {
    let kind = field.format.map_or_else(|| field.kind.in_words(), |format| format.in_words());
    match field.about.is_empty() {
        true => kind.to_owned(),
        false => format!("{kind}: {}", field.about),
    }
}
