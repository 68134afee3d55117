//! Goes through a recipe step by step: what each does is said, counted and summed up.

use std::collections::{BTreeMap, BTreeSet};

use super::Explanation;
use super::words::{
    code, details, kind, length_in_words, link_in_words, title, value, with_article,
};
use crate::catalog::{Catalog, Effect, Slot};
use crate::check::{
    Action, CheckedCall, CheckedRecipe, CheckedStep, CheckedWait, Each, Needed, Search,
};
use crate::recipe::{OnProblem, Patch};

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

/// Says of a recipe what its steps do.
pub(super) fn tell(
    recipe: &CheckedRecipe,
    catalog: &Catalog,
    explanation: Explanation,
) -> Explanation {
    let (written, read) = (BTreeMap::new(), BTreeSet::new());
    let mut teller = Teller { catalog, explanation, written, read, may_have_ended: false };
    teller.steps(&recipe.steps, 0, true);
    teller.scopes(recipe);
    teller.sum_up(recipe)
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
            if let (Needed::Call(operation), Some(scope)) = (&need.what, need.what.scope()) {
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
