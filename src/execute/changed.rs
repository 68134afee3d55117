//! `trigger.changed`: has the record changed since this recipe saw it last?

use serde_json::{Map, Value};

use super::drive::{Drive, End};
use crate::check::CheckedChanged;
use crate::journal::{CallKey, Decision, LastSeen};
use crate::plan::{give_zones_to_fields, is_changed};
use crate::template::Scope;
use crate::value::RecordKey;

/// A record as it is now, to be noted when it is clear whether the recipe runs.
pub(super) struct Sighting {
    record: RecordKey,
    fields: Map<String, Value>,
}

impl Drive<'_> {
    /// Compares the record with the last time, and sets `previous`. Ends the run where nothing has changed.
    pub(super) async fn look_back(
        &mut self,
        changed: &CheckedChanged,
        scope: &mut Scope,
    ) -> Result<Option<Sighting>, End> {
        let (event, payload) = (&self.event.event, &self.event.payload);
        let now = |name: &String| (name.clone(), payload.get(name).cloned().unwrap_or_default());
        let fields: Map<String, Value> = changed.fields.iter().map(now).collect();
        let Some(record) = event.record_of(payload) else {
            // Nobody could know it again.
            scope.set("previous", &Value::Object(Map::new()));
            return Ok(None);
        };
        let key = CallKey::new("trigger", &[], "last-seen");
        let asked =
            self.record(&key, Decision::AskLastSeen(record.clone()), &changed.place).await?;
        let before = match asked {
            Decision::LastSeen(before) => before,
            other => unreachable!("an engine answers what was seen, not {other:?}"),
        };
        let mut previous = before.as_ref().map(|before| before.fields.clone()).unwrap_or_default();
        let of = event.payload.fields.as_deref();
        let differs = |name: &String| {
            let (Some(before), field) = (previous.get(name), of.and_then(|of| of.get(name))) else {
                // Not compared until now.
                return true;
            };
            is_changed(name, field, before, &fields[name], scope.defaults())
        };
        let runs = before.is_none_or(|before| before.owed) || fields.keys().any(differs);
        let zone = self.zone(&event.app);
        give_zones_to_fields(&event.payload, &mut previous, zone);
        scope.set("previous", &Value::Object(previous));
        match runs {
            true => Ok(Some(Sighting { record, fields })),
            false => {
                let names: Vec<&str> = changed.fields.iter().map(String::as_str).collect();
                let reason = format!(
                    "nothing has changed since {record} was seen last; compared: {}",
                    names.join(", ")
                );
                Err(End::Stopped { reason, place: changed.place.clone() })
            }
        }
    }

    /// Notes how the record looks now. `runs` is whether the trigger's `when` holds: a change that comes
    /// while it does not is not forgotten.
    pub(super) async fn note_sighting(&mut self, sight: Sighting, runs: bool) -> Result<(), End> {
        let Sighting { record, fields } = sight;
        let key = CallKey::new("trigger", &[], "see");
        let now = LastSeen { fields, owed: !runs };
        self.record(&key, Decision::See { record, now }, &Default::default()).await.map(|_| ())
    }
}
