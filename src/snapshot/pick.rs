//! `pick:` of a setting: a name or an id that a person writes comes in; what recipes send goes out, or why
//! there is no such thing.

use serde::{Deserialize, Serialize};

use super::{Entry, Part, Snapshot};
use crate::catalog::Catalog;
use crate::diagnostic::nearest;

/// What a setting lets a person pick: `highlevel.workflow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    pub app: String,
    pub kind: PickKind,
}

/// The kinds of things that can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickKind {
    CustomField,
    User,
    Pipeline,
    Stage,
    Calendar,
    Workflow,
    Campaign,
    Tag,
}

/// Why nothing can be picked by a name.
#[derive(Clone, Debug, PartialEq)]
pub enum NoPick {
    /// The part was not read when somebody looked last.
    NotRead,
    /// Several are meant; how to say which.
    Several(Vec<String>),
    /// It is called otherwise now; what recipes send for it is the same.
    Renamed { now: String, sent: String },
    /// The account does not have it any more, since that day.
    Gone(jiff::civil::Date),
    /// Nothing has that name; the nearest that has, and what there is.
    Nothing { near: Option<String>, known: Vec<String> },
}

impl PickKind {
    const ALL: [PickKind; 8] = [
        PickKind::CustomField,
        PickKind::User,
        PickKind::Pipeline,
        PickKind::Stage,
        PickKind::Calendar,
        PickKind::Workflow,
        PickKind::Campaign,
        PickKind::Tag,
    ];

    /// As `pick:` writes it.
    pub fn word(self) -> &'static str {
        match self {
            PickKind::CustomField => "custom_field",
            PickKind::User => "user",
            PickKind::Pipeline => "pipeline",
            PickKind::Stage => "stage",
            PickKind::Calendar => "calendar",
            PickKind::Workflow => "workflow",
            PickKind::Campaign => "campaign",
            PickKind::Tag => "tag",
        }
    }

    /// As a person says it.
    pub fn in_words(self) -> &'static str {
        match self {
            PickKind::CustomField => "custom field",
            other => other.word(),
        }
    }

    /// The part that it stands in.
    pub fn part(self) -> Part {
        match self {
            PickKind::CustomField => Part::CustomFields,
            PickKind::User => Part::Users,
            PickKind::Pipeline | PickKind::Stage => Part::Pipelines,
            PickKind::Calendar => Part::Calendars,
            PickKind::Workflow => Part::Workflows,
            PickKind::Campaign => Part::Campaigns,
            PickKind::Tag => Part::Tags,
        }
    }
}

impl Pick {
    /// Everything that can be picked in any app, in the order of the catalog.
    pub fn all(catalog: &Catalog) -> Vec<Pick> {
        let mut all = Vec::new();
        for app in catalog.apps() {
            for kind in PickKind::ALL {
                let Some(pull) = app.pull.get(kind.part().word()) else { continue };
                // What is only seen inside other records has no id of its own.
                let list = catalog.operation(&format!("{}.{}", app.app, pull.list)).ok();
                let shown = list.as_ref().and_then(|list| list.record.as_ref());
                if shown.is_some_and(|record| record.kind == kind.part().picked().word()) {
                    all.push(Pick { app: app.app.clone(), kind });
                }
            }
        }
        all
    }

    /// From what a recipe writes; else the nearest that there is.
    pub fn read(catalog: &Catalog, written: &str) -> Result<Pick, Option<String>> {
        let all = Pick::all(catalog);
        match all.iter().position(|pick| pick.name() == written) {
            Some(at) => Ok(all[at].clone()),
            None => {
                let names: Vec<String> = all.iter().map(Pick::name).collect();
                let alone = names.iter().find(|name| name.ends_with(&format!(".{written}")));
                Err(alone.cloned().or_else(|| nearest(written, names.iter().map(String::as_str))))
            }
        }
    }

    /// `highlevel.workflow`
    pub fn name(&self) -> String {
        format!("{}.{}", self.app, self.kind.word())
    }
}

impl Snapshot {
    /// Everything of a kind that can be picked: what people see, and the words that mean it and nothing else.
    /// None where nobody has looked.
    pub fn to_pick(&self, kind: PickKind) -> Option<Vec<(String, String)>> {
        let all = candidates(kind, self.part(kind.part())?);
        let is_clear = |c: &Candidate<'_>| all.iter().filter(|o| o.whole == c.whole).count() == 1;
        let words = |c: &Candidate<'_>| if is_clear(c) { c.whole.clone() } else { c.exactly() };
        Some(all.iter().map(|candidate| (candidate.whole.clone(), words(candidate))).collect())
    }

    /// What recipes send for a name or an id that a person writes: the id; of a tag its name, since that is
    /// what contacts carry.
    pub fn picked(&self, kind: PickKind, written: &str) -> Result<String, NoPick> {
        let part = kind.part();
        let Some(entries) = self.part(part) else { return Err(NoPick::NotRead) };
        let all = candidates(kind, entries);
        let fitting = |fits: &dyn Fn(&Candidate<'_>) -> bool| {
            let found: Vec<&Candidate<'_>> = all.iter().filter(|c| fits(c)).collect();
            match found[..] {
                [] => None,
                [one] => Some(Ok(one.sent(kind))),
                _ => Some(Err(NoPick::Several(found.iter().map(|c| c.exactly()).collect()))),
            }
        };
        let same = |a: &str| a.trim().to_lowercase() == written.trim().to_lowercase();
        let exactly = |c: &Candidate<'_>| c.entry.is_called(written) || c.whole == written;
        let nearly = |c: &Candidate<'_>| same(&c.entry.name) || same(&c.whole);
        if let Some(found) = fitting(&exactly).or_else(|| fitting(&nearly)) {
            return found;
        }
        let was = |c: &&Candidate<'_>| c.entry.former_names.iter().any(|former| former == written);
        if let Some(candidate) = all.iter().find(was) {
            let (now, sent) = (candidate.whole.clone(), candidate.sent(kind));
            return Err(NoPick::Renamed { now, sent });
        }
        if let Some(gone) = self.gone(part, written) {
            return Err(NoPick::Gone(gone.since));
        }
        let known: Vec<String> = all.into_iter().map(|candidate| candidate.whole).collect();
        Err(NoPick::Nothing { near: nearest(written, known.iter().map(String::as_str)), known })
    }
}

/// Something that may be picked.
struct Candidate<'a> {
    entry: &'a Entry,
    /// What it is called: `Plan`, `Sales / Won`.
    whole: String,
}

impl Candidate<'_> {
    fn sent(&self, kind: PickKind) -> String {
        match kind {
            PickKind::Tag => self.entry.name.clone(),
            _ => self.entry.id.clone(),
        }
    }

    /// The words that mean it and nothing else.
    fn exactly(&self) -> String {
        match (&self.entry.key, &self.entry.email) {
            (Some(key), _) => key.clone(),
            (None, Some(email)) => email.clone(),
            (None, None) if self.whole != self.entry.name => self.whole.clone(),
            (None, None) => self.entry.id.clone(),
        }
    }
}

fn candidates(kind: PickKind, entries: &[Entry]) -> Vec<Candidate<'_>> {
    if kind != PickKind::Stage {
        let own = entries.iter().map(|entry| Candidate { entry, whole: entry.name.clone() });
        return own.collect();
    }
    let stages =
        entries.iter().flat_map(|pipeline| pipeline.stages.iter().map(move |s| (pipeline, s)));
    let whole = |pipeline: &Entry, stage: &Entry| format!("{} / {}", pipeline.name, stage.name);
    stages.map(|(pipeline, entry)| Candidate { entry, whole: whole(pipeline, entry) }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn snapshot() -> Snapshot {
        let entries = |part: Part, records: Value| {
            let records = records.as_array().unwrap().iter().filter_map(Value::as_object);
            (part, records.filter_map(|record| Entry::read(part, record)).collect())
        };
        let parts = BTreeMap::from([
            entries(
                Part::Pipelines,
                json!([
                    { "id": "p1", "name": "Sales", "stages": [{ "id": "s1", "name": "Won" }] },
                    { "id": "p2", "name": "Renewals", "stages": [{ "id": "s2", "name": "Won" },
                        { "id": "s3", "name": "Lost" }] },
                ]),
            ),
            entries(Part::Tags, json!([{ "id": "t1", "name": "VIP" }])),
            entries(Part::Users, json!([{ "id": "u1", "name": "Grace", "email": "g@x.org" }])),
        ]);
        Snapshot::new("highlevel", None, "2026-03-02".parse().unwrap(), parts)
    }

    #[test]
    fn a_name_gives_what_is_sent() {
        let snapshot = snapshot();
        for (kind, written, sent) in [
            (PickKind::Pipeline, "Sales", "p1"),
            (PickKind::Pipeline, "p1", "p1"),
            (PickKind::Stage, "Lost", "s3"),
            (PickKind::Stage, "Renewals / Won", "s2"),
            (PickKind::Tag, "vip", "VIP"),
            (PickKind::Tag, "t1", "VIP"),
            (PickKind::User, "g@x.org", "u1"),
            (PickKind::User, " grace", "u1"),
        ] {
            assert_eq!(snapshot.picked(kind, written), Ok(sent.to_owned()), "{written}");
        }
        let several = ["Sales / Won".to_owned(), "Renewals / Won".to_owned()];
        let found = snapshot.picked(PickKind::Stage, "Won");
        assert!(matches!(found, Err(NoPick::Several(names)) if names.len() == several.len()));
        let stages = snapshot.to_pick(PickKind::Stage).unwrap();
        let won = ("Sales / Won".to_owned(), "Sales / Won".to_owned());
        assert!(stages.contains(&won), "{stages:?}");
        assert_eq!(snapshot.to_pick(PickKind::Workflow), None);
        assert_eq!(snapshot.picked(PickKind::Workflow, "x"), Err(NoPick::NotRead));
        let found = snapshot.picked(PickKind::Pipeline, "Sale");
        assert!(matches!(found, Err(NoPick::Nothing { near: Some(near), .. }) if near == "Sales"));
    }

    #[test]
    fn only_what_has_an_id_of_its_own_can_be_picked() {
        let catalog = Catalog::embedded();
        let names: Vec<String> = Pick::all(catalog).iter().map(Pick::name).collect();
        assert_eq!(names.len(), 8, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("highlevel.")));
        assert_eq!(Pick::read(catalog, "workflow"), Err(Some("highlevel.workflow".into())));
        assert!(Pick::read(catalog, "highlevel.stage").is_ok());
    }
}
