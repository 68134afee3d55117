//! `linecook sandbox` as people and their tests use it: the real command, asked over HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use linecook::vault::KEY_VARIABLE;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cases::{KEY, linecook, linecook_with, root, seen};
use crate::service::client;

const TOKENS: [(&str, &str); 2] =
    [("LINECOOK_HIGHLEVEL_TOKEN", "sandbox-highlevel"), ("LINECOOK_STAX_TOKEN", "sandbox-stax")];

/// The command as its own process; killed when it goes out of scope.
struct Pretended {
    child: Child,
    /// What it said at the start.
    greeting: String,
    address: String,
    client: reqwest::Client,
    /// Open as long as it runs.
    _out: BufReader<ChildStdout>,
}

impl Pretended {
    fn start(folder: &Path, arguments: &[&str]) -> Pretended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecook"))
            .args(["sandbox", "--port", "0"])
            .args(arguments)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !TOKENS.iter().all(|(name, _)| greeting.contains(&format!("{name}="))) {
            assert_ne!(out.read_line(&mut greeting).unwrap(), 0, "it ended: {greeting}");
        }
        let address = greeting.split_once("http://").unwrap().1.split('/').next().unwrap();
        let address = format!("http://{address}");
        Pretended { child, address, greeting, client: client(), _out: out }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        let app = path.split('/').nth(1).unwrap();
        request = request.bearer_auth(format!("sandbox-{app}")).header("Version", "2021-07-28");
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, body).await
    }

    /// Comes back when an answer is so.
    async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.get(path).await;
            if is(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{path} stays {answer:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The piece of the greeting that belongs into linecook.yaml.
    fn piece(&self) -> &str {
        let (_, rest) = self.greeting.split_once("For linecook.yaml:\n\n").unwrap();
        rest.split_once("\nAnd before").unwrap().0
    }
}

impl Drop for Pretended {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contact(email: &str) -> Value {
    json!({ "locationId": "sandboxLocation00001", "firstName": "Ada", "email": email })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_in_any_language_can_ask_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let records = "highlevel.contact:\n  - { id: ada, email: ada@example.com }\n";
    std::fs::write(folder.path().join("records.yaml"), records).unwrap();
    let sandbox = Pretended::start(folder.path(), &["--records", "records.yaml"]);
    let (status, answer) = sandbox.post("/highlevel/contacts/", contact("Ada@example.com")).await;
    assert_eq!((status, &answer["meta"]["contactId"]), (400, &json!("ada")));
    let (status, _) = sandbox.post("/stax/customer", json!({ "firstname": "Bo" })).await;
    assert_eq!(status, 200);
    let ledger = sandbox.get("/_sandbox/ledger?operation=highlevel.create-contact").await;
    assert_eq!(ledger["total"], 2);
    let [request] = &ledger["requests"].as_array().unwrap()[..] else { panic!("{ledger}") };
    assert_eq!(request["body"]["email"], "Ada@example.com");
    assert_eq!((&request["status"], &request["took_place"]), (&json!(400), &json!(false)));
    let customers = sandbox.get("/_sandbox/records/stax.customer").await;
    assert_eq!(customers["records"][0]["firstname"], "Bo");
    assert_eq!(sandbox.post("/_sandbox/reset", Value::Null).await.0, 200);
    let customers = sandbox.get("/_sandbox/records/stax.customer").await;
    assert_eq!(customers["records"], json!([]));
    let contacts = sandbox.get("/_sandbox/records/highlevel.contact").await;
    assert_eq!(contacts["records"][0]["id"], "ada");
    assert_eq!(sandbox.get("/_sandbox/ledger").await["total"], 0);
    let (status, answer) = sandbox.ask(Method::PUT, "/_sandbox/ledger", Value::Null).await;
    assert_eq!(status, 404);
    assert!(answer["help"].as_str().unwrap().contains("GET or DELETE ledger"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_wrong_as_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let fail =
        ["--fail", "POST /customer 503 1x", "--fail", "stax.create-customer 422 but done 1x"];
    let sandbox = Pretended::start(folder.path(), &fail);
    let bo = json!({ "firstname": "Bo" });
    let make = async || sandbox.post("/stax/customer", bo.clone()).await.0;
    assert_eq!(sandbox.get("/_sandbox/failures").await["failures"].as_array().unwrap().len(), 2);
    assert_eq!([make().await, make().await, make().await], [503, 422, 200]);
    let customers = sandbox.get("/_sandbox/records/stax.customer").await;
    assert_eq!(customers["records"].as_array().unwrap().len(), 2);
    let failure = json!({ "call": "POST /customer", "status": 500 });
    assert_eq!(sandbox.post("/_sandbox/failures", failure).await.0, 200);
    assert_eq!([make().await, make().await], [500, 500]);
    let gone = sandbox.ask(Method::DELETE, "/_sandbox/failures", Value::Null).await;
    assert_eq!((gone.0, make().await), (200, 200));
    let disconnect = json!({ "call": "POST /customer", "fault": "disconnect", "times": 1 });
    assert_eq!(sandbox.post("/_sandbox/failures", disconnect).await.0, 200);
    let request = sandbox.client.post(format!("{}/stax/customer", sandbox.address));
    assert!(request.bearer_auth("sandbox-stax").json(&bo).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_behaves_otherwise_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let scopes = ["--scopes", "highlevel=contacts.readonly", "--no-rate-limit"];
    let sandbox = Pretended::start(folder.path(), &scopes);
    let make = async || sandbox.post("/highlevel/contacts/", contact("ada@example.com")).await.0;
    assert_eq!(make().await, 401);
    let settings = sandbox.get("/_sandbox/settings").await;
    assert_eq!(settings["settings"]["rate_limit"], false);
    assert_eq!(settings["settings"]["scopes"], json!({ "highlevel": ["contacts.readonly"] }));
    let patch = async |patch: Value| sandbox.ask(Method::PATCH, "/_sandbox/settings", patch).await;
    assert_eq!(patch(json!({ "scopes": { "highlevel": null } })).await.0, 200);
    assert_eq!([make().await, make().await], [201, 400]);
    assert_eq!(patch(json!({ "allow_duplicates": true, "latency_ms": 50 })).await.0, 200);
    let started = Instant::now();
    assert_eq!(make().await, 201);
    assert!(started.elapsed() >= Duration::from_millis(50));
    let (status, answer) = patch(json!({ "latency": 1 })).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("`latency`"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut sandbox = Pretended::start(folder.path(), &[]);
        let id = sandbox.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(sandbox.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn wrong_use_is_said_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("kind.yaml", "highlevel.contacts: []\n");
    write("list.yaml", "stax.customer: { email: ada@example.com }\n");
    for (arguments, said) in [
        (&["--webhooks", "highlevel=https://example.com/"][..], "no address on this machine"),
        (&["--webhooks", "hubspot=http://127.0.0.1/"], "no app `hubspot`"),
        (&["--scopes", "contacts.readonly"], "names no app"),
        (&["--latency", "soon"], "--latency 200ms"),
        (&["--fail", "POST /contact/ 503"], "no app has the operation"),
        (&["--records", "kind.yaml"], "did you mean `highlevel.contact`?"),
        (&["--records", "list.yaml"], "line 1: under `stax.customer`"),
        (&["--records", "none.yaml"], "--records"),
        (&["--drop-webhooks", "101"], "101"),
    ] {
        let output = linecook(folder.path(), &[&["sandbox"], arguments].concat());
        let text = seen(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}

/// The service of a project; killed when it goes out of scope.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn copy_recipes(folder: &Path, recipes: &[&str]) {
    std::fs::create_dir_all(folder.join("recipes/events")).unwrap();
    for recipe in recipes {
        let name = format!("recipes/{recipe}.yaml");
        std::fs::copy(root().join(&name), folder.join(&name)).unwrap();
    }
    for event in std::fs::read_dir(root().join("recipes/events")).unwrap() {
        let event = event.unwrap();
        let to = folder.join("recipes/events").join(event.file_name());
        std::fs::copy(event.path(), to).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_a_project_are_tried_whole() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = ["find-or-create-customer", "customer-updated"];
    copy_recipes(folder.path(), &recipes);
    let port = free_port();
    let hook = format!("highlevel=http://127.0.0.1:{port}/hooks/app/highlevel");
    let sandbox = Pretended::start(folder.path(), &["--webhooks", &hook]);
    // What it prints is all that the project file needs.
    let mut project = format!(
        "listen: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\n{}recipes:\n",
        sandbox.piece()
    );
    recipes.iter().for_each(|r| project.push_str(&format!("  - recipe: recipes/{r}.yaml\n")));
    std::fs::write(folder.path().join("linecook.yaml"), project).unwrap();
    let _serving = Serving(
        Command::new(env!("CARGO_BIN_EXE_linecook"))
            .arg("serve")
            .current_dir(folder.path())
            .env(KEY_VARIABLE, KEY)
            .envs(TOKENS)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    let ready = format!("http://127.0.0.1:{port}/readyz");
    while sandbox.client.get(&ready).send().await.is_err() {
        assert!(Instant::now() < deadline, "it does not start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // There: a contact is made, HighLevel tells of it, and a customer is made.
    let (status, made) = sandbox.post("/highlevel/contacts/", contact("ada@example.com")).await;
    assert_eq!(status, 201, "{made}");
    let is_there = |answer: &Value| answer["records"].as_array().is_some_and(|r| r.len() == 1);
    let customers = sandbox.until("/_sandbox/records/stax.customer", is_there).await;
    let customer = &customers["records"][0];
    assert_eq!(customer["email"], "ada@example.com");
    let id = made["contact"]["id"].as_str().unwrap();
    assert_eq!(customer["reference"], format!("highlevel:{id}"));
    let told = sandbox.get("/_sandbox/webhooks?event=highlevel.contact_created").await;
    assert_eq!(told["webhooks"][0]["fate"], "delivered", "{told}");

    // And back: Stax tells those who registered, and the contact follows.
    let at = folder.path().to_owned();
    let add = move || linecook_with(&at, &["webhooks", "add", "--yes"], &TOKENS);
    let output = tokio::task::spawn_blocking(add).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    let path = format!("/stax/customer/{}", customer["id"].as_str().unwrap());
    let change = json!({ "firstname": "Augusta" });
    assert_eq!(sandbox.ask(Method::PUT, &path, change).await.0, 200);
    let contacts = sandbox
        .until("/_sandbox/records/highlevel.contact", |answer| {
            answer["records"][0]["firstName"] == "Augusta"
        })
        .await;
    assert_eq!(contacts["records"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_lost_on_purpose_and_those_that_nobody_takes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let hook = format!("highlevel=http://127.0.0.1:{}/hooks", free_port());
    let arguments = ["--webhooks", &hook, "--drop-webhooks", "100", "--seed", "7"];
    let mut sandbox = Pretended::start(folder.path(), &arguments);
    sandbox.post("/highlevel/contacts/", contact("ada@example.com")).await;
    let told = sandbox.get("/_sandbox/webhooks").await;
    assert_eq!(told["webhooks"][0]["fate"], "dropped");
    let patch = json!({ "drop_webhooks_percent": 0 });
    assert_eq!(sandbox.ask(Method::PATCH, "/_sandbox/settings", patch).await.0, 200);
    sandbox.post("/highlevel/contacts/", contact("bo@example.com")).await;
    let is_over = |answer: &Value| answer["webhooks"][1]["fate"] == "failed";
    let told = sandbox.until("/_sandbox/webhooks", is_over).await;
    assert_eq!(told["webhooks"][1]["tries"], 4);
    assert_eq!(told["webhooks"][1]["problem"], "nothing listens there");
    let mut line = String::new();
    BufReader::new(sandbox.child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("did not take `ContactCreate` of highlevel"), "{line}");
}
