//! What a recipe would do with an event now: the apps are asked, and nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::gates::RunGates;
use super::installed::{Installation, Installed};
use super::list::Way;
use super::sync::Mirror;
use crate::call::{CallError, Caller, Request, Response};
use crate::catalog::Catalog;
use crate::execute::{Care, Imagined, Quota, ReadingEngine, Setup, TriggerEvent, drive};
use crate::http::HttpCaller;
use crate::journal::{History, Outcome};
use crate::store::{Spending, Store, StoreError, StoreLinks};

/// Looks at events one by one.
pub struct Rehearsal<'a> {
    installation: &'a Arc<Installation>,
    caller: Mirrored,
    links: StoreLinks,
    setup: Setup,
}

impl<'a> Rehearsal<'a> {
    /// `through` is the app of the events and the connection that they come through. What the mirror knows
    /// is not asked for. The error says which connection is missing.
    pub fn new(
        way: &Way,
        installed: &Installed,
        installation: &'a Arc<Installation>,
        through: (&str, &str),
        mirror: Arc<Mirror>,
    ) -> Result<Rehearsal<'a>, String> {
        let kept = &installation.kept;
        let care = Care { compare: true, verify: false, ..installed.care };
        let accounts = kept.accounts(installed)?;
        let setup = kept.setup("rehearsal".to_owned(), accounts, care, Duration::ZERO);
        let connections = installed.names_now(&kept.connections);
        let accounts = Arc::new(installed.accounts_of(&connections, through));
        let links = StoreLinks { store: way.store.clone(), accounts };
        let caller = Mirrored {
            mirror,
            caller: way.caller.through(&connections),
            gates: Arc::new(way.gates.of_run(&connections, 1)),
            store: way.store.clone(),
            connections: Arc::new(connections),
        };
        Ok(Rehearsal { installation, caller, links, setup })
    }

    /// How a run would end, and what it would send.
    pub async fn of(&self, event: &TriggerEvent) -> Result<(Outcome, History), StoreError> {
        let name = &self.installation.name;
        let last_seen = match event.event.record_of(&event.payload) {
            Some(record) if self.compares() => self.caller.store.last_seen(name, &record).await?,
            _ => None,
        };
        let mut engine =
            ReadingEngine::new(self.caller.clone(), Catalog::embedded(), Timestamp::now())
                .with_links(Imagined::over(self.links.clone()))
                .with_last_seen(last_seen);
        let outcome = drive(&self.installation.kept.plan, event, &self.setup, &mut engine).await;
        Ok((outcome, engine.into_history()))
    }

    /// The links as they are.
    pub fn links(&self) -> StoreLinks {
        self.links.clone()
    }

    /// Whether the recipe runs only when something has changed.
    fn compares(&self) -> bool {
        self.installation.kept.plan.recipe.trigger.changed.is_some()
    }
}

/// A way out that asks the mirror first, and goes through the gates of the connections.
#[derive(Clone)]
struct Mirrored {
    mirror: Arc<Mirror>,
    caller: HttpCaller,
    gates: Arc<RunGates>,
    store: Store,
    /// App → connection.
    connections: Arc<BTreeMap<String, String>>,
}

impl Caller for Mirrored {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        if let Some(answer) = self.mirror.answer(request) {
            return Ok(answer);
        }
        let pass = self.gates.enter(&request.app, 1).await.map_err(|until| {
            CallError::NotSent(format!("the connection takes no more calls until {until}"))
        })?;
        let answer = self.caller.call(request).await;
        self.gates.answered(pass, &answer);
        if let Some(connection) = self.connections.get(&request.app) {
            let failures = u32::from(!answer.as_ref().is_ok_and(Response::is_success));
            let spending = Spending { connection: connection.clone(), requests: 1, failures };
            // What is not noted here is missed only by the next start.
            let _ = self.store.note_spending(spending).await;
        }
        answer
    }
}
