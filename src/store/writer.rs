//! The one thread that writes: many writes, one transaction, one sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::schema::epoch;
use super::transaction::Transaction;

/// How many writes may wait before writers have to.
const QUEUE: usize = 8_192;
/// The most writes of one transaction.
const BATCH: usize = 1_024;
/// With so many writes in one transaction there are more on their way: they get a moment to arrive.
const MANY: usize = 8;
/// How long that moment is. Syncs are what the store's time goes into, and each then serves more writes.
const MOMENT: Duration = Duration::from_micros(1_000);

/// Hands writes over to the thread.
pub struct Writer {
    sender: Option<mpsc::Sender<Box<dyn Work>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// One write. It may be applied again, when the transaction around it fails because of another.
trait Work: Send {
    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    fn done(self: Box<Self>, result: Result<(), StoreError>);
}

struct Job<F, T> {
    work: F,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send> Work for Job<F, T> {
    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.made = Some((self.work)(transaction)?);
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<(), StoreError>) {
        let made = self.made.ok_or_else(StoreError::closed);
        // Whoever asked may have gone away; what is written is written.
        let _ = self.reply.send(result.and(made));
    }
}

impl Writer {
    /// Starts the thread. `leads` is the epoch of the process that runs the store: with another one on
    /// disk nothing is written any more.
    pub fn start(connection: Connection, leads: Option<i64>) -> Result<Writer, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let count = waiting.clone();
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || run(&connection, leads, receiver, &count))
            .map_err(|e| StoreError::io(std::path::Path::new("store"), &e))?;
        Ok(Writer { sender: Some(sender), waiting, thread: Some(thread) })
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Box::new(Job { work, made: None, reply })).await?;
        answer.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    async fn send(&self, job: Box<dyn Work>) -> Result<(), StoreError> {
        let sender = self.sender.as_ref().ok_or_else(StoreError::closed)?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        sender.send(job).await.map_err(|_| StoreError::closed())
    }
}

impl Drop for Writer {
    /// What has been handed over is written before the store is gone.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(
    connection: &Connection,
    leads: Option<i64>,
    mut receiver: mpsc::Receiver<Box<dyn Work>>,
    waiting: &AtomicUsize,
) {
    let mut batch: Vec<Box<dyn Work>> = Vec::with_capacity(BATCH);
    let mut before = 0;
    while receiver.blocking_recv_many(&mut batch, BATCH) > 0 {
        if before >= MANY && batch.len() < before {
            std::thread::sleep(MOMENT);
        }
        while batch.len() < BATCH
            && let Ok(job) = receiver.try_recv()
        {
            batch.push(job);
        }
        before = batch.len();
        waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        match together(connection, leads, &mut batch) {
            Ok(()) => batch.drain(..).for_each(|job| job.done(Ok(()))),
            // One of them is to blame, or the disk: each for itself shows which.
            Err(_) => {
                for job in batch.drain(..) {
                    let mut alone = [job];
                    let result = together(connection, leads, &mut alone);
                    let [job] = alone;
                    job.done(result);
                }
            }
        }
    }
}

fn together(
    connection: &Connection,
    leads: Option<i64>,
    batch: &mut [Box<dyn Work>],
) -> Result<(), StoreError> {
    let transaction = Transaction::begin(connection)?;
    let applied = apply(&transaction, leads, batch).and_then(|()| transaction.commit());
    if applied.is_err() {
        transaction.roll_back();
    }
    applied
}

fn apply(
    transaction: &Transaction<'_>,
    leads: Option<i64>,
    batch: &mut [Box<dyn Work>],
) -> Result<(), StoreError> {
    if leads.is_some() && epoch(transaction)? != leads {
        return Err(StoreError::fenced());
    }
    for job in batch {
        job.apply(transaction)?;
    }
    Ok(())
}
