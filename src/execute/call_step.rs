//! A step that calls: look before it creates, call, then change tags.

use serde_json::{Map, Value};
use std::sync::Arc;

use super::attempt::{Owner, Tries, attempt, failed, words};
use super::drive::{Drive, End, data_error};
use super::guarded::looks_first;
use super::identity::Whose;
use super::look::Look;
use super::refusal;
use super::settle::Settling;
use crate::call::{Request, Response};
use crate::catalog::{Effect, Operation};
use crate::check::{self, CheckedCall, CheckedLink, CheckedStep, Mapping};
use crate::journal::{CallKey, Decision, LooksFor, PlannedCall, StepError, StepErrorKind};
use crate::plan::{self, Account, DataError, PlannedRequest};
use crate::recipe::OnProblem;
use crate::template::Scope;
use crate::value::RecordKey;

/// Runs the step; gives its results.
pub(super) async fn run(
    drive: &mut Drive<'_>,
    step: &CheckedStep,
    call: &CheckedCall,
    scope: &Scope,
    item: &[usize],
) -> Result<Map<String, Value>, End> {
    let mut this = CallStep {
        drive,
        step,
        call,
        scope,
        item,
        last_id: None,
        held_tags: None,
        sent: None,
        known: None,
    };
    let outcome = match this.whole().await {
        // A value that does not fit is a failure of the step like any other.
        Err(End::Failed(error)) => Err(error),
        Err(end) => return Err(end),
        Ok(outcome) => outcome,
    };
    this.finish(outcome).await
}

pub(super) struct CallStep<'a, 'd> {
    pub drive: &'a mut Drive<'d>,
    pub step: &'a CheckedStep,
    pub call: &'a CheckedCall,
    pub scope: &'a Scope,
    pub item: &'a [usize],
    /// What stood last in the address of the last request: the id of the record that it was about.
    pub last_id: Option<String>,
    /// The tags that the record has, where the app has shown them.
    pub held_tags: Option<Vec<String>>,
    /// What has been sent, where it is to be compared with what is then there.
    pub sent: Option<Request>,
    /// The record as it was before the call, where it has been read.
    pub known: Option<Value>,
}

pub(super) type Results = Result<Map<String, Value>, Box<StepError>>;

/// What few calls need is boxed: every call would have to carry the room for it about otherwise.
impl CallStep<'_, '_> {
    async fn whole(&mut self) -> Result<Results, End> {
        let call = self.call;
        let outcome = match &call.search {
            Some(check::Search::Find(conditions)) => Box::pin(self.find(conditions)).await?,
            Some(check::Search::AllPages) => Box::pin(self.all_pages()).await?,
            Some(check::Search::UnlessExists { list, conditions }) => {
                Box::pin(self.unless_exists(list, conditions)).await?
            }
            None => self.plain().await?,
        };
        match outcome {
            Ok(results) => {
                if let Some(change) = &call.tags
                    && let Err(error) = Box::pin(self.tags(change, &results)).await?
                {
                    return Ok(Err(error));
                }
                if !call.links.is_empty() || call.operation.effect == Effect::Delete {
                    Box::pin(self.link(&results)).await?;
                }
                Ok(Ok(results))
            }
            Err(error) if error.kind == StepErrorKind::NotFound => {
                Ok(Err(Box::pin(self.without_links(error)).await?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Links what the step says, and forgets the links of what it has deleted.
    async fn link(&mut self, results: &Map<String, Value>) -> Result<(), End> {
        if let Some(record) = self.deleted() {
            self.drive.drop_links(self.step, record, self.item).await?;
        }
        if self.call.links.is_empty() {
            return Ok(());
        }
        let mut scope = self.scope.clone();
        scope.set_step(self.step.name(), Value::Object(results.clone()));
        let asks = (self.step.id.as_str(), self.item, "links-behind");
        let templates = self.call.links.iter().flat_map(CheckedLink::templates);
        self.drive.learn_links(asks, templates, &self.step.place, &mut scope).await?;
        for link in &self.call.links {
            self.drive.change_links(self.step, link, &scope, self.item).await?;
        }
        Ok(())
    }

    /// The record that the call deletes.
    fn deleted(&self) -> Option<RecordKey> {
        let operation = &self.call.operation;
        let record = operation.record.as_ref().filter(|_| operation.effect == Effect::Delete)?;
        let last = operation.path_pattern().rsplit('/').next()?.strip_prefix(':')?;
        let id = self.last_id.as_ref().filter(|_| record.id.as_deref() == Some(last))?;
        Some(RecordKey::new(record.full_kind(&operation.app), id))
    }

    /// A record that is not there any more: where a link led to it, that link leads nowhere.
    async fn without_links(&mut self, mut error: Box<StepError>) -> Result<Box<StepError>, End> {
        let Some(id) = self.last_id.clone() else { return Ok(error) };
        let app = &self.call.operation.app;
        let mut gone = self.scope.linked_records(&id);
        gone.retain(|record| record.app() == app);
        if let Some(record) = gone.into_iter().next().or_else(|| self.deleted()) {
            let links = self.drive.drop_links(self.step, record.clone(), self.item).await?;
            let others = links.iter().filter_map(|link| link.other(&record));
            let others: Vec<String> = others.map(RecordKey::to_string).collect();
            if !others.is_empty() {
                let (links, were) = match others.len() {
                    1 => ("the link", "was"),
                    _ => ("the links", "were"),
                };
                error.message = format!(
                    "{}; {links} with {} {were} removed",
                    error.message,
                    others.join(" and ")
                );
            }
        }
        Ok(error)
    }

    pub(super) async fn plain(&mut self) -> Result<Results, End> {
        let planned = self.request(self.call)?;
        self.change(planned, None).await
    }

    /// Makes the call: as carefully as the step says.
    pub(super) async fn change(
        &mut self,
        mut planned: PlannedRequest,
        exists: Option<Look>,
    ) -> Result<Results, End> {
        // What is read from here on is still so when it is written.
        let locks = self.drive.setup.locks.clone();
        let _lock = match self.lock_name(&planned).filter(|_| looks_first(self.call)) {
            Some(name) => Some(locks.lock(&name).await),
            None => None,
        };
        let since = locks.now();
        let found = match self.finds() {
            None => None,
            Some(finds) => match Box::pin(self.whose(finds, &mut planned)).await? {
                Whose::Unknown => None,
                Whose::Known(sight) => Some(*sight),
                Whose::Settled(results) => return Ok(results),
            },
        };
        let outcome = match looks_first(self.call) {
            true => Box::pin(self.guarded(planned, found, since)).await?,
            false => {
                if self.shows_difference() {
                    Box::pin(self.show_difference(&planned, found)).await?;
                }
                self.make(planned, exists).await?
            }
        };
        let Ok(results) = outcome else { return Ok(outcome) };
        if let Some(sent) = self.sent.take() {
            Box::pin(self.verify(sent, &results)).await?;
        }
        Ok(Ok(results))
    }

    /// Makes the call itself.
    async fn make(
        &mut self,
        mut planned: PlannedRequest,
        exists: Option<Look>,
    ) -> Result<Results, End> {
        let settling = self.settling(&mut planned, exists).await?;
        let operation = &*self.call.operation;
        self.sent = self.is_verified().then(|| planned.request.clone());
        let response = match self.send("call", operation, planned, &settling).await? {
            Ok(response) => self.as_known(response),
            Err(error) => return Ok(Err(self.at_the_field(error))),
        };
        self.saw(&response);
        Ok(Ok(plan::results(self.call, response, self.drive.zone(&operation.app))))
    }

    /// The request of the list operation that looks for a record like the one to be made, with more
    /// for its query.
    pub(super) fn look_up(
        &self,
        list: &Arc<Operation>,
        create: &PlannedRequest,
        query: Vec<(String, Value)>,
    ) -> Result<PlannedRequest, End> {
        let lookup =
            self.call.operation.lookup.as_ref().expect("`check` lets only such operations look");
        let request = &create.request;
        let ours = |name: &str| {
            let in_path = request.path_value(name).map(Value::from);
            in_path.or_else(|| request.body.as_ref()?.get(name).cloned())
        };
        let with = lookup.with.iter();
        let with = with.filter_map(|(theirs, name)| Some((theirs.clone(), ours(name)?)));
        self.literal(list, with.chain(query).collect())
    }

    /// The request of an operation with these values in its fields; those that it does not have are left
    /// out.
    pub(super) fn literal(
        &self,
        operation: &Arc<Operation>,
        values: Vec<(String, Value)>,
    ) -> Result<PlannedRequest, End> {
        let account = self.account()?;
        let mut inputs = Vec::new();
        for (theirs, value) in values {
            if let Ok((slot, name, _)) = operation.field(&theirs) {
                let content = crate::check::Content::Literal(value);
                let mapping = Mapping { place: self.step.place.clone(), content };
                inputs.push(crate::check::Input { slot, name: name.to_owned(), mapping });
            }
        }
        let call = CheckedCall {
            place: self.call.place.clone(),
            operation: operation.clone(),
            lookup: None,
            inputs,
            body: None,
            tags: None,
            search: None,
            safe: Default::default(),
            save: Vec::new(),
            retry: self.call.retry,
            on_error: OnProblem::Stop,
            on_not_found: OnProblem::Stop,
            links: Vec::new(),
        };
        let scope = Scope::new(self.drive.setup.defaults.clone());
        plan::request(&call, &self.step.place, &scope, account, "")
            .map_err(|e| self.drive.data(self.step, e))
    }

    /// Adds and removes tags behind a call that went well.
    async fn tags(
        &mut self,
        change: &check::TagChange,
        results: &Map<String, Value>,
    ) -> Result<Result<(), Box<StepError>>, End> {
        let from_input = self.call.inputs.iter().find(|input| input.name == change.record);
        let record = match from_input {
            Some(input) => plan::render(&input.mapping, self.scope)
                .map_err(|e| self.drive.data(self.step, e))?
                .into_value(),
            None => results.get(&change.record).cloned().unwrap_or_default(),
        };
        let record = words(&record);
        for (part, change) in [("tags-add", &change.add), ("tags-remove", &change.remove)] {
            let Some((operation, tags)) = change else { continue };
            if record.is_empty() {
                let error = DataError {
                    place: tags.place.clone(),
                    field: Some("tags".into()),
                    problem: "cannot be changed: the answer holds no id of the record".into(),
                    instead: "change the tags in a step of their own".into(),
                };
                return Err(self.drive.data(self.step, error));
            }
            let account = self.account()?;
            let planned =
                plan::tag_request(operation, tags, &self.step.id, &record, self.scope, account)
                    .map_err(|e| self.drive.data(self.step, e))?;
            let adds = part == "tags-add";
            let planned = match &self.held_tags {
                Some(held) => planned.and_then(|planned| plan::tags_left(planned, held, adds)),
                None => planned,
            };
            let settling = Settling::Person { why: None };
            let Some(planned) = planned else { continue };
            match self.send(part, operation, planned, &settling).await? {
                Ok(response) => self.note_own(operation, Some(&record), &response),
                Err(mut error) => {
                    if error.kind == StepErrorKind::Refused {
                        error.place.clone_from(&tags.place);
                        error.instead = refusal::correct("tags");
                    }
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(()))
    }

    async fn finish(&mut self, outcome: Results) -> Result<Map<String, Value>, End> {
        let results = match outcome {
            Ok(results) => results,
            Err(error) => {
                let goes_on = match error.kind {
                    StepErrorKind::NotFound => {
                        self.call.on_not_found == OnProblem::Continue
                            || self.call.on_error == OnProblem::Continue
                    }
                    _ => self.call.on_error == OnProblem::Continue,
                };
                if !goes_on {
                    return Err(End::Failed(error));
                }
                let mut results = Map::new();
                let status = error.response.as_ref().map(|r| r.status);
                results.insert("status".into(), status.map_or(Value::Null, Value::from));
                let field = error.field.as_ref().map(|f| format!("`{f}` ")).unwrap_or_default();
                results.insert("error".into(), format!("{field}{}", error.message).into());
                results.insert("skipped".into(), false.into());
                results
            }
        };
        let key = CallKey::new(&self.step.id, self.item, "results");
        self.drive.record(&key, Decision::finished(&results), &self.step.place).await?;
        Ok(results)
    }

    /// Makes a call that only reads.
    pub(super) async fn read(
        &mut self,
        part: &str,
        operation: &Operation,
        planned: PlannedRequest,
        looks_for: Option<LooksFor>,
    ) -> Result<Result<Response, Box<StepError>>, End> {
        self.note_id(&planned);
        let (key, owner) = (self.key(part), self.owner());
        let (effect, settle) = (operation.effect, operation.in_doubt);
        let call = PlannedCall { planned, effect, settle, attempt: 1, looks_for };
        let mut tries = Tries::of(call);
        let outcome = attempt(self.drive, &key, &mut tries, owner).await?;
        Ok(outcome
            .map_err(|setback| failed(self.drive, owner, &tries.call, &setback, setback.kind)))
    }

    /// Notes which record a request is about.
    pub(super) fn note_id(&mut self, planned: &PlannedRequest) {
        self.last_id = planned.request.path_values().last().map(|(_, id)| id.to_owned());
    }

    pub(super) fn key(&self, part: &str) -> CallKey {
        CallKey::new(&self.step.id, self.item, part)
    }

    pub(super) fn owner<'s>(&self) -> Owner<'s>
    where
        Self: 's,
    {
        Owner { step: self.step, place: &self.call.place, retry: self.call.retry }
    }

    pub(super) fn request(&self, call: &CheckedCall) -> Result<PlannedRequest, End> {
        let account = self.account()?;
        let run = &self.drive.setup.run_id;
        let rounds: String = self.item.iter().map(|at| format!("-{at}")).collect();
        let idempotency_key = format!("{run}-{}{rounds}", self.step.id);
        plan::request(call, &self.step.place, self.scope, account, &idempotency_key)
            .map_err(|e| self.drive.data(self.step, e))
    }

    pub(super) fn account(&self) -> Result<Account<'_>, End> {
        let setup = self.drive.setup;
        let name = &self.call.operation.app;
        match (setup.catalog.app(name), setup.accounts.get(name)) {
            (Some(app), Some(connection)) => Ok(Account { app, connection, detail: setup.detail }),
            _ => Err(End::Failed(data_error(
                &self.step.id,
                DataError {
                    place: self.step.place.clone(),
                    field: None,
                    problem: format!("there is no connection to {name}"),
                    instead: format!("name one with --base-url {name}=…"),
                },
            ))),
        }
    }
}
