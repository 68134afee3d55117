//! A transaction under way, shared by the writes that come to disk together.

use std::cell::RefCell;
use std::ops::Deref;

use rusqlite::Connection;

use super::StoreError;
use super::spending::Tally;

/// What writes write into. Requests sent are added up and written once, at its end: most writes tell of some,
/// and nearly all of the same second.
pub struct Transaction<'c> {
    connection: &'c Connection,
    spent: RefCell<Tally>,
}

impl<'c> Transaction<'c> {
    pub fn begin(connection: &'c Connection) -> Result<Transaction<'c>, StoreError> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Transaction { connection, spent: RefCell::default() })
    }

    /// Counts requests of a second with those of other writes.
    pub fn spend(&self, spending: &super::Spending, second: i64) {
        self.spent.borrow_mut().add(spending, second);
    }

    /// Writes what has been counted so far.
    pub fn write_spent(&self) -> rusqlite::Result<()> {
        self.spent.take().write(self.connection)
    }

    pub fn commit(&self) -> Result<(), StoreError> {
        self.write_spent()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Whatever happened, none of it counts.
    pub fn roll_back(&self) {
        self.spent.take();
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
