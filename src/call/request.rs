//! A request, fully rendered and without any credential.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request. The address is built from `path`, segment by segment, so that no value can change
/// its host or depth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub app: String,
    /// `highlevel.create-task`
    pub operation: String,
    /// `POST /contacts/:contactId/tasks`
    pub call: String,
    pub method: String,
    /// Scheme, host, port and where needed a path before all paths; from the catalog or a connection, never from a template.
    pub base_url: String,
    /// The segments of the path; the last is empty where the path ends with a slash.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Why a value cannot stand in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    Empty,
    /// `.` or `..`, also written `%2e`.
    Dots,
    /// A line break, a tab or another invisible character.
    Control,
    TooLong,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PathError::Empty => "is empty",
            PathError::Dots => "is made of dots, which would lead to another address",
            PathError::Control => "has a line break, a tab or another invisible character in it",
            PathError::TooLong => "is longer than 500 characters",
        })
    }
}

/// Whether `value` may stand as one segment of a path.
pub fn check_path_value(value: &str) -> Result<(), PathError> {
    let plain = value.replace("%2e", ".").replace("%2E", ".");
    if value.is_empty() {
        Err(PathError::Empty)
    } else if plain == "."
        || plain == ".."
        || plain.split(['/', '\\']).any(|p| p == ".." || p == ".")
    {
        Err(PathError::Dots)
    } else if value.chars().any(char::is_control) {
        Err(PathError::Control)
    } else if value.chars().count() > 500 {
        Err(PathError::TooLong)
    } else {
        Ok(())
    }
}

impl Request {
    /// The parameters of its path with their values: `contactId`, `k1`.
    pub fn path_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let pattern = self.call.split_once(' ').map_or("", |(_, path)| path);
        let parts = pattern.split('/').skip(1).zip(&self.path);
        parts.filter_map(|(part, value)| Some((part.strip_prefix(':')?, value.as_str())))
    }

    /// The value of one parameter of its path.
    pub fn path_value(&self, name: &str) -> Option<&str> {
        self.path_values().find(|(of, _)| *of == name).map(|(_, value)| value)
    }

    /// The whole address, everything in it encoded.
    pub fn url(&self) -> Result<url::Url, url::ParseError> {
        Ok(self.url_behind(url::Url::parse(&self.base_url)?))
    }

    /// The whole address, where its base is read already.
    pub fn url_behind(&self, base: url::Url) -> url::Url {
        let mut url = base;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    /// The address for a person to read: as [`Request::url`], or its parts where it is none.
    pub fn shown_url(&self) -> String {
        self.url()
            .map_or_else(|_| format!("{}/{}", self.base_url, self.path.join("/")), String::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_leaves_its_segment() {
        for bad in ["..", ".", "%2e%2e", "%2E.", "a\nb", "", "\t", "../x", "..\\x"] {
            assert!(check_path_value(bad).is_err(), "{bad:?}");
        }
        let request = Request {
            app: "x".into(),
            operation: String::new(),
            call: String::new(),
            method: "GET".into(),
            base_url: "https://api.example.com".into(),
            path: vec!["contacts".into(), "a/b?c#d".into(), String::new()],
            query: vec![("q".into(), "a&b=c".into())],
            headers: vec![],
            body: None,
        };
        assert_eq!(
            request.shown_url(),
            "https://api.example.com/contacts/a%2Fb%3Fc%23d/?q=a%26b%3Dc"
        );
    }
}
