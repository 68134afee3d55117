//! What a request meets on its way: the rate limit, the failures that were ordered, whether it may come in and
//! whether it is right; then the app answers, and what has changed is told.

use std::time::Instant;

use serde_json::Value;

use crate::catalog::{App, Operation};
use crate::recipe::Fault;

use super::matching::Match;
use super::meter::Meter;
use super::reply::Reply;
use super::validate::{self, Sent};
use super::world::{Call, World};
use super::{Answer, Arrived, LedgerEntry, MAX_BODY};
use super::{access, generic, highlevel, messages, tokens};

impl World {
    /// Does what the request asks and answers it.
    pub fn answer(&mut self, arrived: &Arrived) -> Answer {
        let found = self.routes.find(&arrived.app, &arrived.method, &arrived.path);
        self.records.watch(self.outbox.is_open());
        let mut entry = LedgerEntry::new(arrived, found.as_ref());
        let (reply, fault) = self.reply(arrived, found.as_ref(), &mut entry);
        let status = reply.status;
        let answer = match fault {
            Some(Fault::Disconnect) => Answer::Disconnect,
            Some(Fault::Timeout) => Answer::Silence,
            Some(Fault::Garbage) => reply.into_garbage(),
            None => reply.into_answer(),
        };
        entry.status = matches!(answer, Answer::Reply { .. }).then_some(status);
        self.ledger.push(entry);
        let changes = self.records.take_changes();
        for change in &changes {
            messages::of_change(self, change).into_iter().for_each(|message| self.tell(message));
        }
        answer
    }

    fn reply(
        &mut self,
        arrived: &Arrived,
        found: Option<&Match>,
        entry: &mut LedgerEntry,
    ) -> (Reply, Option<Fault>) {
        let catalog = self.catalog;
        let Some(app) = catalog.app(&arrived.app) else {
            return (Reply::refused("", 404, "There is no such app here."), None);
        };
        let limits = match self.limit(app) {
            Ok(headers) => headers,
            Err(refusal) => return (refusal, None),
        };
        let with_limits = |mut reply: Reply| {
            reply.headers.extend(limits.clone());
            reply
        };
        if arrived.body.len() > MAX_BODY {
            return (with_limits(Reply::refused(&app.app, 413, "request entity too large")), None);
        }
        let operation = found.and_then(|found| catalog.operation(&found.entry.id).ok());
        let (Some(found), Some(operation)) = (found, operation) else {
            let path: String = arrived.path.chars().take(200).collect();
            let message = format!("Cannot {} {path}", arrived.method);
            return (with_limits(Reply::refused(&app.app, 404, message)), None);
        };
        entry.changes = operation.changes();
        let mishap = self.failures.next(&app.app, &operation.long_id());
        let (done, instead, fault) = match mishap {
            Some(mishap) => (mishap.done, mishap.instead, mishap.fault),
            None => (true, None, None),
        };
        let reply = done.then(|| {
            let reply = match tokens::endpoint(app, &operation) {
                Some(endpoint) => {
                    // There are secrets in it.
                    entry.body = Value::Null;
                    tokens::answer(self, app, endpoint, arrived)
                }
                None => self.handle(app, &operation, found, arrived),
            };
            entry.took_place = reply.is_success() && operation.changes();
            reply
        });
        let reply = instead
            .or(reply)
            .unwrap_or_else(|| Reply::refused(&app.app, 500, super::reply::reason(500)));
        (with_limits(reply), fault)
    }

    /// Counts the request; gives the headers that tell the counts, or the refusal.
    fn limit(&mut self, app: &App) -> Result<Vec<(String, String)>, Reply> {
        let meter = self.meters.entry(app.app.clone()).or_insert_with(|| Meter::new(&app.limits));
        let refused =
            if self.settings.rate_limit { meter.count(Instant::now()).err() } else { None };
        let is_highlevel = app.app == "highlevel";
        let headers = if is_highlevel { meter.headers() } else { Vec::new() };
        let Some(seconds) = refused else { return Ok(headers) };
        let mut reply = Reply::refused(&app.app, 429, "Too Many Requests");
        reply.headers = headers;
        // No document says that HighLevel sends it.
        if !is_highlevel {
            reply.headers.push(("Retry-After".to_owned(), seconds.to_string()));
        }
        Err(reply)
    }

    fn handle(
        &mut self,
        app: &App,
        operation: &Operation,
        found: &Match,
        arrived: &Arrived,
    ) -> Reply {
        let checked = access::check(self, app, operation, arrived)
            .and_then(|()| validate::check(operation, arrived))
            .and_then(|sent| access::check_location(app, &found.path, &sent).map(|()| sent));
        let Sent { query, body } = match checked {
            Ok(sent) => sent,
            Err(refusal) => return refusal,
        };
        let call = Call { operation, path: &found.path, query, body };
        match app.app.as_str() {
            "highlevel" => highlevel::answer(self, &call),
            _ => generic::answer(self, &call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe;
    use serde_json::{Map, json};

    fn arrived(headers: &[(&str, &str)]) -> Arrived {
        Arrived {
            app: "highlevel".to_owned(),
            method: "GET".to_owned(),
            path: "/contacts/x".to_owned(),
            headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Arrived::default()
        }
    }

    fn status(answer: &Answer) -> u16 {
        match answer {
            Answer::Reply { status, .. } => *status,
            other => panic!("{other:?}"),
        }
    }

    fn message(answer: &Answer) -> Value {
        match answer {
            Answer::Reply { body, .. } => {
                serde_json::from_slice::<Value>(body).unwrap()["message"].clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_right_token_and_version_come_in() {
        let mut world = World::for_test();
        let answer = world.answer(&arrived(&[("Version", "2021-07-28")]));
        assert_eq!(message(&answer), "Invalid token: access token is invalid");
        let answer = world.answer(&arrived(&[("Authorization", "Bearer sandbox-highlevel")]));
        assert_eq!(status(&answer), 401);
        assert_eq!(message(&answer), "version header was not found.");
    }

    #[test]
    fn a_scope_that_is_missing_is_refused_and_so_is_another_account() {
        let mut world = World::for_test();
        world.set_scopes("highlevel", Some(vec!["contacts.readonly".to_owned()]));
        let body = json!({ "locationId": World::location_id(), "email": "ada@example.com" });
        let (status, answer) = world.ask("highlevel", "POST /contacts/", body.clone());
        assert_eq!(status, 401);
        assert_eq!(answer["message"], "The token is not authorized for this scope.");
        world.set_scopes("highlevel", None);
        assert_eq!(world.ask("highlevel", "POST /contacts/", body).0, 201);
        let (status, answer) =
            world.ask("highlevel", "GET /contacts/?locationId=other", Value::Null);
        assert_eq!(status, 403);
        assert_eq!(answer["message"], "The token does not have access to this location.");
    }

    #[test]
    fn the_hundred_and_first_request_is_too_much() {
        let mut world = World::for_test();
        let call = "GET /contacts/x";
        for _ in 0..100 {
            assert_eq!(world.ask("highlevel", call, Value::Null).0, 400);
        }
        let Answer::Reply { status, headers, .. } = world.send("highlevel", call, Value::Null)
        else {
            panic!("no reply")
        };
        assert_eq!(status, 429);
        assert!(headers.contains(&("X-RateLimit-Max".to_owned(), "100".to_owned())));
        assert!(headers.contains(&("X-RateLimit-Remaining".to_owned(), "0".to_owned())));
        world.set_rate_limit(false);
        assert_eq!(world.ask("highlevel", call, Value::Null).0, 400);
    }

    #[test]
    fn a_fault_comes_after_the_effect_and_a_status_instead_of_it() {
        let mut world = World::for_test();
        world.add_records("highlevel.contact", &[Map::from_iter([("id".into(), "c1".into())])]);
        let failure = |status, fault| recipe::Failure {
            call: "highlevel.create-note".to_owned(),
            status,
            fault,
            times: Some(1),
            ..recipe::Failure::default()
        };
        world.add_failure(&failure(Some(502), None));
        world.add_failure(&failure(None, Some(Fault::Disconnect)));
        world.add_failure(&failure(None, Some(Fault::Timeout)));
        let mut send =
            || world.send("highlevel", "POST /contacts/c1/notes", json!({ "body": "Hi" }));
        assert_eq!(status(&send()), 502);
        assert_eq!(send(), Answer::Disconnect);
        assert_eq!(send(), Answer::Silence);
        assert_eq!(status(&send()), 201);
        assert_eq!(world.records("highlevel.note").len(), 3);
        let took_place: Vec<bool> = world.ledger().iter().map(|entry| entry.took_place).collect();
        assert_eq!(took_place, [false, true, true, true]);
        assert_eq!(world.ledger()[1].status, None);
        assert_eq!(world.ledger()[1].operation.as_deref(), Some("highlevel.create-note"));
        assert_eq!(world.ledger()[1].path["contactId"], "c1");
    }

    #[test]
    fn a_call_may_be_done_and_refused_or_break_before_it_is_done() {
        let mut world = World::for_test();
        world.add_records("highlevel.contact", &[Map::from_iter([("id".into(), "c1".into())])]);
        for (status, fault, done) in [(Some(422), None, true), (None, Some(Fault::Timeout), false)]
        {
            world.add_failure(&recipe::Failure {
                call: "highlevel.create-note".to_owned(),
                status,
                fault,
                done: Some(done),
                times: Some(1),
                ..recipe::Failure::default()
            });
        }
        let mut send =
            || world.send("highlevel", "POST /contacts/c1/notes", json!({ "body": "Hi" }));
        assert_eq!(status(&send()), 422);
        assert_eq!(send(), Answer::Silence);
        let took_place: Vec<bool> = world.ledger().iter().map(|entry| entry.took_place).collect();
        assert_eq!(took_place, [true, false]);
        assert_eq!(world.records("highlevel.note").len(), 1);
    }
}
