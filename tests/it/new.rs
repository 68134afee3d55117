//! `linecook new`: whatever event and operation somebody picks, a recipe that checks clean and whose examples
//! pass comes out, or an error that names what is missing.

use std::path::Path;
use std::sync::Arc;

use linecook::catalog::Catalog;
use linecook::cli::{Near, Proof, prove};
use linecook::suggest::Draft;

/// What people let happen most.
const OPERATIONS: &[&str] = &[
    "POST /contacts/upsert",
    "POST /contacts/",
    "PUT /contacts/:contactId",
    "DELETE /contacts/:contactId",
    "POST /contacts/:contactId/tasks",
    "PUT /contacts/:contactId/tasks/:taskId",
    "PUT /contacts/:contactId/tasks/:taskId/completed",
    "POST /contacts/:contactId/notes",
    "POST /contacts/:contactId/tags",
    "DELETE /contacts/:contactId/tags",
    "POST /contacts/:contactId/workflow/:workflowId",
    "POST /contacts/:contactId/campaigns/:campaignId",
    "POST /opportunities/",
    "PUT /opportunities/:id/status",
    "POST /conversations/messages",
    "POST /calendars/events/appointments",
    "POST /customer",
    "PUT /customer/:id",
    "POST /invoice",
    "POST /invoice/schedule/",
    "POST /item",
    "POST /charge",
];

#[test]
fn whatever_is_picked_is_clean_or_says_what_is_missing() {
    let catalog = Catalog::embedded();
    let near = Arc::new(Near::default());
    let all = std::env::var("LINECOOK_PAIRS").is_ok_and(|pairs| pairs == "all");
    let mut wrong = Vec::new();
    let (mut good, mut missing) = (0, 0);
    for (at, entry) in catalog.event_entries().iter().enumerate() {
        for (number, call) in OPERATIONS.iter().enumerate() {
            // All of them take long: each event meets some, and each operation too.
            if !all && (at + number) % 8 != 0 {
                continue;
            }
            let Ok(operation) = catalog.operation(call) else { panic!("no operation {call}") };
            let mut draft = Draft::new(catalog, catalog.event(&entry.id).unwrap(), operation);
            if !draft.missing().is_empty() {
                missing += 1;
                continue;
            }
            match prove(&mut draft, Path::new("new.yaml"), &near) {
                Ok(Proof::Good { text, .. }) => {
                    good += 1;
                    // The first example is the one that calls.
                    let first = text.split("\nexamples:\n").nth(1).unwrap_or_default();
                    let first = first.split("\n\n").next().unwrap_or_default();
                    let calls = first.contains("what it does") && !first.contains("calls: []");
                    if !calls || first.contains("outcome:") {
                        wrong.push(format!("{} {call}: its example fails\n{text}", entry.id));
                    }
                }
                // A proposal was none after all.
                Ok(Proof::Wrong(..)) if !draft.missing().is_empty() => missing += 1,
                Ok(Proof::Wrong(found, _)) => {
                    wrong.push(format!("{} {call}\n{}", entry.id, found.text(false)));
                }
                Err(error) => wrong.push(format!("{} {call}: {}", entry.id, error.plain())),
            }
        }
    }
    println!("{good} recipes, {missing} times something is missing");
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(good > 100 && missing > 0, "{good} recipes, {missing} times something is missing");
}
