//! What later steps see of a step.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Checker;
use super::checked::{Action, Search};
use super::known::always;
use crate::catalog::{Field, Presence};
use crate::recipe::{OnProblem, Verb};
use crate::value::Kind;

/// Words of the engine under `steps.<id>`.
pub(super) const ENGINE_RESULTS: &[&str] =
    &["response", "status", "skipped", "error", "existed", "found", "items", "changed", "conflict"];

impl Checker<'_> {
    /// What `steps.<id>` holds behind a step.
    pub(super) fn results(
        &self,
        verb: Option<Verb>,
        action: &Option<Action>,
        conditional: bool,
    ) -> Field {
        let mut fields: IndexMap<String, Field> = IndexMap::new();
        let mut open = action.is_none();
        match action {
            Some(Action::Call(call)) => {
                let operation = &call.operation;
                let sometimes = conditional
                    || call.on_error == OnProblem::Continue
                    || call.on_not_found == OnProblem::Continue;
                let mut add = |name: &str, field: Field, sometimes: bool| {
                    let presence = if sometimes { Presence::Sometimes } else { field.presence };
                    fields.insert(name.to_owned(), Field { presence, ..field });
                };
                let finds = matches!(call.search, Some(Search::Find(_)));
                if !finds {
                    for (name, result) in &operation.results {
                        add(name, result.field.clone(), sometimes);
                    }
                }
                if let Some(list) = &operation.list {
                    if finds {
                        for (name, result) in &list.results {
                            add(name, result.field.clone(), true);
                        }
                        add("found", always(Kind::Boolean), false);
                        add("record", list.of.clone(), true);
                    } else {
                        let of = Some(Arc::new(list.of.clone()));
                        add("items", Field { of, ..always(Kind::List) }, sometimes);
                    }
                }
                if let Some(Search::UnlessExists { list, .. }) = &call.search {
                    add("existed", always(Kind::Boolean), false);
                    for (name, result) in list.list.iter().flat_map(|l| &l.results) {
                        add(name, result.field.clone(), sometimes);
                    }
                }
                if call.safe.patch.is_some() || call.safe.unless_changed.is_some() {
                    add("changed", always(Kind::Boolean), sometimes);
                }
                if call.safe.unless_changed.is_some() {
                    add("conflict", always(Kind::Boolean), true);
                }
                for (name, _) in &call.save {
                    add(name, Field::any(), sometimes);
                }
                let response = operation.response.clone().unwrap_or_default();
                add("response", response, sometimes);
                add("status", always(Kind::Integer), sometimes);
                add("skipped", always(Kind::Boolean), false);
                add("error", always(Kind::String), true);
            }
            Some(Action::Set(values)) => {
                for (name, _) in values {
                    let field = self.set_types.get(name).cloned().unwrap_or_default();
                    fields.insert(name.clone(), field);
                }
                fields.insert("skipped".to_owned(), always(Kind::Boolean));
            }
            Some(Action::Hold(hold)) => {
                let options = hold.choices.iter().map(|c| c.as_str().into()).collect();
                let presence = if conditional { Presence::Sometimes } else { Presence::Always };
                let choice = Field { options, presence, ..always(Kind::String) };
                fields.insert("choice".to_owned(), choice);
                fields.insert("skipped".to_owned(), always(Kind::Boolean));
            }
            Some(Action::Use(used)) => {
                fields.insert("skipped".to_owned(), always(Kind::Boolean));
                let sometimes = conditional || used.when.is_some();
                for (name, field) in &self.used_types {
                    let presence = if sometimes { Presence::Sometimes } else { field.presence };
                    fields.insert(name.clone(), Field { presence, ..field.clone() });
                }
            }
            Some(Action::Group(_) | Action::Stop(_) | Action::Wait(_) | Action::Link(_)) => {
                fields.insert("skipped".to_owned(), always(Kind::Boolean));
            }
            None => open = verb.is_none() || action.is_none(),
        }
        if open {
            return Field { presence: Presence::Always, kind: Kind::Any, ..Field::default() };
        }
        Field { presence: Presence::Always, ..Field::object(Arc::new(fields)) }
    }
}
