//! Links in words: what a run asked for, what it linked, what is gone; and all links as a list.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::plural;
use super::runs::{second, table};
use crate::journal::{Decision, Link, LinkAnswer};
use crate::value::RecordKey;

/// What a decision says of links; nothing for any other, and for what changed nothing.
pub(super) fn of_decision(decision: &Decision) -> Option<String> {
    match decision {
        Decision::ChangeLinks(change) => Some(change.to_string()),
        Decision::Links(answers) => found(answers),
        Decision::Gone { record, links } => {
            let others: Vec<String> = links
                .iter()
                .filter_map(|link| link.other(record))
                .map(RecordKey::to_string)
                .collect();
            let links = if others.len() == 1 { "its link" } else { "its links" };
            (!others.is_empty())
                .then(|| format!("{record} is gone, and {links} with {}", others.join(" and ")))
        }
        _ => None,
    }
}

/// `stax.customer 12 is linked with highlevel.contact ab, with no highlevel.task`
fn found(answers: &[LinkAnswer]) -> Option<String> {
    let mut words = String::new();
    let mut last = None;
    for answer in answers {
        let LinkAnswer { question, id } = answer;
        let alike = |other: &&LinkAnswer| {
            other.question.to == question.to && other.question.name == question.name
        };
        // Where one of several has it, the others need not be told.
        if id.is_none() && answers.iter().filter(alike).any(|other| other.id.is_some()) {
            continue;
        }
        match last {
            Some(of) if of == &question.of => words.push_str(", with "),
            Some(_) => {
                let _ = write!(words, "; {} is linked with ", question.of);
            }
            None => {
                let _ = write!(words, "{} is linked with ", question.of);
            }
        }
        last = Some(&question.of);
        let _ = match id {
            Some(id) => write!(words, "{} {id}", question.to),
            None => write!(words, "no {}", question.to),
        };
        if !question.name.is_empty() {
            let _ = write!(words, " as {}", question.name);
        }
    }
    (!words.is_empty()).then_some(words)
}

/// The same for other programs.
pub(super) fn decision_json(decision: &Decision) -> Option<Value> {
    match decision {
        Decision::ChangeLinks(change) => Some(json!({ "kind": "links", "change": change })),
        Decision::Links(answers) => Some(json!({ "kind": "linked", "answers": answers })),
        Decision::Gone { record, links } if !links.is_empty() => {
            Some(json!({ "kind": "gone", "record": record, "links": links }))
        }
        _ => None,
    }
}

/// One link as it is kept.
#[derive(Clone, Debug)]
pub struct LinkRow {
    pub link: Link,
    /// The connections of its two records; nothing where none is known.
    pub connections: [String; 2],
    pub made_at: Timestamp,
}

/// Links as a person and a program read them.
pub struct LinkList<'a> {
    pub links: &'a [LinkRow],
    /// There are more than these.
    pub has_more: bool,
    pub zone: &'a TimeZone,
}

impl LinkList<'_> {
    pub fn text(&self, width: Option<u16>) -> String {
        let has_names = self.links.iter().any(|row| !row.link.name.is_empty());
        // The name of a connection is only of use where an app has several.
        let has_several = |at: usize| {
            let mut names: Vec<(&str, &str)> = self
                .links
                .iter()
                .map(|row| (row.link.records[at].app(), row.connections[at].as_str()))
                .filter(|(_, name)| !name.is_empty())
                .collect();
            names.sort_unstable();
            names.dedup();
            names.windows(2).any(|pair| pair[0].0 == pair[1].0)
        };
        let shows_connections = [has_several(0), has_several(1)];
        let mut header = vec!["record", "is linked with"];
        if has_names {
            header.push("as");
        }
        header.push("since");
        let mut table = table(&header, width);
        for row in self.links {
            let shown = |at: usize| match shows_connections[at] && !row.connections[at].is_empty() {
                true => format!("{} ({})", row.link.records[at], row.connections[at]),
                false => row.link.records[at].to_string(),
            };
            let (one, other) = match row.link.records[0].app() == "highlevel" {
                true => (shown(1), shown(0)),
                false => (shown(0), shown(1)),
            };
            let mut cells = vec![one, other];
            if has_names {
                cells.push(row.link.name.clone());
            }
            cells.push(second(row.made_at, self.zone));
            table.add_row(cells);
        }
        let more = if self.has_more { "; there are more: see --limit" } else { "" };
        format!("{}\n\n{}{more}\n", table.trim_fmt(), plural(self.links.len(), "link"))
    }

    pub fn json(&self) -> Value {
        let links = self.links.iter().map(|row| {
            json!({
                "records": row.link.records, "as": row.link.name,
                "connections": row.connections, "made_at": row.made_at,
            })
        });
        json!({
            "format_version": 1, "links": links.collect::<Vec<_>>(), "has_more": self.has_more,
        })
    }
}
