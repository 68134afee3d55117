//! The program, with somebody who types and reads, at what is no terminal.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use linecook::vault::KEY_VARIABLE;

use crate::cases::KEY;

/// The program, with somebody who types and reads.
pub struct Terminal {
    child: Child,
    typing: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: String,
}

impl Terminal {
    pub fn start(folder: &Path, arguments: &[&str]) -> Terminal {
        Terminal::with(folder, arguments, &[])
    }

    /// The same with more in its environment.
    pub fn with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Terminal {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecook"))
            .args(arguments)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .env(KEY_VARIABLE, KEY)
            .env_remove("LINECOOK_HIGHLEVEL_TOKEN")
            .env_remove("LINECOOK_STAX_TOKEN")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for reader in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines() {
                    let _ = sender.send(line.unwrap());
                }
            });
        }
        let typing = child.stdin.take();
        Terminal { child, typing, lines, seen: String::new() }
    }

    /// It may have ended without reading it.
    pub fn type_in(&mut self, text: &str) {
        let typing = self.typing.as_mut().unwrap();
        let _ = typing.write_all(text.as_bytes());
        let _ = typing.flush();
    }

    /// Waits for a line, and gives it.
    pub fn line(&mut self, begin: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|e| panic!("no line {begin:?} ({e}):\n{}", self.seen));
            self.seen.push_str(&format!("{line}\n"));
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// The address to open in a browser.
    pub fn address(&mut self) -> String {
        self.line("http")
    }

    /// Types nothing more, and waits for the end.
    pub fn end(mut self) -> (String, i32) {
        self.typing = None;
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(60)) {
            self.seen.push_str(&format!("{line}\n"));
        }
        let code = self.child.wait().unwrap().code().unwrap();
        (std::mem::take(&mut self.seen), code)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
