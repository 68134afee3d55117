//! The recipes that linecook brings along, with the events of their examples: a name comes in, files go out.

use std::collections::VecDeque;

use crate::diagnostic::Sink;
use crate::parse;
use crate::recipe::{ExampleEvent, RecipeFile};
use crate::source::Source;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../recipes/", $name)))),*]
    };
}

/// Every recipe, by its file in the folder `recipes`.
const RECIPES: &[(&str, &str)] = files![
    "appointment-booked.yaml",
    "appointment-missed.yaml",
    "card-expiring.yaml",
    "chase-payment.yaml",
    "contact-deleted.yaml",
    "contact-tagged.yaml",
    "contact-updated-elsewhere.yaml",
    "contact-updated.yaml",
    "customer-updated.yaml",
    "customers-without-contact.yaml",
    "deposit-made.yaml",
    "dispute-closed.yaml",
    "dispute-opened.yaml",
    "do-not-disturb.yaml",
    "find-or-create-contact.yaml",
    "find-or-create-customer.yaml",
    "important-note.yaml",
    "invoice-created.yaml",
    "invoice-overdue.yaml",
    "invoice-paid.yaml",
    "new-customer.yaml",
    "new-subscriber.yaml",
    "no-appointment.yaml",
    "note-created.yaml",
    "note-to-stax.yaml",
    "opportunity-settled.yaml",
    "opportunity-won.yaml",
    "payment-method-updated.yaml",
    "payment-refunded.yaml",
    "payment-succeeded.yaml",
    "run-failed.yaml",
    "subscriber-created.yaml",
    "subscription-ended.yaml",
    "task-assigned.yaml",
    "task-completed.yaml",
    "task-created.yaml",
    "win-back.yaml",
];

/// The events of their examples.
const EVENTS: &[(&str, &str)] = files![
    "events/bridge-contact-updated.json",
    "events/bridge-note-bare.json",
    "events/bridge-note-created.json",
    "events/bridge-note-important.json",
    "events/bridge-subscriber-created.json",
    "events/bridge-task-assigned.json",
    "events/bridge-task-created-phone-only.json",
    "events/bridge-task-created.json",
    "events/highlevel-appointment-created.json",
    "events/highlevel-appointment-missed.json",
    "events/highlevel-contact-created.json",
    "events/highlevel-contact-deleted.json",
    "events/highlevel-contact-dnd-updated.json",
    "events/highlevel-contact-tags-updated.json",
    "events/highlevel-contact-updated.json",
    "events/highlevel-contact-won.json",
    "events/highlevel-note-created.json",
    "events/highlevel-opportunity-won.json",
    "events/highlevel-task-completed.json",
    "events/linecook-run-failed.json",
    "events/stax-customer-created-phone-only.json",
    "events/stax-customer-created-unreachable.json",
    "events/stax-customer-created.json",
    "events/stax-customer-updated-address-removed.json",
    "events/stax-customer-updated.json",
    "events/stax-dispute-created.json",
    "events/stax-dispute-updated.json",
    "events/stax-invoice-paid.json",
    "events/stax-invoice-sent.json",
    "events/stax-payment-method-updated.json",
    "events/stax-payment-refunded.json",
    "events/stax-payment-succeeded.json",
    "events/stax-subscription-created.json",
    "events/stax-subscription-ended.json",
];

/// The names of all recipes, without the ending of their files.
pub fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().filter_map(|(file, _)| file.strip_suffix(".yaml"))
}

/// The text of a file, counted from the folder `recipes`.
pub fn text(file: &str) -> Option<&'static str> {
    RECIPES.iter().chain(EVENTS).find(|(name, _)| *name == file).map(|(_, text)| *text)
}

/// A recipe by the name of its file.
pub fn recipe(file: &str) -> Option<RecipeFile> {
    let source = Source::new(format!("recipes/{file}"), text(file)?);
    parse::recipe(source, &mut Sink::default())
}

/// A recipe with all that it names, recipes and events, each with its text; the recipe itself first.
pub fn with_all_it_names(file: &str) -> Vec<(String, &'static str)> {
    let mut found: Vec<(String, &'static str)> = Vec::new();
    let mut open = VecDeque::from([file.to_owned()]);
    while let Some(name) = open.pop_front() {
        let Some(text) = text(&name).filter(|_| found.iter().all(|(known, _)| *known != name))
        else {
            continue;
        };
        if let Some(recipe) = recipe(&name).map(|file| file.recipe) {
            let events = recipe.examples.iter().filter_map(|example| match &example.event {
                Some(ExampleEvent::File(file)) => Some(file.clone()),
                _ => None,
            });
            open.extend(events);
            open.extend(recipe.used().into_iter().map(str::to_owned));
        }
        found.push((name, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_folder_is_forgotten() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let mut there = Vec::new();
        for (folder, before) in [(root.clone(), ""), (root.join("events"), "events/")] {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
            let files = entries.filter(|entry| entry.path().is_file());
            there.extend(files.map(|e| format!("{before}{}", e.file_name().to_string_lossy())));
        }
        there.sort();
        let mut ours: Vec<&str> = RECIPES.iter().chain(EVENTS).map(|(name, _)| *name).collect();
        ours.sort_unstable();
        assert_eq!(there, ours);
    }

    #[test]
    fn a_recipe_brings_along_what_it_names() {
        let files: Vec<String> =
            with_all_it_names("contact-tagged.yaml").into_iter().map(|(name, _)| name).collect();
        assert_eq!(files[0], "contact-tagged.yaml");
        assert!(files.contains(&"find-or-create-customer.yaml".to_owned()), "{files:?}");
        assert!(files.contains(&"events/highlevel-contact-tags-updated.json".to_owned()));
        assert!(with_all_it_names("nothing.yaml").is_empty());
    }
}
