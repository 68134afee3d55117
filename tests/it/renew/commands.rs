//! Commands use the vault of the project: after the environment, and never for a server of a stranger.

use std::path::Path;
use std::process::Command;

use linecook::connection::{Facts, Lost, Secret, Way};
use linecook::sandbox::{Sandbox, World};
use linecook::vault::{Grant, KEY_VARIABLE, Stored, Vault};

use super::harness::child;
use crate::cases::seen;
use crate::service::sandbox;

const RECIPE: &str = "\
name: A contact for every customer
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
";

/// A project whose connections lead to a sandbox, with their tokens in the vault.
struct Shop {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    vault: Vault,
}

impl Shop {
    async fn open() -> Shop {
        let sandbox = sandbox().await;
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "live_at_once: true\ntimezone: America/New_York\n\
             connections:\n  \
               main: {{ app: highlevel, location_id: {location}, base_url: \"{url}\" }}\n  \
               second: {{ app: highlevel, location_id: other, base_url: \"{url}\" }}\n\
             recipes: []\n",
            location = World::location_id(),
            url = sandbox.base_url("highlevel"),
        );
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("linecook.yaml", &yaml);
        write("recipe.yaml", RECIPE);
        write("event.json", r#"{ "id": "c1", "email": "ada@example.com" }"#);
        let vault = child::vault(&folder.path().join("linecook.vault"));
        let token = Secret::new(World::token("highlevel"));
        let stored = Stored { facts: facts(), grant: Grant::Token(token), previous: None };
        vault.change(|c| c.connections.insert("main".into(), stored)).unwrap();
        Shop { sandbox, folder, vault }
    }

    fn install(&self, connection: &str) {
        let path = self.folder.path().join("linecook.yaml");
        let installed = format!(
            "recipes:\n  - {{ recipe: recipe.yaml, connections: {{ highlevel: {connection} }} }}"
        );
        let text = std::fs::read_to_string(&path).unwrap().replace("recipes: []", &installed);
        std::fs::write(path, text).unwrap();
    }

    /// What a command says, with these variables set.
    fn says(&self, command: &str, variables: &[(&str, &str)]) -> String {
        says(self.folder.path(), command, variables)
    }
}

const LIVE: &str = "run recipe.yaml --live --event event.json";
const KEY: (&str, &str) = (KEY_VARIABLE, child::KEY);

fn says(folder: &Path, command: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_linecook"))
        .args(command.split(' '))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("XDG_CONFIG_HOME", folder)
        .env_remove("LINECOOK_HIGHLEVEL_LOCATION")
        .env_remove("LINECOOK_HIGHLEVEL_TOKEN")
        .env_remove("LINECOOK_STAX_TOKEN")
        .env_remove(KEY_VARIABLE)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    seen(&output)
}

fn facts() -> Facts {
    Facts {
        app: "highlevel".into(),
        way: Way::PrivateToken,
        location_id: Some(World::location_id().into()),
        company_id: None,
        scopes: None,
        is_sandbox: None,
        expires_at: None,
        since: "2026-03-02T10:00:00Z".parse().unwrap(),
        lost: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_live_uses_the_connection_that_the_recipe_is_installed_with() {
    let shop = Shop::open().await;
    let several = shop.says(LIVE, &[KEY]);
    assert!(
        several.contains("there are several connections to HighLevel: main, second"),
        "{several}"
    );
    assert!(several.contains("such as --connection highlevel=main"), "{several}");
    let chosen = shop.says(&format!("{LIVE} --connection highlevel=main"), &[KEY]);
    assert!(chosen.ends_with("--- exit 0\n"), "{chosen}");
    assert_eq!(shop.sandbox.world().records("highlevel.contact").len(), 1);
    let wrong = shop.says(&format!("{LIVE} --connection highlevel=shop"), &[KEY]);
    assert!(wrong.contains("has no connection `shop` to HighLevel"), "{wrong}");
    shop.install("main");
    let installed = shop.says(LIVE, &[KEY]);
    assert!(installed.ends_with("--- exit 0\n"), "{installed}");

    let locked = shop.says(LIVE, &[]);
    assert!(locked.contains("its key is not in LINECOOK_KEY"), "{locked}");
    assert!(locked.ends_with("--- exit 1\n"), "{locked}");
    // The environment goes first.
    let other = [KEY, ("LINECOOK_MAIN_TOKEN", "test-token-1")];
    let refused = shop.says(LIVE, &other);
    assert!(refused.contains("HighLevel answers 401"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_named_on_the_command_line_gets_nothing_from_the_vault() {
    let shop = Shop::open().await;
    shop.install("main");
    let stranger = format!("{LIVE} --base-url highlevel=http://127.0.0.1:9 --location l1");
    for command in [stranger.clone(), stranger.replace("--live ", "")] {
        let text = shop.says(&command, &[KEY]);
        assert!(text.contains("there is no token for HighLevel"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_token_is_said_before_anything_starts() {
    let shop = Shop::open().await;
    shop.install("second");
    for command in ["serve", LIVE] {
        let text = shop.says(command, &[KEY]);
        assert!(text.contains("there is no token for"), "{text}");
        let help = "`linecook connect highlevel --name second`, or set LINECOOK_SECOND_TOKEN";
        assert!(text.contains(help), "{text}");
        assert!(text.ends_with("--- exit 2\n"), "{text}");
    }
    let yaml = shop.folder.path().join("linecook.yaml");
    let text = std::fs::read_to_string(&yaml).unwrap();
    std::fs::write(&yaml, text.replace("highlevel: second", "highlevel: main")).unwrap();
    let locked = shop.says("serve", &[]);
    assert!(locked.contains("its key is not in LINECOOK_KEY"), "{locked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_knows_what_is_in_the_vault() {
    let shop = Shop::open().await;
    let text = shop.says("doctor", &[KEY, ("LINECOOK_SECOND_TOKEN", "test-token-1")]);
    assert!(text.contains("in the vault: `main` (private integration token)"), "{text}");
    assert!(text.contains("LINECOOK_SECOND_TOKEN for `second`"), "{text}");
    let locked = shop.says("doctor", &[]);
    assert!(locked.contains("its key is not in LINECOOK_KEY"), "{locked}");
    let why = "HighLevel answers 400: Invalid grant: refresh token is invalid";
    let lost = Lost { at: facts().since, why: why.into() };
    shop.vault.change(|c| c.connections.get_mut("main").unwrap().facts.lost = Some(lost)).unwrap();
    let text = shop.says("doctor", &[KEY]);
    assert!(text.contains(&format!("the connection `main` is lost: {why}")), "{text}");
    assert!(text.contains("connect again: `linecook connect highlevel --name main`"), "{text}");
    let text = shop.says(&format!("{LIVE} --connection highlevel=main"), &[KEY]);
    assert!(text.contains("HighLevel: not sent: the connection `main` is lost"), "{text}");
}
