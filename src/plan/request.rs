//! A planned call and a scope → a request.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::account::Account;
use super::named;
use super::render::{DataError, Detail, Fitted, Origin, fit, render};
use crate::call::{Request, check_path_value};
use crate::catalog::{App, BulkShape, Field, Operation, Slot};
use crate::check::{CheckedCall, Content, Input, Mapping, Place};
use crate::connection::Connection;
use crate::template::{Outcome, Scope};
use crate::value::{Kind, ValueError};

/// A request and where each of its values came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    pub request: Request,
    pub origins: Vec<Origin>,
    /// Fields that the recipe names and that are not sent, because there is nothing to send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A field that is not sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    pub field: String,
    pub place: Place,
    /// The recipe says `omit`; otherwise the value is empty.
    pub on_purpose: bool,
}

/// What goes into a request, gathered field by field.
struct Draft<'a> {
    operation: &'a Operation,
    /// Where the step stands, for what is missing.
    place: &'a Place,
    detail: Detail,
    path: Map<String, Value>,
    query: Vec<(String, Value)>,
    body: Map<String, Value>,
    origins: Vec<Origin>,
    left_out: Vec<LeftOut>,
}

/// The request of a call. `idempotency_key` is sent where the app takes one.
pub fn request(
    call: &CheckedCall,
    place: &Place,
    scope: &Scope,
    account: Account<'_>,
    idempotency_key: &str,
) -> Result<PlannedRequest, DataError> {
    let Account { app, connection, detail } = account;
    let operation = &*call.operation;
    let mut draft = Draft::new(operation, place, detail);
    for input in &call.inputs {
        draft.input(input, scope)?;
    }
    draft.usual(connection)?;
    if let Some(key) = &operation.idempotency
        && !draft.has(key.slot, &key.field)
    {
        let origin = Origin {
            slot: key.slot,
            path: key.field.clone(),
            place: None,
            before: None,
            name: None,
            is_key: true,
            mark: None,
            from_results: Vec::new(),
        };
        draft.add(key.slot, &key.field, idempotency_key.into(), vec![origin]);
    }
    draft.complete()?;
    let mut planned = draft.request(app, connection);
    if let Some(mapping) = &call.body {
        let item = operation.body_list.clone().unwrap_or_default();
        let list =
            Field { kind: Kind::List, of: Some(std::sync::Arc::new(item)), ..Field::default() };
        if let Outcome::Value(value) = render(mapping, scope)? {
            let Fitted { value, origins } =
                fit(Slot::Body, "body", &list, &value, mapping, scope.defaults(), detail)?;
            planned.request.body = Some(value);
            planned.origins.extend(origins);
        }
    }
    Ok(planned)
}

/// The request of one page of a list: the same fields, and the number of the page.
pub fn page(planned: &PlannedRequest, operation: &Operation, number: u64) -> PlannedRequest {
    let mut planned = planned.clone();
    let Some(pages) = operation.list.as_ref().and_then(|l| l.pages.as_ref()) else {
        return planned;
    };
    let usual = |name: &str| operation.field(name).ok().and_then(|(_, _, f)| f.usual.clone());
    let request = &mut planned.request;
    let mut put = |name: &str, value: u64, replace: bool| match pages.slot {
        Slot::Body => {
            let body = request.body.get_or_insert_with(|| json!({}));
            let is_usual = body.get(name).is_some() && body.get(name) == usual(name).as_ref();
            if replace || is_usual || body.get(name).is_none() {
                body[name] = value.into();
            }
        }
        _ => {
            let there = request.query.iter().position(|(n, _)| n == name);
            let is_usual =
                |at: usize| usual(name).is_some_and(|u| as_text(&u) == request.query[at].1);
            match there {
                Some(at) if replace || is_usual(at) => request.query[at].1 = value.to_string(),
                Some(_) => {}
                None => request.query.push((name.to_owned(), value.to_string())),
            }
        }
    };
    // As many as there can be on a page, where the recipe does not say how many.
    if let (Some(size), Some(most)) = (&pages.size, pages.most) {
        put(size, most, false);
    }
    if number > 1 || pages.slot == Slot::Body {
        put(&pages.page, number, true);
    }
    planned
}

/// How many entries a page holds that is asked for so; none where nobody says.
pub fn page_size(request: &Request, operation: &Operation) -> Option<u64> {
    let pages = operation.list.as_ref()?.pages.as_ref()?;
    let name = pages.size.as_deref()?;
    match pages.slot {
        Slot::Body => {
            let size = request.body.as_ref()?.get(name)?;
            size.as_u64().or_else(|| size.as_str()?.parse().ok())
        }
        _ => request.query.iter().find(|(n, _)| n == name)?.1.parse().ok(),
    }
}

/// The request that adds or removes tags of the record `record_id`, which `step` works on; `None` when
/// there are none to send.
pub fn tag_request(
    operation: &Operation,
    tags: &Mapping,
    step: &str,
    record_id: &str,
    scope: &Scope,
    account: Account<'_>,
) -> Result<Option<PlannedRequest>, DataError> {
    let Account { app, connection, detail } = account;
    let Outcome::Value(value) = render(tags, scope)? else { return Ok(None) };
    let Some((name, field)) = operation.body.iter().flat_map(|b| b.iter()).next() else {
        return Ok(None);
    };
    if value.as_array().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let mut draft = Draft::new(operation, &tags.place, detail);
    let Fitted { value, origins } =
        fit(Slot::Body, name, field, &value, tags, scope.defaults(), detail)?;
    draft.add(Slot::Body, name, value, origins);
    for path in operation.path.keys() {
        let origin = Origin {
            slot: Slot::Path,
            path: path.clone(),
            place: Some(tags.place.clone()),
            before: None,
            name: None,
            is_key: false,
            mark: None,
            from_results: vec![step.to_owned()],
        };
        draft.add(Slot::Path, path, record_id.into(), vec![origin]);
    }
    draft.usual(connection)?;
    draft.complete()?;
    Ok(Some(draft.request(app, connection)))
}

/// What is left of a request for tags when the record has `held` already; `None` when it has or lacks all
/// of them as wished. Capitals make no difference.
pub fn tags_left(
    mut planned: PlannedRequest,
    held: &[String],
    adds: bool,
) -> Option<PlannedRequest> {
    let body = planned.request.body.as_mut().and_then(Value::as_object_mut);
    let Some(Value::Array(tags)) = body.and_then(|body| body.values_mut().next()) else {
        return Some(planned);
    };
    let has = |tag: &Value| {
        let tag = as_text(tag).trim().to_lowercase();
        held.iter().any(|other| other.trim().to_lowercase() == tag)
    };
    tags.retain(|tag| has(tag) != adds);
    (!tags.is_empty()).then_some(planned)
}

/// One request for many records: what `single` asks, asked for all of `ids`.
pub fn bulk_request(
    operation: &Operation,
    shape: &BulkShape,
    single: &Request,
    ids: Vec<Value>,
    account: Account<'_>,
) -> Result<Request, DataError> {
    let place = Place::default();
    let mut draft = Draft::new(operation, &place, Detail::ToSend);
    let same = single.body.iter().filter_map(Value::as_object).flatten();
    let fields = same.map(|(name, value)| (name.as_str(), value.clone()));
    let fields =
        fields.chain(shape.with.iter().map(|(name, value)| (name.as_str(), value.clone())));
    for (name, value) in fields.chain([(shape.ids.as_str(), Value::Array(ids))]) {
        if let Ok((slot, name, _)) = operation.field(name) {
            draft.add(slot, name, value, Vec::new());
        }
    }
    draft.usual(account.connection)?;
    draft.complete()?;
    Ok(draft.request(account.app, account.connection).request)
}

impl<'a> Draft<'a> {
    fn new(operation: &'a Operation, place: &'a Place, detail: Detail) -> Draft<'a> {
        Draft {
            operation,
            place,
            detail,
            path: Map::new(),
            query: Vec::new(),
            body: Map::new(),
            origins: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn has(&self, slot: Slot, name: &str) -> bool {
        match slot {
            Slot::Path => self.path.contains_key(name),
            Slot::Query => self.query.iter().any(|(n, _)| n == name),
            Slot::Body => self.body.contains_key(name),
        }
    }

    fn field(&self, slot: Slot, name: &str) -> Option<&'a Field> {
        let fields = match slot {
            Slot::Path => Some(&self.operation.path),
            Slot::Query => Some(&self.operation.query),
            Slot::Body => self.operation.body.as_ref(),
        };
        fields.and_then(|fields| fields.get(name))
    }

    fn input(&mut self, input: &Input, scope: &Scope) -> Result<(), DataError> {
        let Input { slot, name, mapping } = input;
        if let Content::ByName(named) = &mapping.content {
            let fitted = named::fitted(named, *slot, name, scope, self.detail)?;
            self.left_out.extend(fitted.left_out);
            if !fitted.list.is_empty() || named.entries.is_empty() {
                self.add(*slot, name, fitted.list.into(), fitted.origins);
            }
            return Ok(());
        }
        let value = match render(mapping, scope).map_err(|mut e| {
            e.field.get_or_insert_with(|| name.clone());
            e
        })? {
            Outcome::Value(value) => value,
            Outcome::Clear => Value::Null,
            nothing @ (Outcome::Empty | Outcome::Omit) => {
                self.leave_out(name, mapping, nothing == Outcome::Omit);
                if *slot == Slot::Path {
                    return Err(empty_in_address(mapping, name));
                }
                return Ok(());
            }
        };
        let field = in_address(*slot, self.field(*slot, name), &value);
        // A blank text of an event would blank the field in the app, which only `clear` may do; and no
        // phone number, date or address is blank. What a recipe writes out as "" is meant.
        let is_read = matches!(mapping.content, Content::Template(_));
        if (is_read || field.format.is_some())
            && value.as_str().is_some_and(|t| t.trim().is_empty())
        {
            if *slot == Slot::Path {
                return Err(empty_in_address(mapping, name));
            }
            self.leave_out(name, mapping, false);
            return Ok(());
        }
        let Fitted { value, origins } =
            fit(*slot, name, &field, &value, mapping, scope.defaults(), self.detail)?;
        if *slot == Slot::Path {
            check_path_value(&as_text(&value)).map_err(|e| {
                let error = ValueError {
                    problem: format!("is a part of the address, and {e}"),
                    instead: "use the id as the app gives it".into(),
                };
                DataError::new(&mapping.place, Some(name), error)
            })?;
        }
        self.add(*slot, name, value, origins);
        Ok(())
    }

    fn leave_out(&mut self, name: &str, mapping: &Mapping, on_purpose: bool) {
        if self.detail == Detail::ToShow {
            let place = mapping.place.clone();
            self.left_out.push(LeftOut { field: name.to_owned(), place, on_purpose });
        }
    }

    fn add(&mut self, slot: Slot, name: &str, value: Value, origins: Vec<Origin>) {
        if self.detail == Detail::ToShow && origins.is_empty() {
            self.origins.push(Origin {
                slot,
                path: name.to_owned(),
                place: None,
                before: None,
                name: None,
                is_key: false,
                mark: None,
                from_results: Vec::new(),
            });
        }
        if self.detail == Detail::ToShow {
            self.origins.extend(origins);
        }
        match slot {
            Slot::Path => {
                self.path.insert(name.to_owned(), value);
            }
            Slot::Query => self.query.push((name.to_owned(), value)),
            Slot::Body => {
                self.body.insert(name.to_owned(), value);
            }
        }
    }

    /// What is sent when the recipe leaves a field out.
    fn usual(&mut self, connection: &Connection) -> Result<(), DataError> {
        let operation = self.operation;
        for (slot, name, field) in operation.fields() {
            let Some(usual) = &field.usual else { continue };
            if self.has(slot, name) {
                continue;
            }
            let value = match usual.as_str().and_then(|text| text.strip_prefix("connection.")) {
                None => Some(usual.clone()),
                Some(fact) => connection.fact(fact).map(Value::from),
            };
            match value {
                Some(value) => self.add(slot, name, value, Vec::new()),
                None if field.required => {
                    let error = ValueError {
                        problem: "is not known for this connection".into(),
                        instead: format!(
                            "give the connection its {name}, or write it under `with`"
                        ),
                    };
                    return Err(DataError::new(self.place, Some(name), error));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether everything that has to be there is there.
    fn complete(&self) -> Result<(), DataError> {
        for (slot, name, field) in self.operation.fields() {
            if field.required && !self.has(slot, name) {
                let error = ValueError {
                    problem: "is empty, and the app needs it".into(),
                    instead:
                        "say what to send then with `| default('…')`, or skip the step with `when`"
                            .into(),
                };
                return Err(DataError::new(self.place, Some(name), error));
            }
        }
        let one_of = &self.operation.one_of;
        if !one_of.is_empty() && !one_of.iter().any(|name| self.body.contains_key(name)) {
            let error = ValueError {
                problem: format!(
                    "none of {} is there, and the app needs one of them",
                    one_of.join(", ")
                ),
                instead: "skip the step with `when` if there may be none".into(),
            };
            return Err(DataError::new(self.place, None, error));
        }
        Ok(())
    }

    fn request(self, app: &App, connection: &Connection) -> PlannedRequest {
        let Draft { operation, path: values, query, body, origins, left_out, .. } = self;
        let segment = |part: &str| match part.strip_prefix(':') {
            Some(name) => values.get(name).map(as_text).unwrap_or_default(),
            None => part.to_owned(),
        };
        let path = operation.path_pattern().split('/').skip(1).map(segment).collect();
        let query = query.iter().flat_map(|(name, value)| match value {
            Value::Array(items) => items.iter().map(|v| (name.clone(), as_text(v))).collect(),
            other => vec![(name.clone(), as_text(other))],
        });
        let takes_body = operation.body.is_some() || operation.body_unknown;
        let request = Request {
            app: operation.app.clone(),
            operation: operation.long_id(),
            call: operation.call.clone(),
            method: operation.method().to_owned(),
            base_url: connection.base_url.clone(),
            path,
            query: query.collect(),
            headers: operation.headers(app),
            body: takes_body.then_some(Value::Object(body)),
        };
        PlannedRequest { request, origins, left_out }
    }
}

fn empty_in_address(mapping: &Mapping, name: &str) -> DataError {
    let error = ValueError {
        problem: "is empty, and is a part of the address".into(),
        instead: "skip the step with `when` if there may be none".into(),
    };
    DataError::new(&mapping.place, Some(name), error)
}

/// Everything in an address is text in the end: numbers and true/false are welcome there.
fn in_address<'f>(slot: Slot, field: Option<&'f Field>, value: &Value) -> Cow<'f, Field> {
    let Some(field) = field else { return Cow::Owned(Field::default()) };
    let takes_any = field.kind == Kind::String && field.format.is_none();
    match slot {
        Slot::Path | Slot::Query if takes_any && !value.is_string() => {
            Cow::Owned(Field { kind: Kind::Any, ..field.clone() })
        }
        _ => Cow::Borrowed(field),
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
