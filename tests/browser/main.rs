//! `linecook connect` with a real browser: from the address that is shown, over the app's page, to the page
//! that says how it ended. Not part of `cargo test`: see `tests/browser/run`.

#[path = "../accounts/mod.rs"]
#[allow(dead_code)]
mod accounts;
#[path = "../it/cases.rs"]
#[allow(dead_code)]
mod cases;
mod driver;

use std::net::TcpListener;
use std::path::Path;

use accounts::{Accounts, CLIENT_ID, CLIENT_SECRET, Terminal};
use driver::Browser;
use tempfile::TempDir;

#[tokio::main]
async fn main() {
    let browser = Browser::open().await;
    a_person_agrees(&browser).await;
    a_person_says_no(&browser).await;
    this_machine_s_own_browser_begins_without_a_secret(&browser).await;
    browser.close().await;
    println!("the browser signed in, was refused, and began by itself: all as it should be");
}

/// A project that connects to an app of ours.
async fn shop() -> (TempDir, Accounts, String) {
    let (folder, app) = (tempfile::tempdir().unwrap(), Accounts::open().await);
    let url = app.url();
    let text = format!(
        "connections:\n  main:\n    app: highlevel\n    location_id: loc1\n    base_url: {url}\n    authorize_url: {url}/choose\nrecipes: []\n"
    );
    std::fs::write(folder.path().join("linecook.yaml"), text).unwrap();
    // Both families are listened on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redirect = format!("http://localhost:{port}/oauth/callback");
    app.lock().redirect = Some(redirect.clone());
    (folder, app, redirect)
}

fn connect(folder: &Path, redirect: &str, more: &[&str]) -> Terminal {
    let mut arguments = vec!["connect", "highlevel", "--app", "--scope", "contacts.readonly"];
    arguments.extend(["--client-id", CLIENT_ID, "--redirect-uri", redirect]);
    arguments.extend(more);
    // No program that opens a browser is found.
    let mut terminal = Terminal::with(folder, &arguments, &[("PATH", "/nonexistent")]);
    terminal.type_in(&format!("{CLIENT_SECRET}\n"));
    terminal
}

async fn a_person_agrees(browser: &Browser) {
    let (folder, app, redirect) = shop().await;
    app.lock().wants_pkce = true;
    let mut terminal = connect(folder.path(), &redirect, &["--no-browser", "--pkce"]);
    let address = terminal.address();
    browser.go(&address).await;
    browser.shows("Agree").await;

    // Another page knows the state, which it never does, and asks in the background: it is not let in.
    let state = address.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let theirs = format!("{redirect}?code=theirs&state={state}");
    let script = format!(
        "const image = new Image(); image.src = '{theirs}&image';
         return fetch('{theirs}', {{ mode: 'no-cors' }}).then(() => 'answered', () => 'refused')"
    );
    browser.ask(&script).await;

    browser.click("#allow").await;
    browser.shows("HighLevel is connected - linecook").await;
    let (seen, code) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    let (page, ends_at) = (browser.source().await, browser.address().await);
    assert!(ends_at.ends_with("/signed-in"), "{ends_at}");
    assert!(page.contains("loc1") && !page.contains("code-"), "{page}");
    // The policy lets the page's own style through, and nothing is complained about.
    let script = "return getComputedStyle(document.querySelector('h1')).borderLeftStyle";
    assert_eq!(browser.ask(script).await, "solid");
    let complaints = browser.complaints().await;
    let of_ours = complaints.iter().filter(|text| text.contains("signed-in"));
    // Browsers ask for an icon that nobody has.
    let of_ours: Vec<_> = of_ours.filter(|text| !text.contains("favicon")).collect();
    assert!(of_ours.is_empty(), "{of_ours:?}");
    if let Some(file) = std::env::var_os("LINECOOK_SCREENSHOT") {
        std::fs::write(file, browser.screenshot().await).unwrap();
    }

    let contents = cases::vault(folder.path()).read().unwrap();
    let stored = &contents.connections["main"];
    assert!(app.lock().tokens.contains_key(stored.grant.token().expose()));
    assert_eq!(stored.facts.location_id.as_deref(), Some("loc1"));
    assert!(!seen.contains(stored.grant.token().expose()), "{seen}");
}

async fn a_person_says_no(browser: &Browser) {
    let (folder, _app, redirect) = shop().await;
    let mut terminal = connect(folder.path(), &redirect, &["--no-browser"]);
    browser.go(&terminal.address()).await;
    browser.click("#deny").await;
    browser.shows("HighLevel is not connected - linecook").await;
    assert!(browser.source().await.contains("The person said &lt;no&gt;"));
    let (seen, code) = terminal.end();
    assert_eq!(code, 2, "{seen}");
    assert!(!folder.path().join("linecook.vault").exists());
}

async fn this_machine_s_own_browser_begins_without_a_secret(browser: &Browser) {
    let (folder, _app, redirect) = shop().await;
    let mut terminal = connect(folder.path(), &redirect, &[]);
    let line = terminal.line("No browser could be opened. Open ");
    let begin = line.split(' ').find(|word| word.starts_with("http")).unwrap();
    assert!(begin.ends_with("/sign-in"), "{begin}");
    browser.go(begin).await;
    browser.shows("Agree").await;
    browser.click("#allow").await;
    browser.shows("HighLevel is connected - linecook").await;
    let (seen, code) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("state="), "{seen}");
    assert!(cases::vault(folder.path()).read().unwrap().connections.contains_key("main"));
}
