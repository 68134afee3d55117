//! Bodies and answers: what a description says of them comes in; fields go out.

use serde_json::{Map, Value, json};

use super::operation::Reader;
use crate::value::Kind;

impl<'a> Reader<'a> {
    /// The key for the body and what stands there; none where there is no body, or none that a recipe can
    /// send.
    pub(super) fn body(
        &mut self,
        operation: &'a Value,
        unsupported: &mut Option<String>,
    ) -> Option<(&'static str, Value)> {
        let written = operation.get("requestBody")?;
        let Some(body) = self.description.follow(written) else {
            self.notes.push("its body leads nowhere: any object is taken".to_owned());
            return Some(("body", "unknown".into()));
        };
        let is_required = body["required"] == true;
        let content = body["content"].as_object().filter(|content| !content.is_empty());
        let Some(content) = content else { return Some(("body", "unknown".into())) };
        let Some(media) = content.iter().find(|(name, _)| is_json(name)).map(|(_, media)| media)
        else {
            let names: Vec<&str> = content.keys().map(String::as_str).collect();
            let why = match names[0] {
                name if name.starts_with("multipart/") => {
                    "it takes a file, and a recipe cannot send files".to_owned()
                }
                "application/x-www-form-urlencoded" => {
                    "it takes a form, and a recipe sends JSON".to_owned()
                }
                name => format!("it takes `{name}`, and a recipe sends JSON"),
            };
            match is_required || content.len() > 1 || method_sends(&self.written) {
                true => drop(unsupported.get_or_insert(why)),
                false => self.notes.push(format!("its body is left out: {why}")),
            }
            return None;
        };
        let Some(schema) = media.get("schema") else { return Some(("body", "unknown".into())) };
        match self.shapes.flat(schema).likely_kind() {
            Kind::List => {
                let mut list = self.shapes.field(schema);
                let of = list.remove("of").unwrap_or_else(|| json!({ "type": "any" }));
                Some(("body_list", of))
            }
            Kind::Object | Kind::Any => {
                let Some((mut fields, open)) = self.shapes.fields(schema) else {
                    return Some(("body", "unknown".into()));
                };
                self.drop_read_only(&mut fields, schema);
                if open {
                    self.notes.push("further fields in its body cannot be written".to_owned());
                }
                match fields.is_empty() {
                    true => Some(("body", "unknown".into())),
                    false => Some(("body", Value::Object(fields))),
                }
            }
            kind => {
                unsupported.get_or_insert(format!(
                    "its body is {}, and a recipe sends an object or a list",
                    kind.in_words()
                ));
                None
            }
        }
    }

    /// What an answer tells only is nothing to send.
    fn drop_read_only(&mut self, fields: &mut Map<String, Value>, schema: &'a Value) {
        let flat = self.shapes.flat(schema);
        for (name, schemas) in &flat.properties {
            if schemas.iter().all(|schema| schema["readOnly"] == true) {
                fields.shift_remove(*name);
            }
        }
    }

    /// What a good answer holds: fields, a list, the name of a type, or `unknown`.
    pub(super) fn response(&mut self, operation: &'a Value) -> Value {
        let unknown = Value::from("unknown");
        let Some(responses) = operation["responses"].as_object() else { return unknown };
        let mut good: Vec<(&String, &Value)> =
            responses.iter().filter(|(status, _)| status.starts_with('2')).collect();
        good.sort_by_key(|(status, _)| status.to_ascii_lowercase());
        good.extend(responses.get_key_value("default"));
        for (_, response) in good {
            let Some(response) = self.description.follow(response) else {
                self.notes.push("its answer leads nowhere: nothing is known of it".to_owned());
                continue;
            };
            let content = response["content"].as_object().into_iter().flatten();
            let mut json = content.filter(|(name, _)| is_json(name));
            let Some(schema) = json.find_map(|(_, media)| media.get("schema")) else { continue };
            let mut field = self.shapes.field(schema);
            let kind = field["type"].as_str().unwrap_or_default().to_owned();
            match (kind.as_str(), field.remove("of")) {
                ("list", Some(of)) => return json!({ "list": of }),
                ("list", None) => return json!({ "list": { "type": "any" } }),
                ("any" | "string" | "number" | "integer" | "boolean", _) => return unknown,
                _ => {}
            }
            return match self.shapes.fields(schema) {
                Some((fields, _)) if fields.is_empty() => unknown,
                // A field of the name `list` alone would be read as a bare list.
                Some((fields, _))
                    if fields.len() == 1
                        && fields.get("list").is_some_and(|field| field["type"] != "list") =>
                {
                    self.notes.push("its answer is not taken: nothing is known of it".to_owned());
                    unknown
                }
                Some(_) if kind != "object" => kind.into(),
                Some((fields, _)) => Value::Object(fields),
                None => unknown,
            };
        }
        unknown
    }
}

fn is_json(media: &str) -> bool {
    let name = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/json"
        || name.ends_with("+json")
        || name == "*/*"
        || name == "application/*"
}

fn method_sends(written: &str) -> bool {
    written.starts_with("POST") || written.starts_with("PUT") || written.starts_with("PATCH")
}
