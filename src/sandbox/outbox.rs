//! Who gets which webhook: a message comes in; a letter for every address that wants it goes out, and what
//! became of each is kept.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::connection::leads_here;

use super::messages::Message;
use super::stax;
use super::world::World;

/// So many of the last webhooks are remembered.
const MOST_KEPT: usize = 10_000;

/// How many may wait to be sent.
pub(super) const MOST_WAITING: usize = 10_000;

/// The webhooks of a world.
#[derive(Default)]
pub(super) struct Outbox {
    is_open: bool,
    /// App and address, for all events of the app.
    targets: Vec<(String, String)>,
    /// Decides which ones are dropped.
    random: fastrand::Rng,
    posted: VecDeque<Posted>,
    /// Of all that there were; also the number of the last one.
    count: u64,
    leaving: Vec<Letter>,
}

/// A webhook, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Posted {
    /// Counted from 1.
    pub number: u64,
    pub app: String,
    /// As recipes write it: `highlevel.contact_created`
    pub event: String,
    /// As the app writes it: `ContactCreate`
    pub wire: String,
    /// The address; none when nobody wants it.
    pub to: Option<String>,
    pub fate: Fate,
    /// How often it was sent.
    pub tries: u32,
    /// The last answer, where one came.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub problem: Option<String>,
    pub payload: Map<String, Value>,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is on its way.
    Waiting,
    /// It was answered with 2xx.
    Delivered,
    /// It was lost on purpose.
    Dropped,
    /// It was never taken.
    Failed,
    /// Nobody wants it.
    Unheard,
}

/// A webhook on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub number: u64,
    pub app: String,
    pub wire: String,
    pub to: String,
    pub body: Vec<u8>,
}

impl Outbox {
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The last ones, oldest first.
    pub fn posted(&self) -> impl Iterator<Item = &Posted> {
        self.posted.iter()
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Forgets what was posted; what is on its way still arrives.
    pub fn forget(&mut self) {
        self.posted.clear();
    }

    /// Notes what came of one; nothing when it is not remembered any more.
    pub fn note(&mut self, number: u64, change: impl FnOnce(&mut Posted)) {
        let first = self.posted.front().map_or(0, |posted| posted.number);
        let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(posted) = at.and_then(|at| self.posted.get_mut(at)) {
            change(posted);
        }
    }

    fn post(&mut self, message: &Message, to: Option<String>, fate: Fate) -> u64 {
        self.count += 1;
        if self.posted.len() == MOST_KEPT {
            self.posted.pop_front();
        }
        self.posted.push_back(Posted {
            number: self.count,
            app: message.app.clone(),
            event: format!("{}.{}", message.app, message.event),
            wire: message.wire.clone(),
            to,
            fate,
            tries: 0,
            status: None,
            problem: None,
            payload: message.payload.clone(),
        });
        self.count
    }
}

impl World {
    /// From now on what changes is told: to the addresses that are registered with the app, and to these,
    /// by app, for all its events. `seed` decides which ones are dropped, when some are to be.
    pub fn tell_of_changes(&mut self, targets: Vec<(String, String)>, seed: u64) {
        self.outbox.is_open = true;
        self.outbox.targets = targets;
        self.outbox.random = fastrand::Rng::with_seed(seed);
    }

    /// Whether changes are told at all.
    pub(super) fn sends_webhooks(&self) -> bool {
        self.outbox.is_open
    }

    /// The last webhooks, oldest first.
    pub fn posted(&self) -> Vec<&Posted> {
        self.outbox.posted().collect()
    }

    /// Writes a letter to everybody who wants a message.
    pub(super) fn tell(&mut self, message: Message) {
        let targets = self.outbox.targets.iter().filter(|(app, _)| *app == message.app);
        let mut addresses: Vec<String> = targets.map(|(_, address)| address.clone()).collect();
        if message.app == "stax" {
            addresses.extend(stax::registered(self, &message.wire));
        }
        addresses.sort();
        addresses.dedup();
        if addresses.is_empty() {
            self.outbox.post(&message, None, Fate::Unheard);
        }
        for to in addresses {
            self.address(&message, to);
        }
    }

    fn address(&mut self, message: &Message, to: String) {
        let percent = self.settings.drop_webhooks_percent;
        if percent > 0 && self.outbox.random.u8(..100) < percent {
            self.outbox.post(message, Some(to), Fate::Dropped);
            return;
        }
        let problem = match leads_here(&to) {
            false => Some(THIS_MACHINE_ONLY),
            true if self.outbox.leaving.len() == MOST_WAITING => Some(TOO_MANY),
            true => None,
        };
        if let Some(problem) = problem {
            let number = self.outbox.post(message, Some(to), Fate::Failed);
            self.outbox.note(number, |posted| posted.problem = Some(problem.to_owned()));
            return;
        }
        let number = self.outbox.post(message, Some(to.clone()), Fate::Waiting);
        self.outbox.leaving.push(Letter {
            number,
            app: message.app.clone(),
            wire: message.wire.clone(),
            to,
            body: Value::Object(message.payload.clone()).to_string().into_bytes(),
        });
    }

    /// What is to be sent now.
    pub(super) fn take_letters(&mut self) -> Vec<Letter> {
        std::mem::take(&mut self.outbox.leaving)
    }
}

/// Why an address gets nothing.
pub(super) const THIS_MACHINE_ONLY: &str = "the sandbox sends webhooks to this machine only";
pub(super) const TOO_MANY: &str = "too many webhooks wait to be sent";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HERE: &str = "http://127.0.0.1:9/hooks";

    fn make(world: &mut World, email: &str) {
        let body = json!({ "locationId": World::location_id(), "email": email });
        assert_eq!(world.ask("highlevel", "POST /contacts/", body).0, 201);
    }

    fn fates(world: &World) -> Vec<Fate> {
        world.posted().iter().map(|posted| posted.fate).collect()
    }

    #[test]
    fn what_took_place_is_told_and_nothing_else() {
        let mut world = World::for_test();
        make(&mut world, "before@example.com");
        world.tell_of_changes(vec![("highlevel".to_owned(), HERE.to_owned())], 1);
        make(&mut world, "ada@example.com");
        let twice = json!({ "locationId": World::location_id(), "email": "ada@example.com" });
        assert_eq!(world.ask("highlevel", "POST /contacts/", twice).0, 400);
        let given = json!({ "email": "given@example.com" });
        world.add_records("highlevel.contact", &[given.as_object().unwrap().clone()]);
        world.ask("stax", "POST /customer", json!({ "firstname": "Bo" }));
        assert_eq!(fates(&world), [Fate::Waiting, Fate::Unheard]);
        let letters = world.take_letters();
        assert_eq!((letters.len(), letters[0].to.as_str()), (1, HERE));
        assert!(String::from_utf8_lossy(&letters[0].body).contains("ada@example.com"));
        assert!(world.take_letters().is_empty());
    }

    #[test]
    fn stax_tells_those_who_registered_for_the_event() {
        let mut world = World::for_test();
        world.tell_of_changes(Vec::new(), 1);
        let elsewhere = "POST /webhook?event=create_customer&target_url=https://example.com/";
        let (status, answer) = world.ask("stax", elsewhere, Value::Null);
        assert_eq!(status, 422);
        assert!(answer["target_url"][0].as_str().unwrap().contains("this machine only"));
        let path = format!("/webhook?event=create_customer&target_url={HERE}");
        let (_, hook) = world.ask("stax", &format!("POST {path}"), Value::Null);
        world.ask("stax", "POST /customer", json!({ "firstname": "Bo" }));
        let letters = world.take_letters();
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].wire.as_str(), letters[0].to.as_str()), ("create_customer", HERE));
        let id = hook["id"].as_str().unwrap();
        world.ask("stax", &format!("DELETE /webhook/{id}"), Value::Null);
        world.ask("stax", "POST /customer", json!({ "firstname": "Cy" }));
        assert!(world.take_letters().is_empty());
    }

    #[test]
    fn the_same_ones_are_dropped_with_the_same_seed() {
        let run = |seed: u64| {
            let mut world = World::for_test();
            world.set_rate_limit(false);
            let settings = Settings { drop_webhooks_percent: 50, ..world.settings().clone() };
            world.set_settings(settings);
            world.tell_of_changes(vec![("highlevel".to_owned(), HERE.to_owned())], seed);
            (0..40).for_each(|number| make(&mut world, &format!("c{number}@example.com")));
            fates(&world)
        };
        use super::super::Settings;
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let dropped = run(7).iter().filter(|fate| **fate == Fate::Dropped).count();
        assert!((10..30).contains(&dropped), "{dropped}");
    }
}
