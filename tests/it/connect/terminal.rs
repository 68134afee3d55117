//! At a terminal: what is secret is not shown as it is typed, and ways are chosen with the arrow keys.

use linecook::connection::Way;

use super::Shop;
use crate::typist::Typist;

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_typed_is_not_shown() {
    let shop = Shop::with_main().await;
    shop.app.give("pit-token-1", "loc1", &["contacts.readonly"]);
    let mut typist = Typist::start(shop.path(), &["connect", "highlevel"]);
    typist.shows("> A private integration token");
    typist.types(false, "\r");
    typist.shows("The private integration token: ");
    typist.types(false, "pit-token-1\r");
    typist.shows("Connected: `main` is HighLevel, account loc1");
    assert!(typist.child.wait().unwrap().success(), "{}", typist.seen);
    assert!(!typist.seen.contains("pit-token-1"), "{}", typist.seen);
    let stored = shop.contents().connections["main"].clone();
    assert_eq!(
        (stored.facts.way, stored.grant.token().expose()),
        (Way::PrivateToken, "pit-token-1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_is_chosen_with_the_arrow_keys_and_no_browser_opens_without_a_yes() {
    let shop = Shop::with_main().await;
    let mut typist = Typist::start(shop.path(), &["connect", "highlevel"]);
    typist.shows("> A private integration token");
    typist.types(false, "\u{1b}[B");
    typist.shows("> A marketplace app");
    typist.types(false, "\r");
    typist.shows("Client id: ");
    typist.types(false, "app1-abcd\r");
    typist.shows("The client secret: ");
    typist.types(false, "client-secret-1\r");
    typist.shows("Open the browser to agree to it?");
    typist.types(false, "n");
    typist.shows("Nothing was done.");
    assert!(typist.child.wait().unwrap().success());
    assert!(!typist.seen.contains("client-secret-1"), "{}", typist.seen);
    assert!(!shop.path().join("linecook.vault").exists());
}
