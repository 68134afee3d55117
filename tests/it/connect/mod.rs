//! Connecting and what comes after it, as people do it: the program at a terminal that is none, an app of
//! the tests' own, and a browser that is as good as one.

mod connections;
mod files;
mod sign_in;
#[cfg(unix)]
mod terminal;
mod tokens;

use std::path::Path;

use linecook::vault::Contents;
use tempfile::TempDir;

use crate::accounts::{Accounts, CLIENT_ID, CLIENT_SECRET, Terminal};
use crate::cases::vault;

const READS: &str = "\
name: Look for customers
trigger: { on: stax.customer_created }
steps:
  - call: GET /contacts/search/duplicate
    with: { email: '{{ event.email }}' }
";
const WRITES: &str = "\
name: A contact for every customer
trigger: { on: stax.customer_created }
steps:
  - call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
";

/// A project with two recipes, and the app that it connects to.
pub struct Shop {
    pub folder: TempDir,
    pub app: Accounts,
}

impl Shop {
    /// `connections` is what stands in the project file; APP is the address of the app.
    pub async fn open(connections: &str) -> Shop {
        let (folder, app) = (tempfile::tempdir().unwrap(), Accounts::open().await);
        let connections = connections.replace("APP", &app.url());
        let text = format!(
            "# My shop\npublic_url: http://127.0.0.1:8377\n{connections}recipes:\n  - recipe: reads.yaml   # first\n  - recipe: writes.yaml\n"
        );
        for (name, text) in
            [("linecook.yaml", text.as_str()), ("reads.yaml", READS), ("writes.yaml", WRITES)]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Shop { folder, app }
    }

    /// With one connection to the app, for one account.
    pub async fn with_main() -> Shop {
        Shop::open(MAIN).await
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn contents(&self) -> Contents {
        vault(self.path()).read().unwrap()
    }

    pub fn project_file(&self) -> String {
        std::fs::read_to_string(self.path().join("linecook.yaml")).unwrap()
    }

    /// Runs a command with something on standard input; what was seen and the exit code.
    pub fn run(&self, arguments: &[&str], typed: &str) -> (String, i32) {
        let mut terminal = Terminal::start(self.path(), arguments);
        terminal.type_in(typed);
        terminal.end()
    }

    /// Everything that no person and no file may ever see.
    pub fn secrets(&self) -> Vec<String> {
        let inner = self.app.lock();
        let mut secrets: Vec<String> = inner.tokens.keys().cloned().collect();
        secrets.push(inner.client_secret.clone());
        secrets.push(CLIENT_SECRET.to_owned());
        secrets.extend((1..20).map(|n| format!("refresh-token-{n}")));
        secrets
    }

    /// Nothing secret is in what was seen, or open in any file of the project.
    #[track_caller]
    pub fn keeps_quiet(&self, seen: &str) {
        for secret in self.secrets() {
            let stands = |text: &str| {
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|w| w == secret)
            };
            assert!(!stands(seen), "{secret} in {seen}");
            for entry in std::fs::read_dir(self.path()).unwrap() {
                let path = entry.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                assert!(
                    !stands(&String::from_utf8_lossy(&bytes)),
                    "{secret} in {}",
                    path.display()
                );
            }
        }
    }

    /// Connects `main` with the browser, as somebody who does everything right.
    pub async fn signed_in(&self, more: &[&str]) -> (String, i32, String) {
        let mut terminal = self.sign_in(more);
        let address = terminal.address();
        let page = agree(&address, "yes").await;
        let (seen, code) = terminal.end();
        (seen, code, page)
    }

    /// Begins to connect with the browser; the client secret is typed in.
    pub fn sign_in(&self, more: &[&str]) -> Terminal {
        let redirect = crate::sign_in::free_redirect("127.0.0.1");
        self.app.lock().redirect = Some(redirect.as_str().to_owned());
        let mut arguments = vec!["connect", "highlevel", "--app", "--no-browser"];
        arguments.extend(["--client-id", CLIENT_ID, "--redirect-uri", redirect.as_str()]);
        arguments.extend(more);
        let mut terminal = Terminal::start(self.path(), &arguments);
        terminal.type_in(&format!("{CLIENT_SECRET}\n"));
        terminal
    }
}

pub const MAIN: &str = "\
connections:
  main:   # the shop
    app: highlevel
    location_id: loc1
    base_url: APP
    authorize_url: APP/choose
";

/// Follows an address like a browser, answers the page, and gives what is shown in the end.
pub async fn agree(address: &str, answer: &str) -> String {
    let back = decide(address, answer).await;
    browser().get(back).send().await.unwrap().text().await.unwrap()
}

/// Answers the page; gives where the browser is sent back to.
pub async fn decide(address: &str, answer: &str) -> String {
    let browser = browser();
    let page = browser.get(address).send().await.unwrap();
    let status = page.status();
    assert!(status.is_success(), "{status}: {}", page.text().await.unwrap());
    let action = address.replace("/choose?", "/agree?");
    let still = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let form = still.build().unwrap().post(action);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let sent = form.body(format!("agree={answer}")).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 302, "{}", sent.text().await.unwrap());
    sent.headers()["location"].to_str().unwrap().to_owned()
}

fn browser() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
