//! Every `run` case, killed at every place where it can be and gone on with: the same outcome, the same
//! records, and no call repeated that has been answered.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linecook::call::{CallError, Caller, Request, Response};
use linecook::catalog::{Catalog, InDoubt};
use linecook::cli::{example_payload, furnish, given_last_seen, given_links, load, snapshots_of};
use linecook::execute::{
    DurableEngine, Journal, Links, MemoryLinks, Quota, Setup, TriggerEvent, VirtualClock, drive,
    settings,
};
use linecook::journal::{
    Asked, CallKey, Change, Entry, LastSeen, Link, LinkAnswer, Outcome, Question, Replay, Written,
};
use linecook::plan::{self, Accounts, Plan};
use linecook::recipe::Example;
use linecook::sandbox::{InProcess, World};
use linecook::template::LinkQuestion;
use linecook::value::RecordKey;

use crate::cases::{folders, root};

/// When the program is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Killed {
    Never,
    /// Instead of the n-th write: what came since the last one is lost.
    AtWrite(usize),
    /// When the n-th request is about to leave: it was meant to, and did not.
    BeforeCall(usize),
}

/// What has reached the disk.
#[derive(Default)]
struct Disk {
    entries: Mutex<Vec<Entry>>,
    links: Mutex<MemoryLinks>,
    seen: Mutex<Option<LastSeen>>,
}

impl Disk {
    /// What is there before the run.
    fn given(example: Option<&Example>) -> Disk {
        let given = example.and_then(|example| example.given.as_ref());
        Disk {
            entries: Mutex::default(),
            links: Mutex::new(given_links(given)),
            seen: Mutex::new(given_last_seen(given)),
        }
    }

    /// Takes entries with what they change, once.
    fn write(&self, entries: &Written) {
        self.entries.lock().unwrap().extend(entries.entries());
        for change in entries.changes() {
            match change {
                Change::Links(change) => self.links.lock().unwrap().apply(change),
                Change::LastSeen { now, .. } => *self.seen.lock().unwrap() = Some(now.clone()),
            }
        }
    }

    fn remembered(&self) -> (MemoryLinks, Option<LastSeen>) {
        (self.links.lock().unwrap().clone(), self.seen.lock().unwrap().clone())
    }
}

struct Diary<'a> {
    disk: &'a Disk,
    dead: &'a AtomicBool,
    killed: Killed,
    writes: usize,
}

impl Journal for Diary<'_> {
    async fn write(&mut self, entries: &Written) -> Result<(), String> {
        self.writes += 1;
        if self.killed == Killed::AtWrite(self.writes) {
            self.dead.store(true, Ordering::Relaxed);
        }
        if self.dead.load(Ordering::Relaxed) {
            return Err("killed".to_owned());
        }
        self.disk.write(entries);
        Ok(())
    }

    async fn linked(&mut self, questions: &[LinkQuestion]) -> Result<Vec<LinkAnswer>, String> {
        let mut links = self.disk.links.lock().unwrap().clone();
        links.linked(questions).await
    }

    async fn links_of(&mut self, record: &RecordKey) -> Result<Vec<Link>, String> {
        Ok(self.disk.links.lock().unwrap().of(record))
    }

    async fn last_seen(&mut self, _: &RecordKey) -> Result<Option<LastSeen>, String> {
        Ok(self.disk.seen.lock().unwrap().clone())
    }

    async fn asked_before(&mut self, _: &CallKey, _: &Question) -> Result<Asked, String> {
        Ok(Asked::Never)
    }
}

struct Wire<'a> {
    world: &'a InProcess,
    dead: &'a AtomicBool,
    killed: Killed,
    calls: Mutex<usize>,
}

impl Caller for &Wire<'_> {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        if self.killed == Killed::BeforeCall(number) {
            self.dead.store(true, Ordering::Relaxed);
        }
        match self.dead.load(Ordering::Relaxed) {
            true => Err(CallError::NoAnswer("killed".to_owned())),
            false => self.world.call(request).await,
        }
    }
}

struct Open;

impl Quota for Open {
    type Pass = ();

    async fn enter(&self, _: &str, _: u32) -> Result<(), jiff::Timestamp> {
        Ok(())
    }

    fn answered(&self, (): (), _: &Result<Response, CallError>) {}

    fn unused(&self, (): ()) {}
}

/// A recipe with what it is tried with.
pub struct Case {
    pub name: String,
    pub plan: Plan,
    pub event: TriggerEvent,
    pub setup: Setup,
    pub example: Option<Example>,
}

/// One life of a run.
struct Life {
    outcome: Outcome,
    writes: usize,
    calls: usize,
    /// Whether any call was answered with a refusal.
    was_refused: bool,
}

impl Case {
    /// One for each example of a recipe, in their order; none where it has errors.
    pub fn all(path: &Path) -> Vec<Case> {
        let loaded = load(path);
        let (Some(checked), Some(file)) = (loaded.checked, loaded.file) else { return Vec::new() };
        let plan = plan::recipe(checked);
        let examples = match file.recipe.examples.is_empty() {
            true => vec![None],
            false => file.recipe.examples.iter().cloned().map(Some).collect(),
        };
        examples.into_iter().map(|example| Case::one(path, &plan, example)).collect()
    }

    fn one(path: &Path, plan: &Plan, example: Option<Example>) -> Case {
        let now = example.as_ref().and_then(|e| e.now.as_deref()).unwrap_or("2026-03-02T10:00:00Z");
        let now = now.parse().unwrap();
        let payload = example.as_ref().and_then(|e| example_payload(path, e).unwrap());
        let on = example.as_ref().and_then(|e| e.on.clone());
        let events = &plan.recipe.trigger.events;
        let event = events.iter().find(|e| Some(e.name()) == on).unwrap_or(&events[0]).clone();
        let payload =
            payload.unwrap_or_else(|| event.example.as_object().cloned().unwrap_or_default());
        let given = example.as_ref().map(|e| e.settings.clone()).unwrap_or_default();
        let catalog = Catalog::embedded();
        let names = example.as_ref().map(|e| snapshots_of(e, catalog)).unwrap_or_default();
        let setup = Setup {
            catalog,
            run_id: "run-1".to_owned(),
            settings: settings(plan, &given, &names).unwrap_or_default(),
            accounts: Accounts::of_catalog(catalog, World::location_id()).into(),
            detail: linecook::plan::Detail::ToSend,
            defaults: Default::default(),
            locks: Default::default(),
            own_writes: Default::default(),
            chain: 0,
            care: Default::default(),
            settle_after: Duration::from_secs(31),
        };
        let name = example.as_ref().map(|e| e.name.clone()).unwrap_or_default();
        let name = format!("{} ({name})", path.display());
        let event = TriggerEvent { id: "event-1".into(), received_at: now, event, payload };
        Case { name, plan: plan.clone(), event, setup, example }
    }

    /// The pretended apps as the example says they are, and their time.
    pub fn world(&self) -> (InProcess, VirtualClock) {
        let now = self.event.received_at;
        let mut world = World::new(Catalog::embedded());
        // What is there has been there for a while.
        world.set_now(now - jiff::SignedDuration::from_hours(24));
        world.set_rate_limit(false);
        furnish(&mut world, self.example.as_ref().and_then(|e| e.given.as_ref()), &self.event);
        world.set_now(now);
        let clock = VirtualClock::at(now);
        (InProcess::at(world, clock.clone()), clock)
    }

    async fn live(
        &self,
        world: &InProcess,
        clock: &VirtualClock,
        disk: &Disk,
        killed: Killed,
    ) -> Life {
        let dead = AtomicBool::new(false);
        let wire = Wire { world, dead: &dead, killed, calls: Mutex::new(0) };
        let diary = Diary { disk, dead: &dead, killed, writes: 0 };
        let written = disk.entries.lock().unwrap().clone();
        // What is stored is text.
        let text = serde_json::to_string(&written).unwrap();
        let replay = Replay::of(serde_json::from_str::<Vec<Entry>>(&text).unwrap()).unwrap();
        let patience = Duration::from_secs(100 * 24 * 3_600);
        let stopping = Arc::new(AtomicBool::new(false));
        let mut engine =
            DurableEngine::new(&wire, clock.clone(), diary, Open, replay, patience, stopping);
        let outcome = drive(&self.plan, &self.event, &self.setup, &mut engine).await;
        let (diary, pending) = engine.into_journal();
        // Whoever is not killed notes how it ended, together with what is still to be written.
        if !dead.load(Ordering::Relaxed) {
            disk.write(&pending);
        }
        let writes = diary.writes;
        let calls = *wire.calls.lock().unwrap();
        let refused = |entry: &Entry| {
            let Entry::Answered { answer, .. } = entry else { return false };
            answer.as_ref().is_ok_and(|response| !response.is_success())
        };
        let was_refused = disk.entries.lock().unwrap().iter().any(refused);
        Life { outcome, writes, calls, was_refused }
    }

    /// Kills it there, goes on, and holds the end against that of a run that was never killed.
    async fn survives(
        &self,
        killed: Killed,
        whole: &Life,
        whole_disk: &Disk,
        records: &BTreeMap<String, usize>,
    ) {
        let (world, clock) = self.world();
        let disk = Disk::given(self.example.as_ref());
        self.live(&world, &clock, &disk, killed).await;
        let before = disk.entries.lock().unwrap().clone();
        let second = self.live(&world, &clock, &disk, Killed::Never).await;
        let at = format!("{}: {killed:?}", self.name);
        if in_doubt(&before).any(|settle| settle == InDoubt::Unprotected) {
            assert!(matches!(second.outcome, Outcome::Held { .. }), "{at}: {:?}", second.outcome);
            return;
        }
        // Where an app would have refused a second record like the first, nobody can tell it was not made.
        let may_be_hidden = in_doubt(&before).any(|s| s == InDoubt::Probe) && whole.was_refused;
        if may_be_hidden && matches!(second.outcome, Outcome::Held { .. }) {
            return;
        }
        assert_eq!(second.outcome.word(), whole.outcome.word(), "{at}: {:?}", second.outcome);
        assert_eq!(&counted(&world), records, "{at}");
        let answered: HashSet<_> = before
            .iter()
            .filter_map(|entry| match entry {
                Entry::Answered { key, attempt, .. } => Some((key.clone(), *attempt)),
                _ => None,
            })
            .collect();
        assert_eq!(disk.remembered(), whole_disk.remembered(), "{at}");
        let after = disk.entries.lock().unwrap().split_off(before.len());
        for entry in after {
            if let Entry::Intent { key, call } = entry {
                assert!(!answered.contains(&(key.clone(), call.attempt)), "{at}: {key} again");
            }
        }
    }
}

/// How what is in doubt at the end of a journal may be settled.
fn in_doubt(entries: &[Entry]) -> impl Iterator<Item = InDoubt> {
    let answered = |key: &CallKey, attempt: u32| {
        entries.iter().any(
            |e| matches!(e, Entry::Answered { key: k, attempt: a, .. } if k == key && *a == attempt),
        )
    };
    let open: Vec<InDoubt> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Intent { key, call } if !answered(key, call.attempt) => Some(call.settle),
            _ => None,
        })
        .collect();
    open.into_iter()
}

/// How many records of each kind there are.
fn counted(world: &InProcess) -> BTreeMap<String, usize> {
    let world = world.world();
    let kinds = Catalog::embedded().record_kinds();
    kinds.into_iter().map(|kind| (kind.clone(), world.records(&kind).len())).collect()
}

#[test]
fn every_run_goes_on_from_wherever_it_was_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut paths: Vec<_> = folders("run").iter().map(|f| f.join("recipe.yaml")).collect();
    let shipped = std::fs::read_dir(root().join("recipes")).unwrap();
    paths.extend(shipped.map(|e| e.unwrap().path()).filter(|p| p.is_file()));
    let mut kills = 0;
    for case in paths.iter().flat_map(|path| Case::all(path)) {
        runtime.block_on(async {
            let (world, clock) = case.world();
            let disk = Disk::given(case.example.as_ref());
            let whole = case.live(&world, &clock, &disk, Killed::Never).await;
            let records = counted(&world);
            for number in 1..=whole.writes {
                case.survives(Killed::AtWrite(number), &whole, &disk, &records).await;
            }
            for number in 1..=whole.calls {
                case.survives(Killed::BeforeCall(number), &whole, &disk, &records).await;
            }
            kills += whole.writes + whole.calls;
        });
    }
    eprintln!("{kills} kills");
    assert!(kills > 150, "only {kills}");
}
