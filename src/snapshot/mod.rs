//! What an account names by itself: its custom fields, users, pipelines and the like, as they were when
//! somebody looked last. Answers of the app come in; a [`Snapshot`] goes out, which is kept beside the
//! project file, and which knows an id by the name that people see.

mod change;
mod custom_field;
mod entry;
mod given;
mod part;
mod pick;
mod several;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use change::{Change, ChangeKind};
pub use custom_field::{FieldKind, Unknown};
pub use entry::Entry;
pub use given::{given_record, is_of_account};
pub use part::Part;
pub use pick::{NoPick, Pick, PickKind};
pub use several::{Snapshots, Who};

/// The folder beside the project file in which snapshots are kept.
pub const SNAPSHOT_FOLDER: &str = "linecook.schema";
/// The form of what is stored.
const VERSION: u32 = 1;
/// How many days a snapshot may be old before somebody is asked to look again.
const GOOD_FOR_DAYS: i32 = 30;
/// How many days an unchanged snapshot keeps its day: looking twice in a week changes nothing in the file.
const SAME_DAY_FOR_DAYS: i32 = 7;

/// What an account names by itself, as it was when somebody looked last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The form of the file.
    pub version: u32,
    /// The app, such as `highlevel`.
    pub app: String,
    /// The account within the app, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// The day of the last look, a week early at most: see [`Snapshot::after`].
    pub pulled_on: Date,
    /// Everything by its part, sorted by name. A part that is not there could not be read.
    #[serde(default)]
    pub parts: BTreeMap<Part, Vec<Entry>>,
    /// What was there at an earlier look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
}

/// Something that an account does not have any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gone {
    pub part: Part,
    pub name: String,
    pub id: String,
    /// The day on which it was missed.
    pub since: Date,
}

/// Why the text of a snapshot is of no use, as a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError(pub String);

impl Snapshot {
    /// What was seen today, sorted as it is stored.
    pub fn new(
        app: &str,
        location_id: Option<&str>,
        today: Date,
        mut parts: BTreeMap<Part, Vec<Entry>>,
    ) -> Snapshot {
        parts.values_mut().for_each(|entries| entry::sort(entries));
        Snapshot {
            version: VERSION,
            app: app.to_owned(),
            location_id: location_id.map(str::to_owned),
            pulled_on: today,
            parts,
            gone: Vec::new(),
        }
    }

    /// Reads what [`Snapshot::to_text`] wrote.
    ///
    /// # Errors
    /// Where the text is none, or of a later linecook.
    pub fn from_text(text: &str) -> Result<Snapshot, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let not_one = |e: serde_json::Error| SnapshotError(format!("it is no snapshot: {e}"));
        let Head { version } = serde_json::from_str(text).map_err(not_one)?;
        if version > VERSION {
            return Err(SnapshotError("it was written by a newer linecook".to_owned()));
        }
        serde_json::from_str(text).map_err(not_one)
    }

    /// As it is stored: the same snapshot always gives the same bytes.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a snapshot is plain data");
        format!("{text}\n")
    }

    /// What is known of a part; `None` when it could not be read.
    pub fn part(&self, part: Part) -> Option<&[Entry]> {
        self.parts.get(&part).map(Vec::as_slice)
    }

    /// Whether so much time has passed that somebody should look again.
    pub fn is_old(&self, today: Date) -> bool {
        self.age_days(today) > GOOD_FOR_DAYS
    }

    /// How many days old it is.
    pub fn age_days(&self, today: Date) -> i32 {
        (today - self.pulled_on).get_days()
    }

    /// What was there under that name and is not any more.
    fn gone(&self, part: Part, name: &str) -> Option<&Gone> {
        self.gone.iter().find(|gone| gone.part == part && (gone.name == name || gone.id == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_stored_reads_back_and_is_sorted() {
        let field = |name: &str| {
            let wire = json!({ "id": name.to_lowercase(), "name": name, "dataType": "TEXT" });
            Entry::read(Part::CustomFields, wire.as_object().unwrap()).unwrap()
        };
        let day = "2026-03-02".parse().unwrap();
        let fields = vec![field("Seats"), field("Plan")];
        let parts = BTreeMap::from([(Part::CustomFields, fields)]);
        let snapshot = Snapshot::new("highlevel", Some("loc"), day, parts);
        let text = snapshot.to_text();
        assert!(text.find("Plan").unwrap() < text.find("Seats").unwrap());
        assert_eq!(Snapshot::from_text(&text).unwrap(), snapshot);
        assert_eq!(Snapshot::from_text(&text).unwrap().to_text(), text);
        assert!(snapshot.is_old("2026-04-02".parse().unwrap()));
        assert!(!snapshot.is_old("2026-04-01".parse().unwrap()));
        let newer = text.replace("\"version\": 1", "\"version\": 2");
        assert!(Snapshot::from_text(&newer).unwrap_err().0.contains("newer"));
        assert!(Snapshot::from_text("[]").is_err());
    }
}
