//! At a terminal: what is secret is not shown as it is typed, and ways are chosen with the arrow keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use linecook::connection::Way;
use linecook::vault::KEY_VARIABLE;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::Shop;
use crate::cases::KEY;

/// The program at a terminal of its own.
struct Typist {
    child: Child,
    keys: File,
    terminal: OwnedFd,
    seen: String,
}

impl Typist {
    fn start(shop: &Shop, arguments: &[&str]) -> Typist {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let terminal =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_linecook"));
        command.args(arguments).current_dir(shop.path()).env(KEY_VARIABLE, KEY);
        command.env("NO_COLOR", "1").env("TERM", "xterm").env_remove("LINECOOK_HIGHLEVEL_TOKEN");
        let end = || terminal.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        Typist { child: command.spawn().unwrap(), keys: keys.into(), terminal, seen: String::new() }
    }

    /// Reads until this stands there.
    fn shows(&mut self, text: &str) {
        let mut bytes = [0; 4_096];
        while !self.seen.contains(text) {
            let read = self.keys.read(&mut bytes).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    /// Waits until keys are (not) shown as they are typed, and types.
    fn types(&mut self, shown: bool, keys: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let modes = || tcgetattr(&self.terminal).unwrap().local_modes;
        while modes().contains(LocalModes::ECHO) != shown {
            assert!(Instant::now() < deadline, "{}", self.seen);
            std::thread::yield_now();
        }
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_typed_is_not_shown() {
    let shop = Shop::with_main().await;
    shop.app.give("pit-token-1", "loc1", &["contacts.readonly"]);
    let mut typist = Typist::start(&shop, &["connect", "highlevel"]);
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
    let mut typist = Typist::start(&shop, &["connect", "highlevel"]);
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
