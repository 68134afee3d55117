//! Webhooks at an app that registers them: what is registered comes out; new ones go in and old ones away,
//! by the operations of the catalog and within the quota.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::gates::RunGates;
use super::list::{Way, call};
use crate::call::{CallError, Caller, Failure, Response, classify};
use crate::catalog::{App, Catalog, Operation, Registration, value_at};
use crate::connection::{Connection, Redactor};
use crate::execute::{Quota, answer_in_words};
use crate::plan::{self, Account, Detail};
use crate::store::Spending;
use crate::template::Scope;

/// How often a call is made that the app does not take now.
const TRIES: u32 = 3;
/// The longest that is waited for before the next try.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The most pages that are read.
const MAX_PAGES: u64 = 100;

/// Registers webhooks through one connection.
pub struct Registrar<'a> {
    way: Way,
    gates: RunGates,
    connection: String,
    account: Connection,
    app: &'static App,
    with: &'a Registration,
    /// Hides what no message may show: addresses have secrets in them.
    redactor: Redactor,
}

/// A webhook that is registered with the app. Its address is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisteredHook {
    pub id: String,
    /// What the app calls it.
    pub event: String,
    pub address: String,
}

impl fmt::Debug for RegisteredHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.id, self.event)
    }
}

/// How often the app is to send a message again, where that can be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    pub count: Option<u32>,
    pub every: Option<Duration>,
    pub code: Option<u16>,
}

/// Why something is not registered, or nobody knows whether it is: a phrase and one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarError {
    pub message: String,
    pub help: String,
    /// It may have happened all the same.
    pub in_doubt: bool,
}

impl<'a> Registrar<'a> {
    /// `way` calls with the token of the connection. `redactor` knows the secrets of all addresses.
    pub fn new(
        way: Way,
        connection: &str,
        account: Connection,
        with: &'a Registration,
        redactor: Redactor,
    ) -> Option<Registrar<'a>> {
        let app = Catalog::embedded().app(&account.app)?;
        let connections = [(account.app.clone(), connection.to_owned())].into();
        let gates = way.gates.of_run(&connections, 0);
        Some(Registrar {
            way,
            gates,
            connection: connection.to_owned(),
            account,
            app,
            with,
            redactor,
        })
    }

    /// The events that can be registered; none where that is not known.
    pub fn events(&self) -> Option<Vec<String>> {
        let add = self.operation(&self.with.add);
        let (.., field) = add.field(&self.with.event).ok()?;
        let events = field.options.iter();
        let events: Vec<String> = events.filter_map(|e| e.as_str().map(str::to_owned)).collect();
        (!events.is_empty()).then_some(events)
    }

    /// All that is registered, with any address.
    pub async fn all(&self) -> Result<Vec<RegisteredHook>, RegistrarError> {
        let operation = self.operation(&self.with.list);
        let list = operation.list.as_ref().expect("the catalog says so");
        let mut found: Vec<RegisteredHook> = Vec::new();
        for number in 1..=MAX_PAGES {
            let response = self.send(&operation, &Map::new(), number).await?;
            let items = list.read_items(&response.body);
            let text = |item: &Value, name: &str| match &item[name] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            };
            // What is deleted is shown by some.
            let there = items.iter().filter(|item| item["deleted_at"].is_null());
            found.extend(there.map(|item| RegisteredHook {
                id: text(item, "id"),
                event: text(item, "event"),
                address: text(item, "url"),
            }));
            if list.is_last_page(&response.body, number, None) {
                return Ok(found);
            }
        }
        Err(RegistrarError {
            message: format!("{} has more webhooks than can be looked at", self.app.title),
            help: "delete there what nobody needs".to_owned(),
            in_doubt: false,
        })
    }

    /// Registers one.
    pub async fn add(
        &self,
        event: &str,
        address: &str,
        retries: &Retries,
    ) -> Result<(), RegistrarError> {
        let mut fields = Map::new();
        fields.insert(self.with.event.clone(), event.into());
        fields.insert(self.with.address.clone(), address.into());
        if let Some(names) = &self.with.retries
            && *retries != Retries::default()
        {
            let mut inside = Map::new();
            // The app wants it when one of the others is there.
            inside.insert(names.code.clone(), retries.code.unwrap_or(202).to_string().into());
            if let Some(count) = retries.count {
                inside.insert(names.count.clone(), count.into());
            }
            if let Some(every) = retries.every {
                let minutes = every.as_secs().div_ceil(60).max(2);
                inside.insert(names.every_minutes.clone(), minutes.into());
            }
            fields.insert(names.within.clone(), Value::Object(inside));
        }
        let operation = self.operation(&self.with.add);
        match self.send(&operation, &fields, 1).await {
            Ok(_) => Ok(()),
            Err(error) if error.in_doubt => {
                // Nobody may say so again without having looked: there would be two.
                let all = self.all().await.map_err(|_| error.clone())?;
                match all.iter().any(|hook| hook.event == event && hook.address == address) {
                    true => Ok(()),
                    false => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Removes one; one that is gone already is fine.
    pub async fn remove(&self, id: &str) -> Result<(), RegistrarError> {
        let operation = self.operation(&self.with.remove);
        let name = operation.path.keys().next().expect("the catalog says so");
        let fields = Map::from_iter([(name.clone(), id.into())]);
        self.send(&operation, &fields, 1).await.map(|_| ())
    }

    fn operation(&self, id: &str) -> Arc<Operation> {
        let operation = Catalog::embedded().operation(&format!("{}.{id}", self.app.app));
        operation.expect("the catalog was checked when it was compiled")
    }

    async fn send(
        &self,
        operation: &Arc<Operation>,
        fields: &Map<String, Value>,
        page: u64,
    ) -> Result<Response, RegistrarError> {
        let call = call(operation, fields);
        let mut scope = Scope::new(Default::default());
        scope.set_now(Timestamp::now());
        let account = Account { app: self.app, connection: &self.account, detail: Detail::ToSend };
        let planned = plan::request(&call, &call.place, &scope, account, "");
        let planned = planned.map_err(|e| self.error(e.problem, e.instead))?;
        let request = plan::page(&planned, operation, page).request;
        let mut number = 1;
        loop {
            let pass = self.gates.enter(&self.app.app, number).await.map_err(|until| {
                self.error(
                    format!("`{}` may make no more calls now", self.connection),
                    format!("try again after {until}"),
                )
            })?;
            let answer = self.way.caller.call(&request).await;
            self.gates.answered(pass, &answer);
            let spending = Spending {
                connection: self.connection.clone(),
                requests: 1,
                failures: u32::from(!answer.as_ref().is_ok_and(Response::is_success)),
            };
            // What is not noted here is missed only by the next start.
            let _ = self.way.store.note_spending(spending).await;
            let failure = classify(&answer);
            let after = match failure {
                None => return answer.map_err(|e| self.unanswered(&e)),
                Some(Failure::NotFound) if operation.id == self.with.remove => {
                    return Ok(Response::default());
                }
                Some(Failure::Later { after_seconds }) => after_seconds.unwrap_or(2),
                Some(Failure::InDoubt { after_seconds }) if !operation.changes() => {
                    after_seconds.unwrap_or(2)
                }
                Some(_) => u64::MAX,
            };
            if number == TRIES || after > LONGEST_WAIT.as_secs() {
                let in_doubt = matches!(classify(&answer), Some(Failure::InDoubt { .. }));
                let error = match &answer {
                    Ok(response) => self.refused(operation, response),
                    Err(error) => self.unanswered(error),
                };
                return Err(RegistrarError { in_doubt, ..error });
            }
            tokio::time::sleep(Duration::from_secs(after)).await;
            number += 1;
        }
    }

    fn refused(&self, operation: &Operation, response: &Response) -> RegistrarError {
        let path = self.app.errors.message.as_deref().unwrap_or("$");
        let mut said = value_at(&response.body, path).unwrap_or(&response.body).clone();
        // Before it is cut: half a secret would not be known as one.
        self.redactor.value(&mut said);
        let said = answer_in_words(&said);
        let title = &self.app.title;
        let message = match response.status {
            401 | 403 => {
                format!("{title} does not take the token of `{}` for this", self.connection)
            }
            status => format!("{title} answers {status} to `{}`", operation.call),
        };
        let help = match response.status {
            401 => format!(
                "put a good one in place: `linecook connect {} --name {}`",
                self.app.app, self.connection
            ),
            403 => "use the API key of somebody who may register webhooks".to_owned(),
            _ => "correct what it says, then try again".to_owned(),
        };
        match said.is_empty() {
            true => self.error(message, help),
            false => self.error(format!("{message}: {said}"), help),
        }
    }

    fn unanswered(&self, error: &CallError) -> RegistrarError {
        match error {
            CallError::Withheld { why, instead } => self.error(why.clone(), instead.clone()),
            error => {
                let help = "check the network, then try again";
                self.error(format!("{}: {error}", self.app.title), help)
            }
        }
    }

    /// What an app says may repeat an address.
    fn error(&self, message: impl Into<String>, help: impl Into<String>) -> RegistrarError {
        let message = self.redactor.text(&message.into()).into_owned();
        RegistrarError { message, help: help.into(), in_doubt: false }
    }
}
