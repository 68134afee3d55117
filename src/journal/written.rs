//! Entries on their way to a journal, as text: what is only written down is never copied first.

use serde::Serialize;

use super::{CallKey, Change, Decision, Entry, LooksFor, PlannedCall};
use crate::call::{CallError, Request, Response};
use crate::catalog::{Effect, InDoubt};

/// What a few entries need: so that their text does not move as it grows.
const USUAL_BYTES: usize = 2_048;

/// Entries that are written together, in order.
#[derive(Debug, Default)]
pub struct Written {
    /// A JSON list without its end.
    text: Vec<u8>,
    has_answer: bool,
    costs: Vec<Cost>,
    changes: Vec<Change>,
    /// The app of the call that went out last: calls of a run go one after the other.
    called: String,
}

/// What entries cost at one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub app: String,
    pub requests: u32,
    pub failures: u32,
}

/// Up to where something was written.
#[derive(Clone, Copy)]
pub struct Mark(usize);

impl Written {
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether there is an answer in it, which cannot be found again.
    pub fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// The entries as a JSON list; none when there are none.
    pub fn text(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut text = Vec::with_capacity(self.text.len() + 1);
        text.extend_from_slice(&self.text);
        text.push(b']');
        Some(String::from_utf8(text).expect("JSON is text"))
    }

    /// The entries themselves.
    pub fn entries(&self) -> Vec<Entry> {
        let text = self.text().unwrap_or_else(|| "[]".to_owned());
        serde_json::from_str(&text).expect("what was written can be read")
    }

    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// What they change beyond the run, in order: to be done together with writing them.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Forgets the entries: they are in the journal now.
    pub fn clear(&mut self) {
        self.text.clear();
        self.changes.clear();
        self.costs.clear();
        self.has_answer = false;
    }

    /// A call is about to go out. Where its values came from can be found again, and is not kept. Gives
    /// where to go back to when it does not go out after all.
    pub fn intent(&mut self, key: &CallKey, call: &PlannedCall) -> Mark {
        let mark = Mark(self.text.len());
        let PlannedCall { planned, effect, settle, attempt, looks_for } = call;
        self.push(&Note::Intent {
            key,
            call: NotedCall {
                planned: NotedRequest { request: &planned.request, origins: [] },
                effect: *effect,
                settle: *settle,
                attempt: *attempt,
                looks_for: looks_for.as_ref(),
            },
        });
        self.called.clone_from(&planned.request.app);
        self.cost(1, 0);
        mark
    }

    /// The last call does not go out.
    pub fn take_back(&mut self, mark: Mark) {
        self.text.truncate(mark.0);
        if let Some(cost) = self.costs.iter_mut().find(|cost| cost.app == self.called) {
            cost.requests = cost.requests.saturating_sub(1);
        }
    }

    /// What came back.
    pub fn answered(&mut self, key: &CallKey, attempt: u32, answer: &Result<Response, CallError>) {
        self.push(&Note::Answered { key, attempt, answer });
        self.has_answer = true;
        match answer {
            Ok(response) if response.is_success() => {}
            // Nothing went out that the app could have refused.
            Err(CallError::NoToken(_) | CallError::Withheld { .. }) => {}
            _ => self.cost(0, 1),
        }
    }

    /// Something that must come out the same on every replay.
    pub fn decided(&mut self, key: &CallKey, decision: &Decision) {
        self.changes.extend(decision.change());
        self.push(&Note::Decided { key, decision });
    }

    /// Anything else.
    pub fn entry(&mut self, entry: &Entry) {
        debug_assert!(!matches!(entry, Entry::Intent { .. } | Entry::Answered { .. }));
        self.push(entry);
    }

    fn push(&mut self, entry: &impl Serialize) {
        if self.text.capacity() == 0 {
            self.text.reserve(USUAL_BYTES);
        }
        self.text.push(if self.text.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut self.text, entry).expect("entries are plain data");
    }

    fn cost(&mut self, requests: u32, failures: u32) {
        match self.costs.iter_mut().find(|cost| cost.app == self.called) {
            Some(cost) => {
                cost.requests += requests;
                cost.failures += failures;
            }
            None => self.costs.push(Cost { app: self.called.clone(), requests, failures }),
        }
    }
}

/// The most frequent kinds of [`Entry`], as they are written.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Note<'a> {
    Intent { key: &'a CallKey, call: NotedCall<'a> },
    Answered { key: &'a CallKey, attempt: u32, answer: &'a Result<Response, CallError> },
    Decided { key: &'a CallKey, decision: &'a Decision },
}

/// [`PlannedCall`] as it is written.
#[derive(Serialize)]
struct NotedCall<'a> {
    planned: NotedRequest<'a>,
    effect: Effect,
    settle: InDoubt,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    looks_for: Option<&'a LooksFor>,
}

#[derive(Serialize)]
struct NotedRequest<'a> {
    request: &'a Request,
    origins: [(); 0],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlannedRequest;
    use serde_json::json;

    fn call() -> PlannedCall {
        let request = Request {
            app: "highlevel".into(),
            operation: "highlevel.create-note".into(),
            call: "POST /contacts/:contactId/notes".into(),
            method: "POST".into(),
            base_url: "https://example.com".into(),
            path: vec!["contacts".into(), "c1".into(), "notes".into()],
            query: vec![("a".into(), "b".into())],
            headers: Vec::new(),
            body: Some(json!({ "body": "Hi \"you\"\n" })),
        };
        let looks_for = LooksFor { conditions: serde_json::Map::new(), creates: true };
        PlannedCall {
            planned: PlannedRequest { request, origins: Vec::new(), left_out: Vec::new() },
            effect: Effect::Create,
            settle: InDoubt::Marker,
            attempt: 2,
            looks_for: Some(looks_for),
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_entries_it_is() {
        let key = CallKey::new("note", &[1], "call");
        let answers = [
            Ok(Response { status: 201, body: json!({ "id": "n1" }), ..Response::default() }),
            Err(CallError::NoAnswer("it was cut".into())),
        ];
        let mut written = Written::default();
        assert_eq!((written.text(), written.entries()), (None, Vec::new()));
        let decision = Decision::Skipped("no".into());
        written.decided(&key, &decision);
        let decided = Entry::Decided { key: key.clone(), decision };
        assert!(!written.has_answer());
        let mut expected = vec![decided];
        for answer in answers {
            written.intent(&key, &call());
            written.answered(&key, 2, &answer);
            expected.push(Entry::Intent { key: key.clone(), call: Box::new(call()) });
            expected.push(Entry::Answered { key: key.clone(), attempt: 2, answer });
        }
        let mark = written.intent(&key, &call());
        written.take_back(mark);
        assert!(written.has_answer());
        assert_eq!(written.entries(), expected);
        let cost = Cost { app: "highlevel".into(), requests: 2, failures: 1 };
        assert_eq!(written.costs(), [cost]);
        written.clear();
        assert!(written.is_empty() && !written.has_answer() && written.costs().is_empty());
    }
}
