//! Polling instead of a webhook: an event type comes in; the list operation that shows the same records
//! goes out, with the field that says when.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Catalog, EventType, Inner, Operation, Slot};

/// A list operation that shows the records an event tells of.
#[derive(Clone, Debug)]
pub struct StandIn {
    pub operation: Arc<Operation>,
    /// The field of a record with the time by which new ones are told apart: `created_at`.
    pub time: String,
    /// Fields of the call that bring the newest first; empty where the operation cannot sort.
    pub newest_first: Map<String, Value>,
    /// Fields of the event that the records of the list do not have: empty when polled.
    pub lacks: Vec<String>,
}

impl StandIn {
    /// As `check` says it: ``ask `GET /customer` for those with a new `created_at` ``.
    pub fn in_words(&self) -> String {
        format!("ask `{}` for those with a new `{}`", self.operation.call, self.time)
    }
}

impl Catalog {
    /// The list operation that could stand in for an event where no webhook arrives. Only events that
    /// say that a record was made or changed have one: what is gone is in no list.
    pub fn stand_in(&self, event: &EventType) -> Option<StandIn> {
        let (list, time) = (event.list.as_ref()?, event.list_time.clone()?);
        let operation = self.operation(&format!("{}.{list}", event.app)).ok()?;
        let of = &operation.list.as_ref()?.of;
        let payload = event.payload.fields.iter().flat_map(|fields| fields.keys());
        let lacks = payload.filter(|name| matches!(of.inner(name), Inner::Absent));
        Some(StandIn {
            lacks: lacks.cloned().collect(),
            newest_first: newest_first(&operation, &time),
            time,
            operation,
        })
    }
}

fn newest_first(operation: &Operation, time: &str) -> Map<String, Value> {
    let sort = |slot| match operation.field("sort") {
        Ok((found, _, field)) if found == slot => {
            Some(field).filter(|f| f.options.is_empty() || f.options.contains(&time.into()))
        }
        _ => None,
    };
    let descends = operation.query.get("order").is_some_and(|f| f.options.contains(&"DESC".into()));
    let fields = match (sort(Slot::Query), sort(Slot::Body)) {
        (Some(_), _) if descends => json!({ "sort": time, "order": "DESC" }),
        (_, Some(_)) => json!({ "sort": [{ "field": time, "direction": "desc" }] }),
        _ => json!({}),
    };
    fields.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_or_changed_can_be_polled_and_what_is_gone_cannot() {
        let catalog = Catalog::embedded();
        let stand_in = |name: &str| catalog.stand_in(&catalog.event(name).unwrap());
        let customers = stand_in("stax.customer_updated").unwrap();
        assert_eq!(customers.in_words(), "ask `GET /customer` for those with a new `updated_at`");
        assert_eq!(
            Value::Object(customers.newest_first),
            json!({ "sort": "updated_at", "order": "DESC" })
        );
        assert!(customers.lacks.is_empty());
        let contacts = stand_in("highlevel.contact_created").unwrap();
        assert_eq!(contacts.time, "dateAdded");
        assert!(contacts.lacks.contains(&"webhookId".to_owned()));
        for gone in ["stax.item_deleted", "highlevel.contact_deleted", "bridge.note_created"] {
            assert!(stand_in(gone).is_none(), "{gone}");
        }
    }
}
