//! A real browser without a window, driven over WebDriver (https://www.w3.org/TR/webdriver2/).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How WebDriver names elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own.
pub struct Browser {
    client: Client,
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    pub async fn open() -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: tests/browser/run does it");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.into_iter().find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver says where it listens");
        let profile = tempfile::tempdir().unwrap();
        let mut arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=900,600",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({
            "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": { "args": arguments },
                "goog:loggingPrefs": { "browser": "ALL" },
            } },
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}/session");
        let made = send(client.post(&base).json(&wanted)).await;
        let session = format!("{base}/{}", made["sessionId"].as_str().unwrap());
        Browser { client, session, driver, _profile: profile }
    }

    pub async fn go(&self, address: &str) {
        self.post("url", json!({ "url": address })).await;
    }

    pub async fn click(&self, selector: &str) {
        let found =
            self.post("element", json!({ "using": "css selector", "value": selector })).await;
        let element = found[ELEMENT].as_str().unwrap();
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    /// What a piece of JavaScript gives.
    pub async fn ask(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    pub async fn title(&self) -> String {
        self.get("title").await.as_str().unwrap().to_owned()
    }

    pub async fn address(&self) -> String {
        self.get("url").await.as_str().unwrap().to_owned()
    }

    pub async fn source(&self) -> String {
        self.get("source").await.as_str().unwrap().to_owned()
    }

    /// What the browser itself complains about, such as something that a page may not load.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Waits until the page has this title.
    pub async fn shows(&self, title: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.title().await != title {
            assert!(Instant::now() < deadline, "no {title:?}:\n{}", self.source().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn screenshot(&self) -> Vec<u8> {
        STANDARD.decode(self.get("screenshot").await.as_str().unwrap()).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        send(self.client.get(format!("{}/{path}", self.session))).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        send(self.client.post(format!("{}/{path}", self.session)).json(&body)).await
    }

    pub async fn close(self) {
        send(self.client.delete(&self.session)).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

async fn send(request: reqwest::RequestBuilder) -> Value {
    let answer = request.timeout(Duration::from_secs(60)).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body["value"].clone()
}
