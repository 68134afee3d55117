//! What a connection may do, and which links hold, as people meet it: with `run --live`, and while the
//! service runs.

use std::path::Path;

use linecook::sandbox::{Sandbox, World};
use serde_json::{Value, json};

use crate::cases::{linecook_with, seen};
use crate::service::sandbox;
use crate::serving::{Customers, Serving};

const RECIPE: &str = "\
name: A contact for every customer
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
";

/// A project whose connections lead to a sandbox.
struct Shop {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn open() -> Shop {
        let sandbox = sandbox().await;
        let shop = Shop { sandbox, folder: tempfile::tempdir().unwrap() };
        std::fs::write(shop.path().join("recipe.yaml"), RECIPE).unwrap();
        let event = r#"{ "id": "c1", "email": "ada@example.com" }"#;
        std::fs::write(shop.path().join("event.json"), event).unwrap();
        shop.may("");
        shop
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the project file, with more keys of the connection `main`.
    fn may(&self, more: &str) {
        let text = format!(
            "live_at_once: true\n\
             listen: 127.0.0.1:0\n\
             public_url: http://127.0.0.1:1\n\
             connections:\n  \
               stax: {{ app: stax, base_url: \"{stax}\" }}\n  \
               main: {{ app: highlevel, location_id: {location}, base_url: \"{url}\"{more} }}\n\
             recipes:\n  \
               - recipe: recipe.yaml\n",
            stax = self.sandbox.base_url("stax"),
            location = World::location_id(),
            url = self.sandbox.base_url("highlevel"),
        );
        // In one piece: the service may be reading it.
        let new = self.path().join("linecook.yaml.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path().join("linecook.yaml")).unwrap();
    }

    /// How many calls were to change something.
    fn calls(&self) -> usize {
        self.sandbox.world().ledger().iter().filter(|entry| entry.changes).count()
    }

    fn says(&self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let tokens = [
            ("LINECOOK_MAIN_TOKEN", World::token("highlevel")),
            ("LINECOOK_STAX_TOKEN", World::token("stax")),
        ];
        let tokens: Vec<_> = tokens.iter().map(|(name, token)| (*name, token.as_str())).collect();
        seen(&linecook_with(self.path(), &words, &tokens))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_live_sends_nothing_that_the_connection_may_not_do() {
    let shop = Shop::open().await;
    const LIVE: &str = "run recipe.yaml --live --event event.json";
    shop.may(", allow: [contacts.read]");
    let text = shop.says(LIVE);
    let why = "not sent: `allow` of the connection `main` does not cover `contacts.write`";
    assert!(text.contains(why), "{text}");
    assert!(text.contains("add `contacts.write` to its `allow` in linecook.yaml"), "{text}");
    assert_eq!(shop.calls(), 0);
    shop.may(", scopes: [contacts.readonly]");
    let text = shop.says(LIVE);
    assert!(text.contains("does not have the scope `contacts.write`"), "{text}");
    assert_eq!(shop.calls(), 0);
    shop.may(", allow: [contacts.write]");
    let text = shop.says(LIVE);
    assert!(text.ends_with("--- exit 0\n"), "{text}");
    assert_eq!(shop.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_live_uses_the_links_of_the_project_whether_a_service_runs_or_not() {
    let shop = Shop::open().await;
    let recipe = "\
name: Link the contact
trigger:
  on: stax.customer_created
steps:
  - id: before
    set: { contact_id: \"{{ linked('highlevel.contact') }}\" }
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
    link: { stax.customer: '{{ event.id }}', highlevel.contact: '{{ steps.contact.contact_id }}' }
";
    std::fs::write(shop.path().join("recipe.yaml"), recipe).unwrap();
    const LIVE: &str = "run recipe.yaml --live --event event.json";
    // There is no store yet.
    let text = shop.says(LIVE);
    assert!(text.contains("stax.customer c1 is linked with no highlevel.contact"), "{text}");
    assert!(text.ends_with("--- exit 0\n"), "{text}");
    let listed = shop.says("links list --format json");
    let listed: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(listed["links"][0]["connections"], json!(["main", "stax"]), "{listed}");
    let text = shop.says(LIVE);
    assert!(text.contains("before contact_id: contact0000000000001"), "{text}");

    let mut serving = Serving::start(shop.path());
    serving.says("linecook listens on");
    let text = shop.says("links remove stax.customer c1 --yes");
    assert!(text.contains("unlinked stax.customer c1"), "{text}");
    let text = shop.says(LIVE);
    assert!(text.contains("stax.customer c1 is linked with no highlevel.contact"), "{text}");
    let text = shop.says(LIVE);
    assert!(text.contains("before contact_id: contact0000000000001"), "{text}");
    drop(serving);
    // In the sandbox nothing of that is there.
    let text = shop.says("run recipe.yaml --event event.json");
    assert!(text.contains("stax.customer c1 is linked with no highlevel.contact"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_with_a_connection_that_may_not_do_what_a_recipe_needs() {
    let shop = Shop::open().await;
    shop.may(", allow: [contacts.read]");
    for command in ["serve", "sync recipe --apply"] {
        let text = shop.says(command);
        assert!(text.contains("error[not-allowed]"), "{text}");
        assert!(text.contains("The project has errors: nothing was started."), "{text}");
        assert!(text.ends_with("--- exit 1\n"), "{text}");
    }
    let json = shop.says("check --format json");
    let json: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    let connection = &json["connections"][0];
    assert_eq!(connection["connection"], "main");
    assert_eq!(connection["needed_scopes"], json!(["contacts.write"]));
    assert_eq!(connection["known_scopes"], Value::Null);
    assert_eq!(connection["missing_scopes"], json!([]));
    shop.may(", scopes: [contacts.readonly]");
    let json = shop.says("check --format json");
    let json: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(json["connections"][0]["known_scopes"], json!(["contacts.readonly"]));
    assert_eq!(json["connections"][0]["missing_scopes"], json!(["contacts.write"]));
    assert_eq!(json["diagnostics"][0]["code"], "lacks-scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_holds_at_once_although_the_project_has_errors_then() {
    let shop = Shop::open().await;
    let mut serving = Serving::start(shop.path());
    let address = serving.address();
    let hooks = shop.says("webhooks list --format json");
    let hooks: Value = serde_json::from_str(hooks.lines().next().unwrap()).unwrap();
    let path = hooks["webhooks"][0]["address"].as_str().unwrap();
    let hook = path.replace("127.0.0.1:1/", &format!("{address}/"));
    let mut customers = Customers::to(hook);
    customers.post().await;
    while shop.calls() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }

    shop.may(", allow: ['*.read']");
    let said = serving.says("a change has errors");
    assert!(said.contains("does not cover `contacts.write`"), "{said}");
    customers.post().await;
    let said = serving.says("failed: ");
    assert!(said.contains("not sent: `allow` of the connection `main`"), "{said}");
    assert_eq!(shop.calls(), 1);

    shop.may(", allow: ['*']");
    serving.says("changes were taken over");
    customers.post().await;
    while shop.calls() == 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
