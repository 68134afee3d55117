//! Which accounts a recipe works with: a plan and the snapshots of its connections come in; the plan with the
//! ids of those accounts goes out. A recipe that is installed twice has one plan for each.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Plan;
use crate::check::{
    Action, CheckedCall, CheckedStep, Content, Mapping, NamedField, NamedFields, TriggerKind,
    UsedSetting, Which,
};
use crate::snapshot::{NoPick, Snapshots, Unknown};

/// The plan with the ids of these accounts; `None` where it names nothing of an account, so that it is the
/// same for all. What an account does not have, which the check has said, stays as it is.
pub fn for_accounts(plan: &Plan, snapshots: &Snapshots) -> Option<Plan> {
    let mut ids = Ids { snapshots, apps: BTreeSet::new() };
    let mut plan = plan.clone();
    ids.plan(&mut plan);
    (!ids.apps.is_empty()).then_some(plan)
}

/// The apps of whose accounts a plan names something.
pub fn named_apps(plan: &Plan) -> BTreeSet<String> {
    let nothing = Snapshots::default();
    let mut ids = Ids { snapshots: &nothing, apps: BTreeSet::new() };
    ids.plan(&mut plan.clone());
    ids.apps
}

struct Ids<'a> {
    snapshots: &'a Snapshots,
    /// Those that something is named of.
    apps: BTreeSet<String>,
}

impl Ids<'_> {
    fn plan(&mut self, plan: &mut Plan) {
        let trigger = &mut plan.recipe.trigger;
        if let TriggerKind::Poll(poll) = &mut trigger.kind {
            self.call(&mut poll.call);
        }
        if let Some(fields) = &mut trigger.custom_fields {
            self.apps.extend(fields.objects.iter().map(|(app, _)| app.clone()));
            fields.names = fields.names_in(self.snapshots);
        }
        self.steps(&mut plan.recipe.steps);
    }

    fn steps(&mut self, steps: &mut [CheckedStep]) {
        for step in steps {
            match &mut step.action {
                Action::Call(call) => self.call(call),
                Action::Group(steps) => self.steps(steps),
                Action::Use(used) => {
                    used.settings.iter_mut().for_each(|setting| self.setting(setting));
                    self.steps(&mut used.steps);
                }
                Action::Set(_)
                | Action::Wait(_)
                | Action::Hold(_)
                | Action::Stop(_)
                | Action::Link(_) => {}
            }
        }
    }

    fn call(&mut self, call: &mut CheckedCall) {
        for input in &mut call.inputs {
            if let Content::ByName(named) = &mut input.mapping.content {
                self.named(named);
            }
        }
    }

    fn named(&mut self, named: &mut NamedFields) {
        let snapshot = self.snapshots.first(&named.app);
        for NamedField { name, which, field, .. } in &mut named.entries {
            let Which::Id(id) = which else { continue };
            self.apps.insert(named.app.clone());
            let known = snapshot.map(|all| all.custom_field(&named.by_name.object, name));
            if let Some(Ok(known) | Err(Unknown::Renamed(known))) = known {
                id.clone_from(&known.id);
                *field = known.field();
            }
        }
    }

    /// A setting of a recipe in `use` that is picked: here the name may be written out, else it comes from a
    /// setting of the recipe itself and is an id already.
    fn setting(&mut self, setting: &mut UsedSetting) {
        let Some(pick) = setting.pick.clone() else { return };
        let written = match &mut setting.mapping {
            Some(Mapping { content: Content::Literal(written), .. }) => Some(written),
            _ => None,
        };
        for written in written.into_iter().chain(&mut setting.default) {
            let Some(text) = written.as_str().filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let Some(snapshot) = self.snapshots.first(&pick.app) else { continue };
            if let Ok(sent) | Err(NoPick::Renamed { sent, .. }) = snapshot.picked(pick.kind, text) {
                self.apps.insert(pick.app.clone());
                *written = Value::from(sent);
            }
        }
    }
}
