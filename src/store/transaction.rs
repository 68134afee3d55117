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

#[cfg(test)]
mod tests {
    use super::super::{Spending, schema};
    use super::*;

    fn spent(connection: &Connection) -> Vec<(String, i64, u32, u32)> {
        let mut query = connection.prepare("SELECT * FROM spending ORDER BY 1, 2").unwrap();
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn requests_are_added_up_and_what_is_rolled_back_does_not_count() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, false).unwrap();
        let one =
            |name: &str, failures| Spending { connection: name.to_owned(), requests: 1, failures };
        let transaction = Transaction::begin(&connection).unwrap();
        transaction.spend(&one("main", 0), 7);
        transaction.write_spent().unwrap();
        transaction.spend(&one("main", 0), 7);
        transaction.roll_back();
        assert_eq!(spent(&connection), []);
        let transaction = Transaction::begin(&connection).unwrap();
        for (name, failures, second) in
            [("main", 0, 7), ("main", 1, 7), ("main", 0, 8), ("other", 1, 7)]
        {
            transaction.spend(&one(name, failures), second);
        }
        // Whoever has to see the sum in the middle does, and what comes then is added to it.
        transaction.write_spent().unwrap();
        assert_eq!(spent(&connection).len(), 3);
        transaction.spend(&one("main", 0), 7);
        transaction.commit().unwrap();
        let row =
            |name: &str, second, requests, failures| (name.to_owned(), second, requests, failures);
        let expected = [row("main", 7, 3, 1), row("main", 8, 1, 0), row("other", 7, 1, 1)];
        assert_eq!(spent(&connection), expected);
    }
}
