//! Nothing secret is seen: many secrets go through connecting, dry, failing, live and traced runs, a
//! service and all that looks at it, against apps that repeat what they get in every form. Then everything
//! that was printed or written is searched.
//!
//! `LINECOOK_CANARIES=500 cargo test no_canary -- --nocapture` takes so many, and prints its figures and
//! its seed.

mod echo;
mod search;
mod secrets;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use linecook::connection::{Facts, Secret, Way};
use linecook::store::{RunFilter, RunState, Runs, Store};
use linecook::vault::{
    Client, Contents, Grant, HookSecret, LocationToken, OAuthGrant, Previous, Stored,
};
use serde_json::json;

use crate::cases::{KEY, vault};
use echo::Echo;
use search::Search;
use secrets::Canaries;

const RECIPE: &str = "\
name: Repeats what it is told
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    with: { email: '{{ event.email }}' }
  - call: POST /contacts/:contactId/notes
    retry: off
    with:
      contactId: '{{ steps.contact.contact_id }}'
      body: 'Said: {{ steps.contact.response }}'
";
const STAX_RECIPE: &str = "\
name: Asks Stax
trigger:
  on: stax.customer_updated
steps:
  - call: GET /customer/:id
    retry: off
    with: { id: '{{ event.id }}' }
";

/// Everything that anybody may see: what it is, and its bytes.
type Seen = Vec<(String, Vec<u8>)>;

struct Scene {
    folder: tempfile::TempDir,
    echo: Echo,
    /// Those of HighLevel, and of Stax.
    accounts: (usize, usize),
    environment: Vec<(String, String)>,
    port: u16,
    seen: Seen,
    took: BTreeMap<&'static str, Duration>,
}

impl Scene {
    /// A project with about so many secrets.
    async fn set(canaries: &Canaries, count: usize) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let echo = Echo::start(canaries.clone()).await;
        let mirror = echo::mirror().await;
        let mail = echo::mail().await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Each has two secrets of addresses; every second one a token, the others three or four.
        let (of_highlevel, of_stax) = (count * 9 / 50, count / 12);
        let mut project = format!(
            "live_at_once: true\nlisten: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\nrequest_timeout: 5s\n\
             notify:\n  webhook: http://{}/0/notify/{}\n  \
             email: {{ to: [ada@example.com], from: linecook@example.com, smtp: '{mail}', user: ada }}\n  \
             every: 1s\nconnections:\n",
            echo.address,
            canaries.hook("path of the webhook that tells people"),
        );
        let mut contents = Contents::default();
        let mut recipes = String::from("recipes:\n");
        let mut environment = vec![
            ("LINECOOK_KEY".to_owned(), KEY.to_owned()),
            ("LINECOOK_SMTP_PASSWORD".to_owned(), canaries.password("password of the mail server")),
            ("NO_COLOR".to_owned(), "1".to_owned()),
            ("LINECOOK_LOG".to_owned(), "trace".to_owned()),
        ];
        for number in 0..of_highlevel + of_stax {
            let is_stax = number >= of_highlevel;
            let (app, name) = match is_stax {
                true => ("stax", format!("s{number}")),
                false => ("highlevel", format!("h{number}")),
            };
            let base_url = match number % 10 {
                4 => format!("http://{mirror}"),
                _ => echo.base_url(number),
            };
            let location = if is_stax { "" } else { ", location_id: here" };
            project.push_str(&format!(
                "  {name}: {{ app: {app}{location}, base_url: '{base_url}' }}\n"
            ));
            let hooks = ["newest", "older"].map(|age| HookSecret {
                secret: Secret::new(canaries.hook(&format!("{age} address of {name}"))),
                until: None,
            });
            contents.hooks.insert(name.clone(), hooks.into());
            match number % 6 {
                // A token in the environment.
                0 => environment.push((
                    format!("LINECOOK_{}_TOKEN", name.to_uppercase()),
                    canaries.token(&format!("token of {name} in the environment")),
                )),
                _ => drop(contents.connections.insert(name.clone(), stored(canaries, number, app))),
            }
            match is_stax {
                true => recipes.push_str(&format!(
                    "  - {{ recipe: asks.yaml, name: asks-{name}, connections: {{ stax: {name} }} }}\n"
                )),
                false => recipes.push_str(&format!(
                    "  - {{ recipe: echo.yaml, name: echo-{name}, connections: {{ highlevel: {name}, stax: s{} }} }}\n",
                    of_highlevel + number % of_stax
                )),
            }
        }
        let client = Client {
            client_id: "test-client".into(),
            client_secret: Secret::new(canaries.token("client secret")),
            redirect_uri: "http://localhost:8378/callback".into(),
            pkce: false,
        };
        contents.clients.insert("highlevel".into(), client);
        vault(folder.path()).change(|all| *all = contents).unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("linecook.yaml", &(project + &recipes));
        write("echo.yaml", RECIPE);
        write("asks.yaml", STAX_RECIPE);
        write("event.json", r#"{ "id": "c-1", "email": "ada@example.com" }"#);
        Scene {
            folder,
            echo,
            accounts: (of_highlevel, of_stax),
            environment,
            port,
            seen: Vec::new(),
            took: BTreeMap::new(),
        }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linecook"));
        command
            .args(words.split(' '))
            .current_dir(self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    async fn run(&mut self, words: &str) -> String {
        self.run_with(words, None).await
    }

    /// The same, with something to read.
    async fn run_with(&mut self, words: &str, input: Option<String>) -> String {
        let mut command = self.command(words);
        let work = move || {
            if input.is_some() {
                command.stdin(Stdio::piped());
            }
            let mut child = command.spawn().unwrap();
            if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
                let _ = stdin.write_all(input.as_bytes());
            }
            child.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(work).await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        self.seen.push((format!("`{words}`"), [output.stdout, output.stderr].concat()));
        text
    }

    fn serve(&self) -> Service {
        let log = self.folder.path().join("log.txt");
        let file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut command = self.command("serve");
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Service { child, log }
    }

    fn store(&self) -> Store {
        Store::beside(&self.folder.path().join("linecook.db"), Default::default()).unwrap()
    }

    fn hook(&self, connection: &str, event: &str) -> String {
        let hooks = vault(self.folder.path()).read().unwrap().hooks;
        let secret = hooks[connection][0].secret.expose().to_owned();
        format!("http://127.0.0.1:{}/hooks/{connection}/{secret}/{event}", self.port)
    }

    /// Everything that lies in the folder and is no secret by itself.
    fn files(&mut self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The person wrote the address of their own webhook there.
            if name != "linecook.yaml" {
                self.seen.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
}

struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    async fn ready(&mut self, port: u16) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let client = super::service::client();
        loop {
            let answer = client.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(matches!(self.child.try_wait(), Ok(None)), "it has ended: {}", log());
            assert!(Instant::now() < deadline, "it is not ready: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the vault keeps of a connection, in each of the ways that there are.
fn stored(canaries: &Canaries, number: usize, app: &str) -> Stored {
    let of = |what: &str| Secret::new(canaries.token(&format!("{what} of {app} {number}")));
    let now = Timestamp::now();
    let soon = now + Duration::from_secs(3_600 * 12);
    // Some have to be renewed before anything else.
    let expires_at = if number.is_multiple_of(2) { now } else { soon };
    let is_oauth = app == "highlevel" && number % 6 >= 3;
    let is_company = is_oauth && number % 6 == 5;
    let grant = match is_oauth {
        false => Grant::Token(of("token")),
        true => Grant::OAuth(OAuthGrant {
            client: "highlevel".into(),
            access: of("access token"),
            got_at: now,
            expires_at,
            refresh: of("refresh token"),
            location: is_company.then(|| LocationToken {
                access: of("location token"),
                got_at: now,
                expires_at,
            }),
        }),
    };
    let facts = Facts {
        app: app.into(),
        way: match (is_oauth, app) {
            (true, _) => Way::MarketplaceApp,
            (false, "stax") => Way::ApiKey,
            (false, _) => Way::PrivateToken,
        },
        location_id: (app == "highlevel").then(|| "here".into()),
        company_id: is_company.then(|| "company-1".into()),
        scopes: None,
        is_sandbox: None,
        expires_at: is_oauth.then_some(expires_at),
        since: now,
        lost: None,
    };
    let previous = (number % 6 == 2).then(|| Previous {
        facts: facts.clone(),
        grant: Grant::Token(of("token of before")),
        replaced_at: now,
    });
    Stored { facts, grant, previous }
}

/// Comes back when no run goes on by itself.
async fn quiet(store: &Store, runs: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let counts = store.counts().await.unwrap();
        let all: u64 = counts.iter().map(|(_, n)| n).sum();
        let open = counts.iter().any(|(state, _)| *state == RunState::Open);
        if all as usize >= runs && !open {
            return;
        }
        assert!(Instant::now() < deadline, "they should be {runs} runs: {counts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; `cargo test canary -- --ignored --nocapture` runs it"]
async fn no_canary_is_found_anywhere() {
    let asked = std::env::var("LINECOOK_CANARIES").ok().and_then(|n| n.parse().ok());
    let count: usize = asked.unwrap_or(200);
    let seed = fastrand::u64(..);
    let started = Instant::now();
    let canaries = Canaries::new(seed);
    let mut scene = Scene::set(&canaries, count).await;
    let (of_highlevel, of_stax) = scene.accounts;
    let stax = move |number: usize| format!("s{}", of_highlevel + number % of_stax);

    // Connecting, and commands that need no service.
    let key = canaries.token("key given to connect");
    let connect =
        format!("connect stax --name new --sandbox --base-url {}", scene.echo.base_url(8));
    scene.run_with(&connect, Some(format!("{key}\n"))).await;
    let wrong = canaries.token("private token that is refused");
    let connect = format!(
        "connect highlevel --private-token --name other --location here --base-url {}",
        scene.echo.base_url(5)
    );
    scene.run_with(&connect, Some(format!("{wrong}\n"))).await;
    for words in [
        "check",
        "connections list",
        "connections list --format json",
        "connections test",
        "dry-run echo.yaml --event event.json",
        "dry-run echo.yaml --event event.json --format json",
        "run echo.yaml --event event.json",
    ] {
        scene.run(words).await;
    }
    // Live runs, with tokens of their own.
    for number in 0..3 {
        let token = canaries.token("token of a live run");
        scene.environment.push(("LINECOOK_HIGHLEVEL_TOKEN".to_owned(), token));
        scene.environment.push(("LINECOOK_HIGHLEVEL_LOCATION".to_owned(), "here".to_owned()));
        let format = if number == 0 { "json" } else { "text" };
        let base = scene.echo.base_url(number);
        scene.run(&format!("run echo.yaml --live --event event.json --base-url highlevel={base} --format {format}")).await;
        scene.environment.truncate(scene.environment.len() - 2);
    }
    scene.took.insert("commands", started.elapsed());

    // A service.
    let began = Instant::now();
    let mut service = scene.serve();
    service.ready(scene.port).await;
    let client = super::service::client();
    for number in 0..of_stax {
        let name = stax(number);
        let hook = scene.hook(&name, "customer_created");
        let body = json!({ "id": format!("c-{number}"), "email": "ada@example.com", "said": hook });
        let answer = client.post(&hook).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let hook = scene.hook(&name, "customer_updated");
        assert_eq!(client.post(&hook).json(&body).send().await.unwrap().status(), 202);
        for wrong in
            [hook.replace("/hooks/", "/hooks/x"), format!("{hook}/x"), format!("{hook}%00")]
        {
            let answer = client.post(&wrong).json(&body).send().await.unwrap();
            assert!(answer.status().is_client_error());
            scene.seen.push((
                "an answer of the service".to_owned(),
                answer.bytes().await.unwrap().to_vec(),
            ));
        }
        for broken in ["{", "[]", "null"] {
            let answer = client.post(&hook).body(broken).send().await.unwrap();
            scene.seen.push((
                "an answer of the service".to_owned(),
                answer.bytes().await.unwrap().to_vec(),
            ));
        }
    }
    let store = scene.store();
    quiet(&store, of_highlevel + of_stax).await;
    let metrics =
        client.get(format!("http://127.0.0.1:{}/metrics", scene.port)).send().await.unwrap();
    scene.seen.push(("metrics".to_owned(), metrics.bytes().await.unwrap().to_vec()));
    let filter = RunFilter { limit: 1_000, ..RunFilter::default() };
    let runs = store.runs(filter).await.unwrap();
    scene.took.insert("service", began.elapsed());

    // All that looks at it.
    let began = Instant::now();
    let mut shown = 0;
    for run in runs.iter().step_by(runs.len().div_ceil(12)) {
        shown += 1;
        scene.run(&format!("runs show {}", run.id)).await;
    }
    scene.run(&format!("runs show {} --format json", runs[0].id)).await;
    for words in [
        "runs list",
        "runs list --format json",
        "events list",
        "events show event-1",
        "events show event-2 --format json",
        "dry-run echo.yaml --event latest",
        "doctor",
        "doctor --format json",
        "connections list",
        "webhooks add --yes",
        "webhooks remove --yes --format json",
        "backup copy.db",
    ] {
        scene.run(words).await;
    }
    let rotate = format!("webhooks rotate {} --yes", stax(0));
    scene.run(&rotate).await;
    // This one shows addresses, on purpose, and nothing else.
    let list = scene.run("webhooks list").await;
    let (_, listed) = scene.seen.pop().unwrap();
    scene.took.insert("looking", began.elapsed());
    drop(store);
    drop(service);
    scene.files();

    // The search.
    let began = Instant::now();
    let all = canaries.all();
    let search = Search::new(&all);
    let mut bytes = 0;
    let mut wrong = Vec::new();
    for (what, text) in &scene.seen {
        bytes += text.len();
        for (secret, form) in search.found(text) {
            wrong.push(format!("{what} shows, {form}: {secret}"));
        }
    }
    for (secret, form) in search.found(&listed) {
        if !secret.contains("address of") {
            wrong.push(format!("`webhooks list` shows, {form}: {secret}"));
        }
    }
    scene.took.insert("search", began.elapsed());
    println!("seed {seed}");
    println!(
        "{} secrets through {} commands and a service with {} runs, of which {shown} were shown; {} kinds of output, {:.1} MB, searched in every form: {} found; {:.1} s ({:?})",
        all.len(),
        scene.seen.iter().filter(|(what, _)| what.starts_with('`')).count(),
        runs.len(),
        scene.seen.len(),
        bytes as f64 / 1e6,
        wrong.len(),
        started.elapsed().as_secs_f64(),
        scene.took,
    );
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));

    // It was a hard test: secrets were used, repeated, hidden and logged.
    let used = scene.echo.seen();
    let tokens = all.iter().filter(|(what, text)| what.contains("token") && used.contains(text));
    let tokens = tokens.count();
    assert!(tokens * 3 > all.len() / 2, "only {tokens} tokens were used");
    let everything: Vec<u8> = scene.seen.iter().flat_map(|(_, text)| text.clone()).collect();
    let everything = String::from_utf8_lossy(&everything);
    assert!(everything.matches("[secret]").count() > 100, "little was hidden");
    let traced = everything.matches("TRACE").count();
    assert!(traced > 300, "{traced} lines of traces");
    assert!(everything.contains("could not be told by e-mail"), "no mail was tried");
    assert!(list.contains("/hooks/"), "{list}");
}

/// A search that finds nothing shows nothing, unless it can find.
#[test]
fn the_search_finds_every_secret_in_every_form() {
    let canaries = Canaries::new(7);
    for _ in 0..40 {
        canaries.token("a token");
        canaries.hook("a hook");
        canaries.password("a password");
    }
    for (what, text) in canaries.all() {
        let search = Search::new(&[(what.clone(), text.clone())]);
        for form in echo::forms(&text) {
            let line = format!("{{\"message\":\"before {form} after\"}}");
            assert_eq!(search.found(line.as_bytes()).len(), 1, "{what} {text}: {form}");
        }
        assert!(
            search.found(format!("before {} after", &text[..text.len() - 2]).as_bytes()).is_empty()
        );
    }
}
