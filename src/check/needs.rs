//! What a recipe needs of its connections: a checked recipe comes in; every operation that it may call
//! goes out, with the place that calls it, and every event that starts it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::checked::{Action, CheckedCall, CheckedRecipe, CheckedStep, Place, Search};
use super::checked_trigger::TriggerKind;
use crate::catalog::{Catalog, EventType, Operation};
use crate::connection::Way;
use crate::project::Project;

/// One thing that a recipe needs of an app.
#[derive(Clone, Debug)]
pub struct Need<'a> {
    pub what: Needed,
    /// Where the recipe asks for it; none where the project does.
    pub place: Option<&'a Place>,
    pub why: Why,
}

#[derive(Clone, Debug)]
pub enum Needed {
    Call(Arc<Operation>),
    /// To be told of it, which asks for a scope of a marketplace app only.
    Event(Arc<EventType>),
}

/// What it is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The recipe names it.
    Named,
    /// `tags: { add: […], remove: […] }` of a step.
    Tags,
    /// `unless_exists` of a step.
    LooksFirst,
    /// `patch` or `unless_changed` of a step reads the record, or who it is is looked up.
    ReadsFirst,
    /// `verify` of a step.
    ReadsAfter,
    /// When nobody knows whether a call got through, it is looked for.
    LooksAfter,
    /// The list is asked because no webhook arrives.
    StandsIn,
}

impl Needed {
    pub fn app(&self) -> &str {
        match self {
            Needed::Call(operation) => &operation.app,
            Needed::Event(event) => &event.app,
        }
    }

    /// Whether its scope matters to a connection of this kind: tokens and keys are told of nothing, and
    /// events come to them by other ways.
    pub fn matters_to(&self, way: Option<Way>) -> bool {
        match self {
            Needed::Call(_) => true,
            Needed::Event(_) => way.is_none_or(|way| way == Way::MarketplaceApp),
        }
    }

    pub fn scope(&self) -> Option<&str> {
        match self {
            Needed::Call(operation) => operation.scope.as_deref(),
            Needed::Event(event) => event.scope.as_deref(),
        }
    }
}

impl CheckedRecipe {
    /// Everything that it needs, in the order of the text.
    pub fn needs(&self) -> Vec<Need<'_>> {
        let mut needs = Vec::new();
        match &self.trigger.kind {
            TriggerKind::Webhook => {
                let events = self.trigger.events.iter().cloned().map(Needed::Event);
                needs.extend(events.map(|what| Need { what, place: None, why: Why::Named }));
            }
            TriggerKind::Poll(poll) => of_call(&poll.call, &mut needs),
            TriggerKind::Schedule(_) => {}
        }
        of_steps(&self.steps, &mut needs);
        needs
    }
}

fn of_steps<'a>(steps: &'a [CheckedStep], needs: &mut Vec<Need<'a>>) {
    for step in steps {
        match &step.action {
            Action::Call(call) => of_call(call, needs),
            _ => of_steps(step.inner(), needs),
        }
    }
}

fn of_call<'a>(call: &'a CheckedCall, needs: &mut Vec<Need<'a>>) {
    let mut add = |operation: &Arc<Operation>, place: &'a Place, why: Why| {
        needs.push(Need { what: Needed::Call(operation.clone()), place: Some(place), why });
    };
    if let Some(Search::UnlessExists { list, .. }) = &call.search {
        add(list, &call.place, Why::LooksFirst);
    }
    let safe = &call.safe;
    let is_compared = safe.patch.is_some() || safe.unless_changed.is_some();
    match (&safe.finds, &safe.reads) {
        (Some(finds), _) if is_compared || safe.check_identity != Some(false) => {
            add(&finds.list, &call.place, Why::ReadsFirst);
        }
        (None, Some(reads)) if is_compared => add(reads, &call.place, Why::ReadsFirst),
        _ => {}
    }
    add(&call.operation, &call.place, Why::Named);
    if let (Some(true), Some(reads)) = (safe.verify, &safe.reads) {
        add(reads, &call.place, Why::ReadsAfter);
    }
    if let Some(lookup) = &call.lookup {
        add(lookup, &call.place, Why::LooksAfter);
    }
    let changes = call.tags.iter().flat_map(|tags| [&tags.add, &tags.remove]);
    for (operation, tags) in changes.flatten() {
        add(operation, &tags.place, Why::Tags);
    }
}

/// Something that an installation needs, with the connection that has to give it.
#[derive(Clone, Debug)]
pub struct ConnectionNeed<'a> {
    pub connection: &'a str,
    /// Which of the project's installations.
    pub installation: usize,
    pub need: Need<'a>,
}

/// What the installations of a project need of its connections; `recipes` are theirs, in their order. Those
/// that are switched off need nothing.
pub fn needs<'a>(
    project: &'a Project,
    recipes: &[&'a CheckedRecipe],
    catalog: &Catalog,
) -> Vec<ConnectionNeed<'a>> {
    let mut all = Vec::new();
    for (at, (installation, recipe)) in project.installations.iter().zip(recipes).enumerate() {
        if !installation.enabled {
            continue;
        }
        for need in recipe.needs() {
            let app = need.what.app().to_owned();
            // Without a choice the events of all connections of the app start it.
            let chosen = installation.connections.get(&app).map(String::as_str);
            let connections: Vec<&str> = match chosen {
                Some(chosen) => vec![chosen],
                None => {
                    let of_app = project.connections.iter().filter(|(_, c)| c.app == app);
                    of_app.map(|(name, _)| name.as_str()).collect()
                }
            };
            let stand_in = match &need.what {
                Needed::Event(event) if project.public_url.is_none() => catalog.stand_in(event),
                _ => None,
            };
            for connection in connections {
                // Who asks does not have to be told.
                let need = match &stand_in {
                    Some(stand_in) => Need {
                        what: Needed::Call(stand_in.operation.clone()),
                        place: None,
                        why: Why::StandsIn,
                    },
                    None => need.clone(),
                };
                all.push(ConnectionNeed { connection, installation: at, need });
            }
        }
    }
    all
}

/// The least scopes that each connection has to have. One that is known to be no marketplace app is told
/// of nothing, and needs no scope for that.
pub fn needed_scopes(
    needs: &[ConnectionNeed<'_>],
    way: impl Fn(&str) -> Option<Way>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut scopes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for ConnectionNeed { connection, need, .. } in needs {
        if let Some(scope) = need.what.scope().filter(|_| need.what.matters_to(way(connection))) {
            scopes.entry((*connection).to_owned()).or_default().insert(scope.to_owned());
        }
    }
    scopes
}
