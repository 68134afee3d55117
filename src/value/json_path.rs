//! JSONPath (RFC 9535): a path and a value come in; what the path leads to goes out. The one module
//! that knows which crate reads paths.

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

use super::ValueError;

/// A path that has been read.
#[derive(Clone, Debug)]
pub struct JsonPath {
    query: JpQuery,
    /// Whether it can lead to one place only.
    single: bool,
}

impl JsonPath {
    /// Reads a path such as `$.contact.id`.
    pub fn parse(text: &str) -> Result<JsonPath, ValueError> {
        if text.len() > 1_000 {
            return Err(ValueError {
                problem: "the path has more than 1000 characters".into(),
                instead: "write a shorter one".into(),
            });
        }
        let query = parse_json_path(text).map_err(|e| ValueError {
            problem: caret(text, &e.to_string()),
            instead: "write it like $.contact.id".into(),
        })?;
        let single = query.segments.iter().all(|segment| {
            matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_)))
        });
        Ok(JsonPath { query, single })
    }

    /// The value at the one place it leads to, or the list of all that it finds; nothing where there is
    /// nothing.
    pub fn find(&self, value: &Value) -> Option<Value> {
        let found = js_path_process(&self.query, value).ok()?;
        let mut found = found.into_iter().map(|r| r.val().clone());
        match self.single {
            true => found.next(),
            false => Some(found.collect()),
        }
    }
}

/// "unexpected `x` at character 5" out of the several lines that the parser prints.
fn caret(text: &str, message: &str) -> String {
    let column = message
        .split("--> ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|at| at.split(':').nth(1))
        .and_then(|column| column.parse::<usize>().ok());
    match column.and_then(|at| Some((at, text.chars().nth(at.checked_sub(1)?)?))) {
        Some((at, found)) => format!("`{found}` is not expected at character {at}"),
        None if column.is_some() => "something is missing at the end".to_owned(),
        None => "it cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::JsonPath;
    use serde_json::json;

    #[test]
    fn one_place_gives_a_value_and_any_other_a_list() {
        let value = json!({ "items": [{ "id": 1 }, { "id": 2 }] });
        let find = |path| JsonPath::parse(path).unwrap().find(&value);
        assert_eq!(find("$.items[1].id"), Some(json!(2)));
        assert_eq!(find("$.items[*].id"), Some(json!([1, 2])));
        assert_eq!(find("$.nothing"), None);
        assert!(JsonPath::parse("$.[").is_err());
    }
}
