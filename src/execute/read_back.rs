//! What was written is read back: fields that the app dropped or changed are told at their recipe line.

use serde_json::{Map, Value};

use super::call_step::CallStep;
use super::drive::End;
use super::settle::as_answered;
use crate::call::{Request, Response};
use crate::catalog::{Effect, Operation};
use crate::journal::Decision;
use crate::plan;
use crate::value::RecordKey;

impl CallStep<'_, '_> {
    /// Whether this step reads back what it has written.
    pub(super) fn is_verified(&self) -> bool {
        let safe = &self.call.safe;
        safe.reads.is_some() && safe.verify.unwrap_or(self.drive.setup.care.verify)
    }

    /// Compares what was sent with what is there. That it cannot be read is told, and no failure: the write
    /// went well.
    pub(super) async fn verify(
        &mut self,
        sent: Request,
        results: &Map<String, Value>,
    ) -> Result<(), End> {
        let Some(reads) = self.call.safe.reads.clone() else { return Ok(()) };
        let made =
            results.get("response").and_then(|answer| self.call.operation.read_record(answer));
        let id = made.and_then(|record| record.get("id")).cloned();
        let values = sent.path_values().map(|(name, value)| (name.to_owned(), value.into()));
        let mut values: Vec<(String, Value)> = values.collect();
        for name in reads.path.keys() {
            if !values.iter().any(|(known, _)| known == name) {
                let Some(id) = id.clone() else { return Ok(()) };
                values.push((name.clone(), id));
            }
        }
        let request = self.literal(&reads, values)?;
        let response = match self.read("verify", &reads, request, None).await? {
            Ok(response) => response,
            Err(error) => {
                return self.note("verified", Decision::NotVerified(error.message)).await;
            }
        };
        if response.imagined {
            return Ok(());
        }
        let (Some(record), Some(of)) = (reads.read_record(&response.body), reads.record_field())
        else {
            return Ok(());
        };
        let body = sent.body.unwrap_or_default();
        let differs = plan::not_stored(&body, record, &of, self.scope.defaults());
        let differs = plan::by_names(self.call, differs);
        self.note("verified", Decision::Verified(differs)).await
    }

    /// Remembers the record that an answer shows, and its tags.
    pub(super) fn saw(&mut self, response: &Response) {
        if response.imagined {
            let known = self.known.clone().map(|record| as_answered(&self.call.operation, record));
            self.held_tags = known.and_then(|known| self.tags_in(&known.body));
            return;
        }
        self.held_tags = self.tags_in(&response.body);
        self.note_own(&self.call.operation, None, response);
        let operation = &self.call.operation;
        let Some(record) = operation.read_record(&response.body) else { return };
        let changed = operation.changes();
        self.drive.saw(&operation.app, record, changed);
    }

    /// Remembers what we have written ourselves, so that the event that tells of it starts nothing.
    pub(super) fn note_own(&self, operation: &Operation, id: Option<&str>, response: &Response) {
        let Some(of) = operation.record.as_ref().filter(|_| operation.changes()) else { return };
        if !response.is_fresh || !response.is_success() {
            return;
        }
        let setup = self.drive.setup;
        let record = operation.read_record(&response.body).and_then(Value::as_object);
        let of_answer = record.and_then(|record| record.get("id")?.as_str());
        let Some(id) = of_answer.or(id) else { return };
        let key = RecordKey::new(format!("{}.{}", operation.app, of.kind), id);
        match (operation.effect, record) {
            (Effect::Delete, _) => setup.own_writes.deleted(&key, setup.chain),
            (_, Some(record)) => setup.own_writes.wrote(&key, record, setup.chain),
            (_, None) => {
                // Tags are answered bare.
                let body = response.body.as_object().cloned().unwrap_or_default();
                setup.own_writes.wrote(&key, &body, setup.chain);
            }
        }
    }

    /// The record as it was before this step, when this run has seen it.
    pub(super) fn seen_before(&self, record: &Value) -> Option<Value> {
        self.drive.seen(&self.call.operation.app, record)
    }

    /// The tags of the record in an answer.
    pub(super) fn tags_in(&self, answer: &Value) -> Option<Vec<String>> {
        let operation = &self.call.operation;
        let field = &operation.tags.as_ref()?.field;
        let tags = operation.read_record(answer)?.get(field)?.as_array()?;
        Some(tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect())
    }
}
