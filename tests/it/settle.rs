//! Whatever breaks, and wherever the program is killed: what is created is there exactly once.

use std::time::Duration;

use linecook::call::{CallError, Caller, Request, Response};
use linecook::catalog::Catalog;
use linecook::cli::load;
use linecook::execute::{
    Clock, Engine, Interrupt, LocalEngine, Setup, TriggerEvent, VirtualClock, drive, settings,
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
        call: &PlannedCall,
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
            Decision::AskGone(record) => Decision::Gone { record, links: Vec::new() },
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

fn setup(plan: &Plan, run_id: &str) -> Setup {
    let catalog = Catalog::embedded();
    Setup {
        catalog,
        run_id: run_id.to_owned(),
        settings: settings(plan, &Default::default(), &Default::default()).unwrap(),
        accounts: Accounts::of_catalog(catalog, World::location_id()).into(),
        detail: linecook::plan::Detail::ToSend,
        defaults: Default::default(),
        locks: Default::default(),
        own_writes: Default::default(),
        chain: 0,
        care: Default::default(),
        settle_after: Duration::from_secs(31),
    }
}

fn event(plan: &Plan) -> TriggerEvent {
    let payload = json!({ "id": "c0", "email": "ada@example.com", "phone": "+14075550100" });
    TriggerEvent {
        id: "event-1".into(),
        received_at: "2026-03-02T10:00:00Z".parse().unwrap(),
        event: plan.recipe.trigger.events[0].clone(),
        payload: payload.as_object().unwrap().clone(),
    }
}

async fn run(seed: u64, plan: &Plan, dies_of: u32) -> (Outcome, InProcess) {
    let mut random = fastrand::Rng::with_seed(seed);
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let mut world = World::new(Catalog::embedded());
    world.set_now(now);
    world.set_rate_limit(false);
    random_failures(&mut world, &mut random);
    let clock = VirtualClock::at(now);
    let caller = InProcess::at(world, clock.clone());
    let (setup, event) = (setup(plan, &format!("run-{seed}")), event(plan));
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

/// An app that never gets a create done, and lists what it is told to.
struct Stubborn {
    list: serde_json::Value,
}

impl Caller for Stubborn {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        match request.method.as_str() {
            "GET" => Ok(Response { status: 200, body: self.list.clone(), ..Response::default() }),
            _ => Ok(Response { status: 503, ..Response::default() }),
        }
    }
}

/// What a person is told, how long it took, and how many calls there were.
fn held(steps: &str, list: serde_json::Value) -> (String, Duration, usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recipe.yaml");
    let head =
        "name: A call that is never done\ntrigger:\n  on: highlevel.contact_created\nsteps:\n";
    std::fs::write(&file, format!("{head}{steps}")).unwrap();
    let plan = plan::recipe(load(&file).checked.expect("the recipe checks clean"));
    let start = "2026-03-02T10:00:00Z".parse().unwrap();
    let clock = VirtualClock::at(start);
    let patience = Duration::from_secs(1 << 20);
    let mut engine = LocalEngine::new(Stubborn { list }, clock.clone(), patience, |_| {});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (setup, event) = (setup(&plan, "run-1"), event(&plan));
    let outcome = runtime.block_on(drive(&plan, &event, &setup, &mut engine));
    let Outcome::Held { question, error } = outcome else { panic!("{outcome:?}") };
    let took = start.duration_until(clock.now()).try_into().unwrap();
    let calls = engine.into_history().calls().len();
    (format!("{}: {}", question.text, error.message), took, calls)
}

#[test]
fn an_outage_of_an_hour_needs_nobody_and_then_a_person_is_asked() {
    let step = "  - call: POST /contacts/:contactId/notes\n    with: { contactId: c1, body: Hi }\n";
    let (said, took, calls) = held(step, json!({ "notes": [] }));
    assert!(said.ends_with("it was looked for 20 times, and was not there"), "{said}");
    assert!(took > Duration::from_secs(3_600), "{took:?}");
    assert_eq!(calls, 41, "every try but the last is looked for");
}

#[test]
fn a_list_without_end_is_not_read_to_its_end() {
    let step =
        "  - call: POST /invoice\n    with: { customer_id: s1, total: 1, meta: { tax: 0 } }\n";
    let invoice = json!({ "id": "i1", "created_at": "2026-01-01 00:00:00" });
    let (said, _, calls) = held(step, json!({ "data": [invoice], "last_page": 1_000 }));
    assert!(said.contains("it is not on the first 40 pages of the list"), "{said}");
    assert_eq!(calls, 41);
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
