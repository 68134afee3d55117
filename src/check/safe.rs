//! `patch`, `unless_changed`, `check_identity` and `verify`: can the record be read that a step changes?

use std::sync::Arc;

use super::Checker;
use super::checked::{CheckedPatch, Finds, Input, SafeWrite};
use crate::catalog::{Effect, InDoubt, Inner, Operation, Slot};
use crate::diagnostic;
use crate::recipe::{Patch, Step};
use crate::source::Route;

impl Checker<'_> {
    /// How carefully a step changes its record. `None` means that something is wrong.
    pub(super) fn safe(
        &mut self,
        step: &Step,
        operation: &Arc<Operation>,
        inputs: &[Input],
        here: &Route,
    ) -> Option<SafeWrite> {
        let patch = step.patch.filter(|patch| *patch != Patch::Off);
        let mut good = true;
        for (key, is_written, other, has_other) in [
            ("custom_fields", step.custom_fields.is_some(), "patch: true", patch.is_some()),
            (
                "on_conflict",
                step.on_conflict.is_some(),
                "unless_changed: true",
                step.unless_changed,
            ),
        ] {
            if is_written && !has_other {
                self.sink.say(diagnostic::key_without_other(&here.key(key), key, other));
                good = false;
            }
        }
        let has_id = operation.path_pattern().contains(':');
        let finds = if has_id { None } else { self.finds(operation) };
        let reads = self.catalog.reader(operation);
        let can_be_read = if has_id { reads.is_some() } else { finds.is_some() };
        let is_update = operation.effect == Effect::Update
            && operation.in_doubt == InDoubt::Idempotent
            && can_be_read;
        // What adds to a record or ticks one box in it is no comparison with the record.
        let path =
            |operation: &Operation| operation.path_pattern().trim_end_matches('/').to_owned();
        let is_whole = !has_id || reads.as_ref().is_some_and(|r| path(r) == path(operation));
        for (key, is_written) in
            [("patch", patch.is_some()), ("unless_changed", step.unless_changed)]
        {
            if !is_written {
                continue;
            }
            if operation.effect == Effect::Create {
                self.sink.say(diagnostic::patches_nothing(&here.key(key), key, &operation.call));
                good = false;
            } else if !is_update || (key == "patch" && !is_whole) {
                self.sink.say(diagnostic::cannot_read(&here.key(key), key, &operation.call));
                good = false;
            }
        }
        let by: Vec<(String, String)> = finds.iter().flat_map(|finds| finds.by.clone()).collect();
        let given = by.iter().filter(|(ours, _)| {
            inputs.iter().any(|input| input.slot == Slot::Body && input.name == *ours)
        });
        let identifies = given.count() > 1;
        if step.check_identity == Some(true) && !identifies {
            let fields: Vec<&str> = by.iter().map(|(ours, _)| ours.as_str()).collect();
            let route = here.key("check_identity");
            self.sink.say(diagnostic::one_identifier(&route, &operation.call, &fields));
            good = false;
        }
        if step.verify == Some(true) && !operation.changes() {
            self.sink.say(diagnostic::reads_only(&here.key("verify"), &operation.call));
            good = false;
        } else if step.verify == Some(true) && reads.is_none() {
            self.sink.say(diagnostic::cannot_read(&here.key("verify"), "verify", &operation.call));
            good = false;
        }
        if patch.is_some() && is_update {
            self.not_compared(operation, reads.as_ref(), finds.as_ref(), inputs, here);
        }
        good.then(|| SafeWrite {
            reads: reads.filter(|_| operation.changes()),
            finds: finds.filter(|_| identifies || patch.is_some() || step.unless_changed),
            patch: patch.map(|mode| CheckedPatch {
                mode,
                custom_fields: step.custom_fields.unwrap_or_default(),
            }),
            unless_changed: step.unless_changed.then(|| step.on_conflict.unwrap_or_default()),
            check_identity: if identifies { step.check_identity } else { Some(false) },
            verify: step.verify,
        })
    }

    /// The search by single fields of a call that carries no id.
    fn finds(&self, operation: &Operation) -> Option<Finds> {
        let lookup = operation.lookup.as_ref().filter(|lookup| !lookup.query.is_empty())?;
        let list = self.catalog.sibling(operation, &lookup.operation)?;
        let by = lookup.query.iter().map(|(theirs, ours)| (ours.clone(), theirs.clone()));
        // A search through pages is no lookup.
        list.list.as_ref().filter(|shape| shape.pages.is_none())?;
        Some(Finds { by: by.collect(), list })
    }

    /// What the read record does not show goes only together with something that differs.
    fn not_compared(
        &mut self,
        operation: &Operation,
        reads: Option<&Arc<Operation>>,
        finds: Option<&Finds>,
        inputs: &[Input],
        here: &Route,
    ) {
        let Some(of) = finds
            .and_then(|finds| finds.list.list.as_ref().map(|list| list.of.clone()))
            .or_else(|| reads.and_then(|reads| reads.record_field()))
        else {
            return;
        };
        let names: Vec<&str> = inputs
            .iter()
            .filter(|input| input.slot == Slot::Body)
            .map(|input| input.name.as_str())
            .filter(|name| matches!(of.inner(name), Inner::Absent))
            .filter(|name| {
                let field = operation.body.as_ref().and_then(|body| body.get(*name));
                field.is_some_and(|field| field.usual.is_none() && !field.required)
            })
            .collect();
        if !names.is_empty() {
            self.sink.say(diagnostic::not_compared(&here.key("patch"), &names));
        }
    }
}
