//! Where links are kept: asked by an engine, changed by it. Here in memory, for runs that nothing outlives.

use std::future::{Future, ready};

use crate::journal::{Link, LinkAnswer, LinkChange};
use crate::template::LinkQuestion;
use crate::value::RecordKey;

/// Knows which record here is which record there. An error says why nobody can tell.
pub trait Links: Send {
    /// The answers, in the order of the questions.
    fn linked(
        &mut self,
        questions: &[LinkQuestion],
    ) -> impl Future<Output = Result<Vec<LinkAnswer>, String>> + Send;

    /// All links of a record.
    fn links_of(
        &mut self,
        record: &RecordKey,
    ) -> impl Future<Output = Result<Vec<Link>, String>> + Send;

    /// Changes them. The same change once more changes nothing.
    fn change(&mut self, change: &LinkChange) -> impl Future<Output = Result<(), String>> + Send;
}

/// Links in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryLinks {
    links: Vec<Link>,
}

impl MemoryLinks {
    pub fn all(&self) -> &[Link] {
        &self.links
    }

    pub fn apply(&mut self, change: &LinkChange) {
        self.links.retain(|link| !change.ends(link));
        self.links.extend(change.begins().cloned());
    }

    pub fn answer(&self, question: &LinkQuestion) -> LinkAnswer {
        let found = self.links.iter().filter(|link| link.name == question.name);
        let mut found = found.filter_map(|link| link.other(&question.of));
        let id = found.find(|other| other.kind == question.to).map(|other| other.id.clone());
        LinkAnswer { question: question.clone(), id }
    }

    pub fn of(&self, record: &RecordKey) -> Vec<Link> {
        self.links.iter().filter(|link| link.other(record).is_some()).cloned().collect()
    }
}

/// Links of which only the reading is real: what changes is seen by this run alone.
#[derive(Clone, Debug, Default)]
pub struct Imagined<L> {
    real: L,
    changes: Vec<LinkChange>,
}

impl<L: Links> Imagined<L> {
    pub fn over(real: L) -> Imagined<L> {
        Imagined { real, changes: Vec::new() }
    }

    async fn around(&mut self, record: &RecordKey) -> Result<MemoryLinks, String> {
        let mut links = MemoryLinks { links: self.real.links_of(record).await? };
        self.changes.iter().for_each(|change| links.apply(change));
        Ok(links)
    }
}

impl<L: Links> Links for Imagined<L> {
    async fn linked(&mut self, questions: &[LinkQuestion]) -> Result<Vec<LinkAnswer>, String> {
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.push(self.around(&question.of).await?.answer(question));
        }
        Ok(answers)
    }

    async fn links_of(&mut self, record: &RecordKey) -> Result<Vec<Link>, String> {
        Ok(self.around(record).await?.of(record))
    }

    async fn change(&mut self, change: &LinkChange) -> Result<(), String> {
        self.changes.push(change.clone());
        Ok(())
    }
}

/// The changes of links that would change anything, seen from what is there.
pub async fn effective<'c>(
    links: &mut impl Links,
    changes: impl IntoIterator<Item = &'c LinkChange>,
) -> Result<Vec<&'c LinkChange>, String> {
    let mut effective = Vec::new();
    for change in changes {
        let mut there = Vec::new();
        for record in change.records() {
            there.extend(links.links_of(record).await?);
        }
        let changes_nothing = match change.begins() {
            Some(link) => there.contains(link),
            None => !there.iter().any(|link| change.ends(link)),
        };
        if !changes_nothing {
            effective.push(change);
        }
    }
    Ok(effective)
}

impl FromIterator<Link> for MemoryLinks {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> MemoryLinks {
        let mut all = MemoryLinks::default();
        links.into_iter().for_each(|link| all.apply(&LinkChange::Link(link)));
        all
    }
}

impl Links for MemoryLinks {
    fn linked(
        &mut self,
        questions: &[LinkQuestion],
    ) -> impl Future<Output = Result<Vec<LinkAnswer>, String>> + Send {
        ready(Ok(questions.iter().map(|question| self.answer(question)).collect()))
    }

    fn links_of(
        &mut self,
        record: &RecordKey,
    ) -> impl Future<Output = Result<Vec<Link>, String>> + Send {
        ready(Ok(self.of(record)))
    }

    fn change(&mut self, change: &LinkChange) -> impl Future<Output = Result<(), String>> + Send {
        self.apply(change);
        ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(id: &str) -> RecordKey {
        RecordKey::new("stax.customer", id)
    }

    fn contact(id: &str) -> RecordKey {
        RecordKey::new("highlevel.contact", id)
    }

    fn asked(links: &MemoryLinks, of: RecordKey, to: &str, name: &str) -> Option<String> {
        links.answer(&LinkQuestion { of, to: to.to_owned(), name: name.to_owned() }).id
    }

    #[test]
    fn links_hold_in_both_directions_and_one_replaces_the_other() {
        let mut links: MemoryLinks = [
            Link::new(customer("c1"), contact("k1"), ""),
            Link::new(contact("k2"), customer("c1"), "billing"),
        ]
        .into_iter()
        .collect();
        let to_contact = |links: &MemoryLinks, id: &str, name: &str| {
            asked(links, customer(id), "highlevel.contact", name)
        };
        assert_eq!(to_contact(&links, "c1", "").as_deref(), Some("k1"));
        assert_eq!(to_contact(&links, "c1", "billing").as_deref(), Some("k2"));
        assert_eq!(asked(&links, contact("k1"), "stax.customer", "").as_deref(), Some("c1"));
        assert_eq!(asked(&links, contact("k1"), "stax.invoice", ""), None);

        let change = LinkChange::Link(Link::new(customer("c2"), contact("k1"), ""));
        for _ in 0..2 {
            links.apply(&change);
            assert_eq!(links.all().len(), 2);
        }
        assert_eq!(to_contact(&links, "c1", ""), None, "k1 is another's now");
        links.apply(&LinkChange::UnlinkAll { record: customer("c2"), name: "billing".into() });
        assert_eq!(to_contact(&links, "c2", "").as_deref(), Some("k1"));
        assert_eq!(links.of(&contact("k1")).len(), 1);
        links.apply(&LinkChange::Gone { record: contact("k1") });
        assert_eq!(links.of(&customer("c2")), []);
        links.apply(&LinkChange::Unlink(Link::new(customer("c1"), contact("k2"), "billing")));
        assert_eq!(links.all(), []);
    }

    #[tokio::test]
    async fn what_is_imagined_changes_nothing_real() {
        let link = |contact_id: &str| Link::new(customer("c1"), contact(contact_id), "");
        let real: MemoryLinks = [link("k1")].into_iter().collect();
        let mut imagined = Imagined::over(real.clone());
        let ask = |links: Vec<Link>| links.iter().map(Link::to_string).collect::<Vec<_>>();
        let changes = [LinkChange::Link(link("k1")), LinkChange::Link(link("k2"))];
        let would = effective(&mut imagined, &changes).await.unwrap();
        assert_eq!(would, [&changes[1]]);
        imagined.change(&changes[1]).await.unwrap();
        let seen = imagined.links_of(&customer("c1")).await.unwrap();
        assert_eq!(ask(seen), ["stax.customer c1 with highlevel.contact k2"]);
        let of_k1 = imagined.links_of(&contact("k1")).await.unwrap();
        assert_eq!(of_k1, []);
        assert_eq!(real.of(&contact("k1")).len(), 1);
        let gone = LinkChange::Gone { record: contact("k3") };
        assert!(effective(&mut imagined, [&gone]).await.unwrap().is_empty());
    }
}
