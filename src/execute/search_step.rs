//! A step that looks through a list: for one record, for all of them, or before it creates one.

use serde_json::{Map, Value};
use std::sync::Arc;

use super::call_step::{CallStep, Results};
use super::drive::{End, data_error};
use super::look::{Asks, Look, Search, Wanted};
use crate::catalog::Operation;
use crate::check::Mapping;
use crate::journal::{LooksFor, StepError, StepErrorKind};
use crate::plan::{self, DataError, PlannedRequest};

/// The most pages of one search.
const MAX_PAGES: u64 = 200;

impl CallStep<'_, '_> {
    /// Reads page by page until a record matches.
    pub(super) async fn find(&mut self, conditions: &[(String, Mapping)]) -> Result<Results, End> {
        let operation = self.call.operation.clone();
        let conditions = self.conditions(&operation, conditions)?;
        let planned = self.request(self.call)?;
        if let (true, Some(list)) = (conditions.is_empty(), &operation.list) {
            // Nothing to look for: whoever came first would be a stranger.
            return Ok(Ok(plan::list_results(list, None, "found")));
        }
        let found = match self.first_match(&operation, planned, &conditions, false).await? {
            Ok(found) => found,
            Err(error) => return Ok(Err(self.at_the_field(error))),
        };
        let list =
            operation.list.as_ref().expect("`check` lets only list operations have a `find`");
        let mut results = plan::list_results(list, found.as_ref(), "found");
        for (name, path) in &self.call.save {
            let path = crate::value::json_path::JsonPath::parse(path).ok();
            let value = found.as_ref().and_then(|record| path?.find(record));
            results.insert(name.clone(), value.unwrap_or_default());
        }
        Ok(Ok(results))
    }

    pub(super) async fn all_pages(&mut self) -> Result<Results, End> {
        let planned = self.request(self.call)?;
        let operation = self.call.operation.clone();
        let list = operation.list.as_ref().expect("`check` lets only list operations have `pages`");
        let mut items = Vec::new();
        let mut last = None;
        let mut complete = false;
        for number in 1..=MAX_PAGES {
            let page = plan::page(&planned, &operation, number);
            let size = plan::page_size(&page.request, &operation);
            let response =
                match self.read(&format!("page-{number}"), &operation, page, None).await? {
                    Ok(response) => response,
                    Err(error) => return Ok(Err(self.at_the_field(error))),
                };
            let zone = self.drive.zone(&operation.app);
            let zoned = |item: &Value| plan::with_zones(&list.of, item, zone);
            items.extend(list.read_items(&response.body).into_iter().map(zoned));
            complete = list.is_last_page(&response.body, number, size);
            last = Some(response);
            if complete {
                break;
            }
        }
        if !complete {
            return Ok(Err(self.too_many_pages()));
        }
        let response = last.expect("there is always a first page");
        let mut results = plan::results(self.call, response, self.drive.zone(&operation.app));
        results.insert("items".into(), Value::Array(items));
        Ok(Ok(results))
    }

    /// Looks first; calls only when nothing is there.
    pub(super) async fn unless_exists(
        &mut self,
        list: &Arc<Operation>,
        conditions: &[(String, Mapping)],
    ) -> Result<Results, End> {
        let conditions = self.conditions(list, conditions)?;
        if conditions.is_empty() {
            return Ok(self.plain().await?.map(|results| existed(results, false)));
        }
        let planned = self.request(self.call)?;
        let lookup = self.call.operation.lookup.iter().flat_map(|lookup| &lookup.query);
        let query = lookup
            .filter_map(|(theirs, name)| Some((theirs.clone(), conditions.get(name).cloned()?)));
        let request = self.look_up(list, &planned, query.collect())?;
        let found = match self.first_match(list, request.clone(), &conditions, true).await? {
            Ok(found) => found,
            Err(error) if error.kind == StepErrorKind::NotFound => None,
            Err(error) => return Ok(Err(error)),
        };
        if let (Some(record), Some(shape)) = (found, &list.list) {
            let mut results = plan::list_results(shape, Some(&record), "existed");
            if self.call.operation.results.contains_key("new") {
                results.insert("new".into(), false.into());
            }
            return Ok(Ok(existed(results, true)));
        }
        // Found only when it has been sent, it is the one that was sent.
        let wanted = Wanted::Fields { has: conditions, agrees: Map::new() };
        let asks = Asks::Request(Box::new(request));
        let searches = vec![Search { by: String::new(), asks, wanted }];
        let look = Look { list: list.clone(), searches, age: None };
        Ok(self.change(planned, Some(look)).await?.map(|results| existed(results, false)))
    }

    async fn first_match(
        &mut self,
        operation: &Operation,
        planned: PlannedRequest,
        conditions: &Map<String, Value>,
        creates: bool,
    ) -> Result<Result<Option<Value>, Box<StepError>>, End> {
        let list = operation.list.as_ref().expect("only list operations are searched");
        for number in 1..=MAX_PAGES {
            let page = plan::page(&planned, operation, number);
            let size = plan::page_size(&page.request, operation);
            let looks_for = LooksFor { conditions: conditions.clone(), creates };
            let part = format!("look-{number}");
            let response = match self.read(&part, operation, page, Some(looks_for)).await? {
                Ok(response) => response,
                Err(error) => return Ok(Err(error)),
            };
            let items = list.read_items(&response.body);
            let fits = |record: &&&Value| {
                plan::matches(&list.of, record, conditions, self.scope.defaults())
            };
            if let Some(found) = items.iter().find(fits) {
                let zone = self.drive.zone(&operation.app);
                if !response.imagined {
                    self.drive.saw(&operation.app, found, false);
                }
                return Ok(Ok(Some(plan::with_zones(&list.of, found, zone))));
            }
            if list.is_last_page(&response.body, number, size) {
                return Ok(Ok(None));
            }
        }
        Ok(Err(self.too_many_pages()))
    }

    /// What has not been read whole says nothing about what is not in it.
    fn too_many_pages(&self) -> Box<StepError> {
        data_error(
            &self.step.id,
            DataError {
                place: self.call.place.clone(),
                field: None,
                problem: format!(
                    "the list has more than {MAX_PAGES} pages, and was not read to its end"
                ),
                instead: "narrow it with the fields of the call".into(),
            },
        )
    }

    /// The conditions of a search, in the form that the app writes such fields in.
    fn conditions(
        &self,
        list: &Operation,
        conditions: &[(String, Mapping)],
    ) -> Result<Map<String, Value>, End> {
        let fields = list.list.as_ref().and_then(|l| l.of.fields.clone()).unwrap_or_default();
        let mut values = Map::new();
        for (name, mapping) in conditions {
            let value =
                plan::render(mapping, self.scope).map_err(|e| self.drive.data(self.step, e))?;
            // An empty condition asks for nothing.
            let Some(value) = value.value() else { continue };
            let field = fields.get(name).cloned().unwrap_or_default();
            values.insert(name.clone(), plan::comparable(&field, &value, self.scope.defaults()));
        }
        Ok(values)
    }
}

/// Says whether the record was there before.
fn existed(mut results: Map<String, Value>, existed: bool) -> Map<String, Value> {
    results.insert("existed".into(), existed.into());
    results
}
