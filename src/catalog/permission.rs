//! May it be called? An operation and the [`Access`] of a connection come in; yes goes out, or why not
//! and what to do, in words for people.

use super::{App, Catalog, NotFound, Operation};
use crate::connection::{Access, Allowed, Deed, Scopes};
use crate::diagnostic::nearest;

/// Why a connection may not be used for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `allow` does not cover it; what would: `tasks.write`.
    NotAllowed { missing: String },
    /// Its credential has no such scope.
    NoScope { scope: String, is_written: bool },
}

impl Access {
    /// Whether an operation may be called, or why not.
    pub fn permits(&self, operation: &Operation) -> Result<(), Refusal> {
        let allow = self.allow.as_deref();
        if allow.is_some_and(|allow| !allow.iter().any(|line| line.covers(operation))) {
            return Err(Refusal::NotAllowed { missing: operation.permission() });
        }
        operation.scope.as_deref().map_or(Ok(()), |scope| self.has(scope))
    }

    /// Whether its credential has a scope, as far as anybody knows.
    pub fn has(&self, scope: &str) -> Result<(), Refusal> {
        match self.scopes.lack(scope) {
            false => Ok(()),
            true => {
                let is_written = matches!(self.scopes, Scopes::Written(_));
                Err(Refusal::NoScope { scope: scope.to_owned(), is_written })
            }
        }
    }
}

impl Refusal {
    /// Why, with the name of the connection: a sentence without its full stop. `what` is not done: a call.
    pub fn why(&self, connection: &str, what: &str) -> String {
        match self {
            Refusal::NotAllowed { missing } => format!(
                "`allow` of the connection `{connection}` does not cover `{missing}`, which `{what}` needs"
            ),
            Refusal::NoScope { scope, .. } => format!(
                "the connection `{connection}` does not have the scope `{scope}`, which `{what}` needs"
            ),
        }
    }

    /// One thing to do.
    pub fn instead(&self, connection: &str, app: &App) -> String {
        match self {
            Refusal::NotAllowed { missing } => format!(
                "if recipes may do this with `{connection}`, add `{missing}` to its `allow` in linecook.yaml"
            ),
            Refusal::NoScope { is_written: false, .. } => {
                format!("`linecook connect {} --name {connection}` asks for it", app.app)
            }
            Refusal::NoScope { scope, is_written: true } => format!(
                "give the token `{scope}` in {}, then add it to `scopes` of `{connection}` in linecook.yaml",
                app.title
            ),
        }
    }
}

impl Allowed {
    fn covers(&self, operation: &Operation) -> bool {
        match self {
            Allowed::Everything => true,
            Allowed::Records { records, deed } => {
                records.as_ref().is_none_or(|records| *records == operation.records)
                    && deed.is_none_or(|deed| deed == operation.deed())
            }
            Allowed::Operation(id) => *id == operation.long_id(),
        }
    }
}

impl Operation {
    pub fn deed(&self) -> Deed {
        if self.changes() { Deed::Write } else { Deed::Read }
    }

    /// What `allow` calls it: `tasks.write`.
    pub fn permission(&self) -> String {
        format!("{}.{}", self.records, self.deed().word())
    }
}

/// Why a line of `allow` means nothing, and what it most likely means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPermission {
    /// The app has nothing of that name.
    Unknown { near: Option<String> },
    /// The word behind the dot is none for what can be done.
    NotADeed { near: Option<String> },
    /// Only the word for the records is there, or nearly so: `tasks`.
    DeedMissing { records: String },
}

impl Catalog {
    /// What people call the records of an app that can be called: `contacts`, `tasks`.
    pub fn record_words(&self, app: &str) -> Vec<&str> {
        let entries = self.operation_entries().iter().filter(|e| e.app == app);
        let mut words: Vec<&str> = entries.map(|e| e.records.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// The scopes that operations and events of an app ask for.
    pub fn scopes(&self, app: &str) -> Vec<String> {
        let of_app = |id: &str| id.split('.').next() == Some(app);
        let operations = self.operation_entries().iter().filter(|e| of_app(&e.id));
        let operations = operations.filter_map(|e| self.operation(&e.id).ok()?.scope.clone());
        let events = self.event_entries().iter().filter(|e| of_app(&e.id));
        let events = events.filter_map(|e| self.event(&e.id).ok()?.scope.clone());
        let mut scopes: Vec<String> = operations.chain(events).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// One line of `allow` of a connection to an app: `tasks.write`, `tasks.*`, `*.read`, `*`, or the name
    /// of an operation.
    pub fn allowed(&self, app: &str, written: &str) -> Result<Allowed, NoPermission> {
        let written = written.trim();
        if written == "*" {
            return Ok(Allowed::Everything);
        }
        let words = self.record_words(app);
        let deed = |word: &str| match word {
            "*" => Some(None),
            "read" => Some(Some(Deed::Read)),
            "write" => Some(Some(Deed::Write)),
            _ => None,
        };
        let split = written.rsplit_once('.');
        let records = |word: &str| match word {
            "*" => Some(None),
            word => words.contains(&word).then(|| Some(word.to_owned())),
        };
        if let Some((before, behind)) = split {
            match (records(before), deed(behind)) {
                (Some(records), Some(deed)) => return Ok(Allowed::Records { records, deed }),
                (Some(_), None) => {
                    let near = near_deed(behind).map(|deed| format!("{before}.{deed}"));
                    return Err(NoPermission::NotADeed { near });
                }
                (None, Some(_)) => {
                    let near = near_word(before, &words).map(|word| format!("{word}.{behind}"));
                    return Err(NoPermission::Unknown { near });
                }
                (None, None) => {}
            }
        }
        let problem = match self.operation(written) {
            Ok(operation) if operation.app == app => {
                return Ok(Allowed::Operation(operation.long_id()));
            }
            Ok(_) => return Err(NoPermission::Unknown { near: None }),
            Err(problem) => problem,
        };
        if let Some(records) = near_word(written, &words) {
            return Err(NoPermission::DeedMissing { records });
        }
        let both = split.and_then(|(before, behind)| {
            Some(format!("{}.{}", near_word(before, &words)?, near_deed(behind)?))
        });
        let own = |near: &String| self.operation(near).is_ok_and(|o| o.app == app);
        let near = both.or_else(|| match problem {
            NotFound::Unknown { near } => near.filter(own),
            NotFound::Ambiguous(names) => names.into_iter().find(own),
            NotFound::Wire(_) => None,
        });
        Err(NoPermission::Unknown { near })
    }
}

/// The word for records that is meant by one in the singular, with a dash, or misspelt.
fn near_word(written: &str, words: &[&str]) -> Option<String> {
    let plural = format!("{written}s");
    let known = |word: &str| words.iter().find(|known| **known == word).map(|w| (*w).to_owned());
    known(written).or_else(|| known(&plural)).or_else(|| nearest(written, words.iter().copied()))
}

/// What other tools and HighLevel itself call the two deeds.
fn near_deed(written: &str) -> Option<&'static str> {
    match written.to_lowercase().as_str() {
        "readonly" | "read-only" | "read_only" | "reading" | "get" | "list" | "view" | "r" => {
            Some("read")
        }
        "create" | "update" | "delete" | "edit" | "change" | "writing" | "w" => Some("write"),
        "all" | "any" | "readwrite" | "read-write" | "rw" => Some("*"),
        other => match nearest(other, ["read", "write"]).as_deref() {
            Some("read") => Some("read"),
            Some(_) => Some("write"),
            None => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn access(app: &str, allow: &[&str]) -> Access {
        let line = |text: &&str| Catalog::embedded().allowed(app, text).unwrap();
        Access { scopes: Scopes::Unknown, allow: Some(allow.iter().map(line).collect()) }
    }

    #[test]
    fn allow_covers_what_it_names_and_nothing_else() {
        let catalog = Catalog::embedded();
        // What would cover it is named where nothing does.
        let highlevel = [
            ("contacts.read", "highlevel.get-contact", None),
            ("contacts.read", "POST /contacts/search", None),
            ("contacts.read", "POST /contacts/upsert", Some("contacts.write")),
            ("contacts.*", "highlevel.create-task", Some("tasks.write")),
            ("contacts.*", "highlevel.add-tags", Some("tags.write")),
            ("contacts.* tasks.*", "highlevel.create-task", None),
            ("tasks.write", "highlevel.get-all-tasks", Some("tasks.read")),
            ("*.read", "highlevel.get-all-tasks", None),
            ("*.read", "highlevel.delete-task", Some("tasks.write")),
            ("*", "highlevel.delete-contact", None),
            ("*.*", "highlevel.delete-contact", None),
            ("highlevel.create-task", "highlevel.create-task", None),
            ("highlevel.create-task", "highlevel.update-task", Some("tasks.write")),
            ("", "highlevel.get-contact", Some("contacts.read")),
        ];
        let stax = [
            ("payment_methods.read", "GET /customer/:customerId/payment-method", None),
            ("customers.*", "POST /charge", Some("transactions.write")),
        ];
        let both = highlevel.iter().map(|row| ("highlevel", row));
        for (app, (allow, operation, missing)) in both.chain(stax.iter().map(|row| ("stax", row))) {
            let allow: Vec<&str> = allow.split_whitespace().collect();
            let operation = catalog.operation(operation).unwrap();
            let found = access(app, &allow).permits(&operation);
            let refusal = missing.map(|word| Refusal::NotAllowed { missing: word.to_owned() });
            assert_eq!(found.err(), refusal, "{allow:?} {}", operation.name());
        }
    }

    /// Whatever is written, no line that names reading alone lets anything be changed.
    #[test]
    fn a_line_for_reading_covers_no_operation_that_changes_something() {
        let catalog = Catalog::embedded();
        for app in ["highlevel", "stax"] {
            let mut lines: Vec<String> =
                catalog.record_words(app).iter().map(|word| format!("{word}.read")).collect();
            lines.push("*.read".to_owned());
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let access = access(app, &lines);
            for entry in catalog.operation_entries().iter().filter(|e| e.app == app) {
                let operation = catalog.operation(&entry.id).unwrap();
                assert!(!operation.records.is_empty(), "{}", entry.id);
                assert_eq!(
                    access.permits(&operation).is_ok(),
                    !operation.changes(),
                    "{}",
                    entry.id
                );
            }
        }
    }

    #[test]
    fn a_scope_is_what_it_says_and_includes_no_other() {
        let catalog = Catalog::embedded();
        let with = |scopes: &[&str]| Access {
            scopes: Scopes::Granted(scopes.iter().map(|s| (*s).to_owned()).collect()),
            allow: None,
        };
        let read = catalog.operation("highlevel.get-contact").unwrap();
        let write = catalog.operation("highlevel.update-contact").unwrap();
        assert!(with(&["contacts.readonly"]).permits(&read).is_ok());
        assert!(with(&["contacts.readonly"]).permits(&write).is_err());
        assert!(with(&["contacts.write"]).permits(&read).is_err());
        assert!(with(&["contacts.write", "contacts.readonly"]).permits(&write).is_ok());
        assert!(with(&[]).permits(&read).is_err());
        assert!(Access::default().permits(&write).is_ok());
        let customer = catalog.operation("stax.create-customer").unwrap();
        assert!(with(&[]).permits(&customer).is_ok(), "Stax has no scopes");
    }

    #[test]
    fn what_is_misspelt_has_a_suggestion() {
        let unknown = |near: &str| NoPermission::Unknown { near: Some(near.to_owned()) };
        let not_a_deed = |near: &str| NoPermission::NotADeed { near: Some(near.to_owned()) };
        let missing = |records: &str| NoPermission::DeedMissing { records: records.to_owned() };
        let nothing = NoPermission::Unknown { near: None };
        for (app, written, wrong) in [
            ("highlevel", "contact.read", unknown("contacts.read")),
            ("highlevel", "contcats.write", unknown("contacts.write")),
            ("highlevel", "contacts", missing("contacts")),
            ("highlevel", "task", missing("tasks")),
            ("highlevel", "contacts.readonly", not_a_deed("contacts.read")),
            ("highlevel", "contacts.wirte", not_a_deed("contacts.write")),
            ("highlevel", "contacts.chickens", NoPermission::NotADeed { near: None }),
            ("highlevel", "contact.readonly", unknown("contacts.read")),
            ("highlevel", "highlevel.creat-task", unknown("highlevel.create-task")),
            ("stax", "payment-methods.read", unknown("payment_methods.read")),
            ("stax", "highlevel.create-task", nothing.clone()),
            ("stax", "contacts.read", nothing.clone()),
            ("highlevel", "everything", nothing.clone()),
            ("highlevel", "", nothing),
        ] {
            assert_eq!(Catalog::embedded().allowed(app, written), Err(wrong), "{written}");
        }
    }

    #[test]
    fn the_scopes_of_an_app_are_known() {
        let scopes = |app: &str| Catalog::embedded().scopes(app);
        let known = [
            "calendars.readonly",
            "campaigns.readonly",
            "contacts.readonly",
            "contacts.write",
            "locations/customFields.readonly",
            "locations/tags.readonly",
            "opportunities.readonly",
            "users.readonly",
            "workflows.readonly",
        ];
        let all = scopes("highlevel");
        assert!(known.iter().all(|scope| all.iter().any(|there| there == scope)), "{all:?}");
        assert!(all.len() >= 100 && all.is_sorted(), "{all:?}");
        assert_eq!(scopes("stax"), Vec::<String>::new());
        let words: BTreeSet<_> =
            Catalog::embedded().record_words("highlevel").into_iter().collect();
        assert!(["contacts", "notes", "tags", "tasks"].iter().all(|word| words.contains(word)));
    }
}
