//! The program at a terminal of its own, and somebody who reads and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use linecook::vault::KEY_VARIABLE;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::cases::KEY;

/// How long something is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program at a terminal of its own.
pub struct Typist {
    pub child: Child,
    keys: File,
    terminal: OwnedFd,
    shown: Receiver<Vec<u8>>,
    /// Everything that it has shown.
    pub seen: String,
}

impl Typist {
    pub fn start(folder: &Path, arguments: &[&str]) -> Typist {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let terminal =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_linecook"));
        command.args(arguments).current_dir(folder).env(KEY_VARIABLE, KEY);
        command.env("NO_COLOR", "1").env("TERM", "xterm").env_remove("LINECOOK_HIGHLEVEL_TOKEN");
        let end = || terminal.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        let (child, keys) = (command.spawn().unwrap(), File::from(keys));
        let (send, shown) = channel();
        let mut screen = keys.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read) = screen.read(&mut bytes)
                && send.send(bytes[..read].to_vec()).is_ok()
            {}
        });
        Typist { child, keys, terminal, shown, seen: String::new() }
    }

    /// Reads until this stands there, in whatever colours.
    pub fn shows(&mut self, text: &str) {
        while !plain(&self.seen).contains(text) {
            let read = self.shown.recv_timeout(PATIENCE);
            let bytes =
                read.unwrap_or_else(|_| panic!("{text} is not there:\n{}", plain(&self.seen)));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits until keys are (not) shown as they are typed, and types.
    pub fn types(&mut self, shown: bool, keys: &str) {
        let deadline = Instant::now() + PATIENCE;
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

/// What stands there, without what steers the terminal.
fn plain(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let behind = rest[at + 1..].trim_start_matches('[');
        let end = behind.find(|c: char| c.is_ascii_alphabetic()).map_or(behind.len(), |at| at + 1);
        rest = &behind[end..];
    }
    out + rest
}
