//! What must not leave: a request and the connection that it would go through come in; yes goes out, or why
//! it is withheld. It is asked before every call, whoever makes it, with the connections as they are now.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;
use serde_json::Value;

use crate::call::{CallError, Request};
use crate::catalog::Catalog;
use crate::connection::{Allowed, Connection};

/// Knows what each connection may do. Clones are the same guard.
#[derive(Clone, Default)]
pub struct Guard {
    /// By name; none where everything may leave: calls to the sandbox.
    connections: Arc<RwLock<Option<BTreeMap<String, Connection>>>>,
}

impl Guard {
    pub fn new(connections: BTreeMap<String, Connection>) -> Guard {
        Guard { connections: Arc::new(RwLock::new(Some(connections))) }
    }

    /// From now on these are the connections, also for runs that have started.
    pub fn set(&self, connections: BTreeMap<String, Connection>) {
        *self.connections.write().unwrap_or_else(PoisonError::into_inner) = Some(connections);
    }

    /// From now on the connections may do no more than these may, whatever else there is to know of them. One
    /// that is not among these may do nothing.
    pub fn narrow(&self, as_these: &BTreeMap<String, Connection>) {
        let mut connections = self.connections.write().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = &mut *connections else { return };
        connections.retain(|name, connection| match as_these.get(name) {
            Some(other) => {
                connection.access = other.access.clone();
                true
            }
            None => false,
        });
    }

    /// Whether a request may go out through a connection.
    pub fn check(&self, name: &str, request: &Request) -> Result<(), CallError> {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = &*connections else { return Ok(()) };
        let withheld = |why: String, instead: String| Err(CallError::Withheld { why, instead });
        let Some(connection) = connections.get(name).filter(|c| c.app == request.app) else {
            return withheld(
                format!("there is no connection `{name}` to {} any more", request.app),
                "add it to linecook.yaml, then let the run go on".to_owned(),
            );
        };
        if connection.base_url != request.base_url {
            return withheld(
                format!("the connection `{name}` leads to another server by now"),
                "let the run go on: it goes there then".to_owned(),
            );
        }
        if let Some(other) = other_location(connection, request) {
            return withheld(
                format!(
                    "it names the account `{other}`, and the connection `{name}` belongs to `{}`",
                    connection.location_id.as_deref().unwrap_or_default()
                ),
                "leave the account out of `with`, or use a connection of that account".to_owned(),
            );
        }
        permitted(name, connection, request)
    }
}

/// Whether its credential and `allow` let the operation be called.
fn permitted(name: &str, connection: &Connection, request: &Request) -> Result<(), CallError> {
    let catalog = Catalog::embedded();
    let access = &connection.access;
    // A plan that was kept may know another form of it.
    let operation = catalog.operation(&request.operation).ok().filter(|o| o.call == request.call);
    let (why, instead) = match (operation, catalog.app(&connection.app)) {
        (Some(operation), Some(app)) => match access.permits(&operation) {
            Ok(()) => return Ok(()),
            Err(refusal) => {
                (refusal.why(name, &operation.call), refusal.instead(name, app))
            }
        },
        _ => match &access.allow {
            Some(allow) if !allow.contains(&Allowed::Everything) => (
                format!(
                    "`allow` of the connection `{name}` does not cover `{}`, which this linecook does not know",
                    request.call
                ),
                "let the run go on with its recipe as it is now: `linecook runs retry --current-recipe`"
                    .to_owned(),
            ),
            _ => return Ok(()),
        },
    };
    Err(CallError::Withheld { why, instead })
}

/// Another account than the connection's own that a request names, wherever it does.
fn other_location(connection: &Connection, request: &Request) -> Option<String> {
    let own = connection.location_id.as_deref()?;
    let app = Catalog::embedded().app(&connection.app)?;
    let field = app.location.as_deref()?;
    let in_query = request.query.iter().filter(|(name, _)| name == field);
    let mut named = request.path_value(field).into_iter().chain(in_query.map(|(_, v)| v.as_str()));
    let other = named.find(|value| *value != own).map(str::to_owned);
    let beside = || {
        app.location_too.iter().find_map(|(name, beside)| named_beside(request, name, beside, own))
    };
    other.or_else(|| in_body(request.body.as_ref()?, field, own)).or_else(beside)
}

/// Another account in a field that names one only where the fields beside it say so.
fn named_beside(
    request: &Request,
    field: &str,
    beside: &IndexMap<String, String>,
    own: &str,
) -> Option<String> {
    let in_query = |name: &str, fits: &dyn Fn(&String) -> bool| {
        request.query.iter().find(|(n, value)| n == name && fits(value)).map(|(_, value)| value)
    };
    let says_so =
        |(name, word): (&String, &String)| in_query(name, &|value| value == word).is_some();
    if beside.iter().all(says_so)
        && let Some(other) = in_query(field, &|value| value != own)
    {
        return Some(other.clone());
    }
    let body = request.body.as_ref()?;
    let says = |(name, word): (&String, &String)| {
        body.get(name).and_then(Value::as_str) == Some(word.as_str())
    };
    let named = body.get(field).filter(|_| beside.iter().all(says))?;
    match named.as_str() {
        Some(text) => (text != own).then(|| text.to_owned()),
        None if named.is_null() => None,
        None => Some(named.to_string()),
    }
}

fn in_body(value: &Value, field: &str, own: &str) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, inner)| match inner {
            Value::Null => None,
            Value::String(text) if name == field => (text != own).then(|| text.clone()),
            inner if name == field => Some(inner.to_string()),
            inner => in_body(inner, field, own),
        }),
        Value::Array(items) => items.iter().find_map(|item| in_body(item, field, own)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connection::{Access, Scopes};

    fn connection(access: Access) -> Connection {
        Connection {
            app: "highlevel".into(),
            base_url: "https://services.leadconnectorhq.com".into(),
            location_id: Some("abc123".into()),
            access,
            rotation: None,
        }
    }

    fn guard(access: Access) -> Guard {
        Guard::new(BTreeMap::from([("main".to_owned(), connection(access))]))
    }

    fn request(operation: &str, body: Value) -> Request {
        let operation = Catalog::embedded().operation(operation).unwrap();
        Request {
            app: operation.app.clone(),
            operation: operation.long_id(),
            call: operation.call.clone(),
            method: operation.method().into(),
            base_url: "https://services.leadconnectorhq.com".into(),
            path: operation.path_pattern().split('/').skip(1).map(str::to_owned).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Some(body),
        }
    }

    fn why(guard: &Guard, request: &Request) -> String {
        match guard.check("main", request) {
            Ok(()) => String::new(),
            Err(CallError::Withheld { why, .. }) => why,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_a_connection_may_not_do_does_not_leave() {
        let readonly = Scopes::Granted(["contacts.readonly".to_owned()].into());
        let guard = guard(Access { scopes: readonly, allow: None });
        assert_eq!(why(&guard, &request("highlevel.get-contact", json!({}))), "");
        let upsert = request("POST /contacts/upsert", json!({}));
        assert!(why(&guard, &upsert).contains("does not have the scope `contacts.write`"));
        // What is narrowed now holds from now on, for whoever holds the same guard.
        let same = guard.clone();
        let allow = Catalog::embedded().allowed("highlevel", "tasks.read").unwrap();
        let narrow = connection(Access { scopes: Scopes::Unknown, allow: Some(vec![allow]) });
        guard.set(BTreeMap::from([("main".to_owned(), narrow)]));
        assert!(why(&same, &upsert).contains("does not cover `contacts.write`"));
        assert_eq!(why(&same, &request("highlevel.get-all-tasks", json!({}))), "");
        guard.set(BTreeMap::new());
        assert!(why(&same, &upsert).contains("no connection `main`"));
    }

    #[test]
    fn an_operation_that_is_not_what_the_catalog_says_is_not_covered() {
        let allow = Catalog::embedded().allowed("highlevel", "*.read").unwrap();
        let narrow = guard(Access { scopes: Scopes::Unknown, allow: Some(vec![allow]) });
        let mut disguised = request("highlevel.get-contact", json!({}));
        disguised.call = "DELETE /contacts/:contactId".into();
        assert!(why(&narrow, &disguised).contains("does not know"));
        disguised.operation = "highlevel.contacts.no-such-thing".into();
        assert!(why(&narrow, &disguised).contains("does not know"));
        assert_eq!(why(&guard(Access::default()), &disguised), "");
    }

    #[test]
    fn another_account_is_found_wherever_it_is_named() {
        let guard = guard(Access::default());
        let upsert = |body: Value| request("POST /contacts/upsert", body);
        for good in [
            json!({ "locationId": "abc123", "email": "ada@example.com" }),
            json!({ "locationId": null }),
            json!({ "customFields": [{ "id": "x", "field_value": "def456" }] }),
        ] {
            assert_eq!(why(&guard, &upsert(good.clone())), "", "{good}");
        }
        for bad in [
            json!({ "locationId": "def456" }),
            json!({ "locationId": "ABC123" }),
            json!({ "locationId": " abc123" }),
            json!({ "locationId": "" }),
            json!({ "locationId": 5 }),
            json!({ "locationId": ["abc123"] }),
            json!([{ "deep": { "locationId": "def456" } }]),
        ] {
            let said = why(&guard, &upsert(bad.clone()));
            assert!(said.contains("belongs to `abc123`"), "{bad}: {said}");
        }
        let mut search = request("highlevel.get-duplicate-contact", Value::Null);
        search.query =
            vec![("locationId".into(), "abc123".into()), ("email".into(), "a@example.com".into())];
        assert_eq!(why(&guard, &search), "");
        search.query.push(("locationId".into(), "def456".into()));
        assert!(why(&guard, &search).contains("names the account `def456`"));
        let invoice = |id: &str, of: &str| {
            let body = json!({ "altId": id, "altType": of });
            why(&guard, &request("highlevel.create-invoice", body))
        };
        assert_eq!(invoice("abc123", "location"), "");
        assert_eq!(invoice("def456", "company"), "");
        assert!(invoice("def456", "location").contains("names the account `def456`"));
        let mut invoices = request("highlevel.invoices.list-invoices", Value::Null);
        invoices.query = [("altType", "location"), ("altId", "abc123")]
            .map(|(n, v)| (n.into(), v.into()))
            .into();
        assert_eq!(why(&guard, &invoices), "");
        invoices.query.push(("altId".into(), "def456".into()));
        assert!(why(&guard, &invoices).contains("names the account `def456`"));
        let mut in_path = request("highlevel.get-contact", Value::Null);
        in_path.call = "GET /locations/:locationId".into();
        in_path.path = vec!["locations".into(), "def456".into()];
        assert!(why(&guard, &in_path).contains("names the account `def456`"));
        in_path.path[1] = "abc123".into();
        assert_eq!(why(&guard, &in_path), "");
    }

    #[test]
    fn a_credential_goes_to_the_server_of_its_connection_only() {
        let guard = guard(Access::default());
        let mut request = request("highlevel.get-contact", json!({}));
        request.base_url = "https://services.example.com".into();
        assert!(why(&guard, &request).contains("another server"));
        request.app = "stax".into();
        assert!(why(&guard, &request).contains("no connection `main` to stax"));
        assert_eq!(Guard::default().check("main", &request), Ok(()));
    }
}
