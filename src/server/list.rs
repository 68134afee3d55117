//! A list of an app, page by page: for polls and for `sync`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::gates::{Gates, RunGates};
use super::installed::{Installation, Installed};
use crate::call::{CallError, Caller, Failure, Response, classify};
use crate::catalog::{Catalog, Operation, value_at};
use crate::check::{CheckedCall, Content, Input, Mapping, RetryPolicy};
use crate::execute::Quota;
use crate::http::HttpCaller;
use crate::plan::{self, Account, Detail, PlannedRequest};
use crate::recipe::OnProblem;
use crate::store::{Spending, Store};
use crate::template::Scope;

/// One page.
pub struct Page {
    pub records: Vec<Map<String, Value>>,
    pub is_last: bool,
    /// How many records there are in all, where the app says.
    pub total: Option<u64>,
}

/// Why a page could not be read.
#[derive(Debug)]
pub struct ListError {
    pub message: String,
    /// Whether it may go better in a while.
    pub may_pass: bool,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The call of a list operation with fields that are what they are.
pub fn call(operation: &Arc<Operation>, fields: &Map<String, Value>) -> CheckedCall {
    let place = crate::check::Place::default();
    let input = |(name, value): (&String, &Value)| {
        let (slot, name, _) = operation.field(name).ok()?;
        let content = Content::Literal(value.clone());
        let mapping = Mapping { place: place.clone(), content };
        Some(Input { slot, name: name.to_owned(), mapping })
    };
    CheckedCall {
        place: place.clone(),
        operation: operation.clone(),
        inputs: fields.iter().filter_map(input).collect(),
        body: None,
        tags: None,
        search: None,
        safe: Default::default(),
        lookup: None,
        save: Vec::new(),
        retry: RetryPolicy::default(),
        on_error: OnProblem::Stop,
        on_not_found: OnProblem::Stop,
        links: Vec::new(),
    }
}

/// The way out for a list: what is called, how fast, and where it is noted.
#[derive(Clone)]
pub struct Way {
    pub store: Store,
    pub caller: HttpCaller,
    pub gates: Gates,
}

/// Reads one list through one connection.
pub struct Reader {
    store: Store,
    connection: String,
    operation: Arc<Operation>,
    planned: PlannedRequest,
    caller: HttpCaller,
    gates: RunGates,
    zone: Option<String>,
}

impl Reader {
    pub fn new(
        way: &Way,
        installed: &Installed,
        installation: &Installation,
        connection: &str,
        call: &CheckedCall,
        priority: u8,
    ) -> Result<Reader, ListError> {
        let operation = call.operation.clone();
        let wrong = |message: String| ListError { message, may_pass: false };
        let account = installed.connections.get(connection);
        let account = account
            .ok_or_else(|| wrong(format!("there is no connection `{connection}` any more")))?;
        let app = Catalog::embedded().app(&operation.app);
        let app = app.ok_or_else(|| wrong(format!("there is no app `{}`", operation.app)))?;
        let kept = &installation.kept;
        let mut scope = Scope::new(kept.defaults());
        scope.set_own(kept.plan.recipe.filters.clone());
        scope.set("settings", &Value::Object(kept.settings.clone()));
        scope.set_now(jiff::Timestamp::now());
        let from = Account { app, connection: account, detail: Detail::ToSend };
        let planned = plan::request(call, &call.place, &scope, from, "")
            .map_err(|e| wrong(format!("{} ({})", e.problem, e.instead)))?;
        let connections = BTreeMap::from([(operation.app.clone(), connection.to_owned())]);
        Ok(Reader {
            store: way.store.clone(),
            connection: connection.to_owned(),
            planned,
            caller: way.caller.through(&connections),
            gates: way.gates.of_run(&connections, priority),
            zone: app.time_zone.clone(),
            operation,
        })
    }

    /// Reads one page, from 1.
    pub async fn page(&self, number: u64) -> Result<Page, ListError> {
        let operation = &*self.operation;
        let request = plan::page(&self.planned, operation, number).request;
        let later = |message: String| ListError { message, may_pass: true };
        let pass = self.gates.enter(&operation.app, 1).await;
        let pass = pass.map_err(|until| later(format!("it takes no more calls until {until}")))?;
        let answer = self.caller.call(&request).await;
        self.gates.answered(pass, &answer);
        self.spent(&answer).await;
        let failure = classify(&answer);
        let response = match (answer, failure) {
            (Ok(response), None) => response,
            (Ok(response), failure) => {
                let may_pass =
                    matches!(failure, Some(Failure::Later { .. } | Failure::InDoubt { .. }));
                let message = format!("`{}` answers {}", operation.call, response.status);
                return Err(ListError { message, may_pass });
            }
            (Err(CallError::Withheld { why, instead }), _) => {
                let message = format!("`{}` was not sent: {why}; {instead}", operation.call);
                return Err(ListError { message, may_pass: false });
            }
            (Err(error), _) => return Err(later(format!("`{}`: {error}", operation.call))),
        };
        let Some(list) = &operation.list else {
            let message = format!("`{}` gives no list", operation.call);
            return Err(ListError { message, may_pass: false });
        };
        let zone = self.zone.as_deref();
        let zoned = |item: &Value| match plan::with_zones(&list.of, item, zone) {
            Value::Object(record) => Some(record),
            _ => None,
        };
        let records = list.read_items(&response.body).into_iter().filter_map(zoned);
        let total = list.pages.as_ref().and_then(|pages| pages.total.as_deref());
        let total = total.and_then(|path| value_at(&response.body, path)?.as_u64());
        Ok(Page {
            records: records.collect(),
            is_last: list.is_last_page(
                &response.body,
                number,
                plan::page_size(&request, operation),
            ),
            total,
        })
    }

    async fn spent(&self, answer: &Result<Response, CallError>) {
        let is_sent = !matches!(answer, Err(CallError::NoToken(_) | CallError::Withheld { .. }));
        let failures = u32::from(is_sent && !answer.as_ref().is_ok_and(Response::is_success));
        let connection = self.connection.clone();
        let spending = Spending { connection, requests: 1, failures };
        // What is not noted here is missed only by the next start.
        let _ = self.store.note_spending(spending).await;
    }
}
