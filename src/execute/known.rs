//! What a run finds out beyond its calls, for engines that nothing outlives.

use jiff::Timestamp;

use super::engine::Interrupt;
use super::links::{Links, MemoryLinks};
use crate::journal::{Change, Decision, LastSeen};

/// Links, and how the trigger's record looked before.
#[derive(Default)]
pub(super) struct Known<L = MemoryLinks> {
    links: L,
    pub last_seen: Option<LastSeen>,
}

impl<L> Known<L> {
    pub fn with_links<M>(self, links: M) -> Known<M> {
        Known { links, last_seen: self.last_seen }
    }
}

impl<L: Links> Known<L> {
    /// Answers what a decision asks for, and does what it changes.
    pub async fn decide(
        &mut self,
        decision: Decision,
        now: Timestamp,
    ) -> Result<Decision, Interrupt> {
        let decision = match decision {
            Decision::AskTime => Decision::Time(now),
            Decision::AskLinks(questions) => {
                let answers = self.links.linked(&questions).await;
                Decision::Links(answers.map_err(Interrupt::Suspended)?)
            }
            Decision::AskGone(record) => {
                let links = self.links.links_of(&record).await.map_err(Interrupt::Suspended)?;
                Decision::Gone { record, links }
            }
            Decision::AskLastSeen(_) => Decision::LastSeen(self.last_seen.clone()),
            other => other,
        };
        match decision.change() {
            Some(Change::Links(change)) => {
                self.links.change(&change).await.map_err(Interrupt::Suspended)?;
            }
            Some(Change::LastSeen { now, .. }) => self.last_seen = Some(now),
            None => {}
        }
        Ok(decision)
    }
}
