//! Many writers on one contact, in every order: none of our writes is lost, and nothing of what somebody
//! else writes is changed that no recipe names.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use linecook::call::{CallError, Caller, Request, Response};
use linecook::catalog::Catalog;
use linecook::execute::{LocalEngine, RecordLocks, Setup, TriggerEvent, VirtualClock, drive};
use linecook::journal::Outcome;
use linecook::plan::{self, Accounts, Plan};
use linecook::sandbox::{Answer, Arrived, World};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::service::plan_of;

const WRITERS: usize = 16;
const FOREIGN_WRITES: usize = 8;

/// Each writer names its own field, its own custom field and its own tag; some know the contact by its id,
/// some by its e-mail or phone.
fn recipe(writer: usize) -> String {
    let (call, contact) = match writer % 4 {
        0 | 1 => ("PUT /contacts/:contactId", "contactId: one"),
        2 => ("POST /contacts/upsert", "email: one@example.com"),
        _ => ("POST /contacts/upsert", "{ email: one@example.com, phone: '+14075550100' }"),
    };
    let contact = contact.trim_matches(['{', '}', ' ']).replace(", ", "\n      ");
    let own = ["firstName", "lastName", "city", "website", "address1", "timezone"];
    let field = own.get(writer).map(|name| format!("{name}: 'of {writer}'")).unwrap_or_default();
    format!(
        "
name: Writer {writer}
trigger:
  on: stax.customer_updated
steps:
  - call: {call}
    patch: true
    with:
      {contact}
      customFields: [{{ id: f{writer}, field_value: 'of {writer}' }}]
      tags: {{ add: [tag-{writer}], remove: [old-{writer}] }}
      {field}
"
    )
}

/// A way to the pretended apps on which everybody overtakes everybody, and some answers are lost.
#[derive(Clone)]
struct Road {
    world: Arc<Mutex<World>>,
    random: Arc<Mutex<Rng>>,
    may_lose: bool,
}

impl Road {
    async fn stroll(&self) {
        let steps = self.random.lock().unwrap().u8(0..6);
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
    }
}

impl Caller for Road {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        self.stroll().await;
        let lost = self.may_lose && self.random.lock().unwrap().u8(0..20) == 0;
        let before = self.random.lock().unwrap().bool();
        if lost && before {
            return Err(CallError::NoAnswer("it is lost".into()));
        }
        let answer = self.world.lock().unwrap().answer(&arrived(request));
        self.stroll().await;
        match answer {
            Answer::Reply { status, body, .. } if !lost => Ok(Response {
                status,
                body: serde_json::from_slice(&body).unwrap(),
                ..Response::default()
            }),
            _ => Err(CallError::NoAnswer("its answer is lost".into())),
        }
    }
}

fn arrived(request: &Request) -> Arrived {
    Arrived {
        app: request.app.clone(),
        method: request.method.clone(),
        path: format!("/{}", request.path.join("/")),
        query: request.query.clone(),
        headers: vec![
            ("authorization".into(), format!("Bearer {}", World::token(&request.app))),
            ("version".into(), "2021-07-28".into()),
        ],
        body: request.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    }
}

/// Somebody who knows nothing of us, and writes what no recipe names.
async fn foreign(road: Road) {
    for number in 0..FOREIGN_WRITES {
        road.stroll().await;
        let request = |method: &str, path: &[&str], body: Value| Request {
            app: "highlevel".into(),
            method: method.into(),
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            body: Some(body),
            ..Request::default()
        };
        let body = json!({ "state": format!("state {number}"), "postalCode": format!("{number}") });
        road.world.lock().unwrap().answer(&arrived(&request("PUT", &["contacts", "one"], body)));
        road.stroll().await;
        let tags = json!({ "tags": [format!("theirs-{number}")] });
        let add = request("POST", &["contacts", "one", "tags"], tags);
        road.world.lock().unwrap().answer(&arrived(&add));
    }
}

async fn interleave(seed: u64, plans: &[Arc<Plan>]) -> Result<(), String> {
    let catalog = Catalog::embedded();
    let mut world = World::new(catalog);
    world.set_rate_limit(false);
    // The harder of the two: what a list of custom fields does not name is gone.
    world.set_replace_custom_fields(true);
    let old: Vec<String> = (0..WRITERS).map(|writer| format!("old-{writer}")).collect();
    let contact = json!({ "id": "one", "email": "one@example.com", "phone": "+14075550100", "tags": old,
        "customFields": [{ "id": "kept", "field_value": "kept" }] });
    world.add_records("highlevel.contact", &[contact.as_object().unwrap().clone()]);
    let world = Arc::new(Mutex::new(world));
    let random = Arc::new(Mutex::new(Rng::with_seed(seed)));
    let locks = RecordLocks::default();
    let mut writers = JoinSet::new();
    for (writer, plan) in plans.iter().enumerate() {
        let road = Road { world: world.clone(), random: random.clone(), may_lose: true };
        let setup = Setup {
            catalog,
            run_id: format!("run-{writer}"),
            settings: Map::new(),
            accounts: Accounts::of_catalog(catalog, World::location_id()).into(),
            detail: plan::Detail::ToSend,
            defaults: Default::default(),
            locks: locks.clone(),
            own_writes: Default::default(),
            chain: 0,
            care: Default::default(),
            settle_after: Duration::from_secs(31),
        };
        let plan = plan.clone();
        writers.spawn(async move {
            let now = jiff::Timestamp::UNIX_EPOCH;
            let event = TriggerEvent {
                id: format!("event-{writer}"),
                received_at: now,
                event: plan.recipe.trigger.events[0].clone(),
                payload: Map::from_iter([("id".to_owned(), "c1".into())]),
            };
            let day = Duration::from_secs(24 * 3_600);
            let mut engine = LocalEngine::new(road, VirtualClock::at(now), day, |_| {});
            drive(&plan, &event, &setup, &mut engine).await
        });
    }
    let road = Road { world: world.clone(), random, may_lose: false };
    let theirs = tokio::spawn(foreign(road));
    while let Some(outcome) = writers.join_next().await {
        let outcome = outcome.unwrap();
        if !matches!(outcome, Outcome::Done) {
            return Err(format!("a run ended so: {outcome:?}"));
        }
    }
    theirs.await.unwrap();
    judge(&world.lock().unwrap())
}

fn judge(world: &World) -> Result<(), String> {
    let contact = Value::Object(world.records("highlevel.contact")[0].clone());
    let mut lost = Vec::new();
    let field = |id: &str| {
        let fields = contact["customFields"].as_array().unwrap();
        fields.iter().find(|field| field["id"] == id).map(|field| field["value"].clone())
    };
    let tags: Vec<&str> =
        contact["tags"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    for writer in 0..WRITERS {
        if field(&format!("f{writer}")) != Some(format!("of {writer}").into()) {
            lost.push(format!("the custom field of {writer}"));
        }
        if !tags.contains(&format!("tag-{writer}").as_str()) {
            lost.push(format!("the tag of {writer}"));
        }
        if tags.contains(&format!("old-{writer}").as_str()) {
            lost.push(format!("the removal by {writer}"));
        }
    }
    for (writer, name) in ["firstName", "lastName", "city"].iter().enumerate() {
        if contact[name] != format!("of {writer}") {
            lost.push(format!("{name} of {writer}"));
        }
    }
    let last = FOREIGN_WRITES - 1;
    for number in 0..FOREIGN_WRITES {
        if !tags.contains(&format!("theirs-{number}").as_str()) {
            lost.push(format!("their tag {number}"));
        }
    }
    if contact["state"] != format!("state {last}") || contact["postalCode"] != format!("{last}") {
        lost.push("their last write".to_owned());
    }
    if field("kept") != Some("kept".into()) {
        lost.push("the custom field that nobody names".to_owned());
    }
    if tags.len() != WRITERS + FOREIGN_WRITES {
        lost.push(format!("tags: {tags:?}"));
    }
    match lost.is_empty() {
        true => Ok(()),
        false => Err(format!("lost: {}", lost.join(", "))),
    }
}

/// `LINECOOK_INTERLEAVINGS=10000 cargo test interleaving -- --nocapture`
#[test]
fn in_every_interleaving_nothing_is_lost() {
    let count = std::env::var("LINECOOK_INTERLEAVINGS").ok().and_then(|n| n.parse().ok());
    let count: u64 = count.unwrap_or(100);
    let seed = std::env::var("LINECOOK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let plans: Vec<Arc<Plan>> =
        (0..WRITERS).map(|writer| Arc::new(plan_of(&recipe(writer)))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut wrong = Vec::new();
    for number in 0..count {
        if let Err(why) = runtime.block_on(interleave(seed + number, &plans)) {
            wrong.push(format!("seed {}: {why}", seed + number));
        }
    }
    println!(
        "seed {seed}: {count} interleavings of {WRITERS} writers and one foreign writer, {} with something lost",
        wrong.len()
    );
    wrong.truncate(5);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
