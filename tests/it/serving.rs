//! `linecook serve` as its own process, with its log.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use linecook::sandbox::World;
use linecook::vault::KEY_VARIABLE;
use serde_json::{Value, json};

use crate::cases::KEY;
use crate::service::client;

/// Killed when it goes out of scope. Its connections are `main` and `stax`, with the sandbox's tokens.
pub struct Serving {
    child: Child,
    log: std::io::Lines<BufReader<ChildStderr>>,
}

impl Serving {
    pub fn start(folder: &Path) -> Serving {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecook"))
            .args(["serve", "--log", "json"])
            .current_dir(folder)
            .env("XDG_CONFIG_HOME", folder)
            .env(KEY_VARIABLE, KEY)
            .env("LINECOOK_MAIN_TOKEN", World::token("highlevel"))
            .env("LINECOOK_STAX_TOKEN", World::token("stax"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Serving { child, log }
    }

    /// The next line of the log that holds this.
    pub fn says(&mut self, what: &str) -> String {
        loop {
            let line = self.log.next().expect("the service still runs").unwrap();
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Where it listens, as its log says.
    pub fn address(&mut self) -> String {
        let line = self.says("linecook listens on");
        line.split("http://").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

/// Posts customers to a hook, each a new one.
pub struct Customers {
    client: reqwest::Client,
    hook: String,
    number: usize,
}

impl Customers {
    pub fn to(hook: String) -> Customers {
        Customers { client: client(), hook, number: 0 }
    }

    pub async fn post(&mut self) {
        self.number += 1;
        let id = format!("c{}", self.number);
        let customer: Value = json!({ "id": id, "email": format!("{id}@example.com") });
        let answer = self.client.post(&self.hook).json(&customer).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
