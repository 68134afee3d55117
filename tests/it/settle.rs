//! Whatever breaks, and wherever the program is killed: what is created is there exactly once.

use std::time::Duration;

use linecook::call::{CallError, Caller, Response};
use linecook::catalog::Catalog;
use linecook::cli::load;
use linecook::execute::{
    Clock, Engine, Interrupt, Setup, TriggerEvent, VirtualClock, drive, settings,
};
use linecook::journal::{Answer, CallKey, Decision, Outcome, Pause, PlannedCall, Question};
use linecook::plan::{self, Accounts, Plan};
use linecook::recipe::{Failure, Fault};
use linecook::sandbox::{InProcess, World};
use serde_json::json;

use crate::cases::root;

/// What has been written down of one question to the engine.
enum Written {
    /// Without an answer the program was killed before it could write it down.
    Call(CallKey, u32, Option<Result<Response, CallError>>),
    Decision(CallKey, Decision),
    Wait(CallKey),
}

/// Keeps everything it is asked, is killed at random, and answers from what it has kept.
struct Mortal<'a> {
    written: &'a mut Vec<Written>,
    at: usize,
    caller: &'a InProcess,
    clock: VirtualClock,
    random: &'a mut fastrand::Rng,
    /// One question in so many is its last; never with 0.
    dies_of: u32,
}

impl Mortal<'_> {
    fn lives(&mut self) -> Result<(), Interrupt> {
        match self.dies_of > 0 && self.random.u32(0..self.dies_of) == 0 {
            true => Err(Interrupt::Suspended("killed".into())),
            false => Ok(()),
        }
    }

    fn next(&mut self) -> Option<&mut Written> {
        self.at += 1;
        self.written.get_mut(self.at - 1)
    }
}

impl Engine for Mortal<'_> {
    async fn call(
        &mut self,
        key: &CallKey,
        call: PlannedCall,
    ) -> Result<Result<Response, CallError>, Interrupt> {
        match self.next() {
            Some(Written::Call(before, attempt, answer)) => {
                assert_eq!((&*before, *attempt), (key, call.attempt), "the same on every replay");
                let lost = || Err(CallError::NoAnswer("the program was killed".into()));
                return Ok(answer.get_or_insert_with(lost).clone());
            }
            Some(_) => panic!("{key}: not what was asked before"),
            None => self.written.push(Written::Call(key.clone(), call.attempt, None)),
        }
        self.lives()?;
        let answer = self.caller.call(&call.planned.request).await;
        self.lives()?;
        let Some(Written::Call(_, _, there)) = self.written.last_mut() else { unreachable!() };
        *there = Some(answer.clone());
        Ok(answer)
    }

    async fn record(&mut self, key: &CallKey, decision: Decision) -> Result<Decision, Interrupt> {
        let now = self.clock.now();
        match self.next() {
            Some(Written::Decision(before, decision)) if before == key => {
                return Ok(decision.clone());
            }
            Some(_) => panic!("{key}: not what was asked before"),
            None => {}
        }
        self.lives()?;
        let decision = match decision {
            Decision::AskTime => Decision::Time(now),
            other => other,
        };
        self.written.push(Written::Decision(key.clone(), decision.clone()));
        Ok(decision)
    }

    async fn wait(&mut self, key: &CallKey, pause: Pause) -> Result<(), Interrupt> {
        match self.next() {
            Some(Written::Wait(before)) if before == key => return Ok(()),
            Some(_) => panic!("{key}: not what was asked before"),
            None => {}
        }
        self.lives()?;
        self.written.push(Written::Wait(key.clone()));
        let now = self.clock.now();
        let length = now.duration_until(pause.ends(now, |most| most));
        self.clock.sleep(length.try_into().unwrap_or_default()).await;
        Ok(())
    }

    async fn hold(&mut self, _: &CallKey, question: Question) -> Result<Answer, Interrupt> {
        Err(Interrupt::Held(question))
    }
}

const CREATES: [&str; 6] = [
    "POST /contacts/",
    "POST /contacts/:contactId/tasks",
    "POST /contacts/:contactId/notes",
    "POST /customer",
    "POST /invoice",
    "POST /charge",
];
const LISTS: [&str; 5] = [
    "GET /contacts/search/duplicate",
    "GET /contacts/:contactId/tasks",
    "GET /contacts/:contactId/notes",
    "GET /customer",
    "GET /invoice",
];

fn random_failures(world: &mut World, random: &mut fastrand::Rng) {
    for call in CREATES.iter().chain(&LISTS) {
        for _ in 0..random.u32(0..3) {
            let faults = [Fault::Disconnect, Fault::Timeout, Fault::Garbage];
            let (status, fault) = match random.u8(0..3) {
                0 => (random.choice([429, 500, 502, 503]), None),
                _ => (None, random.choice(faults)),
            };
            // 429 promises that nothing was done.
            let done = Some(status != Some(429) && random.bool());
            let times = Some(random.u32(1..4));
            let call = (*call).to_owned();
            world.add_failure(&Failure { call, status, fault, done, times, body: None });
        }
    }
}

fn recipe() -> Plan {
    let file = root().join("tests/cases/test/records-that-may-have-been-made/recipe.yaml");
    plan::recipe(load(&file).checked.expect("the case checks clean"))
}

async fn run(seed: u64, plan: &Plan, dies_of: u32) -> (Outcome, InProcess) {
    let mut random = fastrand::Rng::with_seed(seed);
    let catalog = Catalog::embedded();
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let mut world = World::new(catalog);
    world.set_now(now);
    world.set_rate_limit(false);
    random_failures(&mut world, &mut random);
    let clock = VirtualClock::at(now);
    let caller = InProcess::at(world, clock.clone());
    let setup = Setup {
        catalog,
        run_id: format!("run-{seed}"),
        settings: settings(plan, &Default::default()).unwrap(),
        accounts: Accounts::of_catalog(catalog, World::location_id()),
        defaults: Default::default(),
        settle_after: Duration::from_secs(31),
    };
    let payload = json!({ "id": "c0", "email": "ada@example.com", "phone": "+14075550100" });
    let event = TriggerEvent {
        id: "event-1".into(),
        received_at: now,
        event: plan.recipe.trigger.events[0].clone(),
        payload: payload.as_object().unwrap().clone(),
    };
    let mut written = Vec::new();
    loop {
        let mut engine = Mortal {
            written: &mut written,
            at: 0,
            caller: &caller,
            clock: clock.clone(),
            random: &mut random,
            dies_of,
        };
        let outcome = drive(plan, &event, &setup, &mut engine).await;
        if !matches!(outcome, Outcome::Suspended { .. }) {
            return (outcome, caller);
        }
    }
}

#[test]
fn every_record_is_there_once_whatever_breaks() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let plan = recipe();
    let first_seed = fastrand::u64(..);
    for seed in (0..80).map(|n| first_seed.wrapping_add(n)) {
        let dies_of = [0, 3, 10, 40][(seed % 4) as usize];
        let (outcome, caller) = runtime.block_on(run(seed, &plan, dies_of));
        assert_eq!(outcome, Outcome::Done, "seed {seed}");
        let world = caller.world();
        for kind in ["highlevel.contact", "highlevel.task", "highlevel.note"] {
            assert_eq!(world.records(kind).len(), 1, "{kind} with seed {seed}");
        }
        for kind in ["stax.customer", "stax.invoice", "stax.transaction"] {
            assert_eq!(world.records(kind).len(), 1, "{kind} with seed {seed}");
        }
    }
}
