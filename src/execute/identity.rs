//! Whose record it is: before a person is written by e-mail and phone, both are looked up, and when they
//! belong to two people somebody has to say who is meant.

use serde_json::{Map, Value};

use super::call_step::{CallStep, Results};
use super::drive::End;
use super::guarded::Sight;
use super::settle::as_answered;
use crate::catalog::Effect;
use crate::check::Finds;
use crate::journal::{CallKey, Question};
use crate::plan::{self, PlannedRequest};
use crate::value::text::shortened;

/// What a person answers when neither record is meant.
pub const NEITHER: &str = "neither: skip this step";

/// Whose record a call is about to write.
pub(super) enum Whose {
    /// Nobody has looked.
    Unknown,
    /// It was looked up, and there is one or none.
    Known(Box<Sight>),
    /// The step is over.
    Settled(Results),
}

/// A record, and the fields by which it was found.
struct Candidate {
    record: Value,
    by: Vec<String>,
}

impl CallStep<'_, '_> {
    /// How the step finds the record that it is about, where it is to look at all.
    pub(super) fn finds<'s>(&self) -> Option<&'s Finds>
    where
        Self: 's,
    {
        let safe = &self.call.safe;
        let is_wanted = safe.check_identity.unwrap_or(self.drive.setup.care.check_identity);
        safe.finds.as_ref().filter(|_| is_wanted)
    }

    /// Looks a record up by each field that finds one. Where they lead to two records a person is asked,
    /// and the fields that lead to the other one are taken out of the request.
    pub(super) async fn whose(
        &mut self,
        finds: &Finds,
        planned: &mut PlannedRequest,
    ) -> Result<Whose, End> {
        let Finds { list, by } = finds.clone();
        let sent = |ours: &str| {
            let value = planned.request.body.as_ref()?.get(ours)?;
            (!plan::is_blank(value)).then(|| value.clone())
        };
        let by: Vec<(String, String, Value)> = by
            .into_iter()
            .filter_map(|(ours, theirs)| Some((sent(&ours)?, ours, theirs)))
            .map(|(value, ours, theirs)| (ours, theirs, value))
            .collect();
        if by.len() < 2 {
            return Ok(Whose::Unknown);
        }
        let mut found: Vec<Candidate> = Vec::new();
        let mut is_imagined = false;
        for (ours, theirs, value) in by {
            let request = self.literal(&list, vec![(theirs, value)])?;
            let part = format!("identity-{ours}");
            let (record, imagined) = match self.find_one(&part, &list, request).await? {
                Ok(found) => found,
                Err(error) => return Ok(Whose::Settled(Err(error))),
            };
            is_imagined |= imagined;
            let Some(record) = record else { continue };
            match found.iter_mut().find(|other| id_of(&other.record) == id_of(&record)) {
                Some(same) => same.by.push(ours),
                None => found.push(Candidate { record, by: vec![ours] }),
            }
        }
        if is_imagined {
            return Ok(Whose::Unknown);
        }
        let of = list.list.as_ref().map(|list| list.of.clone()).unwrap_or_default();
        let known = |record: Option<Value>| Sight { record, of: of.clone(), imagined: false };
        if found.len() < 2 {
            return Ok(Whose::Known(Box::new(known(
                found.pop().map(|candidate| candidate.record),
            ))));
        }
        let Some(chosen) = self.which(&found).await? else {
            let results = Map::from_iter([("skipped".to_owned(), true.into())]);
            return Ok(Whose::Settled(Ok(results)));
        };
        let record = found[chosen].record.clone();
        if self.call.operation.effect == Effect::Create {
            let answer = as_answered(&self.call.operation, record);
            let zone = self.drive.zone(&self.call.operation.app);
            let mut results = plan::results(self.call, answer, zone);
            results.insert("existed".into(), true.into());
            return Ok(Whose::Settled(Ok(results)));
        }
        // What belongs to the other one stays there.
        let others = found.iter().enumerate().filter(|(at, _)| *at != chosen);
        for field in others.flat_map(|(_, other)| &other.by) {
            if let Some(body) = planned.request.body.as_mut().and_then(Value::as_object_mut) {
                body.shift_remove(field);
            }
            planned.origins.retain(|origin| origin.path != *field);
        }
        Ok(Whose::Known(Box::new(known(Some(record)))))
    }

    /// Asks a person which of the records is meant; none for neither.
    async fn which(&mut self, found: &[Candidate]) -> Result<Option<usize>, End> {
        let mut choices: Vec<String> =
            found.iter().map(|c| format!("the one with this {}", c.by.join(" and "))).collect();
        let shown: Vec<String> = found.iter().map(in_words).collect();
        choices.push(NEITHER.to_owned());
        let question = Question {
            text: format!("two people could be meant: {}", shown.join("; or ")),
            choices,
        };
        let key = self.key(CallKey::IDENTITY);
        let place = self.call.place.clone();
        let choice = self.drive.ask(&key, question.clone(), &place).await?;
        Ok(question.choices.iter().position(|c| *c == choice).filter(|at| *at < found.len()))
    }
}

fn id_of(record: &Value) -> Option<&str> {
    record.get("id")?.as_str()
}

/// A record for a person who has to tell it from another: by what people know of each other.
fn in_words(candidate: &Candidate) -> String {
    let record = &candidate.record;
    let text = |field: &str| record.get(field).and_then(Value::as_str).filter(|t| !t.is_empty());
    let name = text("name").map(str::to_owned).or_else(|| {
        let parts: Vec<&str> = ["firstName", "lastName", "firstname", "lastname"]
            .into_iter()
            .filter_map(text)
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    let facts = ["email", "phone", "companyName", "company", "city", "dateAdded", "created_at"];
    let facts: Vec<String> =
        facts.into_iter().filter_map(text).map(|fact| shortened(fact, 60)).collect();
    let name = name.unwrap_or_else(|| "somebody without a name".to_owned());
    let id = id_of(record).unwrap_or("?");
    format!("by {}: {name} ({}; id {id})", candidate.by.join(" and "), facts.join(", "))
}
