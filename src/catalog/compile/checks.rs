//! Is what the sources say true to itself? Compiled entries come in; mistakes go out.

use std::collections::HashMap;
use std::path::Path;

use super::{Compiled, Compiler};
use crate::catalog::{Catalog, Fit, Operation, Slot, StandIn, settling};
use crate::source::Route;
use crate::value::Defaults;

impl Compiler {
    /// Everything that can be said of the entries as the program reads them.
    pub(super) fn check(&mut self, catalog: &Catalog) {
        self.check_operations(catalog);
        self.check_events(catalog);
        self.check_registrations(catalog);
        self.check_pulls(catalog);
    }

    fn check_operations(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for Compiled { file, entry: written, .. } in &self.operations {
            let operation =
                &catalog.operation(&written.long_id()).expect("it has just been written");
            let mut say = |message: String| {
                found.push((
                    file.clone(),
                    Route::root().key("operations").key(&operation.id),
                    message,
                ));
            };
            for missing in Operation::clone(operation).fill_results() {
                say(missing);
            }
            if let Some(other) = seen.insert(operation.long_id(), file) {
                say(format!("stands in {} too", other.display()));
            }
            let in_path: Vec<&str> = operation
                .path_pattern()
                .split('/')
                .filter_map(|part| part.strip_prefix(':'))
                .collect();
            let declared: Vec<&str> = operation.path.keys().map(String::as_str).collect();
            if !in_path.iter().all(|p| declared.contains(p)) || in_path.len() != declared.len() {
                say(format!("`call` has the parameters {in_path:?}, `path` has {declared:?}"));
            }
            let sibling = |id: &str| {
                self.operations
                    .iter()
                    .map(|compiled| &compiled.entry)
                    .find(|o| o.app == operation.app && o.id == id)
            };
            if let Some(lookup) = &operation.lookup
                && sibling(&lookup.operation).is_none_or(|o| o.list.is_none())
            {
                say(format!("`lookup` names `{}`, which is no list operation", lookup.operation));
            }
            let list =
                operation.lookup.as_ref().and_then(|l| catalog.sibling(operation, &l.operation));
            for mistake in settling::mistakes(operation, list.as_deref()) {
                say(mistake);
            }
            let newest = operation.list.iter().flat_map(|l| l.newest.keys());
            for name in newest.filter(|name| !operation.query.contains_key(*name)) {
                say(format!("`list.newest` names `{name}`, which is no query field"));
            }
            for id in operation.tags.iter().flat_map(|t| [&t.add, &t.remove]) {
                if sibling(id).is_none() {
                    say(format!("`tags` names `{id}`, which is not there"));
                }
            }
            if let Some(bulk) = &operation.bulk {
                let fits = |other: &Operation| {
                    let body = other.body.clone().unwrap_or_default();
                    let ours = operation.body.iter().flat_map(|body| body.keys());
                    body.contains_key(&bulk.ids)
                        && ours.into_iter().all(|name| body.contains_key(name))
                        && bulk.with.keys().all(|name| other.field(name).is_ok())
                };
                if !sibling(&bulk.operation).is_some_and(fits) {
                    say(format!(
                        "`bulk` names `{}`, which is not there or lacks a field",
                        bulk.operation
                    ));
                }
            }
            if let Some(removes) = &operation.removes_tags
                && !operation.body.as_ref().is_some_and(|body| body.contains_key(&removes.field))
            {
                say(format!("`removes_tags` names `{}`, which is no body field", removes.field));
            }
            for (name, _) in operation.example.with.iter() {
                if operation.field(name).is_err()
                    && !operation.body_unknown
                    && operation.body_list.is_none()
                {
                    say(format!("the example has `{name}`, which is no field"));
                }
            }
            for (slot, name, field) in operation.fields() {
                let with = &operation.example.with;
                let long = format!("{}.{name}", slot.name());
                let Some(value) = with.get(name).or_else(|| with.get(&long)) else {
                    let in_path = slot == Slot::Path;
                    if (field.required || in_path) && field.usual.is_none() {
                        say(format!("the example lacks `{name}`"));
                    }
                    continue;
                };
                let fit = Fit::convert(field, value, &Defaults::default());
                for misfit in fit.misfits {
                    say(format!("example `{name}`{}: {}", misfit.at, misfit.error));
                }
            }
            if let Some(response) = &operation.response {
                for misfit in Fit::answer(response, &operation.example.response).misfits {
                    say(format!("example answer {}: {}", misfit.at, misfit.error));
                }
            }
        }
        for (file, route, message) in found {
            self.error(&file, route, message);
        }
    }

    fn check_events(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        let mut seen = HashMap::new();
        for Compiled { file, entry: written, .. } in &self.events {
            let event = &catalog.event(&written.name()).expect("it has just been written");
            let mut say = |message: String| {
                found.push((file.clone(), Route::root().key("events").key(&event.id), message));
            };
            if let Some(other) = seen.insert(event.name(), file) {
                say(format!("stands in {} too", other.display()));
            }
            if let Some(when) = &event.when
                && let Err(e) = crate::template::Template::expression(when)
            {
                say(format!("`when`: {e}"));
            }
            for record in event.record.iter().chain(&event.about_record) {
                let named = record.id.as_deref().and_then(|id| event.payload.at_path(id));
                if record.id.is_some() && named.is_none() && event.payload.fields.is_some() {
                    say(format!("the payload has no `{}`", record.id.as_deref().unwrap_or("")));
                }
            }
            if let Some(time) = &event.list_time {
                let has = |s: StandIn| {
                    let list = s.operation.list.as_ref().expect("a stand-in is a list");
                    list.of.at_path(time).is_some()
                };
                if !catalog.stand_in(event).is_some_and(has) {
                    say(format!("`list_time` names `{time}`, which no record of `list` has"));
                }
            }
            if event.payload.fields.is_some() {
                for misfit in Fit::answer(&event.payload, &event.example).misfits {
                    say(format!("example {}: {}", misfit.at, misfit.error));
                }
            }
        }
        for (file, route, message) in found {
            self.error(&file, route, message);
        }
    }

    /// The operations that register webhooks are there, and have what is asked of them.
    fn check_registrations(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        for app in &self.apps {
            for (level, with) in &app.webhooks.registered {
                let route = Route::root().key("webhooks").key("registered").key(level);
                let mut say =
                    |message: String| found.push((app.app.clone(), route.clone(), message));
                let operation = |id: &str| catalog.operation(&format!("{}.{id}", app.app)).ok();
                match operation(&with.add) {
                    None => say(format!("`add` names `{}`, which is not there", with.add)),
                    Some(add) => {
                        let retries = with.retries.iter().map(|retries| &retries.within);
                        let fields = [&with.event, &with.address].into_iter().chain(retries);
                        for name in fields.filter(|name| add.field(name).is_err()) {
                            say(format!("`{}` has no field `{name}`", with.add));
                        }
                    }
                }
                if operation(&with.list).is_none_or(|list| list.list.is_none()) {
                    say(format!("`list` names `{}`, which is no list operation", with.list));
                }
                if operation(&with.remove).is_none_or(|remove| remove.path.len() != 1) {
                    say(format!("`remove` names `{}`, which has not one path field", with.remove));
                }
            }
        }
        for (app, route, message) in found {
            self.error(Path::new(&app), route, message);
        }
    }

    /// What `linecook pull` asks for is a list, and takes what it is asked with.
    fn check_pulls(&mut self, catalog: &Catalog) {
        let mut found = Vec::new();
        for app in &self.apps {
            for (part, pull) in &app.pull {
                let route = Route::root().key("pull").key(part);
                let mut say =
                    |message: String| found.push((app.app.clone(), route.clone(), message));
                let operation = catalog.operation(&format!("{}.{}", app.app, pull.list)).ok();
                let Some(operation) = operation.filter(|operation| operation.list.is_some()) else {
                    say(format!("`list` names `{}`, which is no list operation", pull.list));
                    continue;
                };
                for name in pull.with.keys().filter(|name| operation.field(name).is_err()) {
                    say(format!("`{}` has no field `{name}`", pull.list));
                }
            }
        }
        for (app, route, message) in found {
            self.error(Path::new(&app), route, message);
        }
    }
}
