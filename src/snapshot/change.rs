//! Two looks at one account: the earlier snapshot and a new look come in; the new snapshot goes out, which
//! remembers earlier names and what is gone, with everything that has changed.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Entry, Gone, Part, SAME_DAY_FOR_DAYS, Snapshot};

/// How many earlier names of one thing are kept.
const MAX_FORMER_NAMES: usize = 5;
/// How many days it is remembered that something is gone.
const GONE_FOR_DAYS: i32 = 365;

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub part: Part,
    /// What it is called now, or was called when it was there.
    pub name: String,
    pub kind: ChangeKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    New,
    Renamed {
        from: String,
    },
    /// What it holds or offers is different.
    Other,
    Gone,
}

impl Snapshot {
    /// This look, with what an earlier one knew, and what has changed between the two. What is missing in a
    /// part of `seen_in_part` may be there all the same, and stays.
    pub fn after(mut self, earlier: &Snapshot, seen_in_part: &[Part]) -> (Snapshot, Vec<Change>) {
        let today = self.pulled_on;
        let mut changes = Vec::new();
        let mut gone = Vec::new();
        for (part, now) in &mut self.parts {
            let Some(before) = earlier.part(*part) else { continue };
            let missing = compared(*part, now, before, &mut changes);
            if seen_in_part.contains(part) {
                now.extend(missing.into_iter().cloned());
                super::entry::sort(now);
                continue;
            }
            for entry in missing {
                let name = entry.name.clone();
                changes.push(Change { part: *part, name: name.clone(), kind: ChangeKind::Gone });
                gone.push(Gone { part: *part, name, id: entry.id.clone(), since: today });
            }
        }
        let remembered = earlier.gone.iter().filter(|gone| is_missed(gone, &self.parts, today));
        gone.extend(remembered.cloned());
        gone.sort();
        gone.dedup_by(|a, b| (a.part, &a.id) == (b.part, &b.id));
        self.gone = gone;
        if earlier.age_days(today) < SAME_DAY_FOR_DAYS && earlier.pulled_on <= today {
            let same_day = Snapshot { pulled_on: earlier.pulled_on, ..self.clone() };
            if same_day == *earlier {
                return (same_day, changes);
            }
        }
        (self, changes)
    }
}

/// Gives each entry its earlier names; returns those that are not there any more.
fn compared<'a>(
    part: Part,
    now: &mut [Entry],
    before: &'a [Entry],
    changes: &mut Vec<Change>,
) -> Vec<&'a Entry> {
    for entry in now.iter_mut() {
        let mut change = |kind| changes.push(Change { part, name: entry.name.clone(), kind });
        let Some(old) = before.iter().find(|old| old.id == entry.id) else {
            change(ChangeKind::New);
            continue;
        };
        entry.former_names.clone_from(&old.former_names);
        entry.former_names.retain(|former| *former != entry.name);
        if old.name != entry.name {
            change(ChangeKind::Renamed { from: old.name.clone() });
            entry.former_names.retain(|former| *former != old.name);
            entry.former_names.push(old.name.clone());
            let spare = entry.former_names.len().saturating_sub(MAX_FORMER_NAMES);
            entry.former_names.drain(..spare);
        }
        // The stages of a pipeline have names of their own.
        let mut stages = std::mem::take(&mut entry.stages);
        compared(part, &mut stages, &old.stages, &mut Vec::new());
        entry.stages = stages;
        let same = Entry {
            name: old.name.clone(),
            former_names: old.former_names.clone(),
            ..entry.clone()
        };
        if same != *old {
            changes.push(Change { part, name: entry.name.clone(), kind: ChangeKind::Other });
        }
    }
    before.iter().filter(|old| now.iter().all(|entry| entry.id != old.id)).collect()
}

/// Whether something that was gone still is, and not for too long to matter.
fn is_missed(gone: &Gone, parts: &BTreeMap<Part, Vec<Entry>>, today: Date) -> bool {
    let back = parts.get(&gone.part).is_some_and(|all| all.iter().any(|e| e.id == gone.id));
    !back && (today - gone.since).get_days() <= GONE_FOR_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn look(day: &str, fields: Value) -> Snapshot {
        let fields = fields.as_array().unwrap().iter().filter_map(Value::as_object);
        let fields = fields.filter_map(|field| Entry::read(Part::CustomFields, field)).collect();
        let parts = BTreeMap::from([(Part::CustomFields, fields)]);
        Snapshot::new("highlevel", Some("loc"), day.parse().unwrap(), parts)
    }

    #[test]
    fn an_earlier_name_is_remembered_and_so_is_what_is_gone() {
        let first = look(
            "2026-03-02",
            json!([{ "id": "a", "name": "Plan" }, { "id": "b", "name": "Seats" }]),
        );
        let second = look(
            "2026-03-03",
            json!([{ "id": "a", "name": "Tariff" }, { "id": "c", "name": "New" }]),
        );
        let (second, changes) = second.after(&first, &[]);
        let kinds: Vec<(&str, &ChangeKind)> =
            changes.iter().map(|change| (change.name.as_str(), &change.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("New", &ChangeKind::New),
                ("Tariff", &ChangeKind::Renamed { from: "Plan".into() }),
                ("Seats", &ChangeKind::Gone),
            ]
        );
        assert_eq!(second.custom_field("contact", "Tariff").unwrap().former_names, ["Plan"]);
        assert_eq!(second.gone.len(), 1);
        let third = look(
            "2026-03-04",
            json!([{ "id": "a", "name": "Plan" }, { "id": "b", "name": "Seats" }]),
        );
        let (third, _) = third.after(&second, &[]);
        assert_eq!(third.custom_field("contact", "Plan").unwrap().former_names, ["Tariff"]);
        assert_eq!(third.gone.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["New"]);
    }

    #[test]
    fn looking_again_in_the_same_week_changes_nothing() {
        let fields = json!([{ "id": "a", "name": "Plan" }]);
        let first = look("2026-03-02", fields.clone());
        let (again, changes) = look("2026-03-08", fields.clone()).after(&first, &[]);
        assert_eq!((again.to_text(), changes.len()), (first.to_text(), 0));
        let (later, _) = look("2026-03-09", fields).after(&first, &[]);
        assert_eq!(later.pulled_on, "2026-03-09".parse().unwrap());
    }

    #[test]
    fn what_is_only_seen_in_part_is_not_gone() {
        let first = look("2026-03-02", json!([{ "id": "a", "name": "Plan" }]));
        let second = look("2026-03-03", json!([{ "id": "b", "name": "Roast" }]));
        let (second, changes) = second.after(&first, &[Part::CustomFields]);
        assert_eq!(changes.len(), 1);
        assert_eq!(second.custom_fields("contact").count(), 2);
    }
}
