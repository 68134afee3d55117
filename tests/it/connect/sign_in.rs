//! With a marketplace app, in the browser.

use linecook::connection::Way;
use linecook::vault::Grant;

use super::{MAIN, Shop, agree, decide};
use crate::accounts::{CLIENT_ID, CLIENT_SECRET, Terminal};

const FOREIGN: &str = "\
connections:
  main:
    app: highlevel
    location_id: other-location
    base_url: APP
    authorize_url: APP/choose
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_shown_and_what_is_granted_is_kept() {
    let shop = Shop::with_main().await;
    let before = shop.project_file();
    let (seen, code, page) = shop.signed_in(&[]).await;
    assert_eq!(code, 0, "{seen}");
    for expected in [
        "contacts.readonly  Look for customers",
        "contacts.write     A contact for every customer",
        "Connected: `main` is HighLevel, account loc1, with the marketplace app.",
        "It is kept encrypted in linecook.vault.",
    ] {
        assert!(seen.contains(expected), "{expected}\n{seen}");
    }
    assert!(page.contains("HighLevel is connected") && page.contains("loc1"), "{page}");
    shop.keeps_quiet(&format!("{seen}{page}"));
    assert_eq!(shop.project_file(), before, "it was there already");
    let contents = shop.contents();
    let stored = &contents.connections["main"];
    assert_eq!(stored.facts.way, Way::MarketplaceApp);
    assert_eq!(stored.facts.location_id.as_deref(), Some("loc1"));
    assert!(stored.facts.expires_at.is_some() && stored.previous.is_none());
    let scopes = ["contacts.readonly", "contacts.write"].map(str::to_owned);
    assert_eq!(stored.facts.scopes.as_deref(), Some(&scopes[..]));
    let Grant::OAuth(grant) = &stored.grant else { panic!("{stored:?}") };
    assert_eq!(grant.access.expose(), "access-token-2");
    assert_eq!(grant.refresh.expose(), "refresh-token-3");
    let client = &contents.clients[&grant.client];
    assert_eq!((client.client_id.as_str(), client.pkce), (CLIENT_ID, false));
    assert_eq!(client.client_secret.expose(), CLIENT_SECRET);
    // Only what the recipes need: no word of company scopes.
    assert!(!seen.contains("oauth."), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_time_nobody_asks_for_the_client() {
    let shop = Shop::with_main().await;
    shop.signed_in(&["--pkce"]).await;
    shop.app.lock().wants_pkce = true;
    let mut terminal =
        Terminal::start(shop.path(), &["connections", "rotate", "main", "--no-browser"]);
    agree(&terminal.address(), "yes").await;
    let (seen, code) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("takes the new one over by itself"), "{seen}");
    let contents = shop.contents();
    assert!(contents.clients["highlevel"].pkce, "it was remembered");
    let stored = &contents.connections["main"];
    let previous = stored.previous.as_ref().unwrap();
    assert_eq!(previous.grant.token().expose(), "access-token-2");
    assert_ne!(stored.grant.token(), previous.grant.token());
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_can_be_pasted() {
    let shop = Shop::with_main().await;
    let mut terminal = shop.sign_in(&[]);
    let back = decide(&terminal.address(), "yes").await;
    let right = back.split("&state=").nth(1).unwrap();
    let strange = back.replace(right, "something-else");
    terminal.type_in(&format!("\n{right}\n{strange}\nhttps://example.com/?{back}\n"));
    terminal.type_in(&format!("  {back}\n"));
    let (seen, code) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(seen.matches("Not taken: ").count(), 3, "{seen}");
    assert!(seen.contains("not from the sign-in that was begun here"), "{seen}");
    assert!(shop.contents().connections.contains_key("main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_door_change_nothing() {
    let shop = Shop::with_main().await;
    let mut terminal = shop.sign_in(&[]);
    let address = terminal.address();
    let back = decide(&address, "yes").await;
    let (door, query) = back.split_once('?').unwrap();
    for query in ["", "code=code-1", "code=x&state=y", &query.replace("state=", "state=x")] {
        let answer = reqwest::get(format!("{door}?{query}")).await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{query}");
    }
    assert!(!shop.app.lock().calls.iter().any(|call| call == "POST /oauth/token"));
    let page = reqwest::get(&back).await.unwrap().text().await.unwrap();
    assert!(page.contains("HighLevel is connected"), "{page}");
    assert_eq!(terminal.end().1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_was_asked_for_is_said() {
    let shop = Shop::with_main().await;
    shop.app.lock().granted = Some(vec!["contacts.readonly".into()]);
    let (seen, code, page) = shop.signed_in(&["--scope", "contacts.readonly"]).await;
    assert_eq!(code, 0, "{seen}");
    // What is said on standard output may come in between.
    let (_, behind) = seen.split_once("This was asked for and not granted:\n").expect(&seen);
    assert!(behind.contains("     contacts.write  A contact for every customer\n"), "{seen}");
    assert!(page.contains("Less was granted"), "{page}");
    assert_eq!(shop.contents().connections["main"].facts.scopes.as_ref().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_another_account() {
    let shop = Shop::open(FOREIGN).await;
    let (seen, code, page) = shop.signed_in(&[]).await;
    assert_eq!(code, 2, "{seen}");
    let why = "you signed in for the account loc1, but `main` is the account other-location";
    assert!(seen.contains(why), "{seen}");
    assert!(page.contains("HighLevel is not connected"), "{page}");
    assert!(page.contains("You signed in for the account loc1"), "{page}");
    shop.keeps_quiet(&format!("{seen}{page}"));
    assert!(!shop.path().join("linecook.vault").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_say_no() {
    let shop = Shop::with_main().await;
    let mut terminal = shop.sign_in(&[]);
    let page = agree(&terminal.address(), "no").await;
    let (seen, code) = terminal.end();
    assert_eq!(code, 2, "{seen}");
    assert!(seen.contains("HighLevel did not agree: The person said <no>"), "{seen}");
    assert!(page.contains("The person said &lt;no&gt;"), "{page}");
    assert!(!shop.path().join("linecook.vault").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_at_the_app_is_said_and_nothing_is_kept() {
    for (status, secret, expected, code) in [
        (Some(503), None, "help: check the network and begin again when HighLevel answers", 3),
        (None, Some("another-secret"), "a new client secret goes in with --new-client-secret", 2),
    ] {
        let shop = Shop::with_main().await;
        let mut terminal = shop.sign_in(&[]);
        let back = decide(&terminal.address(), "yes").await;
        {
            let mut app = shop.app.lock();
            app.status = status;
            app.client_secret = secret.unwrap_or(CLIENT_SECRET).to_owned();
        }
        let page = reqwest::get(back).await.unwrap().text().await.unwrap();
        let (seen, ended) = terminal.end();
        assert_eq!(ended, code, "{seen}");
        assert!(seen.contains("error: nothing was kept: ") && seen.contains(expected), "{seen}");
        assert!(page.contains("HighLevel is not connected"), "{page}");
        shop.keeps_quiet(&format!("{seen}{page}"));
        assert!(!shop.path().join("linecook.vault").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_renewed_is_not_kept() {
    let shop = Shop::with_main().await;
    shop.app.lock().renews = false;
    let (seen, code, _) = shop.signed_in(&[]).await;
    assert_eq!(code, 3, "{seen}");
    assert!(seen.contains("a token that cannot be renewed"), "{seen}");
    assert!(!shop.path().join("linecook.vault").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_s_token_becomes_that_of_one_account() {
    let shop = Shop::with_main().await;
    {
        let mut app = shop.app.lock();
        app.chosen = None;
        app.locations = vec![("loc1".into(), "First shop".into())];
    }
    let (seen, code, _) = shop.signed_in(&["--company"]).await;
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("oauth.write"), "{seen}");
    let stored = shop.contents().connections["main"].clone();
    assert_eq!(stored.facts.company_id.as_deref(), Some("co1"));
    assert_eq!(stored.facts.location_id.as_deref(), Some("loc1"));
    let Grant::OAuth(grant) = &stored.grant else { panic!() };
    assert_ne!(grant.location.as_ref().unwrap().access, grant.access);
    assert_eq!(stored.facts.expires_at, Some(grant.location.as_ref().unwrap().expires_at));
    shop.keeps_quiet(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_s_token_without_the_right_to_ask_for_others_says_what_to_do() {
    let shop = Shop::with_main().await;
    shop.app.lock().chosen = None;
    let (seen, code, _) = shop.signed_in(&[]).await;
    assert_eq!(code, 2, "{seen}");
    assert!(seen.contains("connect with --company; or choose one account"), "{seen}");
    assert!(!shop.path().join("linecook.vault").exists());
}

/// The connection is not in the project file yet.
#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_of_a_company_are_listed_and_one_is_chosen() {
    let shop = Shop::open("").await;
    {
        let mut app = shop.app.lock();
        app.chosen = None;
        let locations = [("loc1", "First shop"), ("loc2", "Second shop")];
        app.locations = locations.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
    }
    let (url, page) = (shop.app.url(), format!("{}/choose", shop.app.url()));
    let new = ["--company", "--base-url", &url, "--authorize-url", &page];
    let (seen, code, _) = shop.signed_in(&new).await;
    assert_eq!(code, 2, "{seen}");
    assert!(seen.contains("First shop (loc1)") && seen.contains("Second shop (loc2)"), "{seen}");
    let (seen, code, _) = shop.signed_in(&[&new[..], &["--location", "loc2"]].concat()).await;
    assert_eq!(code, 0, "{seen}");
    let added = format!(
        "connections:\n  main:\n    app: highlevel\n    location_id: loc2\n    base_url: {url}\n    authorize_url: {page}\n"
    );
    let file = shop.project_file();
    assert!(
        file.ends_with(&added) && file.contains("  - recipe: reads.yaml   # first\n"),
        "{file}"
    );
    assert!(seen.contains("The connection `main` was added to linecook.yaml."), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_without_the_app_s_name_is_used_when_it_is_wanted() {
    let shop = Shop::open("connections: { main: { app: highlevel, location_id: loc1 } }\n").await;
    for (option, begin) in [
        ("--yes", "error"),
        ("--white-label", "https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation?"),
        ("--company", "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?"),
    ] {
        let mut terminal = shop.sign_in(&[option]);
        match begin {
            "error" => drop(terminal.line("error: unexpected argument")),
            begin => assert!(terminal.address().starts_with(begin)),
        }
    }
    let mut terminal = shop.sign_in(&["--version-id", "v 1"]);
    assert!(terminal.address().contains("?version_id=v+1&"));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_anybody_signs_in_it_is_known_what_cannot_be() {
    let shop = Shop::open(MAIN).await;
    for (more, expected) in [
        (&["--redirect-uri", "https://example.com/x"][..], "does not lead to this machine"),
        (&["--location", "loc9"], "`main` in linecook.yaml is the account loc1, not loc9"),
        (&["--base-url", "https://evil.example.com"], "linecook.yaml has the connection `main`"),
        (&["--name", "app"], "a connection cannot be called `app`"),
        (&["--private-token"], "cannot be used with"),
    ] {
        let arguments = ["connect", "highlevel", "--app", "--no-browser"];
        let (seen, code) = shop.run(&[&arguments[..], more].concat(), "");
        assert_eq!(code, 2, "{seen}");
        assert!(seen.contains(expected), "{expected}\n{seen}");
    }
    let new = ["connect", "highlevel", "--app", "--no-browser", "--name", "second"];
    let evil = [&new[..], &["--base-url", "https://evil.example.com"]].concat();
    let (seen, code) = shop.run(&evil, "");
    assert!(code == 2 && seen.contains("`hosts: [evil.example.com]`"), "{seen}");
    let empty = Shop::open("").await;
    std::fs::write(empty.path().join("linecook.yaml"), "recipes: []\n").unwrap();
    let (seen, code) = empty.run(&["connect", "highlevel", "--app"], "");
    assert!(code == 2 && seen.contains("--scope contacts.readonly"), "{seen}");
    let (seen, code) = empty.run(&["connect", "highlevel"], "");
    assert!(code == 2 && seen.contains("say --private-token, --app or --workflow"), "{seen}");
    let (seen, code) = empty.run(&["connect", "bridge"], "");
    assert!(code == 2 && seen.contains("name one of these: highlevel, stax"), "{seen}");
    assert_eq!(shop.app.lock().calls.len(), 0);
}
