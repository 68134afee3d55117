//! With an API key or a private integration token, and without any credential.

use linecook::connection::Way;
use serde_json::json;

use super::{MAIN, Shop};

const STAX: &str = "connections:\n  stax: { app: stax, base_url: APP }\n";
const PRIVATE: [&str; 3] = ["connect", "highlevel", "--private-token"];

#[tokio::test(flavor = "multi_thread")]
async fn a_private_token_is_proven_and_kept() {
    let shop = Shop::with_main().await;
    shop.app.give("pit-token-1", "loc1", &["contacts.readonly", "contacts.write"]);
    let (seen, code) = shop.run(&PRIVATE, "pit-token-1\nmore\n");
    assert_eq!(code, 0, "{seen}");
    for expected in [
        "Tick these scopes and no others:",
        "contacts.write     A contact for every customer",
        "Connected: `main` is HighLevel, account loc1, with the private integration token.",
    ] {
        assert!(seen.contains(expected), "{expected}\n{seen}");
    }
    shop.keeps_quiet(&seen);
    assert_eq!(shop.app.lock().calls, ["GET /contacts/"]);
    let stored = shop.contents().connections["main"].clone();
    assert_eq!((stored.facts.way, stored.facts.expires_at), (Way::PrivateToken, None));
    assert_eq!(stored.grant.token().expose(), "pit-token-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_right_is_not_kept() {
    let shop = Shop::with_main().await;
    shop.app.give("pit-other", "loc2", &["contacts.readonly"]);
    for (typed, expected, code) in [
        ("pit-wrong\n", "was not kept: HighLevel does not know it, or not any more", 2),
        ("pit-other\n", "says that it is for another account than loc1", 2),
        ("\n", "the private integration token is empty", 2),
        ("", "standard input is empty", 2),
        ("pit token\n", "has a blank or a character in it", 2),
        ("pit-\u{e9}\n", "has a blank or a character in it", 2),
    ] {
        let (seen, ended) = shop.run(&PRIVATE, typed);
        assert_eq!(ended, code, "{seen}");
        assert!(seen.contains(expected), "{expected}\n{seen}");
        assert!(seen.contains("\nhelp: "), "{seen}");
        assert!(typed.len() < 4 || !seen.contains(typed.trim()), "{seen}");
    }
    for (status, ended, expected) in [
        (500, 3, "nobody knows whether it is right: HighLevel answers 500"),
        (429, 3, "try again when HighLevel answers"),
        (404, 2, "check the address (`base_url` in linecook.yaml, where it is set)"),
        (302, 2, "HighLevel answers 302"),
    ] {
        shop.app.lock().status = Some(status);
        let (seen, code) = shop.run(&PRIVATE, "pit-other\n");
        assert_eq!(code, ended, "{seen}");
        assert!(seen.contains(expected), "{seen}");
    }
    assert!(!shop.path().join("linecook.vault").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_nothing_is_kept() {
    // Nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let shop = Shop::open(&MAIN.replace("APP", &format!("http://{nobody}"))).await;
    let (seen, code) = shop.run(&PRIVATE, "pit-token-1\n");
    assert_eq!(code, 3, "{seen}");
    assert!(seen.contains("no connection") && seen.contains("check the network"), "{seen}");
    assert!(!seen.contains("pit-token-1"), "{seen}");
    assert!(!shop.path().join("linecook.vault").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_not_read_is_good_all_the_same() {
    let shop = Shop::with_main().await;
    shop.app.give("pit-writes", "loc1", &["contacts.write"]);
    let (seen, code) = shop.run(&PRIVATE, "pit-writes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("it may not read what was tried (contacts.readonly)"), "{seen}");
    assert!(shop.contents().connections.contains_key("main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_stax_is_checked_and_its_kind_is_told() {
    for (about, option, expected) in [
        (json!({}), None, None),
        (json!({ "merchant": { "gateway_type": "TEST" } }), None, Some(true)),
        (json!({}), Some("--sandbox"), Some(true)),
        (json!({}), Some("--production"), Some(false)),
    ] {
        let shop = Shop::open(STAX).await;
        shop.app.give("key-1", "", &[]);
        shop.app.lock().about = about;
        let arguments: Vec<&str> = ["connect", "stax"].into_iter().chain(option).collect();
        let (seen, code) = shop.run(&arguments, "key-1\n");
        assert_eq!(code, 0, "{seen}");
        assert!(seen.contains("Connected: `stax` is Stax, with the API key"), "{seen}");
        assert_eq!(shop.app.lock().calls, ["GET /self"]);
        assert_eq!(shop.contents().connections["stax"].facts.is_sandbox, expected);
        shop.keeps_quiet(&seen);
    }
    let shop = Shop::open(STAX).await;
    let (seen, code) = shop.run(&["connect", "stax"], "key-2\n");
    assert!(
        code == 2 && seen.contains("the API key was not kept: Stax does not know it"),
        "{seen}"
    );
    let (seen, code) = shop.run(&["connect", "stax", "--app"], "key-2\n");
    assert!(code == 2 && seen.contains("Stax knows one way only"), "{seen}");
    let (seen, code) = shop.run(&["connect", "stax", "--location", "x"], "key-2\n");
    assert!(code == 2 && seen.contains("leave out --location"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_needs_no_credential_and_gets_its_address() {
    let shop = Shop::open("").await;
    let recipe =
        "name: Contacts\ntrigger: { on: highlevel.contact_created }\nsteps:\n  - stop: enough\n";
    std::fs::write(shop.path().join("reads.yaml"), recipe).unwrap();
    let arguments = ["connect", "highlevel", "--workflow", "--name", "shop", "--location", "loc1"];
    let (seen, code) = shop.run(&arguments, "");
    assert_eq!(code, 0, "{seen}");
    let contents = shop.contents();
    let secret = contents.hooks["shop"][0].secret.expose();
    let address = format!("http://127.0.0.1:8377/hooks/shop/{secret}/contact_created");
    assert!(seen.contains(&address), "{address}\n{seen}");
    assert!(
        seen.contains("Custom Webhook") && seen.contains("These addresses are secret"),
        "{seen}"
    );
    assert!(contents.connections.is_empty());
    let file = shop.project_file();
    assert!(file.contains("  shop:\n    app: highlevel\n    location_id: loc1\n"), "{file}");
    // The same address again.
    let (seen, code) = shop.run(&arguments, "");
    assert!(code == 0 && seen.contains(&address), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_that_was_left_open_is_filled_in() {
    let left_open = MAIN.replace("loc1", "your-location-id    # from the address bar");
    let shop = Shop::open(&left_open).await;
    shop.app.give("pit-token-1", "loc1", &["contacts.readonly"]);
    let (seen, code) = shop.run(&PRIVATE, "pit-token-1\n");
    assert!(code == 2 && seen.contains("say --location ID"), "{seen}");
    let (seen, code) = shop.run(&[&PRIVATE[..], &["--location", "loc1"]].concat(), "pit-token-1\n");
    assert_eq!(code, 0, "{seen}");
    assert!(shop.project_file().contains("    location_id: loc1    # from the address bar\n"));
    let (seen, code) = shop.run(&[&PRIVATE[..], &["--location", "a b"]].concat(), "");
    assert!(code == 2, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_a_project_there_is_nothing_to_connect() {
    let shop = Shop::open("").await;
    std::fs::remove_file(shop.path().join("linecook.yaml")).unwrap();
    for arguments in [&["connect", "stax"][..], &["connections", "list"]] {
        let (seen, code) = shop.run(arguments, "key-1\n");
        assert!(code == 2 && seen.contains("start one with `linecook init`"), "{seen}");
    }
}
