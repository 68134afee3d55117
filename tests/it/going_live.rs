//! From the sandbox to live and back, as people do it: with the commands, while the service runs.

use std::path::Path;

use linecook::sandbox::{Sandbox, World};
use serde_json::Value;

use crate::cases::{linecook_with, seen};
use crate::service::sandbox;
use crate::serving::{Customers, Serving};

const RECIPE: &str = "\
name: A contact for every customer
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/upsert
    check_identity: false
    with: { email: '{{ event.email }}', source: Stax }
examples:
  - name: a customer with an address
    event: { id: c1, email: ada@example.com }
    expect:
      calls:
        - { call: POST /contacts/upsert, with: { email: EXPECTED } }
";

struct Shop {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn open() -> Shop {
        Shop { sandbox: sandbox().await, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        // In one piece: the service may be reading it.
        let new = self.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path().join(name)).unwrap();
    }

    fn recipe(&self, expected: &str) {
        self.write("customer.yaml", &RECIPE.replace("EXPECTED", expected));
    }

    fn project(&self, limits: &str) {
        let text = format!(
            "listen: 127.0.0.1:0\npublic_url: http://127.0.0.1:1\nconnections:\n  \
             stax: {{ app: stax, base_url: \"{}\" }}\n  \
             main: {{ app: highlevel, location_id: {}, base_url: \"{}\", scopes: [contacts.write] }}\n\
             recipes:\n  - recipe: customer.yaml\n{limits}",
            self.sandbox.base_url("stax"),
            World::location_id(),
            self.sandbox.base_url("highlevel"),
        );
        self.write("linecook.yaml", &text);
    }

    fn says(&self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let main = ("LINECOOK_MAIN_TOKEN", World::token("highlevel"));
        let stax = ("LINECOOK_STAX_TOKEN", World::token("stax"));
        let tokens = [(main.0, main.1.as_str()), (stax.0, stax.1.as_str())];
        seen(&linecook_with(self.path(), &words, &tokens))
    }

    /// A command that ends so, in the end.
    fn says_soon(&self, command: &str, what: &str) -> String {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let text = self.says(command);
            if text.contains(what) {
                return text;
            }
            assert!(std::time::Instant::now() < deadline, "{command} never says {what}: {text}");
        }
    }

    fn contacts(&self) -> usize {
        self.sandbox.world().records("highlevel.contact").len()
    }
}

#[track_caller]
fn has(text: &str, all: &[&str]) {
    for what in all {
        assert!(text.contains(what), "it does not say {what:?}:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_goes_live_when_nothing_is_wrong_and_stops_when_told() {
    let shop = Shop::open().await;
    shop.recipe("bo@example.com");
    shop.project("");
    let text = shop.says("go-live customer --yes");
    has(&text, &["1 example fails", "`linecook test customer.yaml` shows them", "--- exit 1"]);
    shop.recipe("ada@example.com");
    let text = shop.says("go-live customer");
    has(
        &text,
        &[
            "1 example passes",
            "✓ main            works",
            "has all it needs: contacts.write",
            "none of its events has arrived yet",
            "it has none: nothing stops it",
            "this lets customer go live: from now on its events change the real accounts, and nobody can be asked here",
        ],
    );

    let mut serving = Serving::start(shop.path());
    let address = serving.address();
    serving.says("in the sandbox");
    let hooks = shop.says("webhooks list --format json");
    let hooks: Value = serde_json::from_str(hooks.lines().next().unwrap()).unwrap();
    let hook = hooks["webhooks"][0]["address"].as_str().unwrap();
    let mut customers = Customers::to(hook.replace("127.0.0.1:1/", &format!("{address}/")));
    customers.post().await;
    customers.post().await;
    let text = shop.says_soon("runs list --format json", "\"stopped\":2");
    has(&text, &["in the sandbox, nothing was sent: it would call POST /contacts/upsert"]);
    assert_eq!(shop.contacts(), 0);

    // What came last would be too much.
    shop.project("    limits: { contacts: 1 }\n");
    let text = shop.says("go-live customer --yes");
    has(
        &text,
        &[
            "  event-1  stax.customer_created  POST /contacts/upsert",
            "the latest 2 events: 2 contacts changed, 0 tags taken away, 2 calls",
            "with event-2 it would change more than 1 contact in 24 hours",
            "or raise `limits: contacts` of customer in linecook.yaml",
            "customer stays as it is",
            "--- exit 1",
        ],
    );
    shop.project("limits: { contacts: 2 }\n");
    let text = shop.says("go-live customer --yes");
    has(&text, &["within them: contacts 2 in 24 hours", "customer is live", "--- exit 0"]);
    serving.says("changes were taken over");
    assert_eq!(shop.contacts(), 0);
    customers.post().await;
    let text = shop.says_soon("runs list --format json", "\"done\":1");
    has(&text, &["\"stopped\":2"]);
    assert_eq!(shop.contacts(), 1);
    customers.post().await;
    customers.post().await;
    shop.says_soon("runs list --format json", "\"paused\":1");
    assert_eq!(shop.contacts(), 2);
    let text = shop.says("recipes");
    has(
        &text,
        &[
            "customer  paused",
            "contacts 2 of 2",
            "it would change more than 2 contacts in 24 hours",
            "1 run waits",
        ],
    );
    has(&shop.says("doctor"), &["✗ paused", "look at it, then `linecook go-live customer`"]);

    // Another recipe than before: what waits takes it as it is now.
    let recipe = RECIPE.replace("EXPECTED", "ada@example.com").replace("Stax }", "Shop }");
    shop.write("customer.yaml", &recipe);
    shop.project("    limits: { contacts: 9 }\n");
    has(&shop.says("go-live customer --yes"), &["customer is live", "--- exit 0"]);
    shop.says_soon("runs list --format json", "\"done\":3");
    assert_eq!(shop.contacts(), 3);
    let sources = |world: &World| {
        let contacts = world.records("highlevel.contact").into_iter();
        contacts.map(|c| c["source"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sources(&shop.sandbox.world()), ["Stax", "Stax", "Shop"]);

    let text = shop.says("pause customer --why holidays");
    has(&text, &["customer is paused", "its events wait", "--- exit 0"]);
    has(&shop.says("pause customer"), &["customer is paused already"]);
    customers.post().await;
    let text = shop.says_soon("runs list", "its recipe is paused: holidays");
    has(&text, &["paused: `linecook go-live customer` lets them go on"]);
    has(&shop.says("runs retry run-6"), &["run-6 waits until its recipe is live"]);
    drop(serving);
    // Without a service it can be let go on, too.
    let text = shop.says("go-live ./customer.yaml --yes");
    has(&text, &["customer is live", "no service runs here now"]);
    assert_eq!(shop.contacts(), 3);
    let mut serving = Serving::start(shop.path());
    serving.address();
    shop.says_soon("runs list --format json", "\"done\":4");
    assert_eq!(shop.contacts(), 4);

    // Remarks and examples change nothing; a step does.
    shop.write(
        "customer.yaml",
        &recipe.replace("name: a customer with", "name: somebody with # …"),
    );
    serving.says("changes were taken over");
    has(&shop.says("recipes"), &["customer  live"]);
    shop.write("customer.yaml", &recipe.replace("Shop }", "Store }"));
    serving.says("in review: it has changed since it went live; its events wait");
    has(&shop.says("recipes"), &["customer  review", "it has changed since it went live"]);
    let text = shop.says("sync customer --apply");
    has(&text, &["customer is in review", "first `linecook go-live customer`"]);
}
