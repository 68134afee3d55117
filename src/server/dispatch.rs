//! Whose turn it is: runs of one lane one after the other in order of arrival, all others at once, as many
//! as there are places.
//!
//! What waits for its turn stays in the store; in memory are the runs that run, the next few, and for each
//! busy lane the numbers of those that wait for it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::error;

use super::runner::Runner;
use crate::store::{Ended, Ready, RunId, Runs, StoreError};

/// How many runs are read at once.
const PIECE: usize = 256;
/// How many runs may wait for busy lanes in memory; the rest is looked up when its lane is free.
const BLOCKED: usize = 50_000;
/// When a run that could not be noted is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the dispatcher is told.
pub enum Order {
    /// A run is open again.
    Reopened(RunId),
    /// A run is cancelled: it goes no further.
    Cancelled(RunId),
}

/// Tells the dispatcher.
#[derive(Clone)]
pub struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    arrived: Arc<Notify>,
    /// How many runs run now.
    running: Arc<AtomicUsize>,
}

impl Handle {
    /// There is something new in the store.
    pub fn arrived(&self) {
        self.arrived.notify_one();
    }

    pub fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// Is told of every run that ended, waits or is held.
pub type Watch = Box<dyn FnMut(&Ended, RunId) + Send>;

/// Starts runs when their turn comes.
pub struct Dispatcher {
    runner: Arc<Runner>,
    /// How many run at once.
    places: usize,
    running: HashMap<RunId, Running>,
    running_now: Arc<AtomicUsize>,
    lanes: HashMap<i64, Lane>,
    blocked: usize,
    live: Feed,
    sync: Feed,
    due: VecDeque<Ready>,
    /// Behind this one there may be more that are due.
    due_behind: Option<(Timestamp, RunId)>,
    next_due: Option<Timestamp>,
    look_for_due: bool,
    /// Their lane is theirs already.
    next_in_lane: VecDeque<(RunId, i64)>,
    /// Lanes whose run is over: the next one's turn comes.
    freed: VecDeque<i64>,
    reopened: VecDeque<RunId>,
    again: VecDeque<(Instant, RunId)>,
    orders: mpsc::UnboundedReceiver<Order>,
    arrived: Arc<Notify>,
    tasks: JoinSet<Option<Ended>>,
    task_runs: HashMap<task::Id, RunId>,
    watch: Watch,
}

type Task = Result<(task::Id, Option<Ended>), JoinError>;

struct Running {
    lane: i64,
    stopping: Arc<AtomicBool>,
}

#[derive(Default)]
struct Lane {
    /// Who waits for it, in order.
    queue: BTreeSet<RunId>,
    /// From here on there may be more in the store.
    more_from: Option<RunId>,
}

/// Open runs of one priority, in order.
struct Feed {
    priority: u8,
    cursor: RunId,
    read: VecDeque<Ready>,
    maybe_more: bool,
}

impl Feed {
    fn new(priority: u8) -> Feed {
        Feed { priority, cursor: RunId(0), read: VecDeque::new(), maybe_more: true }
    }
}

impl Dispatcher {
    /// `watch` is told of every run that ended, waits or is held.
    pub fn new(runner: Arc<Runner>, places: usize, watch: Watch) -> (Dispatcher, Handle) {
        let (order, orders) = mpsc::unbounded_channel();
        let arrived = Arc::new(Notify::new());
        let running_now = Arc::new(AtomicUsize::new(0));
        let handle =
            Handle { orders: order, arrived: arrived.clone(), running: running_now.clone() };
        let dispatcher = Dispatcher {
            runner,
            places: places.max(1),
            running: HashMap::new(),
            running_now,
            lanes: HashMap::new(),
            blocked: 0,
            live: Feed::new(0),
            sync: Feed::new(1),
            due: VecDeque::new(),
            due_behind: None,
            next_due: None,
            look_for_due: true,
            next_in_lane: VecDeque::new(),
            freed: VecDeque::new(),
            reopened: VecDeque::new(),
            again: VecDeque::new(),
            orders,
            arrived,
            tasks: JoinSet::new(),
            task_runs: HashMap::new(),
            watch,
        };
        (dispatcher, handle)
    }

    /// Works until it is told to stop; then lets what runs come to a place where it can go on later, and
    /// gives up waiting for it after `grace`.
    pub async fn work(mut self, mut stop: oneshot::Receiver<Duration>) {
        let grace = loop {
            if let Err(problem) = self.fill().await {
                error!("{problem}: {}", problem.help);
                tokio::time::sleep(AGAIN).await;
            }
            let wake = self.wakes_at();
            tokio::select! {
                biased;
                grace = &mut stop => break grace.unwrap_or_default(),
                Some(task) = self.tasks.join_next_with_id() => {
                    self.has_ended(task);
                    while let Some(task) = self.tasks.try_join_next_with_id() {
                        self.has_ended(task);
                    }
                }
                Some(order) = self.orders.recv() => self.follow(order),
                () = self.arrived.notified() => {
                    self.live.maybe_more = true;
                    self.sync.maybe_more = true;
                }
                () = tokio::time::sleep_until(wake) => {
                    // From the start, and only once for this time, however long it takes to get a place.
                    self.look_for_due = true;
                    self.due_behind = None;
                    self.next_due = None;
                }
            }
        };
        self.running.values().for_each(|run| run.stopping.store(true, Ordering::Relaxed));
        let deadline = Instant::now() + grace;
        while !self.running.is_empty() {
            match tokio::time::timeout_at(deadline, self.tasks.join_next_with_id()).await {
                Ok(Some(task)) => {
                    self.end_of(task);
                }
                _ => break,
            }
        }
    }

    fn wakes_at(&self) -> Instant {
        let now = Timestamp::now();
        let hour = Duration::from_secs(3_600);
        let due = self.next_due.map(|due| Duration::try_from(now.duration_until(due)));
        let due = due.map_or(hour, |length| length.unwrap_or_default().min(hour));
        let mut wake = Instant::now() + due;
        if let Some((at, _)) = self.again.front() {
            wake = wake.min(*at);
        }
        wake
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Reopened(run) => self.reopened.push_back(run),
            Order::Cancelled(run) => {
                self.forget(run);
                if let Some(running) = self.running.get(&run) {
                    running.stopping.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn has_place(&self) -> bool {
        self.running.len() < self.places
    }

    /// Starts what can start.
    async fn fill(&mut self) -> Result<(), StoreError> {
        while self.again.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            self.reopened.extend(self.again.pop_front().map(|(_, run)| run));
        }
        self.free_lanes().await?;
        while let Some((run, lane)) = self.next_in_lane.front().copied() {
            if !self.has_place() {
                return Ok(());
            }
            let ready = self.runner.store.ready(run).await?;
            self.next_in_lane.pop_front();
            match ready {
                Some(ready) => self.start(ready, true),
                // Cancelled meanwhile: the lane goes to the next.
                None => {
                    self.freed.push_back(lane);
                    self.free_lanes().await?;
                }
            }
        }
        while self.has_place() {
            let Some(run) = self.reopened.pop_front() else { break };
            match self.runner.store.ready(run).await {
                Ok(Some(ready)) => self.take_or_try_again(ready),
                Ok(None) => {}
                Err(problem) => {
                    self.reopened.push_front(run);
                    return Err(problem);
                }
            }
        }
        if self.look_for_due && self.due.is_empty() {
            let now = Timestamp::now();
            let due = self.runner.store.due(now, self.due_behind, PIECE).await?;
            self.next_due = self.runner.store.next_due(now).await?;
            let last = due.last().filter(|_| due.len() == PIECE);
            self.due_behind = last.and_then(|last| Some((last.due_at?, last.id)));
            self.look_for_due = self.due_behind.is_some();
            self.due.extend(due.into_iter().filter(|r| !self.running.contains_key(&r.id)));
        }
        // Live events come first; what is due gets one place in four even then.
        let for_due = match self.live.read.is_empty() && !self.live.maybe_more {
            true => self.places,
            false => (self.places / 4).max(1),
        };
        for _ in 0..for_due {
            if !self.has_place() {
                break;
            }
            let Some(ready) = self.due.pop_front() else { break };
            self.take_or_try_again(ready);
            if self.due.is_empty() && self.look_for_due {
                self.arrived.notify_one();
            }
        }
        while self.has_place() {
            let Some(ready) = self.next_open().await? else { break };
            let reopened = ready.id <= self.runner.fresh_behind;
            self.take(ready, reopened);
        }
        Ok(())
    }

    /// The next open run: live ones first.
    async fn next_open(&mut self) -> Result<Option<Ready>, StoreError> {
        for feed in [&mut self.live, &mut self.sync] {
            if feed.read.is_empty() && feed.maybe_more {
                let read = self.runner.store.open(feed.priority, feed.cursor, PIECE).await?;
                feed.maybe_more = read.len() == PIECE;
                if let Some(last) = read.last() {
                    feed.cursor = last.id;
                }
                feed.read.extend(read);
            }
            if let Some(ready) = feed.read.pop_front() {
                return Ok(Some(ready));
            }
        }
        Ok(None)
    }

    /// Takes a run that no feed comes by again.
    fn take_or_try_again(&mut self, ready: Ready) {
        let run = ready.id;
        if !self.take(ready, true) {
            self.again.push_back((Instant::now() + AGAIN, run));
        }
    }

    /// Starts a run, or lets it wait for its lane. False when it has to be taken again later: it still
    /// runs, or too many wait.
    fn take(&mut self, ready: Ready, reopened: bool) -> bool {
        if self.running.contains_key(&ready.id) {
            return false;
        }
        match self.lanes.get_mut(&ready.lane) {
            None => {
                self.lanes.insert(ready.lane, Lane::default());
                self.start(ready, reopened);
                true
            }
            Some(lane) if self.blocked < BLOCKED && lane.more_from.is_none() => {
                if lane.queue.insert(ready.id) {
                    self.blocked += 1;
                }
                true
            }
            Some(lane) => {
                lane.more_from = Some(lane.more_from.map_or(ready.id, |from| from.min(ready.id)));
                false
            }
        }
    }

    /// Starts a run whose lane is its own.
    fn start(&mut self, ready: Ready, reopened: bool) {
        let stopping = Arc::new(AtomicBool::new(false));
        let running = Running { lane: ready.lane, stopping: stopping.clone() };
        self.running.insert(ready.id, running);
        self.running_now.store(self.running.len(), Ordering::Relaxed);
        let (runner, run) = (self.runner.clone(), ready.id);
        let task = self.tasks.spawn(async move { runner.run(ready, stopping, reopened).await });
        self.task_runs.insert(task.id(), run);
    }

    fn has_ended(&mut self, task: Task) {
        let Some((run, running, ended)) = self.end_of(task) else { return };
        match &ended {
            Some(Ended { due_at: Some(due), .. }) => {
                self.next_due = Some(self.next_due.map_or(*due, |next| next.min(*due)));
            }
            Some(_) => {}
            None if !running.stopping.load(Ordering::Relaxed) => {
                self.again.push_back((Instant::now() + AGAIN, run));
            }
            None => {}
        }
        self.freed.push_back(running.lane);
    }

    /// The run of a task that is over, and how it stands.
    fn end_of(&mut self, task: Task) -> Option<(RunId, Running, Option<Ended>)> {
        let (id, ended) = match task {
            Ok((id, ended)) => (id, ended),
            // A run that panics is a bug of ours: the service goes on, and the run is tried again.
            Err(panic) => {
                error!("this is a bug: {panic}");
                (panic.id(), None)
            }
        };
        let run = self.task_runs.remove(&id)?;
        let running = self.running.remove(&run)?;
        // It may have been read while it ran: as it was read it is no more.
        self.forget(run);
        self.running_now.store(self.running.len(), Ordering::Relaxed);
        if let Some(ended) = &ended {
            (self.watch)(ended, run);
        }
        Some((run, running, ended))
    }

    /// What was read of a run does not hold any more.
    fn forget(&mut self, run: RunId) {
        for read in [&mut self.live.read, &mut self.sync.read] {
            if let Ok(at) = read.binary_search_by_key(&run, |ready| ready.id) {
                read.remove(at);
            }
        }
        self.due.retain(|ready| ready.id != run);
    }

    async fn free_lanes(&mut self) -> Result<(), StoreError> {
        while let Some(lane) = self.freed.front().copied() {
            self.free(lane).await?;
            self.freed.pop_front();
        }
        Ok(())
    }

    /// Gives a lane to the next that waits for it.
    async fn free(&mut self, number: i64) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&number) else { return Ok(()) };
        if let (true, Some(from)) = (lane.queue.is_empty(), lane.more_from) {
            // Both kinds: a lane does not know which of them waits for it.
            let store = &self.runner.store;
            let live = store.open_in_lane(0, number, from, PIECE).await?;
            let sync = store.open_in_lane(1, number, from, PIECE).await?;
            // What is read whole has no end that would have to be looked up.
            let ends = [&live, &sync].map(|read| read.last().filter(|_| read.len() == PIECE));
            let end = ends.into_iter().flatten().min().copied();
            lane.more_from = end.map(|last| RunId(last.0 + 1));
            let before = lane.queue.len();
            lane.queue
                .extend(live.into_iter().chain(sync).filter(|run| end.is_none_or(|e| *run <= e)));
            self.blocked += lane.queue.len() - before;
        }
        match lane.queue.pop_first() {
            Some(next) => {
                self.blocked = self.blocked.saturating_sub(1);
                self.next_in_lane.push_back((next, number));
            }
            None => {
                self.lanes.remove(&number);
            }
        }
        Ok(())
    }
}
