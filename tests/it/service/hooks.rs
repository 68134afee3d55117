//! The secrets of webhook addresses: they live in the vault, change while the service runs, and end.

use std::time::Duration;

use jiff::Timestamp;
use linecook::connection::Secret;
use linecook::store::{self, Deliveries, DeliveryFilter, Store};
use linecook::vault::HookSecret;
use serde_json::json;

use super::{Kitchen, Menu, try_start};
use crate::cases::vault;

const RECIPE: &str = "
name: A tag
trigger:
  on: stax.customer_created
steps:
  - stop: nothing to do
";

fn menu<'a>() -> Menu<'a> {
    Menu::of(&[("nothing", RECIPE)])
}

fn address(kitchen: &Kitchen, name: &str, secret: &Secret) -> String {
    format!("http://{}/hooks/{name}/{}/customer_created", kitchen.running.address, secret.expose())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_is_good_at_once_and_the_old_one_until_its_time_is_over() {
    let kitchen = Kitchen::open(menu()).await;
    let vault = vault(kitchen.folder.path());
    let first = vault.read().unwrap().hooks["stax"][0].secret.clone();
    let later = Timestamp::now() + Duration::from_secs(3_600);
    vault.change(|contents| contents.replace_hook("stax", later)).unwrap();
    let second = vault.read().unwrap().hooks["stax"][0].secret.clone();
    let mut number = 0;
    let mut post = async |name: &str, secret: &Secret| {
        number += 1;
        kitchen.post(&address(&kitchen, name, secret), &json!({ "id": number })).await.0
    };
    // Nobody has told the service.
    assert_eq!(post("stax", &second).await, 202);
    assert_eq!(post("stax", &first).await, 202);
    let over = |contents: &mut linecook::vault::Contents| {
        contents.hooks.get_mut("stax").unwrap()[1].until = Some(Timestamp::now());
    };
    vault.change(over).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while post("stax", &first).await != 404 {
        assert!(std::time::Instant::now() < deadline, "it is still good");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(post("stax", &second).await, 202);
    // What is over is dropped from the vault too.
    while vault.read().unwrap().hooks["stax"].len() != 1 {
        assert!(std::time::Instant::now() < deadline, "it is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(post("stax", &second).await, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_name_of_before_goes_on() {
    let kitchen = Kitchen::open(menu()).await;
    let rename = |contents: &mut linecook::vault::Contents| {
        contents.renamed.insert("shop".into(), "stax".into());
    };
    vault(kitchen.folder.path()).change(rename).unwrap();
    let hook = kitchen.hook("stax", "customer_created").replace("/stax/", "/shop/");
    assert_eq!(kitchen.post(&hook, &json!({ "id": "c" })).await.0, 202);
    let deliveries = kitchen.store().deliveries(DeliveryFilter::default()).await.unwrap();
    assert!(deliveries.iter().all(|delivery| delivery.connection == "stax"));
    let wrong = kitchen.hook("main", "customer_created").replace("/main/", "/shop/");
    assert_eq!(kitchen.post(&wrong, &json!({ "id": "c" })).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_read_changes_nothing() {
    let kitchen = Kitchen::open(menu()).await;
    let path = vault(kitchen.folder.path()).path().to_owned();
    let hook = kitchen.hook("stax", "customer_created");
    std::fs::write(&path, "linecook vault 1\nbroken\n").unwrap();
    assert_eq!(kitchen.post(&hook.replace("/stax/", "/stax/x"), &json!({})).await.0, 404);
    assert_eq!(kitchen.post(&hook, &json!({ "id": "c" })).await.0, 202);
    let refused = try_start(&kitchen.sandbox, tempfile::tempdir().unwrap().path(), &menu()).await;
    assert!(refused.is_ok());
    // A service does not start with one: its addresses would be others.
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&path, folder.path().join("linecook.vault")).unwrap();
    let said = try_start(&kitchen.sandbox, folder.path(), &menu()).await.err().unwrap();
    assert!(said.contains("the vault is damaged"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_of_an_older_store_move_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linecook.db");
    let old = |connection: &str| format!("old-hook-secret-of-{connection}");
    {
        let store = Store::open(&path, store::Options::default()).unwrap();
        for connection in ["stax", "main", "bridge", "gone"] {
            let name = format!("hook secret of {connection}");
            store.set_position(&name, &old(connection)).await.unwrap();
        }
        for number in 0..500 {
            store.set_position(&format!("poll {number}"), &"x".repeat(100)).await.unwrap();
        }
        store.set_position("hook secret of stax", "one-of-even-before").await.unwrap();
        store.set_position("hook secret of stax", &old("stax")).await.unwrap();
    }
    let in_files = |text: &str| {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
        let holds = |path: &std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        files.filter(holds).collect::<Vec<_>>()
    };
    assert!(!in_files(&old("stax")).is_empty(), "it stands there at first");
    // The vault knows better.
    let newer = HookSecret::new_random();
    let put =
        |c: &mut linecook::vault::Contents| c.hooks.insert("main".into(), vec![newer.clone()]);
    vault(folder.path()).change(put).unwrap();

    let sandbox = super::sandbox().await;
    let running = try_start(&sandbox, folder.path(), &menu()).await.unwrap();
    for text in ["old-hook-secret-of", "one-of-even-before", "hook secret of"] {
        assert_eq!(in_files(text), Vec::<std::path::PathBuf>::new(), "{text}");
    }
    let store = running.service.store().clone();
    assert_eq!(store.position("poll 499").await.unwrap().unwrap().len(), 100);
    let hooks = vault(folder.path()).read().unwrap().hooks;
    assert_eq!(hooks["stax"][0].secret.expose(), old("stax"));
    assert_eq!(hooks["main"], [newer]);
    assert_eq!(hooks["gone"][0].secret.expose(), old("gone"));
    let url = format!("http://{}/hooks/stax/{}/customer_created", running.address, old("stax"));
    let answer = super::client().post(url).json(&json!({ "id": "c" })).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    drop(store);
    super::stop(running, Duration::from_secs(10)).await;
}
