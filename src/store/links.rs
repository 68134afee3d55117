//! Links: which record of one account is which record of another.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::deliveries::moment;
use super::{Store, StoreError};
use crate::execute::Links;
use crate::journal::{Link, LinkAnswer, LinkChange};
use crate::template::LinkQuestion;
use crate::value::{RecordKey, app_of};

/// App → connection: in which account of an app a record is. Where an app is missing nobody knows, and a
/// record of any account is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkAccounts(pub BTreeMap<String, String>);

impl LinkAccounts {
    /// The connection of every app that has only one. `connections` are apps with names.
    pub fn only<'a>(connections: impl IntoIterator<Item = (&'a str, &'a str)>) -> LinkAccounts {
        let mut found: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (app, name) in connections {
            found.entry(app).and_modify(|only| *only = None).or_insert(Some(name));
        }
        let only = found.into_iter();
        LinkAccounts(
            only.filter_map(|(app, name)| Some((app.to_owned(), name?.to_owned()))).collect(),
        )
    }

    fn of(&self, kind: &str) -> &str {
        self.0.get(app_of(kind)).map_or("", String::as_str)
    }
}

/// A link with the connections of its records, in their order; nothing where none is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLink {
    pub link: Link,
    pub connections: [String; 2],
    pub made_at: Timestamp,
}

/// Which links.
#[derive(Clone, Debug, Default)]
pub struct LinkFilter {
    /// App and kind of one of the records.
    pub kind: Option<String>,
    /// The id of one of the records; of `kind` where that is named too.
    pub id: Option<String>,
    pub name: Option<String>,
    pub limit: usize,
}

/// The links of a store as runs with these accounts see them.
#[derive(Clone)]
pub struct StoreLinks {
    pub store: Store,
    pub accounts: Arc<LinkAccounts>,
}

impl Links for StoreLinks {
    fn linked(
        &mut self,
        questions: &[LinkQuestion],
    ) -> impl Future<Output = Result<Vec<LinkAnswer>, String>> + Send {
        let (accounts, questions) = (self.accounts.clone(), questions.to_vec());
        let store = self.store.clone();
        async move {
            let read = store.read(move |c| {
                let answer = |question: LinkQuestion| {
                    let id = find(c, &question, &accounts)?;
                    Ok(LinkAnswer { question, id })
                };
                questions.into_iter().map(answer).collect()
            });
            read.await.map_err(|e| e.to_string())
        }
    }

    fn links_of(
        &mut self,
        record: &RecordKey,
    ) -> impl Future<Output = Result<Vec<Link>, String>> + Send {
        let (accounts, record) = (self.accounts.clone(), record.clone());
        let store = self.store.clone();
        async move {
            let read = store.read(move |c| of_record(c, &record, &accounts));
            read.await
                .map(|rows| rows.into_iter().map(|row| row.link).collect())
                .map_err(|e| e.to_string())
        }
    }

    fn change(&mut self, change: &LinkChange) -> impl Future<Output = Result<(), String>> + Send {
        let (accounts, change) = (self.accounts.clone(), change.clone());
        let store = self.store.clone();
        async move {
            store.change_links(vec![change], &accounts).await.map(|_| ()).map_err(|e| e.to_string())
        }
    }
}

impl Store {
    /// Changes links, all of them or none; gives for each how many links ended, and whether one began.
    pub async fn change_links(
        &self,
        changes: Vec<LinkChange>,
        accounts: &LinkAccounts,
    ) -> Result<Vec<Changed>, StoreError> {
        let (accounts, now) = (accounts.clone(), Timestamp::now().as_millisecond());
        self.write(move |c| changes.iter().map(|change| apply(c, change, &accounts, now)).collect())
            .await
    }

    /// The links that fit, the newest first.
    pub async fn links(&self, filter: LinkFilter) -> Result<Vec<StoredLink>, StoreError> {
        self.read(move |c| {
            let query = format!(
                "SELECT {COLUMNS} FROM links
                 WHERE (?1 IS NULL OR left_kind = ?1 OR right_kind = ?1)
                   AND (?2 IS NULL
                     OR (left_id = ?2 AND (?1 IS NULL OR left_kind = ?1))
                     OR (right_id = ?2 AND (?1 IS NULL OR right_kind = ?1)))
                   AND (?3 IS NULL OR name = ?3)
                 ORDER BY id DESC LIMIT ?4"
            );
            let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
            let values = params![filter.kind, filter.id, filter.name, limit];
            let mut query = c.prepare_cached(&query)?;
            let rows = query.query_map(values, stored)?;
            rows.map(|row| row.map(|(_, link)| link)).collect()
        })
        .await
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many links are there no longer.
    pub ended: usize,
    /// There is one that was not there before.
    pub began: bool,
}

const COLUMNS: &str = "id, name, left_connection, left_kind, left_id,
    right_connection, right_kind, right_id, made_at_ms";

fn stored(row: &Row<'_>) -> rusqlite::Result<(i64, StoredLink)> {
    let records = [
        RecordKey::new(text(row, 3)?, text(row, 4)?),
        RecordKey::new(text(row, 6)?, text(row, 7)?),
    ];
    let link = Link { records, name: text(row, 1)? };
    let connections = [text(row, 2)?, text(row, 5)?];
    Ok((row.get(0)?, StoredLink { link, connections, made_at: moment(row.get(8)?) }))
}

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    row.get(at)
}

/// Whether two connections may be the same: one that is not known may be any.
fn may_be(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// The rows with a record at one of their ends, the newest last.
fn rows(c: &Connection, record: &RecordKey) -> rusqlite::Result<Vec<(i64, StoredLink)>> {
    let query = format!(
        "SELECT {COLUMNS} FROM links WHERE left_kind = ?1 AND left_id = ?2
         UNION ALL
         SELECT {COLUMNS} FROM links WHERE right_kind = ?1 AND right_id = ?2
         ORDER BY id"
    );
    c.prepare_cached(&query)?.query_map([&record.kind, &record.id], stored)?.collect()
}

fn in_accounts(link: &StoredLink, accounts: &LinkAccounts) -> bool {
    let ends = link.link.records.iter().zip(&link.connections);
    ends.into_iter().all(|(record, connection)| may_be(connection, accounts.of(&record.kind)))
}

fn of_record(
    c: &Connection,
    record: &RecordKey,
    accounts: &LinkAccounts,
) -> rusqlite::Result<Vec<StoredLink>> {
    let rows = rows(c, record)?.into_iter().map(|(_, link)| link);
    Ok(rows.filter(|link| in_accounts(link, accounts)).collect())
}

fn find(
    c: &Connection,
    question: &LinkQuestion,
    accounts: &LinkAccounts,
) -> rusqlite::Result<Option<String>> {
    let mut found = of_record(c, &question.of, accounts)?;
    found.retain(|link| link.link.name == question.name);
    // Of a known account before one of any.
    found.sort_by_key(|link| link.connections.iter().filter(|name| name.is_empty()).count());
    let other = |link: &StoredLink| {
        let other = link.link.other(&question.of)?;
        (other.kind == question.to).then(|| other.id.clone())
    };
    Ok(found.iter().find_map(other))
}

/// Applies one change. Once more it changes nothing.
pub(super) fn apply(
    c: &Connection,
    change: &LinkChange,
    accounts: &LinkAccounts,
    now: i64,
) -> rusqlite::Result<Changed> {
    let mut changed = Changed::default();
    let mut there = false;
    let mut seen = Vec::new();
    for record in change.records() {
        for (id, row) in rows(c, record)? {
            if seen.contains(&id) || !change.ends(&row.link) || !in_accounts(&row, accounts) {
                continue;
            }
            seen.push(id);
            let same = change.begins() == Some(&row.link);
            let known = row.connections.iter().zip(&row.link.records);
            let mut known = known.map(|(name, record)| {
                let own = accounts.of(&record.kind);
                own.is_empty() || name == own
            });
            if same && known.all(|is| is) {
                there = true;
                continue;
            }
            c.prepare_cached("DELETE FROM links WHERE id = ?1")?.execute([id])?;
            // One that is only told its account anew does not end.
            changed.ended += usize::from(!same);
        }
    }
    if let Some(Link { records: [left, right], name }) = change.begins().filter(|_| !there) {
        c.prepare_cached(
            "INSERT INTO links (name, left_connection, left_kind, left_id,
               right_connection, right_kind, right_id, made_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            name,
            accounts.of(&left.kind),
            left.kind,
            left.id,
            accounts.of(&right.kind),
            right.kind,
            right.id,
            now
        ])?;
        changed.began = true;
    }
    Ok(changed)
}

/// Links know the accounts of their records: a connection gets another name.
pub(super) fn rename(c: &Connection, old: &str, new: &str) -> rusqlite::Result<()> {
    for side in ["left", "right"] {
        let update =
            format!("UPDATE links SET {side}_connection = ?2 WHERE {side}_connection = ?1");
        c.prepare_cached(&update)?.execute([old, new])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    fn accounts(names: &[(&str, &str)]) -> LinkAccounts {
        LinkAccounts(names.iter().map(|(a, n)| ((*a).to_owned(), (*n).to_owned())).collect())
    }

    fn link(customer: &str, contact: &str, name: &str) -> Link {
        let customer = RecordKey::new("stax.customer", customer);
        Link::new(customer, RecordKey::new("highlevel.contact", contact), name)
    }

    async fn contact(store: &Store, accounts: &LinkAccounts, customer: &str) -> Option<String> {
        let of = RecordKey::new("stax.customer", customer);
        let question = LinkQuestion { of, to: "highlevel.contact".into(), name: String::new() };
        let accounts = Arc::new(accounts.clone());
        let mut links = StoreLinks { store: store.clone(), accounts };
        links.linked(&[question]).await.unwrap().remove(0).id
    }

    #[tokio::test]
    async fn two_accounts_of_an_app_each_have_their_own_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("linecook.db"), Options::default()).unwrap();
        let main = accounts(&[("stax", "stax"), ("highlevel", "main")]);
        let second = accounts(&[("stax", "stax"), ("highlevel", "second")]);
        let anywhere = LinkAccounts::default();
        for (accounts, contact) in [(&main, "k1"), (&second, "k2"), (&main, "k1")] {
            let change = LinkChange::Link(link("c1", contact, ""));
            store.change_links(vec![change], accounts).await.unwrap();
        }
        assert_eq!(contact(&store, &main, "c1").await.as_deref(), Some("k1"));
        assert_eq!(contact(&store, &second, "c1").await.as_deref(), Some("k2"));
        assert!(contact(&store, &anywhere, "c1").await.is_some());
        assert_eq!(
            store.links(LinkFilter { limit: 9, ..Default::default() }).await.unwrap().len(),
            2
        );

        store.rename_connection("second", "other").await.unwrap();
        let other = accounts(&[("stax", "stax"), ("highlevel", "other")]);
        assert_eq!(contact(&store, &other, "c1").await.as_deref(), Some("k2"));
        let gone = LinkChange::Gone { record: RecordKey::new("stax.customer", "c1") };
        let changed = store.change_links(vec![gone], &main).await.unwrap();
        assert_eq!(changed, [Changed { ended: 1, began: false }]);
        assert_eq!(contact(&store, &main, "c1").await, None);
        assert_eq!(contact(&store, &other, "c1").await.as_deref(), Some("k2"));
    }

    #[tokio::test]
    async fn a_new_link_replaces_the_old_one_and_the_same_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("linecook.db"), Options::default()).unwrap();
        let known = accounts(&[("stax", "stax"), ("highlevel", "main")]);
        let change = async |change: LinkChange| {
            store.change_links(vec![change], &known).await.unwrap().remove(0)
        };
        let of = |customer, contact| LinkChange::Link(link(customer, contact, ""));
        assert_eq!(change(of("c1", "k1")).await, Changed { ended: 0, began: true });
        assert_eq!(change(of("c1", "k1")).await, Changed::default());
        assert_eq!(change(of("c2", "k2")).await, Changed { ended: 0, began: true });
        assert_eq!(change(of("c1", "k2")).await, Changed { ended: 2, began: true });
        let named = LinkChange::Link(link("c1", "k3", "billing"));
        assert_eq!(change(named).await, Changed { ended: 0, began: true });
        let record = RecordKey::new("stax.customer", "c1");
        let all = LinkChange::UnlinkAll { record, name: String::new() };
        assert_eq!(change(all).await, Changed { ended: 1, began: false });
        let not_that = LinkChange::Unlink(link("c1", "k1", "billing"));
        assert_eq!(change(not_that).await, Changed::default());
        let filter = |kind: &str, id: &str| LinkFilter {
            kind: Some(kind.into()),
            id: Some(id.into()),
            limit: 9,
            ..Default::default()
        };
        assert_eq!(store.links(filter("highlevel.contact", "k3")).await.unwrap().len(), 1);
        assert_eq!(store.links(filter("stax.customer", "k3")).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_was_linked_before_there_was_a_connection_is_found_later() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("linecook.db"), Options::default()).unwrap();
        let nobody = LinkAccounts::default();
        let known = accounts(&[("stax", "stax"), ("highlevel", "main")]);
        let change = || vec![LinkChange::Link(link("c1", "k1", ""))];
        store.change_links(change(), &nobody).await.unwrap();
        assert_eq!(contact(&store, &known, "c1").await.as_deref(), Some("k1"));
        let changed = store.change_links(change(), &known).await.unwrap();
        assert_eq!(changed, [Changed { ended: 0, began: true }]);
        let all = store.links(LinkFilter { limit: 9, ..Default::default() }).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].connections, ["main", "stax"]);
    }
}
