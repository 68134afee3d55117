//! `linked('highlevel.contact')`: which records a template asks for goes out, what was found comes in.
//! While a template is filled in nobody is asked any more, so that the same one always gives the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};
use serde::{Deserialize, Serialize};

use super::value::{is_empty, to_text};
use crate::value::RecordKey;

/// The name of the function.
pub const LINKED: &str = "linked";

/// Which record of one kind a record is linked with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkQuestion {
    pub of: RecordKey,
    /// App and kind of the other record, such as `highlevel.contact`.
    pub to: String,
    /// What the link is called, by `as`; nothing for the usual one.
    #[serde(rename = "as", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// What a scope knows of links. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Linked {
    /// The trigger's own record, then the one that it belongs to.
    pub records: Arc<Vec<RecordKey>>,
    /// What was found for the step that runs now.
    pub answers: Arc<HashMap<LinkQuestion, Option<String>>>,
    /// What was found for any step so far.
    pub found: Arc<Vec<RecordKey>>,
    /// Takes down what has no answer yet, when somebody wants to know.
    asked: Option<Arc<Mutex<Vec<LinkQuestion>>>>,
}

impl Linked {
    /// The same, taking down what is asked for and has no answer yet.
    pub fn listening(&self) -> Linked {
        Linked { asked: Some(Arc::default()), ..self.clone() }
    }

    /// What was taken down.
    pub fn asked(&self) -> Vec<LinkQuestion> {
        let Some(asked) = &self.asked else { return Vec::new() };
        std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in what was found.
    pub fn learn(&mut self, question: LinkQuestion, id: Option<String>) {
        if let Some(id) = &id {
            let record = RecordKey::new(&question.to, id);
            if !self.found.contains(&record) {
                Arc::make_mut(&mut self.found).push(record);
            }
        }
        Arc::make_mut(&mut self.answers).insert(question, id);
    }

    /// The function as the engine calls it.
    pub fn function(&self) -> Value {
        let this = self.clone();
        Value::from_function(
            move |to: String, of: Option<String>, id: Option<Value>, named: Kwargs| {
                this.call(&to, of, id, &named)
            },
        )
    }

    fn call(
        &self,
        to: &str,
        of: Option<String>,
        id: Option<Value>,
        named: &Kwargs,
    ) -> Result<Value, Error> {
        let name = match named.get::<Option<Value>>("as")? {
            None => String::new(),
            Some(name) => match name.as_str() {
                Some(name) => name.to_owned(),
                None => {
                    let message = "`as` of `linked` is no text; write it out in 'quotes'";
                    return Err(Error::new(ErrorKind::InvalidOperation, message));
                }
            },
        };
        named.assert_all_used()?;
        let ask = |of: &RecordKey| {
            self.answer(LinkQuestion { of: of.clone(), to: to.to_owned(), name: name.clone() })
        };
        let found = match (of, id.filter(|id| !is_empty(id)).map(|id| to_text(&id))) {
            (None, _) => {
                // The record itself goes before the one that it belongs to.
                let all: Vec<Option<String>> = self.records.iter().map(ask).collect();
                all.into_iter().flatten().next()
            }
            (Some(of), Some(id)) if !id.trim().is_empty() => ask(&RecordKey::new(of, id.trim())),
            // Nothing is linked with nothing.
            (Some(_), _) => None,
        };
        Ok(found.map_or(Value::UNDEFINED, Value::from))
    }

    fn answer(&self, question: LinkQuestion) -> Option<String> {
        if let Some(answer) = self.answers.get(&question) {
            return answer.clone();
        }
        if let Some(asked) = &self.asked {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            if !asked.contains(&question) {
                asked.push(question);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::{Scope, Template};

    fn scope() -> Scope {
        let mut scope = Scope::new(Default::default());
        scope.set("event", &json!({ "customer_id": "c1", "number": 7, "none": null }));
        scope.set_records(vec![RecordKey::new("stax.transaction", "t1")]);
        scope
    }

    fn question(kind: &str, id: &str, to: &str, name: &str) -> LinkQuestion {
        let name = name.to_owned();
        LinkQuestion { of: RecordKey::new(kind, id), to: to.to_owned(), name }
    }

    #[test]
    fn what_a_template_asks_for_is_known_before_it_is_filled_in() {
        let asks = |source: &str| Template::text(source).unwrap().asks(&scope());
        let own = [question("stax.transaction", "t1", "highlevel.contact", "")];
        assert_eq!(asks("{{ linked('highlevel.contact') }}"), own);
        assert_eq!(asks("a {{ linked('highlevel.contact') }} b"), own);
        assert_eq!(asks("{{ event.number }}"), []);
        let named =
            "{{ linked('highlevel.note', 'stax.customer', event.customer_id, as='notes') }}";
        assert_eq!(asks(named), [question("stax.customer", "c1", "highlevel.note", "notes")]);
        let number = "{{ linked('highlevel.note', 'stax.item', event.number) }}";
        assert_eq!(asks(number), [question("stax.item", "7", "highlevel.note", "")]);
        let nothing = "{{ linked('highlevel.note', 'stax.item', event.none) }}";
        assert_eq!(asks(nothing), []);
        let two = "{{ linked('highlevel.contact') }}-{{ linked('highlevel.contact', as='x') }}";
        let other = question("stax.transaction", "t1", "highlevel.contact", "x");
        let [own] = own;
        assert_eq!(asks(two), [own, other]);
    }

    #[test]
    fn what_depends_on_an_answer_is_asked_for_next() {
        let source =
            "{{ linked('highlevel.task', 'highlevel.contact', linked('highlevel.contact')) }}";
        let template = Template::text(source).unwrap();
        let mut scope = scope();
        let first = template.asks(&scope);
        assert_eq!(first.len(), 1);
        scope.learn_links([(first[0].clone(), Some("k1".to_owned()))]);
        let second = template.asks(&scope);
        assert_eq!(second, [question("highlevel.contact", "k1", "highlevel.task", "")]);
        scope.learn_links([(second[0].clone(), None)]);
        assert_eq!(template.asks(&scope), []);
        assert_eq!(template.render(&scope).unwrap().value(), None);
        assert_eq!(scope.linked_records("k1"), [RecordKey::new("highlevel.contact", "k1")]);
        scope.forget_links();
        assert_eq!(template.asks(&scope), first);
    }
}
