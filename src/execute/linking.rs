//! Links of a run: what its templates ask for is found out before they are filled in, and what is linked
//! or gone is told, so that a run that goes on decides the same.

use super::drive::{Drive, End};
use crate::check::{CheckedLink, CheckedStep, LinkedRecord, Place};
use crate::journal::{CallKey, Decision, Link, LinkChange};
use crate::plan::{DataError, render};
use crate::template::{LinkQuestion, Scope, Template};
use crate::value::RecordKey;
use crate::value::text::shortened;

/// How often an answer may lead to a further question.
const MAX_ROUNDS: usize = 20;
/// The most questions of one round.
const MAX_QUESTIONS: usize = 1_000;
/// The longest id of a record, in bytes.
const MAX_ID: usize = 500;

impl Drive<'_> {
    /// Finds out what `linked(…)` answers in these templates. `part` tells apart what one step asks.
    pub(super) async fn learn_links<'t>(
        &mut self,
        (step, item, part): (&str, &[usize], &str),
        templates: impl IntoIterator<Item = &'t Template>,
        place: &Place,
        scope: &mut Scope,
    ) -> Result<(), End> {
        let templates = templates.into_iter().filter(|template| template.uses_linked());
        let templates: Vec<&Template> = templates.collect();
        for round in 1..=MAX_ROUNDS {
            let mut questions: Vec<LinkQuestion> = Vec::new();
            for question in templates.iter().flat_map(|template| template.asks(scope)) {
                if questions.len() < MAX_QUESTIONS && !questions.contains(&question) {
                    questions.push(question);
                }
            }
            if questions.is_empty() {
                break;
            }
            let part = if round == 1 { part.to_owned() } else { format!("{part}-{round}") };
            let key = CallKey::new(step, item, &part);
            match self.record(&key, Decision::AskLinks(questions), place).await? {
                Decision::Links(answers) => {
                    scope.learn_links(answers.into_iter().map(|a| (a.question, a.id)));
                }
                other => unreachable!("an engine answers what is linked, not {other:?}"),
            }
        }
        Ok(())
    }

    /// Links or unlinks what a step says.
    pub(super) async fn change_links(
        &mut self,
        step: &CheckedStep,
        link: &CheckedLink,
        scope: &Scope,
        item: &[usize],
    ) -> Result<(), End> {
        let mut records = Vec::with_capacity(2);
        for record in &link.records {
            records.push(self::record(record, scope).map_err(|e| self.data(step, e))?);
        }
        let name = link.name.clone();
        let mut records = records.into_iter();
        let change = match (records.next(), records.next()) {
            (Some(one), Some(other)) => {
                let whole = Link::new(one, other, name);
                if link.ends { LinkChange::Unlink(whole) } else { LinkChange::Link(whole) }
            }
            (Some(record), None) => LinkChange::UnlinkAll { record, name },
            (None, _) => unreachable!("`check` wants a record"),
        };
        let key = CallKey::new(&step.id, item, if link.ends { "unlink" } else { "link" });
        self.record(&key, Decision::ChangeLinks(change), &link.place).await.map(|_| ())
    }

    /// Drops the links of a record that is not there any more; gives those that it had.
    pub(super) async fn drop_links(
        &mut self,
        step: &CheckedStep,
        record: RecordKey,
        item: &[usize],
    ) -> Result<Vec<Link>, End> {
        let key = CallKey::new(&step.id, item, "gone");
        match self.record(&key, Decision::AskGone(record), &step.place).await? {
            Decision::Gone { links, .. } => Ok(links),
            other => unreachable!("an engine answers which links end, not {other:?}"),
        }
    }
}

/// One record of a link, with its id filled in.
fn record(record: &LinkedRecord, scope: &Scope) -> Result<RecordKey, DataError> {
    let LinkedRecord { kind, id } = record;
    let wrong = |problem: String, instead: &str| DataError {
        place: id.place.clone(),
        field: Some(kind.clone()),
        problem,
        instead: instead.to_owned(),
    };
    let value = render(id, scope).map_err(|mut error| {
        error.field.get_or_insert_with(|| kind.clone());
        error
    })?;
    let value = value.value().unwrap_or_default();
    let text = match &value {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Null => String::new(),
        other => {
            let words = crate::value::Kind::of(other).in_words();
            return Err(wrong(
                format!("wants an id, and gets {words}"),
                "name the field with the id",
            ));
        }
    };
    if text.is_empty() {
        return Err(wrong(
            "is empty, so there is nothing to link".to_owned(),
            "skip the step with `when` if there may be none",
        ));
    }
    if text.len() > MAX_ID {
        return Err(wrong(
            format!("gets `{}`, which is too long for an id", shortened(&text, 40)),
            "name the field with the id",
        ));
    }
    Ok(RecordKey::new(kind, text))
}
