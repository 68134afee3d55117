//! An answer before it is bytes, and the words with which every app refuses.

use serde_json::{Value, json};

use super::Answer;

/// What the app says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    /// Sent as a plain text instead of JSON, although JSON stands in it.
    pub as_text: bool,
}

impl Reply {
    pub fn new(status: u16, body: Value) -> Reply {
        Reply { status, headers: Vec::new(), body, as_text: false }
    }

    /// A refusal in the shape that the app gives its errors.
    pub fn refused(app: &str, status: u16, message: impl Into<Value>) -> Reply {
        let message = message.into();
        let name = reason(status);
        let body = match (app, status) {
            ("highlevel", 401 | 403 | 422) => {
                json!({ "statusCode": status, "message": message, "error": name })
            }
            ("highlevel", _) => json!({ "statusCode": status, "message": message }),
            ("stax", 401) => json!([message]),
            _ => json!({ "message": message }),
        };
        Reply::new(status, body)
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// As it goes over the wire.
    pub fn into_answer(self) -> Answer {
        let kind = if self.as_text { "text/plain; charset=utf-8" } else { JSON };
        let mut headers = self.headers;
        headers.push(("Content-Type".to_owned(), kind.to_owned()));
        Answer::Reply { status: self.status, headers, body: self.body.to_string().into_bytes() }
    }

    /// The same, but what comes is a page for people, as a gateway sends it.
    pub fn into_garbage(self) -> Answer {
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        let body = b"<html><body>Something went wrong.</body></html>".to_vec();
        Answer::Reply { status: self.status, headers, body }
    }
}

const JSON: &str = "application/json; charset=utf-8";

/// The name of a status: `Not Found`.
pub(super) fn reason(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
