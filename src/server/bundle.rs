//! Many small calls in one: what runs of a sync want done to one record each goes out together, where the
//! app has a call for many.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::call::{CallError, Caller, Request, Response};
use crate::catalog::{BulkList, BulkShape, Catalog, Operation};
use crate::plan::{self, Account, Accounts, Detail};
use crate::value::json_path::JsonPath;

/// How long the first one waits for others.
const WINDOW: Duration = Duration::from_millis(100);

/// What waits to go out together, of all runs.
#[derive(Clone, Default)]
pub struct Bundles {
    open: Arc<Mutex<HashMap<String, Vec<Waiting>>>>,
}

struct Waiting {
    /// The record.
    id: String,
    request: Request,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Response, CallError>;

/// A way out that waits for calls of the same kind, and makes one of them.
pub struct Bundled<C> {
    pub caller: C,
    /// None where every call goes out alone.
    pub with: Option<Together>,
}

/// Who sends together, and for whom.
pub struct Together {
    pub bundles: Bundles,
    pub accounts: Arc<Accounts>,
    /// App → connection.
    pub connections: Arc<BTreeMap<String, String>>,
}

impl<C: Caller + Clone + 'static> Caller for Bundled<C> {
    async fn call(&self, request: &Request) -> Answer {
        let together = self.with.as_ref().and_then(|with| Some((with, bulk_of(request)?)));
        let Some((with, operation)) = together else { return self.caller.call(request).await };
        let Some((_, id)) = request.path_values().next() else {
            return self.caller.call(request).await;
        };
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { id: id.to_owned(), request: request.clone(), answer };
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        let connection = with.connections.get(&request.app).map_or("", String::as_str);
        let key = format!("{connection} {} {} {body}", request.base_url, request.operation);
        let sending =
            Sending { caller: self.caller.clone(), accounts: with.accounts.clone(), operation };
        if let Some(full) = with.bundles.add(&key, waiting, sending.shape().most) {
            // Whoever is first or completes it does not wait for it: a run may be stopped meanwhile.
            let bundles = with.bundles.clone();
            tokio::spawn(async move {
                if !full {
                    tokio::time::sleep(WINDOW).await;
                }
                let waiting = bundles.take(&key);
                sending.all(waiting).await;
            });
        }
        answered.await.unwrap_or_else(|_| Err(CallError::NoAnswer("the service stops".into())))
    }
}

impl Bundles {
    /// Some when somebody has to send it: at once when it is full, else a little later.
    fn add(&self, key: &str, waiting: Waiting, most: usize) -> Option<bool> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let bundle = open.entry(key.to_owned()).or_default();
        bundle.push(waiting);
        match bundle.len() {
            full if full >= most => Some(true),
            1 => Some(false),
            _ => None,
        }
    }

    fn take(&self, key: &str) -> Vec<Waiting> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(key).unwrap_or_default()
    }
}

/// The operation of a request, where it can be done for many.
fn bulk_of(request: &Request) -> Option<Arc<Operation>> {
    let operation = Catalog::embedded().operation(&request.operation).ok()?;
    operation.bulk.is_some().then_some(operation)
}

struct Sending<C> {
    caller: C,
    accounts: Arc<Accounts>,
    operation: Arc<Operation>,
}

impl<C: Caller> Sending<C> {
    fn shape(&self) -> &BulkShape {
        self.operation.bulk.as_ref().expect("only such operations are bundled")
    }

    async fn all(&self, waiting: Vec<Waiting>) {
        let shape = self.shape();
        let answers = match waiting.len() {
            0 => return,
            1 => Map::new(),
            _ => match self.together(shape, &waiting).await {
                Ok(Response { status, body, .. }) if (200..300).contains(&status) => {
                    entries(shape, &body)
                }
                // Too many calls, or trouble over there: everyone waits and tries again.
                other if is_passing(&other) => {
                    waiting.into_iter().for_each(|one| drop(one.answer.send(other.clone())));
                    return;
                }
                // This call is not for us; the single ones may be.
                _ => Map::new(),
            },
        };
        for one in waiting {
            let answer = match answers.get(&one.id) {
                Some(entry) => Ok(Response {
                    status: 200,
                    body: single(&shape.list, entry),
                    is_fresh: true,
                    ..Response::default()
                }),
                None => self.caller.call(&one.request).await,
            };
            let _ = one.answer.send(answer);
        }
    }

    async fn together(&self, shape: &BulkShape, waiting: &[Waiting]) -> Answer {
        let catalog = Catalog::embedded();
        let nowhere = || CallError::NotSent("the app has no such call".to_owned());
        let first = &waiting[0].request;
        let bulk = catalog.sibling(&self.operation, &shape.operation).ok_or_else(nowhere)?;
        let app = catalog.app(&first.app).ok_or_else(nowhere)?;
        let connection = self.accounts.get(&first.app).ok_or_else(nowhere)?;
        let account = Account { app, connection, detail: Detail::ToSend };
        let mut ids: Vec<&str> = waiting.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let ids = ids.into_iter().map(Value::from).collect();
        let request = plan::bulk_request(&bulk, shape, first, ids, account);
        let request = request.map_err(|e| CallError::NotSent(e.problem))?;
        self.caller.call(&request).await
    }
}

/// Whether the same call may go well a little later.
fn is_passing(answer: &Answer) -> bool {
    match answer {
        Ok(response) => response.status == 429 || response.status >= 500,
        Err(CallError::NotSent(_) | CallError::Withheld { .. }) => false,
        Err(_) => true,
    }
}

/// What was said of the records for which it went well, by their ids.
fn entries(shape: &BulkShape, body: &Value) -> Map<String, Value> {
    let path = JsonPath::parse(&shape.answers).ok();
    let list = path.and_then(|path| path.find(body)).unwrap_or_default();
    let list = list.as_array().cloned().unwrap_or_default();
    let good = list
        .into_iter()
        .filter(|entry| shape.good.iter().all(|(name, value)| entry.get(name) == Some(value)));
    good.filter_map(|entry| Some((entry.get(&shape.id)?.as_str()?.to_owned(), entry))).collect()
}

/// What the single call would have answered.
fn single(list: &BulkList, entry: &Value) -> Value {
    let of = |name: &str| entry.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (mut now, added, removed) = (of(&list.before), of(&list.added), of(&list.removed));
    now.retain(|item| !removed.contains(item));
    let new: Vec<Value> = added.into_iter().filter(|item| !now.contains(item)).collect();
    now.extend(new);
    Value::Object(Map::from_iter([(list.field.clone(), Value::Array(now))]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Knows the contacts `a` to `c`, and writes down what it is asked.
    #[derive(Clone, Default)]
    struct App {
        asked: Arc<Mutex<Vec<String>>>,
        refuses_many: bool,
    }

    impl Caller for App {
        async fn call(&self, request: &Request) -> Answer {
            self.asked.lock().unwrap().push(format!(
                "{} {}",
                request.method,
                request.path.join("/")
            ));
            let (status, body) = match request.path[1].as_str() {
                "bulk" if self.refuses_many => (401, json!({ "message": "no" })),
                "bulk" => {
                    let ids = request.body.as_ref().unwrap()["contacts"].as_array().unwrap();
                    let entry = |id: &Value| match id.as_str().unwrap() {
                        "a" | "b" | "c" => json!({ "contactId": id, "type": "success",
                            "oldTags": ["old"], "tagsAdded": ["new"], "tagsRemoved": [] }),
                        _ => json!({ "contactId": id, "type": "error", "message": "not found" }),
                    };
                    (201, json!({ "responses": ids.iter().map(entry).collect::<Vec<_>>() }))
                }
                "a" | "b" | "c" => (201, json!({ "tags": ["old", "new"] })),
                _ => (400, json!({ "message": "Contact not found" })),
            };
            Ok(Response { status, body, ..Response::default() })
        }
    }

    fn add(id: &str) -> Request {
        let path = ["contacts", id, "tags"].map(str::to_owned);
        Request {
            app: "highlevel".into(),
            operation: "highlevel.add-tags".into(),
            call: "POST /contacts/:contactId/tags".into(),
            method: "POST".into(),
            path: path.to_vec(),
            body: Some(json!({ "tags": ["new"] })),
            ..Request::default()
        }
    }

    fn asked(app: &App, ids: &[&str]) -> Vec<(u16, Value)> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true);
        runtime.build().unwrap().block_on(async {
            let accounts = Accounts::of_catalog(Catalog::embedded(), "here");
            let (bundles, accounts) = (Bundles::default(), Arc::new(accounts));
            let with = Some(Together { bundles, accounts, connections: Arc::default() });
            let way = Arc::new(Bundled { caller: app.clone(), with });
            let calls: Vec<_> = ids
                .iter()
                .map(|id| {
                    let (way, request) = (way.clone(), add(id));
                    tokio::spawn(async move { way.call(&request).await.unwrap() })
                })
                .collect();
            let mut answers = Vec::new();
            for call in calls {
                let answer = call.await.unwrap();
                answers.push((answer.status, answer.body));
            }
            answers
        })
    }

    #[test]
    fn many_go_out_as_one_and_the_bad_one_alone() {
        let app = App::default();
        let answers = asked(&app, &["a", "b", "nobody", "c"]);
        let tags = json!({ "tags": ["old", "new"] });
        assert_eq!(answers[0], (200, tags.clone()));
        assert_eq!(answers[3], (200, tags));
        assert_eq!(answers[2].0, 400);
        let calls = ["POST contacts/bulk/tags/update/add", "POST contacts/nobody/tags"];
        assert_eq!(*app.asked.lock().unwrap(), calls);
    }

    #[test]
    fn where_the_app_refuses_many_each_goes_alone() {
        let app = App { refuses_many: true, ..App::default() };
        let answers = asked(&app, &["a", "b"]);
        assert!(answers.iter().all(|(status, _)| *status == 201), "{answers:?}");
        assert_eq!(app.asked.lock().unwrap().len(), 3);
        // One alone asks for nothing more.
        let app = App::default();
        asked(&app, &["a"]);
        assert_eq!(*app.asked.lock().unwrap(), ["POST contacts/a/tags"]);
    }
}
