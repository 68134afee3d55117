//! The journal of one run in the store: what the engine writes goes to disk with what it costs and changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::execute::{Journal, Links};
use crate::journal::{Asked, CallKey, Cost, LastSeen, Link, LinkAnswer, Question, Written};
use crate::store::{Fingerprint, Remembered, RunId, Spending, Store, StoreLinks};
use crate::template::LinkQuestion;
use crate::value::RecordKey;

/// The journal of one run in the store.
pub(super) struct RunJournal {
    pub store: Store,
    pub run: RunId,
    pub row: u32,
    /// App → connection, as they are called now.
    pub connections: Arc<BTreeMap<String, String>>,
    pub links: StoreLinks,
    pub installation: String,
    pub plan: i64,
    /// What the event says: the same question about the same data is asked once.
    pub payload: String,
}

impl RunJournal {
    /// What entries change beyond the run.
    pub fn remembered(&self, entries: &Written) -> Remembered {
        Remembered {
            changes: entries.changes().to_vec(),
            installation: self.installation.clone(),
            accounts: self.links.accounts.clone(),
        }
    }

    /// What entries cost each connection.
    pub fn spent(&self, entries: &Written) -> Vec<Spending> {
        let name = |cost: &Cost| self.connections.get(&cost.app).cloned();
        let costs = entries.costs().iter().filter(|cost| cost.requests + cost.failures > 0);
        let spent = costs.filter_map(|cost| {
            let (requests, failures) = (cost.requests, cost.failures);
            Some(Spending { connection: name(cost)?, requests, failures })
        });
        spent.collect()
    }
}

impl Journal for RunJournal {
    async fn write(&mut self, entries: &Written) -> Result<(), String> {
        let spent = self.spent(entries);
        let remembered = self.remembered(entries);
        let written = self.store.append(self.run, self.row, entries, spent, remembered, None).await;
        written.map_err(|e| e.to_string())?;
        self.row += 1;
        Ok(())
    }

    async fn asked_before(&mut self, key: &CallKey, question: &Question) -> Result<Asked, String> {
        let parts = [
            self.plan.to_string(),
            key.to_string(),
            question.text.clone(),
            question.choices.join("\n"),
        ];
        let mut parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        let data = Fingerprint::of(&[self.payload.as_bytes()]);
        parts.push(data.bytes());
        let question = Fingerprint::of(&parts);
        self.store.ask(question, self.run).await.map_err(|e| e.to_string())
    }

    async fn linked(&mut self, questions: &[LinkQuestion]) -> Result<Vec<LinkAnswer>, String> {
        self.links.linked(questions).await
    }

    async fn links_of(&mut self, record: &RecordKey) -> Result<Vec<Link>, String> {
        self.links.links_of(record).await
    }

    async fn last_seen(&mut self, record: &RecordKey) -> Result<Option<LastSeen>, String> {
        let seen = self.store.last_seen(&self.installation, record).await;
        seen.map_err(|e| e.to_string())
    }
}
