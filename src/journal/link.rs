//! Which record here is which record there, and how that changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::template::LinkQuestion;
use crate::value::RecordKey;

/// What was found for a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAnswer {
    pub question: LinkQuestion,
    /// None where there is no link.
    pub id: Option<String>,
}

/// Two records that belong together: it holds in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    pub records: [RecordKey; 2],
    /// `as`: keeps several links between two kinds apart; nothing for the usual one.
    #[serde(rename = "as", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A change of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkChange {
    /// These two belong together. What one of them was linked with before, of the other's kind and under
    /// this name, it is so no longer.
    Link(Link),
    /// These two belong together no longer.
    Unlink(Link),
    /// A record is linked with nothing any more under this name.
    UnlinkAll {
        record: RecordKey,
        #[serde(rename = "as", default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// A record is not there any more, and neither is any of its links.
    Gone { record: RecordKey },
}

impl Link {
    /// With its two records in the order of their names, so that the same link is always written alike.
    pub fn new(one: RecordKey, other: RecordKey, name: impl Into<String>) -> Link {
        let mut records = [one, other];
        records.sort();
        Link { records, name: name.into() }
    }

    /// The record at the other end.
    pub fn other(&self, record: &RecordKey) -> Option<&RecordKey> {
        match &self.records {
            [one, other] if one == record => Some(other),
            [one, other] if other == record => Some(one),
            _ => None,
        }
    }

    /// Whether both cannot be there: a record has one link per kind and name.
    pub fn replaces(&self, before: &Link) -> bool {
        let [left, right] = &self.records;
        let [old_left, old_right] = &before.records;
        self.name == before.name
            && left.kind == old_left.kind
            && right.kind == old_right.kind
            && (left == old_left || right == old_right)
    }
}

impl LinkChange {
    /// Whether a link that was there is so no longer.
    pub fn ends(&self, link: &Link) -> bool {
        match self {
            LinkChange::Link(new) => new.replaces(link),
            LinkChange::Unlink(old) => old == link,
            LinkChange::UnlinkAll { record, name } => {
                link.name == *name && link.other(record).is_some()
            }
            LinkChange::Gone { record } => link.other(record).is_some(),
        }
    }

    /// The records that it is about.
    pub fn records(&self) -> &[RecordKey] {
        match self {
            LinkChange::Link(link) | LinkChange::Unlink(link) => &link.records,
            LinkChange::UnlinkAll { record, .. } | LinkChange::Gone { record } => {
                std::slice::from_ref(record)
            }
        }
    }

    /// The link that is there from now on.
    pub fn begins(&self) -> Option<&Link> {
        match self {
            LinkChange::Link(link) => Some(link),
            _ => None,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.records;
        // The record that things began with first, as people say it.
        let (one, other) = if one.app() == "highlevel" { (other, one) } else { (one, other) };
        write!(f, "{one} with {other}")?;
        if !self.name.is_empty() {
            write!(f, " as {}", self.name)?;
        }
        Ok(())
    }
}

/// `linked stax.customer 12 with highlevel.contact ab`
impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkChange::Link(link) => write!(f, "linked {link}"),
            LinkChange::Unlink(link) => {
                let text = link.to_string();
                write!(f, "unlinked {}", text.replacen(" with ", " from ", 1))
            }
            LinkChange::UnlinkAll { record, name } if name.is_empty() => {
                write!(f, "unlinked {record} from all")
            }
            LinkChange::UnlinkAll { record, name } => {
                write!(f, "unlinked {record} from all as {name}")
            }
            LinkChange::Gone { record } => write!(f, "{record} is gone, and so are its links"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(one: &str, other: &str, name: &str) -> Link {
        Link::new(
            RecordKey::new("stax.customer", one),
            RecordKey::new("highlevel.contact", other),
            name,
        )
    }

    #[test]
    fn a_record_has_one_link_per_kind_and_name() {
        let new = link("c1", "k1", "");
        assert!(new.replaces(&link("c1", "k2", "")) && new.replaces(&link("c2", "k1", "")));
        assert!(new.replaces(&new) && !new.replaces(&link("c2", "k2", "")));
        assert!(!new.replaces(&link("c1", "k2", "billing")));
        let task = Link::new(
            RecordKey::new("stax.customer", "c1"),
            RecordKey::new("highlevel.task", "t1"),
            "",
        );
        assert!(!new.replaces(&task));
    }

    #[test]
    fn it_is_said_as_people_say_it_and_survives_being_stored() {
        let link = link("12", "ab", "billing");
        let change = LinkChange::Link(link.clone());
        assert_eq!(
            change.to_string(),
            "linked stax.customer 12 with highlevel.contact ab as billing"
        );
        let unlinked = LinkChange::Unlink(link);
        assert_eq!(
            unlinked.to_string(),
            "unlinked stax.customer 12 from highlevel.contact ab as billing"
        );
        let record = RecordKey::new("stax.customer", "12");
        for change in [
            change,
            unlinked,
            LinkChange::UnlinkAll { record: record.clone(), name: String::new() },
            LinkChange::Gone { record },
        ] {
            let stored = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<LinkChange>(&stored).unwrap(), change);
        }
    }
}
