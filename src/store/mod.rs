//! What must survive: deliveries, runs and their journals come in, on SQLite; what is stored comes back
//! after whatever happened.
//!
//! One thread writes. It takes all that is waiting, writes it in one transaction and syncs once, so that
//! many runs share the price of a sync. Readers have connections of their own and see what is committed.

mod backup;
mod deliveries;
mod error;
mod health;
mod journal;
mod last_seen;
mod lease;
mod links;
mod notices;
mod old_hooks;
mod plans;
mod positions;
mod questions;
mod rename;
mod requests;
mod retention;
mod runs;
mod schema;
mod seen;
mod spending;
mod stages;
mod transaction;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

pub use backup::{BackupFacts, backup_facts, restore};
pub use deliveries::{Accepted, Arrival, Deliveries, Delivery, DeliveryFilter, Start};
pub use error::{StoreError, StoreErrorKind};
pub use health::Health;
pub use journal::{JournalRow, Remembered};
pub use links::{Changed, LinkAccounts, LinkFilter, StoreLinks, StoredLink};
pub use notices::Notice;
pub use plans::{NewPlan, StoredPlan};
pub use requests::{Request, RequestAnswer, RequestBody};
pub use retention::Swept;
pub use runs::{Counts, Ended, Ready, RunFilter, RunId, RunRow, RunState, Runs};
pub use seen::{Fingerprint, Seen};
pub use spending::{Spending, Spent};
pub use stages::{Pause, StageRow};

use lease::Lease;
use transaction::Transaction;
use writer::Writer;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A SQLite file system of another name, such as one that fails on purpose.
    pub vfs: Option<String>,
}

/// The store of one project. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    options: Options,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    /// Held as long as the store is open for writing; none for one that is only looked at.
    lease: Option<Lease>,
}

impl Store {
    /// Opens the store for the one process that runs things; makes it when it is not there. Fails when
    /// another process has it.
    pub fn open(path: &Path, options: Options) -> Result<Store, StoreError> {
        let lease = Lease::take(path)?;
        Store::with(path, options, Some(lease))
    }

    /// Opens a store beside the process that runs things: to look, and to leave requests.
    pub fn beside(path: &Path, options: Options) -> Result<Store, StoreError> {
        if !path.exists() {
            return Err(StoreError::missing(path));
        }
        Store::with(path, options, None)
    }

    fn with(path: &Path, options: Options, lease: Option<Lease>) -> Result<Store, StoreError> {
        let mut connection = connect(path, &options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let epoch = schema::prepare(&mut connection, lease.is_some())?;
        let writer = Writer::start(connection, epoch)?;
        let readers = Mutex::new(Vec::new());
        let inner = Inner { path: path.to_owned(), options, writer, readers, lease };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Whether some process runs the store now.
    pub fn is_run(path: &Path) -> bool {
        Lease::is_taken(path)
    }

    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether this process is the one that runs things.
    pub fn leads(&self) -> bool {
        self.inner.lease.is_some()
    }

    /// Writes, and comes back when it is on disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(work).await
    }

    /// How many writes wait for the disk.
    pub fn waiting_writes(&self) -> usize {
        self.inner.writer.waiting()
    }

    /// Reads what is committed.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let reading = tokio::task::spawn_blocking(move || store.read_now(work));
        match reading.await {
            Ok(read) => read,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // The program ends.
            Err(_) => Err(StoreError::closed()),
        }
    }

    /// Reads on this thread.
    pub(crate) fn read_now<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let free = self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
                let connection = connect(&self.inner.path, &self.inner.options, flags)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.pragma_update(None, "cache_size", -1_000)?;
                connection
            }
        };
        let result = work(&connection);
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(result?)
    }
}

fn connect(path: &Path, options: &Options, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    make_private(path)?;
    let connection = match &options.vfs {
        None => Connection::open_with_flags(path, flags)?,
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str())?,
    };
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// The store holds people's data: only its owner may read it, whatever the umask says.
#[cfg(unix)]
fn make_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::io(path, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<(), StoreError> {
    Ok(())
}
