//! A checked recipe in plain sentences: when it runs, what it reads and writes, what it never touches, what
//! one event costs. The same recipe always reads the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::catalog::{App, Catalog, Effect, Operation, Slot};
use crate::check::{
    Action, CheckedCall, CheckedLink, CheckedRecipe, CheckedStep, CheckedWait, Content, Each,
    Mapping, Often, Search, Times, TriggerKind,
};
use crate::recipe::{Missed, OnConflict, OnProblem, Patch, Take};
use crate::template::Template;

/// A recipe, told to somebody who did not write it.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    pub name: String,
    pub about: Option<String>,
    pub when: Vec<String>,
    pub settings: Vec<String>,
    /// With how deep each is inside others.
    pub steps: Vec<(usize, String)>,
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    pub never: Vec<String>,
    pub calls: Calls,
    /// App → scopes that its connection needs.
    pub scopes: BTreeMap<String, BTreeSet<String>>,
}

/// How many calls one event makes when all goes well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub least: u32,
    /// Of lists one page each.
    pub most: u32,
    /// More for every item of these loops, and every further page of these lists.
    pub more_for: Vec<String>,
}

/// What is written of one kind of record.
#[derive(Default)]
struct Written {
    fields: BTreeSet<String>,
    is_created: bool,
    is_updated: bool,
    is_deleted: bool,
    tags_added: bool,
    tags_removed: bool,
    replaces_tags: bool,
    actions: BTreeSet<String>,
}

struct Teller<'a> {
    catalog: &'a Catalog,
    explanation: Explanation,
    /// By app and kind, such as `highlevel` and `contact`.
    written: BTreeMap<(String, String), Written>,
    read: BTreeSet<(String, String)>,
    /// Steps that end the run early end the least number of calls, too.
    may_have_ended: bool,
}

/// Tells a recipe; `about` is what its author says of it.
pub fn explain(recipe: &CheckedRecipe, about: Option<&str>, catalog: &Catalog) -> Explanation {
    let explanation = Explanation {
        name: recipe.name.clone(),
        about: about.map(str::to_owned),
        when: when(recipe, catalog),
        settings: recipe.settings.iter().map(|(name, s)| setting(name, s)).collect(),
        ..Explanation::default()
    };
    let (written, read) = (BTreeMap::new(), BTreeSet::new());
    let mut teller = Teller { catalog, explanation, written, read, may_have_ended: false };
    teller.steps(&recipe.steps, 0, true);
    teller.scopes(recipe);
    teller.sum_up(recipe)
}

fn setting(name: &str, setting: &crate::check::CheckedSetting) -> String {
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

fn when(recipe: &CheckedRecipe, catalog: &Catalog) -> Vec<String> {
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

fn length_in_words(length: &std::time::Duration) -> String {
    let seconds = length.as_secs();
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    super::plural(number as usize, unit)
}

fn title(catalog: &Catalog, app: &str) -> String {
    catalog.app(app).map_or_else(|| app.to_owned(), |app: &App| app.title.clone())
}

fn code(template: &Template) -> String {
    let source = template.source().trim();
    let inner = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let plain = inner.filter(|inner| !inner.contains("}}")).unwrap_or(source);
    format!("`{}`", plain.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What a field is filled with.
fn value(mapping: &Mapping) -> String {
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

fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {what}")
}

/// The kind of record that an operation works on, as people say it.
fn kind(operation: &Operation) -> String {
    let kind = operation.record.as_ref().map(|record| record.kind.as_str());
    let plural = operation.resource.trim_end_matches('s');
    kind.unwrap_or(plural).replace('_', " ")
}

impl Teller<'_> {
    fn say(&mut self, depth: usize, text: String) {
        self.explanation.steps.push((depth, text));
    }

    /// `certain`: they are reached whatever the event holds.
    fn steps(&mut self, steps: &[CheckedStep], depth: usize, certain: bool) {
        for step in steps {
            let mut certain = certain && !self.may_have_ended;
            let mut lead = Vec::new();
            match &step.for_each {
                Some(Each::Expression(_, over)) => {
                    lead.push(format!("For each of {}:", code(over)));
                    self.explanation.calls.more_for.push(format!("item of {}", code(over)));
                    certain = false;
                }
                Some(Each::List(items)) => {
                    lead.push(format!("For each of {} values:", items.len()));
                    let more = format!("value of the list in step {}", step.name());
                    self.explanation.calls.more_for.push(more);
                }
                None => {}
            }
            if let Some((_, when)) = &step.when {
                lead.push(format!("If {}:", code(when)));
                certain = false;
            }
            let lead = lead.join(" ");
            let lead = if lead.is_empty() { lead } else { format!("{lead} ") };
            match &step.action {
                Action::Call(call) => self.call(call, depth, &lead, certain),
                Action::Set(values) => {
                    let values = values.iter().map(|(name, to)| format!("{name} is {}", value(to)));
                    let values = values.collect::<Vec<_>>().join("; ");
                    self.say(depth, format!("{lead}Remember: {values}"));
                }
                Action::Wait(CheckedWait::For(length)) => {
                    self.say(depth, format!("{lead}Wait {}", length_in_words(length)));
                }
                Action::Wait(CheckedWait::Until(until)) => {
                    self.say(depth, format!("{lead}Wait until {}", value(until)));
                }
                Action::Hold(hold) => {
                    let choices = hold.choices.join(" / ");
                    self.say(
                        depth,
                        format!("{lead}Ask a person: {} ({choices})", value(&hold.text)),
                    );
                }
                Action::Stop(why) => {
                    self.say(depth, format!("{lead}Stop here: {}", value(why)));
                    self.may_have_ended = true;
                }
                Action::Link(link) => self.say(depth, format!("{lead}{}", link_in_words(link))),
                Action::Group(steps) => {
                    self.say(depth, format!("{lead}Do this:"));
                    self.steps(steps, depth + 1, certain);
                }
                Action::Use(used) => {
                    self.say(depth, format!("{lead}Do what {} says, “{}”:", used.file, used.name));
                    let certain = certain && used.when.is_none();
                    self.steps(&used.steps, depth + 1, certain);
                }
            }
        }
    }

    fn call(&mut self, call: &CheckedCall, depth: usize, lead: &str, certain: bool) {
        let operation = &*call.operation;
        let app = title(self.catalog, &operation.app);
        self.say(depth, format!("{lead}{} in {app} ({})", operation.title, operation.call));
        for line in details(call) {
            self.say(depth + 1, line);
        }
        let fields = call.inputs.iter().filter(|input| input.slot != Slot::Path);
        for input in fields {
            self.say(depth + 1, format!("{}: {}", input.name, value(&input.mapping)));
        }
        for (word, change) in [
            ("tags that come", call.tags.as_ref().and_then(|tags| tags.add.as_ref())),
            ("tags that go", call.tags.as_ref().and_then(|tags| tags.remove.as_ref())),
        ] {
            if let Some((_, tags)) = change {
                self.say(depth + 1, format!("{word}: {}; all others stay", value(tags)));
            }
        }
        for link in &call.links {
            self.say(depth + 1, link_in_words(link));
        }
        if call.on_not_found == OnProblem::Continue || call.on_error == OnProblem::Continue {
            let what = match call.on_error {
                OnProblem::Continue => "when it fails",
                OnProblem::Stop => "when there is none",
            };
            self.say(depth + 1, format!("{what}, the recipe goes on"));
        }
        self.count(call, certain);
        self.note(call);
    }

    fn count(&mut self, call: &CheckedCall, certain: bool) {
        let tags = call.tags.iter().flat_map(|tags| [&tags.add, &tags.remove]).flatten().count();
        let identity = match (&call.safe.finds, call.safe.check_identity) {
            (Some(finds), Some(true) | None) if finds.by.len() > 1 => finds.by.len(),
            _ => 0,
        };
        let looks_first = call.safe.patch.as_ref().is_some_and(|patch| patch.mode != Patch::Off)
            || call.safe.unless_changed.is_some();
        // To see whether somebody changes it, it is read twice.
        let reads = usize::from(looks_first && identity == 0)
            + usize::from(call.safe.unless_changed.is_some());
        let exists = matches!(call.search, Some(Search::UnlessExists { .. }));
        let verifies = call.safe.verify == Some(true);
        let least = match (exists || looks_first, certain) {
            (_, false) => 0,
            // Only the look, where there is nothing to do.
            (true, true) => 1,
            (false, true) => 1,
        };
        let most = 1 + tags + identity + reads + usize::from(exists) + usize::from(verifies);
        let calls = &mut self.explanation.calls;
        calls.least += least;
        calls.most += most as u32;
        if matches!(call.search, Some(Search::Find(_) | Search::AllPages)) {
            calls.more_for.push(format!("further page of {}", call.operation.call));
        }
    }

    fn note(&mut self, call: &CheckedCall) {
        let operation = &*call.operation;
        let key = (operation.app.clone(), kind(operation));
        if operation.effect == Effect::Read {
            self.read.insert(key);
            return;
        }
        let looks =
            call.safe.reads.is_some() && call.safe.patch.is_some() || call.safe.finds.is_some();
        if looks || matches!(call.search, Some(Search::UnlessExists { .. })) {
            self.read.insert(key.clone());
        }
        let is_tags = operation.call.ends_with("/tags");
        let written = self.written.entry(key).or_default();
        let tags = call.tags.as_ref();
        written.tags_added |= tags.is_some_and(|tags| tags.add.is_some());
        written.tags_removed |= tags.is_some_and(|tags| tags.remove.is_some());
        if is_tags {
            match operation.method() {
                "DELETE" => written.tags_removed = true,
                _ => written.tags_added = true,
            }
            return;
        }
        match operation.effect {
            Effect::Create => written.is_created = true,
            Effect::Update => {
                written.is_updated = true;
                written.is_created |= operation.newness.is_some();
            }
            Effect::Delete => written.is_deleted = true,
            Effect::Action => drop(written.actions.insert(operation.title.clone())),
            Effect::Read => {}
        }
        if !matches!(operation.effect, Effect::Create | Effect::Update) {
            return;
        }
        let inputs = call.inputs.iter().filter(|input| input.slot == Slot::Body);
        for input in inputs {
            match operation.tags.as_ref().is_some_and(|tags| tags.field == input.name) {
                true => written.replaces_tags = true,
                false => drop(written.fields.insert(input.name.clone())),
            }
        }
    }

    fn scopes(&mut self, recipe: &CheckedRecipe) {
        for need in recipe.needs() {
            if let (crate::check::Needed::Call(operation), Some(scope)) =
                (&need.what, need.what.scope())
            {
                let of_app = self.explanation.scopes.entry(operation.app.clone()).or_default();
                of_app.insert(scope.to_owned());
            }
        }
    }

    fn sum_up(mut self, recipe: &CheckedRecipe) -> Explanation {
        let catalog = self.catalog;
        let of = |app: &str, kind: &str| format!("{kind} of {}", title(catalog, app));
        for (app, kind) in &self.read {
            self.explanation.reads.push(of(app, kind));
        }
        let mut deletes = false;
        for ((app, kind), written) in &self.written {
            let what = of(app, kind);
            let mut verbs = Vec::new();
            if written.is_created {
                verbs.push("makes new ones".to_owned());
            }
            if !written.fields.is_empty() {
                let fields: Vec<&str> = written.fields.iter().map(String::as_str).collect();
                verbs.push(format!("writes {}", fields.join(", ")));
            }
            if written.tags_added {
                verbs.push("adds tags".to_owned());
            }
            if written.tags_removed {
                verbs.push("takes tags away".to_owned());
            }
            if written.replaces_tags {
                verbs.push("REPLACES all tags".to_owned());
            }
            if written.is_deleted {
                verbs.push("deletes".to_owned());
                deletes = true;
            }
            verbs.extend(written.actions.iter().map(|action| format!("does this: {action}")));
            self.explanation.writes.push(format!("{what}: {}", verbs.join("; ")));
            if written.is_updated && !written.fields.is_empty() {
                self.explanation
                    .never
                    .push(format!("any other field of {} that is there", with_article(&what)));
            }
            if (written.tags_added || written.tags_removed) && !written.replaces_tags {
                self.explanation.never.push(format!("any other tag of {}", with_article(&what)));
            }
        }
        let mut apps: BTreeSet<String> = recipe.apps().into_iter().map(str::to_owned).collect();
        apps.extend(recipe.trigger.events.iter().map(|event| event.app.clone()));
        for app in apps {
            let is_written = self.written.keys().any(|(of, _)| *of == app);
            if !is_written && catalog.app(&app).is_some_and(|app| app.base_url.is_some()) {
                let never =
                    format!("anything in {}: nothing is written there", title(catalog, &app));
                self.explanation.never.push(never);
            }
        }
        if !deletes {
            self.explanation.never.push("whole records: nothing is deleted".to_owned());
        }
        self.explanation
    }
}

/// How carefully a step works.
fn details(call: &CheckedCall) -> Vec<String> {
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

fn link_in_words(link: &CheckedLink) -> String {
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

impl Calls {
    fn in_words(&self) -> String {
        let number = match (self.least, self.most) {
            (least, most) if least == most => super::plural(most as usize, "call"),
            (least, most) => format!("{least} to {}", super::plural(most as usize, "call")),
        };
        match self.more_for.is_empty() {
            true => number,
            false => format!("{number}, and more for each {}", self.more_for.join(", each ")),
        }
    }
}

impl Explanation {
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        if let Some(about) = &self.about {
            text.push_str(&format!("{}\n", about.trim()));
        }
        let mut part = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}\n"));
                lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
            }
        };
        part("When it runs", &self.when);
        part("What you are asked", &self.settings);
        let mut number = 0;
        let steps = self.steps.iter().map(|(depth, step)| match depth {
            0 => {
                number += 1;
                format!("{number}. {step}")
            }
            depth => format!("{}{step}", "   ".repeat(*depth)),
        });
        part("What it does", &steps.collect::<Vec<_>>());
        part("What it reads", &self.reads);
        part("What it writes", &self.writes);
        part("What it never touches", &self.never);
        part("What one event costs", &[self.calls.in_words()]);
        let scopes = self.scopes.iter().map(|(app, scopes)| {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            format!("{app}: {}", scopes.join(", "))
        });
        part("Scopes that its connections need", &scopes.collect::<Vec<_>>());
        text
    }

    pub fn json(&self) -> Value {
        let steps = self.steps.iter();
        let steps = steps.map(|(depth, text)| json!({ "depth": depth, "text": text }));
        json!({
            "format_version": 1, "name": self.name, "about": self.about, "when": self.when,
            "settings": self.settings, "steps": steps.collect::<Vec<_>>(),
            "reads": self.reads, "writes": self.writes, "never_touches": self.never,
            "calls": { "least": self.calls.least, "most": self.calls.most, "more_for": self.calls.more_for },
            "scopes": self.scopes,
        })
    }
}
