//! The loop over the steps: sequential, deterministic, without a clock.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::any_engine::AnyEngine;
use super::engine::{Engine, Interrupt};
use super::{Setup, TriggerEvent, condition_holds};
use super::{call_step, pause_step, used_step};
use crate::check::{Action, CheckedLink, CheckedStep, Each, Mapping, Place};
use crate::journal::{CallKey, Decision, Outcome, Question, StepError, StepErrorKind};
use crate::plan::{
    DataError, Plan, evaluate, give_zones_to_fields, render, template_error, with_custom_fields,
};
use crate::template::{Scope, Template};

/// The most rounds of one loop.
const MAX_ITEMS: usize = 1_000;

/// Runs a plan for one event. After a crash it runs again from the start, and the engine answers from
/// what has been recorded.
pub async fn drive(
    plan: &Plan,
    event: &TriggerEvent,
    setup: &Setup,
    engine: &mut (impl Engine + Send),
) -> Outcome {
    let looks_back = plan.recipe.steps.iter().any(looks_back);
    let mut drive = Drive { setup, event, engine, looks_back, sights: HashMap::new() };
    match drive.run(plan).await {
        Ok(()) => Outcome::Done,
        Err(End::Stopped { reason, place }) => Outcome::Stopped { reason, place },
        Err(End::Failed(error)) => Outcome::Failed(error),
        Err(End::Interrupted(Interrupt::Held(question), error)) => {
            Outcome::Held { question, error }
        }
        // That one goes on with the answer: with both, all that follows would happen twice.
        Err(End::Interrupted(Interrupt::AskedBy(run), error)) => {
            let reason =
                format!("{run} asks the same about the same data, and waits for the answer");
            Outcome::Stopped { reason, place: error.place }
        }
        Err(End::Interrupted(Interrupt::Waiting(until), _)) => Outcome::Waiting { until },
        Err(End::Interrupted(Interrupt::Suspended(why), _)) => Outcome::Suspended { why },
        Err(End::Interrupted(Interrupt::OutOfPatience, error)) => Outcome::Failed(error),
    }
}

/// Why the steps end early.
pub(super) enum End {
    Stopped {
        reason: String,
        place: Place,
    },
    Failed(Box<StepError>),
    /// With what to say if nobody takes it up again.
    Interrupted(Interrupt, Box<StepError>),
}

pub(super) struct Drive<'a> {
    pub setup: &'a Setup,
    pub event: &'a TriggerEvent,
    pub engine: &'a mut dyn AnyEngine,
    /// A step asks how a record was before: only then is it kept.
    looks_back: bool,
    /// The records that this run has seen, as it first saw them or has left them: by app and id.
    sights: HashMap<(String, String), Value>,
}

impl Drive<'_> {
    async fn run(&mut self, plan: &Plan) -> Result<(), End> {
        let mut scope = Scope::new(self.setup.defaults.clone());
        scope.set_own(plan.recipe.filters.clone());
        let zone = self.zone(&self.event.event.app);
        let (of, payload) = (&self.event.event.payload, &self.event.payload);
        if self.event.event.record.is_some() && self.looks_back {
            self.saw(&self.event.event.app, &Value::Object(payload.clone()), false);
        }
        let mut payload = payload.clone();
        if let Some(known) = &plan.recipe.trigger.custom_fields {
            with_custom_fields(&mut payload, of, known);
        }
        give_zones_to_fields(of, &mut payload, zone);
        scope.set_event(Value::Object(payload));
        scope.set("trigger", &self.event.facts());
        scope.set_records(self.event.records());
        scope.set("settings", &Value::Object(self.setup.settings.clone()));
        let key = CallKey::new("trigger", &[], "now");
        let started_at = self.time(&key, &Place::default()).await?;
        scope.set_now(started_at);
        scope.set("run", &json!({ "id": self.setup.run_id, "started_at": started_at.to_string() }));
        self.starts(plan, &mut scope).await?;
        self.steps(&plan.recipe.steps, &mut scope, &mut Vec::new()).await
    }

    /// The event's built-in condition, what has changed, and the recipe's own condition.
    async fn starts(&mut self, plan: &Plan, scope: &mut Scope) -> Result<(), End> {
        let event = &self.event.event;
        if condition_holds(event, &self.event.payload) == Some(false) {
            let when = event.when.as_deref().unwrap_or_default();
            let reason = format!("the event is not `{}`: {when} does not hold", event.name());
            return Err(End::Stopped { reason, place: Place::default() });
        }
        let trigger = &plan.recipe.trigger;
        let sight = match &trigger.changed {
            Some(changed) => self.look_back(changed, scope).await?,
            None => None,
        };
        let unmet = match &trigger.when {
            None => None,
            Some((place, when)) => {
                let asks = ("trigger", &[][..], "links");
                self.learn_links(asks, [when], place, scope).await?;
                (!self.holds("trigger", place, when, scope)?).then_some((place, when))
            }
        };
        if let Some(sight) = sight {
            self.note_sighting(sight, unmet.is_none()).await?;
        }
        match unmet {
            None => Ok(()),
            Some((place, when)) => {
                let reason = format!("the trigger's `when` does not hold: {}", when.source());
                Err(End::Stopped { reason, place: place.clone() })
            }
        }
    }

    /// Boxed because groups hold steps that hold groups.
    pub(super) fn steps<'b>(
        &'b mut self,
        steps: &'b [CheckedStep],
        scope: &'b mut Scope,
        item: &'b mut Vec<usize>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), End>> + Send + 'b>> {
        Box::pin(async move {
            for step in steps {
                match &step.for_each {
                    None => {
                        if let Some(results) = self.step(step, scope, item).await? {
                            scope.set_step(step.name(), Value::Object(results));
                        }
                    }
                    Some(each) => Box::pin(self.rounds(step, each, scope, item)).await?,
                }
            }
            Ok(())
        })
    }

    /// A loop: one round per item, one entry of results per round.
    async fn rounds(
        &mut self,
        step: &CheckedStep,
        each: &Each,
        scope: &mut Scope,
        item: &mut Vec<usize>,
    ) -> Result<(), End> {
        self.learn_each(step, each, scope, item).await?;
        let items = self.items(step, each, scope)?;
        let mut all = Vec::with_capacity(items.len());
        let mut inner: Vec<(String, Vec<Value>)> =
            ids(step).into_iter().map(|id| (id, vec![])).collect();
        let (outer_item, outer_index) = (scope.get("item"), scope.get("item_index"));
        for (at, value) in items.into_iter().enumerate() {
            scope.set("item", &value);
            scope.set("item_index", &at.into());
            item.push(at);
            let results = self.step(step, scope, item).await;
            item.pop();
            all.push(results?.map_or(Value::Null, Value::Object));
            for (id, entries) in &mut inner {
                entries.push(scope.step(id).unwrap_or_default());
            }
        }
        scope.restore("item", outer_item);
        scope.restore("item_index", outer_index);
        scope.set_step(step.name(), Value::Array(all));
        // Behind the loop its inner steps hold one entry per item too.
        for (id, entries) in inner {
            scope.set_step(&id, Value::Array(entries));
        }
        Ok(())
    }

    /// Finds out what a loop's list asks of links.
    async fn learn_each(
        &mut self,
        step: &CheckedStep,
        each: &Each,
        scope: &mut Scope,
        item: &[usize],
    ) -> Result<(), End> {
        let templates = match each {
            Each::Expression(_, template) => vec![template],
            Each::List(mappings) => mappings.iter().flat_map(Mapping::templates).collect(),
        };
        if !templates.iter().any(|template| template.uses_linked()) {
            return Ok(());
        }
        scope.forget_links();
        self.learn_links((&step.id, item, "links-each"), templates, &step.place, scope).await
    }

    fn items(&self, step: &CheckedStep, each: &Each, scope: &Scope) -> Result<Vec<Value>, End> {
        let items = match each {
            Each::Expression(place, template) => {
                let value = evaluate(template, place, scope).map_err(|e| self.data(step, e))?;
                match value.value() {
                    None => Vec::new(),
                    Some(Value::Array(items)) => items,
                    Some(other) => {
                        return Err(self.data(
                            step,
                            DataError {
                                place: place.clone(),
                                field: Some("for_each".into()),
                                problem: format!(
                                    "wants a list, and gets {}",
                                    crate::value::Kind::of(&other).in_words()
                                ),
                                instead: "name a list".into(),
                            },
                        ));
                    }
                }
            }
            Each::List(mappings) => {
                let mut items = Vec::with_capacity(mappings.len());
                for mapping in mappings {
                    items.extend(render(mapping, scope).map_err(|e| self.data(step, e))?.value());
                }
                items
            }
        };
        if items.len() > MAX_ITEMS {
            return Err(self.data(
                step,
                DataError {
                    place: step.place.clone(),
                    field: Some("for_each".into()),
                    problem: format!("has {} items; {MAX_ITEMS} is the limit", items.len()),
                    instead: "go over a shorter list".into(),
                },
            ));
        }
        Ok(items)
    }

    /// One step once. `None` for a group, whose steps have their own results.
    async fn step(
        &mut self,
        step: &CheckedStep,
        scope: &mut Scope,
        item: &mut Vec<usize>,
    ) -> Result<Option<Map<String, Value>>, End> {
        let templates = step.templates();
        if uses_now(step, &templates) {
            let now = self.time(&CallKey::new(&step.id, item, "now"), &step.place).await?;
            scope.set_now(now);
        }
        let when = step.when.iter().map(|(_, when)| when);
        let uses_linked = templates.iter().copied().chain(when).any(Template::uses_linked);
        if uses_linked {
            scope.forget_links();
            let when = step.when.iter().map(|(_, when)| when);
            self.learn_links((&step.id, item, "links-when"), when, &step.place, scope).await?;
        }
        if let Some((place, when)) = &step.when
            && !self.holds(&step.id, place, when, scope)?
        {
            // A `stop` that does not stop is nothing to tell.
            if !matches!(step.action, Action::Stop(_)) {
                let why = format!("`when` does not hold: {}", when.source());
                let key = CallKey::new(&step.id, item, "skip");
                self.record(&key, Decision::Skipped(why), &step.place).await?;
            }
            for id in ids(step) {
                scope.set_step(&id, json!({ "skipped": true }));
            }
            return Ok(Some(Map::from_iter([("skipped".to_owned(), true.into())])));
        }
        if uses_linked {
            let asks = (step.id.as_str(), &item[..], "links");
            self.learn_links(asks, templates, &step.place, scope).await?;
        }
        match &step.action {
            Action::Call(call) => call_step::run(self, step, call, scope, item).await.map(Some),
            Action::Set(values) => {
                let mut results = Map::new();
                for (name, mapping) in values {
                    let value = render(mapping, scope).map_err(|e| self.data(step, e))?;
                    results.insert(name.clone(), value.into_value());
                }
                results.insert("skipped".into(), false.into());
                let key = CallKey::new(&step.id, item, "set");
                self.record(&key, Decision::Finished(results.clone()), &step.place).await?;
                Ok(Some(results))
            }
            Action::Wait(wait) => pause_step::wait(self, step, wait, scope, item).await.map(Some),
            Action::Hold(hold) => pause_step::hold(self, step, hold, scope, item).await.map(Some),
            Action::Use(used) => used_step::run(self, step, used, scope, item).await.map(Some),
            Action::Stop(reason) => {
                let reason = render(reason, scope).map_err(|e| self.data(step, e))?.into_value();
                let reason = reason.as_str().unwrap_or("the recipe stops here").to_owned();
                Err(End::Stopped { reason, place: step.place.clone() })
            }
            Action::Link(link) => {
                self.change_links(step, link, scope, item).await?;
                Ok(Some(Map::from_iter([("skipped".to_owned(), false.into())])))
            }
            Action::Group(steps) => {
                self.steps(steps, scope, item).await?;
                Ok(Some(Map::from_iter([("skipped".to_owned(), false.into())])))
            }
        }
    }

    pub(super) fn holds(
        &self,
        step: &str,
        place: &Place,
        when: &Template,
        scope: &Scope,
    ) -> Result<bool, End> {
        when.holds(scope)
            .map_err(|error| End::Failed(data_error(step, template_error(place, &error))))
    }

    pub(super) async fn time(
        &mut self,
        key: &CallKey,
        place: &Place,
    ) -> Result<jiff::Timestamp, End> {
        match self.record(key, Decision::AskTime, place).await? {
            Decision::Time(time) => Ok(time),
            other => unreachable!(
                "an engine answers the question for the time with it, not with {other:?}"
            ),
        }
    }

    pub(super) async fn record(
        &mut self,
        key: &CallKey,
        decision: Decision,
        place: &Place,
    ) -> Result<Decision, End> {
        let result = self.engine.record(key, decision).await;
        result.map_err(|interrupt| interrupted(interrupt, &key.step, place))
    }

    /// The zone of times that the app writes without one.
    pub(super) fn zone(&self, app: &str) -> Option<&'static str> {
        self.setup.catalog.app(app)?.time_zone.as_deref()
    }

    /// Remembers how a record looks: when it is seen for the first time, or was `changed` by this run.
    pub(super) fn saw(&mut self, app: &str, record: &Value, changed: bool) {
        if !self.looks_back {
            return;
        }
        let Some(key) = sight_key(app, record) else { return };
        match changed {
            true => drop(self.sights.insert(key, record.clone())),
            false => drop(self.sights.entry(key).or_insert_with(|| record.clone())),
        }
    }

    /// How this run has seen a record before.
    pub(super) fn seen(&self, app: &str, record: &Value) -> Option<Value> {
        self.sights.get(&sight_key(app, record)?).cloned()
    }

    /// Asks a person; gives the choice.
    pub(super) async fn ask(
        &mut self,
        key: &CallKey,
        question: Question,
        place: &Place,
    ) -> Result<String, End> {
        let text = question.text.clone();
        match self.engine.hold(key, question).await {
            Ok(answer) => Ok(answer.choice),
            Err(interrupt) => {
                let error = pause_step::asked(&key.step, place, text, &interrupt);
                Err(End::Interrupted(interrupt, error))
            }
        }
    }

    pub(super) fn data(&self, step: &CheckedStep, error: DataError) -> End {
        End::Failed(data_error(&step.id, error))
    }
}

/// Whether a step asks how a record was before.
fn looks_back(step: &CheckedStep) -> bool {
    let asks = match &step.action {
        Action::Call(call) => call.safe.unless_changed.is_some(),
        _ => false,
    };
    asks || step.inner().iter().any(looks_back)
}

fn sight_key(app: &str, record: &Value) -> Option<(String, String)> {
    Some((app.to_owned(), record.get("id")?.as_str()?.to_owned()))
}

pub(super) fn interrupted(interrupt: Interrupt, step: &str, place: &Place) -> End {
    let message = match &interrupt {
        Interrupt::Held(question) => question.text.clone(),
        Interrupt::AskedBy(run) => format!("{run} asks the same"),
        Interrupt::Waiting(until) => format!("waits until {until}"),
        Interrupt::Suspended(why) => why.clone(),
        Interrupt::OutOfPatience => "the run was given up while it waited".to_owned(),
    };
    let error = StepError {
        step: step.to_owned(),
        place: place.clone(),
        kind: StepErrorKind::GaveUp,
        field: None,
        message,
        instead: "run it again".into(),
        response: None,
        app: None,
    };
    End::Interrupted(interrupt, Box::new(error))
}

pub(super) fn data_error(step: &str, error: DataError) -> Box<StepError> {
    Box::new(StepError {
        step: step.to_owned(),
        place: error.place,
        kind: StepErrorKind::Data,
        field: error.field,
        message: error.problem,
        instead: error.instead,
        response: None,
        app: None,
    })
}

/// The ids of the steps inside a group.
fn ids(step: &CheckedStep) -> Vec<String> {
    match &step.action {
        Action::Group(steps) => {
            steps.iter().flat_map(|s| std::iter::once(s.name().to_owned()).chain(ids(s))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a step with these templates, without the steps inside it, asks for the time.
fn uses_now(step: &CheckedStep, templates: &[&Template]) -> bool {
    let when = step.when.iter().map(|(_, when)| when);
    let behind = match &step.action {
        Action::Call(call) => &call.links[..],
        Action::Use(used) if used.when.iter().any(|(_, when)| when.uses_now()) => return true,
        _ => &[],
    };
    let behind = behind.iter().flat_map(CheckedLink::templates);
    templates.iter().copied().chain(when).chain(behind).any(Template::uses_now)
}
