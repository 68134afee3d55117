//! Is a request right as it is? Raw query and body come in; what was sent, typed, goes out, or the
//! app's refusal with everything that is wrong.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::catalog::{Field, Fit, Format, MisfitKind, Operation};
use crate::source::Route;
use crate::value::Kind;

use super::Arrived;
use super::records::is_blank;
use super::reply::Reply;

/// A request that is right: fields by name.
#[derive(Default)]
pub(super) struct Sent {
    pub query: Map<String, Value>,
    pub body: Map<String, Value>,
}

/// Something that is wrong with one field.
struct Complaint {
    /// Dotted: `customFields.0.id`
    field: String,
    what: What,
}

enum What {
    Missing,
    Unknown,
    /// Completes "the field …", in the app's own words.
    Wrong(String),
}

/// Reads a request and checks it against the catalog.
pub(super) fn check(operation: &Operation, arrived: &Arrived) -> Result<Sent, Reply> {
    let app = &operation.app;
    let body = match arrived.body.trim_ascii() {
        [] => Value::Object(Map::new()),
        bytes => serde_json::from_slice(bytes)
            .map_err(|e| Reply::refused(app, 400, format!("The body is not JSON: {e}")))?,
    };
    let query = typed_query(operation, &arrived.query);
    let mut complaints = Vec::new();
    for (name, field) in operation.query.iter() {
        match query.get(name) {
            Some(value) => complain(app, field, value, name, &mut complaints),
            None if field.required => {
                complaints.push(Complaint { field: name.clone(), what: What::Missing });
            }
            None => {}
        }
    }
    check_body(operation, &body, &mut complaints);
    if complaints.is_empty() {
        let body = match body {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        return Ok(Sent { query, body });
    }
    Err(refusal(app, &complaints))
}

fn check_body(operation: &Operation, body: &Value, complaints: &mut Vec<Complaint>) {
    let app = &operation.app;
    if let Some(item) = &operation.body_list {
        let list = Field { kind: Kind::List, of: Some(item.clone().into()), ..Field::default() };
        return complain(app, &list, body, "", complaints);
    }
    let fields = match (&operation.body, operation.body_unknown) {
        (Some(fields), _) => Some(fields),
        (None, true) => None,
        (None, false) => return,
    };
    let field = match fields {
        Some(fields) => Field::object(fields.clone()),
        None => Field { kind: Kind::Object, ..Field::default() },
    };
    complain(app, &field, body, "", complaints);
    let lacks = |name: &String| is_blank(body.get(name));
    if !operation.one_of.is_empty() && operation.one_of.iter().all(lacks) {
        for name in &operation.one_of {
            let others: Vec<&str> =
                operation.one_of.iter().filter(|o| *o != name).map(String::as_str).collect();
            let what = format!("is required when none of {} are present.", others.join(" / "));
            complaints.push(Complaint { field: name.clone(), what: What::Wrong(what) });
        }
    }
}

/// Adds what is wrong with one value; `name` stands before every place inside it.
fn complain(app: &str, field: &Field, value: &Value, name: &str, out: &mut Vec<Complaint>) {
    for misfit in Fit::strict(field, value).misfits {
        let at = dotted(name, &misfit.at);
        let (at, what) = match misfit.kind {
            MisfitKind::Missing(inner) if at.is_empty() => (inner, What::Missing),
            MisfitKind::Missing(inner) => (format!("{at}.{inner}"), What::Missing),
            MisfitKind::Unknown { .. } => (at, What::Unknown),
            _ => {
                let inner = field_at(field, &misfit.at);
                let what = requirement(app, inner, &misfit.kind, &misfit.error.problem);
                (at, What::Wrong(what))
            }
        };
        let at = if at.is_empty() { "body".to_owned() } else { at };
        out.push(Complaint { field: at, what });
    }
}

/// What a field wants, in the words of the framework that the app is built with.
fn requirement(app: &str, field: Option<&Field>, kind: &MisfitKind, problem: &str) -> String {
    let format = field.and_then(|f| f.format);
    let wanted = field.map_or(Kind::Any, |f| f.kind);
    let stax = app == "stax";
    let text = match (kind, wanted, format) {
        (MisfitKind::Option { .. }, ..) if stax => "is not one of those allowed.".to_owned(),
        (MisfitKind::Option { .. }, ..) => {
            let options = field.map(|f| f.options.as_slice()).unwrap_or_default();
            let names: Vec<String> = options.iter().map(super::records::plain).collect();
            format!("must be one of the following values: {}", names.join(", "))
        }
        (MisfitKind::Form, _, Some(Format::Email)) if stax => {
            "must be a valid email address.".into()
        }
        (MisfitKind::Form, _, Some(Format::Email)) => "must be an email".into(),
        (MisfitKind::Form, _, Some(f)) if f.is_date() => {
            "must be a valid ISO 8601 date string".into()
        }
        (MisfitKind::Form, ..) => format!("is not right: {problem}"),
        (_, Kind::String | Kind::Moment, _) => "must be a string".into(),
        (_, Kind::Number, _) if stax => "must be a number.".into(),
        (_, Kind::Number, _) => "must be a number conforming to the specified constraints".into(),
        (_, Kind::Integer, _) => "must be an integer number".into(),
        (_, Kind::Boolean, _) => "must be a boolean value".into(),
        (_, Kind::List, _) => "must be an array".into(),
        (_, Kind::Object | Kind::Any, _) => "must be an object".into(),
    };
    if stax && !text.ends_with('.') { format!("{text}.") } else { text }
}

fn refusal(app: &str, complaints: &[Complaint]) -> Reply {
    if app != "stax" {
        let messages: Vec<String> = complaints
            .iter()
            .map(|Complaint { field, what }| match (what, field.rsplit_once('.')) {
                (What::Missing, _) => format!("{field} should not be empty"),
                (What::Unknown, Some((before, last))) => {
                    format!("{before}.property {last} should not exist")
                }
                (What::Unknown, None) => format!("property {field} should not exist"),
                (What::Wrong(what), _) => format!("{field} {what}"),
            })
            .collect();
        return Reply::refused(app, 422, messages);
    }
    let mut by_field: IndexMap<&str, Vec<String>> = IndexMap::new();
    for Complaint { field, what } in complaints {
        let name = field.replace('_', " ");
        by_field.entry(field).or_default().push(match what {
            What::Missing => format!("The {name} field is required."),
            What::Unknown => format!("The {name} field is not known."),
            What::Wrong(what) if what.starts_with("is required") => {
                format!("The {name} field {what}")
            }
            What::Wrong(what) => format!("The {name} {what}"),
        });
    }
    Reply::new(422, json!(by_field))
}

/// The declared query fields as values; what does not read as its type stays a text.
fn typed_query(operation: &Operation, pairs: &[(String, String)]) -> Map<String, Value> {
    let mut typed = Map::new();
    for (name, text) in pairs {
        let Some(field) = operation.query.get(name) else { continue };
        let value = match field.kind {
            _ if text.is_empty() => continue,
            Kind::Integer => text.parse::<i64>().ok().map(Value::from),
            Kind::Number => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
            Kind::Boolean => match text.as_str() {
                "true" | "1" => Some(Value::Bool(true)),
                "false" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            _ => None,
        };
        let value = value.unwrap_or_else(|| text.as_str().into());
        match (field.kind, typed.get_mut(name)) {
            (Kind::List, Some(Value::Array(items))) => items.push(value),
            (Kind::List, _) => {
                typed.insert(name.clone(), Value::Array(vec![value]));
            }
            _ => {
                typed.insert(name.clone(), value);
            }
        }
    }
    typed
}

fn dotted(name: &str, at: &Route) -> String {
    let inside = at.pointer().trim_start_matches('/').replace('/', ".");
    match (name.is_empty(), inside.is_empty()) {
        (true, _) => inside,
        (false, true) => name.to_owned(),
        (false, false) => format!("{name}.{inside}"),
    }
}

/// The field that a place inside a value belongs to.
fn field_at<'a>(field: &'a Field, at: &Route) -> Option<&'a Field> {
    let mut field = field;
    for part in at.pointer().split('/').skip(1) {
        field = match (&field.fields, &field.of) {
            (Some(fields), _) => fields.get(part)?,
            (None, Some(of)) => of,
            (None, None) => return None,
        };
    }
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn refused(name: &str, query: &[(&str, &str)], body: &str) -> (u16, Value) {
        let operation = Catalog::embedded().operation(name).unwrap();
        let query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let arrived = Arrived { query, body: body.into(), ..Arrived::default() };
        let reply = check(&operation, &arrived).err().expect("a refusal");
        (reply.status, reply.body)
    }

    #[test]
    fn highlevel_names_everything_that_is_wrong() {
        let body = r#"{"title":7,"completed":"no","colour":"red","dueDate":"soon"}"#;
        let (status, body) = refused("highlevel.create-task", &[], body);
        assert_eq!(status, 422);
        let expected = json!({
            "statusCode": 422,
            "message": [
                "title must be a string",
                "completed must be a boolean value",
                "property colour should not exist",
                "dueDate must be a valid ISO 8601 date string",
            ],
            "error": "Unprocessable Entity",
        });
        assert_eq!(body, expected);
        let (_, body) = refused("highlevel.create-note", &[], "{}");
        assert_eq!(body["message"], json!(["body should not be empty"]));
        let (_, body) = refused("highlevel.get-contacts", &[("limit", "many")], "");
        assert_eq!(body["message"][0], "locationId should not be empty");
        let (_, body) = refused("highlevel.create-note", &[], "[1]");
        assert_eq!(body["message"], json!(["body must be an object"]));
    }

    #[test]
    fn stax_names_the_fields() {
        let (status, body) = refused("stax.create-customer", &[], r#"{"phone":"4075550100"}"#);
        assert_eq!(status, 422);
        let text = "The email field is required when none of \
            firstname / lastname / company are present.";
        assert_eq!(body["email"], json!([text]));
        let (_, body) = refused("stax.create-customer", &[], r#"{"email":"ada","name":"Ada"}"#);
        assert_eq!(body["email"], json!(["The email must be a valid email address."]));
        assert_eq!(body["name"], json!(["The name field is not known."]));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert_eq!(refused("stax.create-customer", &[], "{").0, 400);
        assert_eq!(refused("highlevel.create-note", &[], "\u{0}").0, 400);
    }
}
