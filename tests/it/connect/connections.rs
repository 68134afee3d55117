//! `linecook connections`: list, test, rotate, revoke, rename, rekey.

use std::process::Command;

use linecook::connection::Lost;
use serde_json::Value;

use super::{MAIN, Shop};
use crate::cases::{KEY, vault};

const TWO: &str = "\
connections:
  main: { app: highlevel, location_id: loc1, base_url: APP }   # the shop
  stax: { app: stax, base_url: APP, rotate_every: 30d }
quotas:
  main: { requests: 50, per: 10s }
";

async fn connected() -> Shop {
    let shop = Shop::open(TWO).await;
    shop.app.give("pit-token-1", "loc1", &["contacts.readonly"]);
    shop.app.give("key-1", "", &[]);
    for (arguments, typed) in [
        (&["connect", "highlevel", "--private-token"][..], "pit-token-1\n"),
        (&["connect", "stax", "--sandbox"], "key-1\n"),
    ] {
        let (seen, code) = shop.run(arguments, typed);
        assert_eq!(code, 0, "{seen}");
    }
    shop
}

fn list(shop: &Shop) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_linecook"))
        .args(["connections", "list", "--format", "json"])
        .current_dir(shop.path())
        // No key can be had.
        .env("LINECOOK_KEY", "not a key")
        .env_remove("LINECOOK_STAX_TOKEN")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list["connections"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_needs_no_key_and_says_how_each_stands() {
    let shop = connected().await;
    let listed = list(&shop);
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&"main".into(), &"fine".into()));
    assert_eq!(listed[0]["recipes"], serde_json::json!(["reads", "writes"]));
    assert_eq!(listed[0]["last_use"], Value::Null);
    assert_eq!(listed[1]["is_sandbox"], true);
    vault(shop.path())
        .change(|contents| {
            let facts = &mut contents.connections.get_mut("stax").unwrap().facts;
            facts.since = "2026-01-01T00:00:00Z".parse().unwrap();
            let facts = &mut contents.connections.get_mut("main").unwrap().facts;
            let at = "2026-03-02T10:00:00Z".parse().unwrap();
            facts.lost = Some(Lost { at, why: "HighLevel says that it is used up".into() });
            let left_over = contents.connections["stax"].clone();
            contents.connections.insert("gone".into(), left_over);
        })
        .unwrap();
    let (seen, code) = shop.run(&["connections", "list"], "");
    assert_eq!(code, 0, "{seen}");
    for expected in [
        "main  HighLevel, account loc1\n  state    lost 2026-03-02 10:00: HighLevel says that it is used up\n",
        "  →        `linecook connect highlevel --name main`\n",
        "stax  Stax (sandbox)\n  state    fine; to be replaced since 2026-01-31 00:00\n",
        "  how      API key, since 2026-01-01 00:00\n",
        "  →        `linecook connections rotate stax`\n",
        "gone  Stax (sandbox)\n  state    fine; not in linecook.yaml\n",
        "3 connections\n",
    ] {
        assert!(seen.contains(expected), "{expected}\n{seen}");
    }
    let listed = list(&shop);
    assert_eq!(listed[0]["state"], "lost");
    assert_eq!(listed[2]["in_project"], false);
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_calls_through_each() {
    let shop = connected().await;
    let (seen, code) = shop.run(&["connections", "test"], "");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("✓ main  works\n✓ stax  works\n"), "{seen}");
    shop.app.lock().tokens.remove("pit-token-1");
    let (seen, code) = shop.run(&["connections", "test", "main", "--format", "json"], "");
    assert_eq!(code, 1, "{seen}");
    let found: Value = serde_json::from_str(seen.trim()).unwrap();
    assert_eq!(found["connections"][0]["works"], false, "{seen}");
    let (seen, code) = shop.run(&["connections", "test", "mian"], "");
    assert!(code == 2 && seen.contains("did you mean `main`?"), "{seen}");
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_credential_takes_the_place_of_the_old_one_which_stays_for_a_while() {
    let shop = connected().await;
    let (seen, code) = shop.run(&["connections", "rotate", "main"], "pit-wrong\n");
    assert_eq!(code, 2, "{seen}");
    assert_eq!(shop.contents().connections["main"].grant.token().expose(), "pit-token-1");
    shop.app.give("pit-token-2", "loc1", &["contacts.readonly"]);
    let (seen, code) = shop.run(&["connections", "rotate", "main"], "pit-token-2\n");
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("Now withdraw the old private integration token: in HighLevel"),
        "{seen}"
    );
    let stored = shop.contents().connections["main"].clone();
    assert_eq!(stored.grant.token().expose(), "pit-token-2");
    assert_eq!(stored.previous.unwrap().grant.token().expose(), "pit-token-1");
    let (seen, code) = shop.run(&["connections", "rotate", "nothing"], "x\n");
    assert!(code == 2 && seen.contains("there are: main, stax"), "{seen}");
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_forgotten_after_asking_and_the_clicks_are_said() {
    let shop = connected().await;
    let (seen, code) = shop.run(&["connections", "revoke", "main"], "");
    assert!(code == 2 && seen.contains("say --yes when that is right"), "{seen}");
    let (seen, code) = shop.run(&["connections", "revoke", "main", "--yes"], "");
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("At HighLevel it is still good. To withdraw it: in HighLevel click"),
        "{seen}"
    );
    assert!(!shop.contents().connections.contains_key("main"));
    let (seen, code) = shop.run(&["connections", "revoke", "main", "--yes"], "");
    assert!(code == 2 && seen.contains("`main` has no credential in the vault"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_uninstalled_where_it_may_be() {
    let shop = Shop::open(MAIN).await;
    let (seen, code, _) = shop.signed_in(&["--scope", "oauth.write"]).await;
    assert_eq!(code, 0, "{seen}");
    let (seen, code) = shop.run(&["connections", "revoke", "main", "--yes"], "");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("Your app is uninstalled from the account loc1."), "{seen}");
    let calls = shop.app.lock().calls.clone();
    assert_eq!(calls.last().unwrap(), "DELETE /marketplace/app/app1/installations");
    assert!(shop.contents().connections.is_empty());
    assert!(!shop.contents().clients.is_empty(), "the app itself is still registered");

    // Without the right to do so the clicks are said, and it is forgotten all the same.
    let (seen, code, _) = shop.signed_in(&[]).await;
    assert_eq!(code, 0, "{seen}");
    let (seen, code) = shop.run(&["connections", "revoke", "main", "--yes"], "");
    assert_eq!(code, 1, "{seen}");
    assert!(
        seen.contains("HighLevel did not withdraw it: ") && seen.contains("Do it there: "),
        "{seen}"
    );
    assert!(shop.contents().connections.is_empty());
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_stands_everywhere_and_the_old_one_leads_to_it() {
    let shop = connected().await;
    let file = shop.project_file().replace(
        "  - recipe: reads.yaml   # first\n",
        "  - recipe: reads.yaml   # first\n    connections: { highlevel: main }   # this one\n",
    );
    std::fs::write(shop.path().join("linecook.yaml"), &file).unwrap();
    vault(shop.path()).change(|contents| contents.ensure_hook("main")).unwrap();
    let hook = shop.contents().hooks["main"].clone();
    for (names, expected) in [
        (["main", "stax"], "there is a connection `stax` already"),
        (["main", "app"], "a connection cannot be called `app`"),
        (["main", "a b"], "a connection cannot be called `a b`"),
        (["mian", "x"], "did you mean `main`?"),
    ] {
        let (seen, code) = shop.run(&["connections", "rename", names[0], names[1]], "");
        assert!(code == 2 && seen.contains(expected), "{seen}");
    }
    let (seen, code) = shop.run(&["connections", "rename", "main", "my-shop"], "");
    assert_eq!(code, 0, "{seen}");
    let expected = file
        .replace("  main: { app", "  my-shop: { app")
        .replace("  main: { requests", "  my-shop: { requests")
        .replace("highlevel: main }   # this one", "highlevel: my-shop }   # this one");
    assert_eq!(shop.project_file(), expected);
    let contents = shop.contents();
    assert_eq!(contents.connections["my-shop"].grant.token().expose(), "pit-token-1");
    assert!(!contents.connections.contains_key("main"));
    assert_eq!((&contents.hooks["my-shop"], contents.name_now("main")), (&hook, "my-shop"));
    let (seen, code) = shop.run(&["connections", "test", "my-shop"], "");
    assert_eq!(code, 0, "{seen}");

    // The old name is not given to anybody else.
    let arguments = ["connect", "highlevel", "--private-token", "--name", "main"];
    let (seen, code) = shop.run(&arguments, "pit-token-1\n");
    assert!(code == 2 && seen.contains("`main` is what `my-shop` was called before"), "{seen}");
    let (seen, code) = shop.run(&["connections", "rename", "my-shop", "third"], "");
    assert_eq!(code, 0, "{seen}");
    assert_eq!(shop.contents().renamed["main"], "third");
    let (seen, code) = shop.run(&["connections", "rename", "third", "main"], "");
    assert_eq!(code, 0, "{seen}");
    let contents = shop.contents();
    assert_eq!((contents.name_now("main"), contents.name_now("my-shop")), ("main", "main"));
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_moves_to_a_file_and_back() {
    let shop = connected().await;
    let config = shop.path().join("config");
    let run = |key: Option<&str>, place: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linecook"));
        command
            .args(["connections", "rekey", "--keep-in", place])
            .current_dir(shop.path())
            .env("XDG_CONFIG_HOME", &config)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env_remove("LINECOOK_KEY");
        if let Some(key) = key {
            command.env("LINECOOK_KEY", key);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains(KEY), "{text}");
        (text, output.status.code().unwrap())
    };
    let (seen, code) = run(Some(KEY), "file");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("LINECOOK_KEY is still set"), "{seen}");
    assert!(vault(shop.path()).read().is_err(), "the old key opens it no more");
    let (seen, code) = run(None, "keyring");
    assert!(code == 3 && seen.contains("there is no keyring that can be reached"), "{seen}");
    let (seen, code) = run(None, "environment");
    assert!(code == 3 && seen.contains("LINECOOK_KEY is not set"), "{seen}");
    let (seen, code) = run(Some(KEY), "environment");
    assert_eq!(code, 0, "{seen}");
    assert_eq!(vault(shop.path()).read().unwrap().connections.len(), 2);
}
