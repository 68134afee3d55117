//! A connection gets another name: what was counted and what stands under the old one goes on under it.

use rusqlite::params;

use super::{Store, StoreError};

/// Under which name a position is remembered that was called otherwise before.
fn first(position: &str) -> String {
    format!("first {position}")
}

impl Store {
    /// What a position was called first.
    pub async fn first_name_of(&self, position: &str) -> Result<String, StoreError> {
        let known = self.position(&first(position)).await?;
        Ok(known.unwrap_or_else(|| position.to_owned()))
    }

    /// Moves requests sent, links and places of polls from one name of a connection to another.
    pub async fn rename_connection(&self, old: &str, new: &str) -> Result<(), StoreError> {
        let (old, new) = (old.to_owned(), new.to_owned());
        self.write(move |c| {
            c.write_spent()?;
            c.prepare_cached(
                "INSERT INTO spending SELECT ?2, second, requests, failures FROM spending WHERE connection = ?1
                 ON CONFLICT DO UPDATE SET
                   requests = requests + excluded.requests, failures = failures + excluded.failures",
            )?
            .execute(params![old, new])?;
            c.prepare_cached("DELETE FROM spending WHERE connection = ?1")?.execute([&old])?;
            super::links::rename(c, &old, &new)?;
            let names: Vec<String> = c
                .prepare_cached("SELECT name FROM positions WHERE name LIKE 'poll %'")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for name in names {
                // `poll <installation> <connection> <operation>`
                let mut words: Vec<&str> = name.split(' ').collect();
                if words.len() != 4 || words[2] != old {
                    continue;
                }
                words[2] = &new;
                let now = words.join(" ");
                let mut rename =
                    c.prepare_cached("UPDATE OR IGNORE positions SET name = ?2 WHERE name = ?1")?;
                rename.execute(params![name, now])?;
                // What a poll has seen it knows by the name that it had first.
                c.prepare_cached("INSERT OR IGNORE INTO positions VALUES (?1, ?2)")?
                    .execute(params![first(&name), name])?;
                rename.execute(params![first(&name), first(&now)])?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Spending, Store};

    #[tokio::test]
    async fn what_a_connection_has_sent_and_where_its_polls_stand_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("linecook.db"), Options::default()).unwrap();
        let sent =
            |name: &str, requests| Spending { connection: name.to_owned(), requests, failures: 1 };
        for (name, requests) in [("old", 3), ("new", 4), ("older", 5)] {
            store.note_spending(sent(name, requests)).await.unwrap();
        }
        store.set_position("poll hello old stax.find", "one").await.unwrap();
        store.set_position("poll old other stax.find", "two").await.unwrap();
        for _ in 0..2 {
            store.rename_connection("old", "new").await.unwrap();
        }
        assert!(store.spent("old", 0).await.unwrap().is_empty());
        let spent = store.spent("new", 0).await.unwrap();
        assert_eq!(spent.iter().map(|s| s.requests).sum::<u64>(), 7);
        assert_eq!(spent.iter().map(|s| s.failures).sum::<u64>(), 2);
        assert_eq!(store.last_uses().await.unwrap().len(), 2);
        let position = async |name: &str| store.position(name).await.unwrap();
        assert_eq!(position("poll hello old stax.find").await, None);
        assert_eq!(position("poll hello new stax.find").await.as_deref(), Some("one"));
        assert_eq!(position("poll old other stax.find").await.as_deref(), Some("two"));

        store.rename_connection("new", "newest").await.unwrap();
        let first = async |name: &str| store.first_name_of(name).await.unwrap();
        assert_eq!(first("poll hello newest stax.find").await, "poll hello old stax.find");
        assert_eq!(first("poll old other stax.find").await, "poll old other stax.find");
    }
}
